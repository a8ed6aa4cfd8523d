// What the supervisor of services says to itself; services are told to end by exit messages, and say what they die of with ActorFailed.
#pragma once
#include <cstdint>

#include "actors/messages/messages.h"

namespace weir {

/// A timer: the pause before a start is over.
struct StartService {
  std::uint32_t index = 0;
};
/// A timer: who has not ended by now has had its time; `killed`: also for dying.
struct ServicesOverdue {
  bool killed = false;
};

}  // namespace weir

WEIR_IN_PROCESS_MESSAGE(StartService)
WEIR_IN_PROCESS_MESSAGE(ServicesOverdue)

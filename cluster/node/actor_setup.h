// What the commands that run actors share: CAF's settings, and the one thing they wait for.
#pragma once
#include <caf/actor_system_config.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "runtime/base/result.h"

namespace weir {

class NodeConfiguration : public caf::actor_system_config {
 public:
  NodeConfiguration() {
    set("scheduler.max-threads", static_cast<std::size_t>(std::max(2u, std::thread::hardware_concurrency())));
    set("scheduler.max-throughput", static_cast<std::size_t>(50));  // a busy actor gives its worker back
  }
};

/// What the actors tell the thread that waits.
struct Ending {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  Result<void> result;
  std::uint64_t accepted = 0;
};

/// How often partitions are told that time passes. Ids are forgotten in sixteenths of dedupe.remember, so this is often enough.
inline constexpr std::chrono::milliseconds kPassTime{1'000};

}  // namespace weir

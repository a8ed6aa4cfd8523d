// The handlers every actor of the house starts from: CAF's defaults print to stdout, answer strangers and quit silently.
#pragma once
#include <exception>
#include <string>

#include "actors/messages/messages.h"

namespace weir {

/// Installs, on `self`:
///  - default: an unexpected message is an error in our own wiring: logged, and the actor dies with it;
///  - error: an error message ends the actor with that error;
///  - exit: a linked actor's death, or a supervisor's wish, ends the actor with the same reason;
///  - exception: its text is sent to `supervisor` as ActorFailed (CAF loses it), which writes it down; then the actor dies.
/// Down handlers are the actor's own business.
void install_house_handlers(caf::event_based_actor* self, std::string who, caf::actor_addr supervisor);

/// What an exception says of itself; something for one that says nothing.
[[nodiscard]] std::string text_of(const std::exception_ptr& pointer);

/// Tells the supervisor why and ends the actor.
void fail_actor(caf::event_based_actor* self, const std::string& who, const caf::actor_addr& supervisor, Error error);

}  // namespace weir

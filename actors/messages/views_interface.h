// How a partition starts its views: the wiring knows the concrete actor, the partition only this.
#pragma once
#include <functional>
#include <memory>

#include "actors/messages/caf_forms.h"

namespace weir {

struct ViewsSetup;  // of runtime/engine/views_setup.h: filled by the partition, used by the views actor

/// Spawns the views actor monitored by its partition; it dies with it.
using ViewsSpawner = std::function<caf::actor(caf::event_based_actor* partition, std::shared_ptr<ViewsSetup> setup)>;

}  // namespace weir

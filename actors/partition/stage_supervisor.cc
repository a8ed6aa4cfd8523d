#include "actors/partition/stage_supervisor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/base/invariant.h"

namespace weir {

void StageSupervisor::add(std::shared_ptr<const ChainRules> rules) {
  INVARIANT(!full(), "two versions of the rules are at work at most");
  chains_.push_back({std::move(rules), {}, {}});
  start(chains_.back());
}

void StageSupervisor::end_unused(const PartitionWindow& window) {
  for (auto chain = chains_.begin(); chain != chains_.end();) {
    const bool used = window.uses(chain->rules->version);
    if (!used) end(*chain);
    chain = used ? chain + 1 : chains_.erase(chain);
  }
}

void StageSupervisor::replace_all() {
  for (Chain& chain : chains_) start(chain);
}

void StageSupervisor::end_all() {
  for (Chain& chain : chains_) end(chain);
  chains_.clear();
}

const std::shared_ptr<const std::vector<caf::actor>>& StageSupervisor::route_of(const RulesVersion& version) const {
  const auto chain = std::find_if(chains_.begin(), chains_.end(), [&](const Chain& c) { return &c.rules->version == &version; });
  INVARIANT(chain != chains_.end(), "the stages of a version stay until its last batch is decided");
  return chain->route;
}

bool StageSupervisor::has_stage(const caf::actor_addr& who) const {
  return std::any_of(chains_.begin(), chains_.end(), [&](const Chain& chain) {
    return std::any_of(chain.stages.begin(), chain.stages.end(), [&](const caf::actor& stage) { return who == stage.address(); });
  });
}

/// In place of those it had.
void StageSupervisor::start(Chain& chain) {
  end(chain);
  for (const ChainStepFactory& make : chain.rules->steps) {
    auto step = make();
    const std::string who = fmt::format("{}/{}", step->name(), partition_.value);
    chain.stages.push_back(spawn_stage(self_, std::move(step), who));
  }
  auto route = std::make_shared<std::vector<caf::actor>>(chain.stages);
  route->push_back(caf::actor_cast<caf::actor>(self_));
  chain.route = std::move(route);
}

void StageSupervisor::end(Chain& chain) {
  for (const caf::actor& stage : chain.stages) {
    self_->demonitor(stage);
    self_->send_exit(stage, caf::exit_reason::kill);
  }
  chain.stages.clear();
}

}  // namespace weir

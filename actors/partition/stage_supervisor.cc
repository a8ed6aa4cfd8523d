#include "actors/partition/stage_supervisor.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

void StageSupervisor::add(std::shared_ptr<const ChainRules> rules) {
  INVARIANT(!full(), "two versions of the rules are at work at most");
  chains_.push_back({std::move(rules), {}, {}, {}});
  start(chains_.back(), 0);
}

void StageSupervisor::end_unused(const PartitionWindow& window) {
  for (auto chain = chains_.begin(); chain != chains_.end();) {
    const bool used = window.uses(chain->rules->version);
    if (!used) end(*chain, 0);
    chain = used ? chain + 1 : chains_.erase(chain);
  }
  // A stage that no version has any more leaves the tree.
  for (auto known = records_.begin(); known != records_.end();) {
    const bool used = std::any_of(chains_.begin(), chains_.end(), [&](const Chain& chain) {
      return std::find(chain.names.begin(), chain.names.end(), known->first) != chain.names.end();
    });
    if (!used) setup_.board->remove(known->second.entry()->path());
    known = used ? std::next(known) : records_.erase(known);
  }
}

void StageSupervisor::end_all() {
  for (Chain& chain : chains_) end(chain, 0);
  for (auto& [name, record] : records_) record.state(ActorState::stopped);
  chains_.clear();
}

const std::shared_ptr<const std::vector<caf::actor>>& StageSupervisor::route_of(const RulesVersion& version) const {
  const auto chain = std::find_if(chains_.begin(), chains_.end(), [&](const Chain& c) { return &c.rules->version == &version; });
  INVARIANT(chain != chains_.end(), "the stages of a version stay until its last batch is decided");
  INVARIANT(!broken_, "no work goes to a chain with a dead stage");
  return chain->route;
}

bool StageSupervisor::failing(const std::string& who, const Error& error, bool excused) {
  for (auto& [name, record] : records_) {
    if (who != fmt::format("{}/{}", name, setup_.partition.value)) continue;
    record.failing(error, excused);
    return true;
  }
  return false;
}

bool StageSupervisor::has_stage(const caf::actor_addr& who) const {
  return std::any_of(chains_.begin(), chains_.end(), [&](const Chain& chain) {
    return std::any_of(chain.stages.begin(), chain.stages.end(), [&](const caf::actor& stage) { return stage && who == stage.address(); });
  });
}

std::optional<std::chrono::microseconds> StageSupervisor::died(const caf::actor_addr& who) {
  for (Chain& chain : chains_) {
    for (std::size_t i = 0; i < chain.stages.size(); ++i) {
      if (!chain.stages[i] || who != chain.stages[i].address()) continue;
      chain.stages[i] = nullptr;
      ChildRecord& dead = record(chain.names[i]);
      const auto pause = dead.died(*setup_.clock);
      last_error_ = dead.error();
      if (!pause) return std::nullopt;
      return std::exchange(broken_, true) ? std::chrono::microseconds(0) : *pause;
    }
  }
  INVARIANT(false, "whoever died is a stage of this partition");
  return std::nullopt;
}

void StageSupervisor::restart() {
  broken_ = false;
  for (Chain& chain : chains_) {
    const auto dead = std::find(chain.stages.begin(), chain.stages.end(), nullptr);
    if (dead != chain.stages.end()) start(chain, static_cast<std::size_t>(dead - chain.stages.begin()));
  }
}

void StageSupervisor::progress() {
  for (auto& [name, record] : records_) record.progress(*setup_.clock);
}

ChildRecord& StageSupervisor::record(const std::string& name) {
  const auto known = records_.find(name);
  if (known != records_.end()) return known->second;
  const std::string path = fmt::format("{}/{}", setup_.entry->path(), name);
  return records_.emplace(name, ChildRecord{setup_.stage_restarts, xxh3_64(path, setup_.seed), setup_.board->entry(path, "batches")}).first->second;
}

void StageSupervisor::start(Chain& chain, std::size_t from) {
  end(chain, from);
  StagePorts ports = setup_.stage_ports;
  ports.partition = setup_.partition;
  for (std::size_t i = from; i < chain.rules->steps.size(); ++i) {
    auto step = chain.rules->steps[i](ports);
    chain.names.push_back(step->name());
    ChildRecord& known = record(chain.names.back());
    known.started(ActorState::running);
    known.entry()->load(0, setup_.window.rounds_max);
    const std::string who = fmt::format("{}/{}", chain.names.back(), setup_.partition.value);
    chain.stages.push_back(spawn_stage(self_, {std::move(step), who, known.entry(), setup_.window.rounds_max, setup_.marks, setup_.partition}));
  }
  auto route = std::make_shared<std::vector<caf::actor>>(chain.stages);
  route->push_back(caf::actor_cast<caf::actor>(self_));
  chain.route = std::move(route);
}

void StageSupervisor::end(Chain& chain, std::size_t from) {
  for (std::size_t i = from; i < chain.stages.size(); ++i) {
    if (!chain.stages[i]) continue;
    self_->demonitor(chain.stages[i]);
    self_->send_exit(chain.stages[i], caf::exit_reason::kill);
  }
  chain.stages.resize(std::min(from, chain.stages.size()));
  chain.names.resize(chain.stages.size());
}

}  // namespace weir

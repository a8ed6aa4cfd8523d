#include "actors/plugin/pending_stage.h"

#include "actors/plugin/pending_work.h"

namespace weir {

std::unique_ptr<Stage> PendingStage::make(const StageConfig& config, std::unique_ptr<const PluginCalls> calls) {
  const auto& body = std::get<PluginStageConfig>(config.body);
  const PendingKeys keys = pending_keys(*body.kind, body.values);
  return std::unique_ptr<Stage>(new PendingStage(std::move(calls), {keys.deadline, keys.pending_max}));
}

std::unique_ptr<StageWork> PendingStage::make_work(const StagePorts& ports, StageWorkHost host) const {
  return std::make_unique<PendingWork>(*calls_, limits_, ports, std::move(host));
}

}  // namespace weir

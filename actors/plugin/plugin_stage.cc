#include "actors/plugin/plugin_stage.h"

#include <span>
#include <vector>

#include "actors/plugin/pending_stage.h"

namespace weir {

/// Of one partition.
struct PluginStage::Work final : StageMemory {
  PluginPlaces places;
  bool split = false;
  std::vector<weir_event*> all;
  PluginMessage message;
};

Result<std::unique_ptr<Stage>> PluginStage::compile(const StageConfig& config, StageContext& context) {
  WEIR_ASSIGN(auto calls, PluginCalls::make(config, context));
  if (std::get<PluginStageConfig>(config.body).kind->raw.resume != nullptr) return PendingStage::make(config, std::move(calls));
  return std::unique_ptr<Stage>(new PluginStage(std::move(calls)));
}

void PluginStage::process(ChainBatch& batch, StageScratch& scratch) const {
  auto& memory = scratch.own[this];
  if (memory == nullptr) memory = std::make_unique<Work>();
  auto& work = static_cast<Work&>(*memory);
  work.places.clear();
  work.split = false;
  work.all.clear();
  if (calls_->in_batches()) {
    decide_all(batch, work);
  } else {
    decide_each(batch, scratch, work);
  }
  if (work.split) calls_->split(batch, work.places);
}

void PluginStage::decide_each(ChainBatch& batch, StageScratch& scratch, Work& work) const {
  const bool splits = calls_->splits();
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!calls_->gets(events[i], batch)) continue;
    PluginPlace& place = calls_->place(batch, i, work.places);
    scratch.inside(batch, events[i]);
    calls_->decide(place, work.message);
    take(batch, work, place);
    if (!splits) work.places.clear();  // its memory for the next one
  }
  scratch.inside_all(batch);
}

void PluginStage::decide_all(ChainBatch& batch, Work& work) const {
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (calls_->gets(events[i], batch)) work.all.push_back(&calls_->place(batch, i, work.places).raw);
  }
  if (work.all.empty()) return;
  calls_->decide_batch(work.all, work.message);
  for (std::size_t i = 0; i < work.places.size(); ++i) take(batch, work, work.places[i]);
}

void PluginStage::take(ChainBatch& batch, Work& work, PluginPlace& place) const {
  static_cast<void>(calls_->take(batch, place));  // pending is a crash here
  work.split = work.split || (!place.parts.empty() && batch.events()[place.event].verdict == Verdict::pass);
}

}  // namespace weir

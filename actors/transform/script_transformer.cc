#include "actors/transform/script_transformer.h"

#include <fmt/format.h>

#include <span>
#include <utility>
#include <vector>

#include "runtime/base/invariant.h"

namespace weir {

/// A running copy of the script, for one partition.
struct ScriptTransformer::Running final : StageMemory {
  std::unique_ptr<ScriptState> state;
  ScriptAnswer answer;
  struct Split {
    std::size_t place;  // of the event in the batch
    std::size_t first;  // of its parts
    std::size_t count;
  };
  std::vector<Split> splits;
  std::vector<Document> parts;
};

Result<std::unique_ptr<Stage>> ScriptTransformer::compile(const StageConfig& config, StageContext& context) {
  const auto& script = *std::get<TransformConfig>(config.body).script;
  INVARIANT(context.scripts != nullptr, "the wiring knows how to read scripts");
  auto stage = std::unique_ptr<ScriptTransformer>(new ScriptTransformer(config.name));
  stage->plan_ = &context.fields;
  WEIR_ASSIGN(stage->when_, Condition::compile(config.when, context.fields));
  WEIR_ASSIGN(const std::string text, context.read(script.file));
  WEIR_ASSIGN(stage->script_, context.scripts->load(script, text, ScriptEntry::transform, context.fields));
  return std::unique_ptr<Stage>(std::move(stage));
}

void ScriptTransformer::process(ChainBatch& batch, StageScratch& scratch) const {
  auto& memory = scratch.own[this];
  if (memory == nullptr) {
    auto fresh = std::make_unique<Running>();
    fresh->state = script_->start();
    memory = std::move(fresh);
  }
  auto& running = static_cast<Running&>(*memory);
  running.state->between_batches();
  running.splits.clear();
  running.parts.clear();
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    ChainEvent& event = events[i];
    if (event.verdict != Verdict::pass) continue;
    scratch.inside(batch, event);
    if (!when_.holds(event, batch)) continue;
    running.state->transform(batch, event, running.answer);
    switch (running.answer.kind) {
      case ScriptAnswer::Kind::keep:
        break;
      case ScriptAnswer::Kind::filter:
        batch.filter(event);
        break;
      case ScriptAnswer::Kind::reject:
      case ScriptAnswer::Kind::fault:
        batch.reject(event, name_, "script", running.answer.text);
        break;
      case ScriptAnswer::Kind::split: {
        const std::vector<Document>& parts = running.answer.parts;
        running.splits.push_back({i, running.parts.size(), parts.size()});
        running.parts.insert(running.parts.end(), parts.begin(), parts.end());
        break;
      }
    }
  }
  scratch.inside_all(batch);
  if (!running.splits.empty()) split(batch, running);
}

void ScriptTransformer::split(ChainBatch& batch, const Running& running) const {
  ChainSplit out(batch, *plan_);
  auto next = running.splits.begin();
  const std::span<ChainEvent> events = batch.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    ChainEvent& event = events[i];
    if (next == running.splits.end() || next->place != i) {
      if (event.verdict == Verdict::reject) {
        out.reject(event);
      } else {
        out.keep(event);
      }
      continue;
    }
    for (std::size_t k = next->first; k < next->first + next->count; ++k) {
      ChainEvent* const part = out.add_part(event);
      if (part == nullptr) {
        batch.reject(event, name_, "output_too_large", fmt::format("the event has more than {} parts", kEventPartsMax));
        out.reject(event);
        break;
      }
      part->document = running.parts[k];
    }
    ++next;
  }
  out.finish();
}

}  // namespace weir

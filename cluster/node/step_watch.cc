#include "cluster/node/step_watch.h"

#include <map>

#include "actors/enrich/enricher.h"
#include "actors/validate/validator.h"
#include "runtime/event/splice.h"

namespace weir {

namespace {

class WatchedStep final : public ChainStep {
 public:
  WatchedStep(std::unique_ptr<ChainStep> inner, std::size_t step, const CompiledPipeline& pipeline,
              const StepObserver& observer)
      : inner_(std::move(inner)), step_(step), pipeline_(pipeline), observer_(observer) {}
  [[nodiscard]] std::string name() const override { return inner_->name(); }
  void attach(StageWorkHost host) override { inner_->attach(std::move(host)); }
  void run(ChainBatch& batch, CodeMark& mark) override {
    SeenStep seen = before(batch);
    inner_->run(batch, mark);
    tell(std::move(seen), batch);
  }
  [[nodiscard]] bool begin(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    SeenStep seen = before(batch);
    const bool decided = inner_->begin(batch, round, mark);
    if (decided) {
      tell(std::move(seen), batch);
    } else {
      waiting_.emplace(round, std::move(seen));
    }
    return decided;
  }
  void finish(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    inner_->finish(batch, round, mark);
    auto seen = waiting_.extract(round);
    tell(std::move(seen.mapped()), batch);
  }
  void forget(RoundNumber round) noexcept override {
    waiting_.erase(round);
    inner_->forget(round);
  }

 private:
  [[nodiscard]] SeenStep before(ChainBatch& batch) const {
    SeenStep seen;
    seen.step = step_;
    seen.before = look(batch, step_ != 0);
    if (step_ != 0) look_ahead(batch, seen.before);
    return seen;
  }
  void tell(SeenStep seen, ChainBatch& batch) const {
    seen.after = look(batch, true);
    if (step_ != 0) look_back(batch, seen.before, seen.after);
    observer_(seen);
  }
  void look_ahead(ChainBatch& batch, std::vector<SeenEvent>& events) const {
    const StageConditions& conditions = pipeline_.conditions(step_ - 1);
    const auto* enricher = dynamic_cast<const Enricher*>(pipeline_.plan().stages()[step_ - 1].get());
    for (std::size_t i = 0; i < events.size(); ++i) {
      const ChainEvent& event = batch.events()[i];
      events[i].applies = event.verdict == Verdict::pass && conditions.when.holds(event, batch);
      events[i].found = events[i].applies && enricher != nullptr && enricher->finds(event, batch);
    }
  }
  /// Validate leaves as many events as came, in their order.
  void look_back(ChainBatch& batch, const std::vector<SeenEvent>& before, std::vector<SeenEvent>& after) const {
    const auto* validator = dynamic_cast<const Validator*>(pipeline_.plan().stages()[step_ - 1].get());
    if (validator == nullptr) return;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (!before[i].applies) continue;
      ChainEvent& event = batch.events()[i];
      for (const Condition& rule : pipeline_.conditions(step_ - 1).rules)
        after[i].rules.push_back(rule.holds(event, batch));
      if (event.verdict != Verdict::reject) continue;
      for (const Violation& violation : validator->violations(batch, event, *scratch_))
        after[i].violations.emplace_back(violation.reason, violation.text);
    }
  }
  [[nodiscard]] std::vector<SeenEvent> look(const ChainBatch& batch, bool parsed) const {
    std::vector<SeenEvent> events;
    for (const ChainEvent& event : batch.events()) {
      SeenEvent seen;
      seen.index = event.index;
      seen.part = event.part;
      seen.verdict = event.verdict;
      seen.split = event.split;
      seen.event_time = event.event_time;
      if (parsed && event.verdict == Verdict::pass) {
        ByteArena bytes;
        encode_document(event.document, pipeline_.plan().fields(), bytes);
        seen.record = std::string(bytes.data(), bytes.size());
      }
      if (event.rejection != nullptr) {
        seen.stage = event.rejection->stage;
        seen.reason = event.rejection->reason;
        seen.details = event.rejection->details;
      }
      events.push_back(std::move(seen));
    }
    return events;
  }

  std::unique_ptr<ChainStep> inner_;
  std::size_t step_;
  const CompiledPipeline& pipeline_;
  const StepObserver& observer_;
  std::map<RoundNumber, SeenStep> waiting_;
  std::unique_ptr<StageScratch> scratch_ = std::make_unique<StageScratch>();
};

}  // namespace

StepsWrapper watch_steps(const CompiledPipeline& pipeline, const StepObserver& observer) {
  return [&pipeline, &observer](std::vector<ChainStepFactory> steps) {
    std::vector<ChainStepFactory> watched;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      watched.push_back([inner = std::move(steps[i]), i, &pipeline, &observer](const StagePorts& ports) {
        return std::make_unique<WatchedStep>(inner(ports), i, pipeline, observer);
      });
    }
    return watched;
  };
}

}  // namespace weir

#include "cluster/node/tapped_step.h"

#include <map>
#include <utility>
#include <vector>

#include "runtime/event/splice.h"

namespace weir {

namespace {

/// The events that a step was given to decide, by their index in the batch; nobody looks: none.
using Given = std::vector<bool>;

class TappedStep final : public ChainStep {
 public:
  TappedStep(std::unique_ptr<ChainStep> inner, std::shared_ptr<const ChainPlan> plan, std::shared_ptr<TapRing> ring, const Clock& clock)
      : inner_(std::move(inner)), plan_(std::move(plan)), ring_(std::move(ring)), clock_(clock) {}
  [[nodiscard]] std::string name() const override { return inner_->name(); }
  void attach(StageWorkHost host) override { inner_->attach(std::move(host)); }
  void run(ChainBatch& batch, CodeMark& mark) override {
    const Given given = before(batch);
    inner_->run(batch, mark);
    show(given, batch);
  }
  [[nodiscard]] bool begin(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    Given given = before(batch);
    const bool decided = inner_->begin(batch, round, mark);
    if (decided) {
      show(given, batch);
    } else if (!given.empty()) {
      waiting_.emplace(round, std::move(given));
    }
    return decided;
  }
  void finish(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    inner_->finish(batch, round, mark);
    if (const auto given = waiting_.extract(round)) show(given.mapped(), batch);
  }
  void forget(RoundNumber round) noexcept override {
    waiting_.erase(round);
    inner_->forget(round);
  }

 private:
  [[nodiscard]] Given before(const ChainBatch& batch) const {
    Given given;
    if (!ring_->wanted(clock_.now())) return given;
    given.resize(batch.input().count());
    for (const ChainEvent& event : batch.events())
      if (event.verdict == Verdict::pass) given[event.index] = true;
    return given;
  }

  void show(const Given& given, const ChainBatch& batch) const {
    if (given.empty()) return;
    std::uint64_t count = 0;
    for (const ChainEvent& event : batch.events()) count += given[event.index] ? 1 : 0;
    std::uint64_t left = ring_->admit(count, clock_.now());
    std::vector<TapItem> items;
    for (const ChainEvent& event : batch.events()) {
      if (left == 0) break;
      if (!given[event.index]) continue;
      --left;
      items.push_back(item_of(event, batch));
    }
    if (!items.empty()) ring_->put(std::move(items));
  }

  [[nodiscard]] TapItem item_of(const ChainEvent& event, const ChainBatch& batch) const {
    static constexpr const char* kVerdicts[] = {"pass", "filter", "reject", "retry"};
    TapItem item;
    item.partition = batch.partition();
    item.offset = batch.offset(event);
    item.part = event.part;
    item.id = batch.raw(event).id;
    item.verdict = kVerdicts[static_cast<std::size_t>(event.verdict)];
    if (event.rejection != nullptr) {
      item.reason = event.rejection->reason;
      item.details = event.rejection->details;
    }
    if (event.verdict == Verdict::pass) {
      ByteArena bytes;
      encode_document(event.document, plan_->fields(), bytes);
      item.record = std::string(bytes.data(), bytes.size());
    }
    return item;
  }

  std::unique_ptr<ChainStep> inner_;
  std::shared_ptr<const ChainPlan> plan_;
  std::shared_ptr<TapRing> ring_;
  const Clock& clock_;
  std::map<RoundNumber, Given> waiting_;
};

}  // namespace

std::unique_ptr<ChainStep> tapped_step(std::unique_ptr<ChainStep> inner, std::shared_ptr<const ChainPlan> plan, std::shared_ptr<TapRing> ring,
                                       const Clock& clock) {
  return std::make_unique<TappedStep>(std::move(inner), std::move(plan), std::move(ring), clock);
}

}  // namespace weir

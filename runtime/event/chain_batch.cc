#include "runtime/event/chain_batch.h"

#include <cstring>
#include <string>

#include "runtime/base/invariant.h"
#include "runtime/base/json_text.h"

namespace weir {

void ChainBatch::begin(IngestBatch input, PartitionId partition, Offset first, RetryHistory history, std::span<const Offset> offsets) {
  // A batch of many parts must not keep their memory for ever.
  constexpr std::size_t kKept = std::size_t{16} * kChainEventsMax;
  if (events_.capacity() > kKept) events_ = {};
  if (spare_.capacity() > kKept) spare_ = {};
  events_.clear();
  events_.reserve(kChainEventsMax);
  arena_.clear();
  kept_.clear();
  input_ = std::move(input);
  partition_ = partition;
  first_ = first;
  history_ = history;
  offsets_.assign(offsets.begin(), offsets.end());
}

void ChainBatch::add(std::uint32_t index, std::uint64_t fingerprint) {
  INVARIANT(events_.size() < kChainEventsMax, "a chain batch holds at most 512 events");
  INVARIANT(index < input_.count(), "an active event is one of the input");
  INVARIANT(events_.empty() || events_.back().index < index, "events are added in order");
  ChainEvent& event = events_.emplace_back();
  event.index = index;
  event.fingerprint = fingerprint;
  event.event_time = input_.header().accepted_at;
}

void ChainBatch::decide(ChainEvent& event, Verdict verdict, std::string_view stage, std::string_view reason,
                        std::span<const std::string_view> details, RetryHint hint) {
  text_.clear();
  text_.append("[");
  for (const std::string_view detail : details) {
    if (text_.size() > 1) text_.append(",");
    if (event.split) {
      append_json_string(text_, "part " + std::to_string(event.part) + ": " + std::string(detail));
    } else {
      append_json_string(text_, detail);
    }
  }
  text_.append("]");
  auto* rejection = arena_.take_array<Rejection>(1);
  *rejection = {stage, reason, arena_.copy(text_.view()), hint};
  event.rejection = rejection;
  event.verdict = verdict;
}

void ChainBatch::reject(ChainEvent& event, std::string_view stage, std::string_view reason,
                        std::span<const std::string_view> details) {
  decide(event, Verdict::reject, stage, reason, details);
}

void ChainBatch::retry(ChainEvent& event, std::string_view stage, std::string_view reason, std::string_view detail, RetryHint hint) {
  decide(event, Verdict::retry, stage, reason, {&detail, 1}, hint);
}

ChainSplit::ChainSplit(ChainBatch& batch, const FieldPlan& plan)
    : batch_(batch), parts_(batch.spare_), slots_(plan.size()) {
  parts_.clear();
  parts_.reserve(batch.events_.size());
}

void ChainSplit::append(const ChainEvent& event) {
  if (parts_.empty() || parts_.back().index != event.index) {
    first_ = parts_.size();
    rejected_ = false;
  }
  parts_.push_back(event);
  parts_.back().part = static_cast<std::uint16_t>(parts_.size() - 1 - first_);
}

void ChainSplit::keep(const ChainEvent& event) {
  if (!left_out(event)) append(event);
}

ChainEvent* ChainSplit::add_part(const ChainEvent& event) {
  if (left_out(event)) {
    left_over_ = event;
    return &left_over_;
  }
  if (!parts_.empty() && parts_.back().index == event.index && parts_.size() - first_ == kEventPartsMax) return nullptr;
  append(event);
  ChainEvent& part = parts_.back();
  part.split = true;
  part.document.slots = batch_.arena_.take_array<Value>(slots_);
  if (slots_ != 0) std::memcpy(part.document.slots, event.document.slots, slots_ * sizeof(Value));
  return &part;
}

void ChainSplit::reject(const ChainEvent& event) {
  if (left_out(event)) return;
  const ChainEvent rejected = event;
  if (!parts_.empty() && parts_.back().index == event.index) parts_.resize(first_);
  append(rejected);
  rejected_ = true;
}

void ChainSplit::finish() {
  batch_.events_.swap(parts_);
}

}  // namespace weir

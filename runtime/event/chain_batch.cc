#include "runtime/event/chain_batch.h"

#include "runtime/base/invariant.h"
#include "runtime/base/json_text.h"

namespace weir {

void ChainBatch::begin(IngestBatch input, PartitionId partition) {
  events_.clear();
  events_.reserve(kChainEventsMax);
  arena_.clear();
  input_ = std::move(input);
  partition_ = partition;
}

void ChainBatch::add(std::uint32_t index) {
  INVARIANT(events_.size() < kChainEventsMax, "a chain batch holds at most 512 events");
  INVARIANT(index < input_.count(), "an active event is one of the input");
  INVARIANT(events_.empty() || events_.back().index < index, "events are added in order");
  ChainEvent& event = events_.emplace_back();
  event.index = index;
  event.event_time = input_.header().accepted_at;
}

void ChainBatch::decide(ChainEvent& event, Verdict verdict, std::string_view stage, std::string_view reason,
                        std::span<const std::string_view> details) {
  text_.clear();
  text_.append("[");
  for (const std::string_view detail : details) {
    if (text_.size() > 1) text_.append(",");
    append_json_string(text_, detail);
  }
  text_.append("]");
  auto* rejection = arena_.take_array<Rejection>(1);
  *rejection = {stage, reason, arena_.copy(text_.view())};
  event.rejection = rejection;
  event.verdict = verdict;
}

void ChainBatch::reject(ChainEvent& event, std::string_view stage, std::string_view reason,
                        std::span<const std::string_view> details) {
  decide(event, Verdict::reject, stage, reason, details);
}

void ChainBatch::retry(ChainEvent& event, std::string_view stage, std::string_view reason, std::string_view detail) {
  decide(event, Verdict::retry, stage, reason, {&detail, 1});
}

}  // namespace weir

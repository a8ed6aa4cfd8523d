// Parked events that leave the window for the retry set, and those that come back from it.
#include <algorithm>

#include "actors/partition/window.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir {

WindowRules window_rules_of(const PipelineConfig& config) {
  return {config.dedupe.on_conflict, config.late, config.retry, config.record.csv.separator};
}

namespace {

/// They may come back as one batch.
bool alike(const ParkedEvent& a, const ParkedEvent& b) {
  return a.format == b.format && a.accepted_at == b.accepted_at && a.attempts == b.attempts && a.door == b.door && a.csv_header == b.csv_header;
}

/// What a door found wrong with the original bytes says nothing of edited ones.
std::uint16_t flags_of(const ParkedEvent& event) {
  constexpr auto kOfBytes = static_cast<std::uint16_t>(frame_flag::bad_frame | frame_flag::oversize | frame_flag::cut);
  return event.edited.empty() ? event.frame_flags : static_cast<std::uint16_t>(event.frame_flags & ~kOfBytes);
}

constexpr std::size_t kAgainBytesMax = 1024 * 1024;  // of one batch; one event is always taken

}  // namespace

const ParkedEvent* PartitionWindow::parked_of(const Batch& batch, std::uint32_t index) const {
  if (!batch.is_again()) return nullptr;
  const ParkedEvent* const parked = parking_.set().find(batch.again[index]);
  INVARIANT(parked != nullptr, "an event stays in the retry set until it is decided again");
  return parked;
}

bool PartitionWindow::key_is_held(const Batch& batch, std::uint32_t index) const {
  return parking_.keyed() && !batch.is_again() && parking_.holds(batch.keys[index], batch.parks, index);
}

void PartitionWindow::note_key(Batch& batch, std::uint32_t index) {
  if (parking_.keyed() && !batch.keys[index].empty()) batch.parks.keys.emplace(batch.keys[index], index);
}

void PartitionWindow::seal_held(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head) const {
  LetterView letter = letter_of(batch, index, {}, {}, batch.input.event(batch.skipped + index).note);
  letter.attempts = 0;
  out.add(head, Outcome::retrying, batch.events[index].flags);
  out.park(letter, {0, wall_, batch.key(index), true});
}

void PartitionWindow::seal_retry(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out, const OutcomeBatchBuilder::Event& head,
                                 const Rejection& why) const {
  const WindowEvent& event = batch.events[index];
  const NextTry next = parking_.next_try(parked_of(batch, index), why, event.digest, batch.offset(index), wall_);
  LetterView letter = letter_of(batch, index, why.stage, next.given_up ? "retries_exhausted" : why.reason, next.details);
  letter.attempts = next.attempts;
  if (next.given_up) {
    out.add(head, Outcome::dead_lettered, event.flags);
    out.letter(letter);
  } else {
    out.add(head, Outcome::retrying, event.flags);
    out.park(letter, {next.first_at, next.due_at, batch.key(index), false});
  }
}

Result<void> PartitionWindow::admit_due(UnixMicros wall) {
  set_time(wall);
  std::vector<const ParkedEvent*> group;
  std::size_t bytes = 0;
  for (const ParkedEvent* const event : parking_.due(wall, std::max<std::uint32_t>(1, limits_.events_max / 2))) {
    const std::size_t most = poison_->empty() ? batch_events_ : 1;
    if (!group.empty() && (group.size() >= most || bytes + event->given().size() > kAgainBytesMax || !alike(*group.front(), *event) ||
                           group.front()->line > event->line)) {
      WEIR_TRY(admit_again(group));
      group.clear();
      bytes = 0;
    }
    if (bytes_ + bytes > limits_.bytes_max + limits_.bytes_max / 2 && parking_.admitted() + group.size() != 0) break;
    group.push_back(event);
    bytes += event->given().size();
  }
  if (!group.empty()) WEIR_TRY(admit_again(group));
  return advance();
}

Result<void> PartitionWindow::admit_again(std::span<const ParkedEvent* const> events) {
  const ParkedEvent& first = *events.front();
  IngestBatchBuilder builder(static_cast<std::uint32_t>(events.size()));
  for (const ParkedEvent* event : events)
    builder.add({event->given(), event->id, flags_of(*event), event->held ? std::string_view(event->details) : std::string_view{}, event->line});
  IngestHeader header;
  header.format = static_cast<FrameFormat>(first.format);
  header.accepted_at = first.accepted_at;
  header.door = first.door;
  header.csv_header = first.csv_header;
  auto input = IngestBatch::decode(builder.finish(header));
  INVARIANT(input.has_value(), "what was a batch once can be one again");
  const std::int64_t partition_time = last_partition_time();
  Batch& batch = add_batch(*input, 0, static_cast<std::uint32_t>(events.size()));
  batch.partition_time = partition_time;
  batch.parks.again = true;
  WEIR_FAIL_POINT_TRY("retry_due");
  std::vector<std::uint32_t> run;
  for (std::uint32_t i = 0; i < events.size(); ++i) {
    batch.again.push_back(events[i]->offset);
    batch.events[i].digest = events[i]->digest;
    if (parking_.keyed()) batch.keys[i] = events[i]->key;
    parking_.admit(events[i]->offset);
  }
  for (std::uint32_t i = 0; i < events.size(); ++i) WEIR_TRY(judge_again(batch, i, run));
  start_round(batch, std::move(run));
  return {};
}

}  // namespace weir

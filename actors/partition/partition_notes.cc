#include "actors/partition/partition_notes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace weir {

void PartitionNotes::committed(const CommitBody& body, PartitionWindow& window, const RetrySet& retries) {
  done_waiting();
  if (setup_.gauges) setup_.gauges->committed_at.store(setup_.clock->wall());
  latency(body);
  retried(body, window.parked_full(), retries);
  poisoned(window);
}

void PartitionNotes::memory(const PartitionWindow& window, const DedupeIndex& index, const RetrySet& retries) {
  if (!setup_.gauges) return;
  PartitionGauges& gauges = *setup_.gauges;
  gauges.in_flight_bytes.store(window.bytes());
  gauges.dedupe_bytes.store(index.memory_bytes());
  gauges.parked_bytes.store(retries.bytes());
  gauges.held_keys.store(setup_.window_rules.retry.order_by ? retries.keys() : retries.ids());
  gauges.parked_full.store(window.parked_full());
  gauges.next_due.store(window.next_due().value_or(0));
  if (!window.commit_outstanding()) gauges.commit_out_since.store(0);
}

void PartitionNotes::handed_in() {
  if (!setup_.gauges) return;
  std::int64_t none = 0;
  setup_.gauges->commit_out_since.compare_exchange_strong(none, setup_.clock->wall());
}

void PartitionNotes::waiting(const Error& error) {
  if (std::exchange(told_waiting_, true)) return;
  setup_.logbook->write(LogLevel::warn, who_, "waits: " + describe(error));
  setup_.entry->note("waits: " + describe(error));
}

void PartitionNotes::done_waiting() {
  if (std::exchange(told_waiting_, false)) setup_.entry->note({});
}

void PartitionNotes::load(std::uint64_t events, std::uint64_t bytes) {
  if (setup_.gauges) setup_.gauges->in_flight_events.store(events, std::memory_order_relaxed);
  setup_.entry->load(events, setup_.window.events_max - std::min<std::uint64_t>(events, setup_.window.events_max));
  if (views_) views_->load(bytes, setup_.apply_bytes_max - std::min(bytes, setup_.apply_bytes_max));
}

void PartitionNotes::stage_crashed() {
  if (setup_.gauges) ++setup_.gauges->stage_crashes;
}

std::shared_ptr<LetterRequest> PartitionNotes::expiry(std::vector<Offset> offsets) const {
  LetterOrder order;
  order.kind = LetterOrder::Kind::expire;
  order.offsets = std::move(offsets);
  // The log outlives the partition; nothing else is touched from wherever this is called.
  return std::make_shared<LetterRequest>(std::move(order), std::string(), [logbook = setup_.logbook, who = who_](Result<std::vector<LetterFate>> fates) {
    if (!fates) return;
    const auto gone = std::count(fates->begin(), fates->end(), LetterFate::changed);
    if (gone != 0)
      logbook->write(LogLevel::warn, who, fmt::format("{} dead letters expired: dead_letters.retain and bytes_max keep them no longer", gone));
  });
}

/// Of every event of a commit that is durable; those of one batch came with one stamp.
void PartitionNotes::latency(const CommitBody& body) {
  if (!setup_.gauges) return;
  const UnixMicros now = setup_.clock->wall();
  for (const OutcomeBatch& batch : body.batches) {
    if (batch.redecided() || batch.outcomes() == 0) continue;
    const double seconds = static_cast<double>(now - batch.outcome(0).accepted_at) / 1e6;
    setup_.gauges->latency_seconds.observe(std::max(seconds, 0.0), batch.outcomes());
  }
}

void PartitionNotes::retried(const CommitBody& body, bool full, const RetrySet& retries) {
  if (full != std::exchange(told_full_, full)) {
    const std::string text =
        full ? fmt::format("{} events of {} ids are parked, as many as retry.parked_events_max, parked_bytes_max or held_keys_max allow: "
                           "nothing new is taken from the log until there are fewer",
                           retries.size(), retries.ids())
             : std::string("fewer events are parked, new ones are taken again");
    setup_.logbook->write(full ? LogLevel::error : LogLevel::info, who_, text);
  }
  if (!setup_.gauges) return;
  for (const OutcomeBatch& batch : body.batches) {
    for (std::uint32_t i = 0; batch.redecided() && i < batch.outcomes(); ++i)
      setup_.gauges->retries += (batch.outcome(i).flags & outcome_flag::from_letter) == 0 ? 1 : 0;
  }
}

void PartitionNotes::poisoned(PartitionWindow& window) {
  for (const PartitionWindow::Poisoned& poisoned : window.take_poisoned()) {
    if (setup_.gauges) ++setup_.gauges->poison_events;
    const std::string text = fmt::format("event {} crashes it again and again and became a dead letter, reason poison: {}", poisoned.id, poisoned.suspect.cause);
    setup_.logbook->write(LogLevel::error, fmt::format("{}/{}", poisoned.suspect.stage, setup_.partition.value), text);
  }
}

}  // namespace weir

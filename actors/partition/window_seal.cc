// Finishing a window batch: verdicts become outcomes, records and letters; outcomes become ledger and sums.
#include <algorithm>

#include <fmt/format.h>

#include "actors/partition/window.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/base/units.h"
#include "runtime/engine/id_state.h"

namespace weir {

namespace {

/// The parts of event `index`. A batch is sealed from front to back, so they mostly stand at `from`, which is moved behind
/// them.
std::span<const ChainEvent> parts_of(const ChainBatch& batch, std::uint32_t index, std::size_t& from) {
  const auto events = batch.events();
  auto first = events.begin() + static_cast<std::ptrdiff_t>(std::min(from, events.size()));
  if (first == events.end() || first->index != index)
    first = std::lower_bound(events.begin(), events.end(), index, [](const ChainEvent& e, std::uint32_t i) { return e.index < i; });
  auto last = first;
  while (last != events.end() && last->index == index) ++last;
  from = static_cast<std::size_t>(last - events.begin());
  return {first, last};
}

}  // namespace

LetterView PartitionWindow::letter_of(const Batch& batch, std::uint32_t index, std::string_view stage, std::string_view reason,
                                      std::string_view details) const {
  const RawEvent raw = batch.input.event(batch.skipped + index);
  const IngestHeader& header = batch.input.header();
  LetterView letter;
  const ParkedEvent* const parked = parked_of(batch, index);
  letter.original = parked == nullptr ? raw.raw : std::string_view(parked->original);
  if (parked != nullptr) letter.edited = parked->edited;
  if (parked != nullptr && WEIR_DEFECT("edited_for_original")) letter.original = parked->given();
  letter.door = header.door;
  letter.csv_header = header.csv_header;
  letter.format = static_cast<std::uint32_t>(header.format);
  // Of edited bytes, too, it tells what came, not what the stages were given.
  letter.frame_flags = parked == nullptr ? raw.flags : parked->frame_flags;
  letter.line = raw.line;
  letter.attempts = 1;
  if (parked != nullptr) letter.attempts += parked->attempts;
  letter.stage = stage;
  letter.reason = reason;
  letter.details = details;
  return letter;
}

std::uint32_t PartitionWindow::seal(Batch& batch) {
  OutcomeBatchBuilder out{batch.first, batch.input.bytes().size() * batch.events.size() / batch.input.count() * 3 / 2, batch.events.size()};
  if (!batch.is_again()) out.came_by(batch.input.header().door);
  const std::int64_t accepted_at = batch.input.header().accepted_at;
  batch.tokens = batch.version->encoder->token_table();
  if (batch.tokens) batch.tokens->reserve(batch.events.size());
  std::vector<std::size_t> from(batch.rounds.size());
  std::int64_t greatest = greatest_before(batch);
  for (std::uint32_t i = 0; i < batch.events.size(); ++i) {
    const WindowEvent& event = batch.events[i];
    const OutcomeBatchBuilder::Event head{id_of(batch, i), event.digest, accepted_at};
    if (batch.is_again()) out.next_is(batch.again[i]);
    switch (event.admission) {
      case Admission::duplicate: out.add(head, Outcome::duplicate); break;
      case Admission::conflict: {
        out.add(head, Outcome::dead_lettered, event.flags);
        out.letter(letter_of(batch, i, "dedupe", "conflict",
                             R"(["an event with this id and other bytes was accepted before"])"));
        break;
      }
      case Admission::held: seal_held(batch, i, out, head); break;
      case Admission::run: greatest = seal_run(batch, i, out, head, batch.tokens.get(), from[event.round], greatest); break;
      case Admission::waits: INVARIANT(false, "a batch is sealed when nothing in it waits");
    }
    if (out.last() == Outcome::retrying) note_key(batch, i);
    if (out.size() > limits_.batch_bytes_max && batch.events.size() != 1) return std::max(i, 1u);
  }
  batch.sealed = out.finish();
  batch.parks.events = batch.sealed->parks();
  batch.parks.bytes = 0;
  for (std::uint32_t i = 0; batch.parks.events != 0 && i < batch.sealed->outcomes(); ++i) {
    if (batch.sealed->outcome(i).outcome == Outcome::retrying) batch.parks.bytes += parked_event_of(*batch.sealed, i).bytes();
  }
  batch.sums = sums_of(batch, *batch.sealed);  // now, while the ids are in the cache
  batch.event_time_max = greatest;
  batch.greatest = {};
  batch.rounds.clear();
  batch.rounds.shrink_to_fit();
  return static_cast<std::uint32_t>(batch.events.size());
}

std::int64_t PartitionWindow::seal_run(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out,
                                       const OutcomeBatchBuilder::Event& head, TokenTable* tokens, std::size_t& from,
                                       std::int64_t greatest) const {
  const WindowEvent& event = batch.events[index];
  if (const auto found = batch.poison.find(index); !batch.poison.empty() && found != batch.poison.end()) {
    const Suspect* const poison = &found->second;
    out.add(head, Outcome::dead_lettered, event.flags);
    const std::string details = "[" + to_json_string(fmt::format("{} crashes of this stage, the last: {}", poison->crashes, poison->cause)) + "]";
    LetterView letter = letter_of(batch, index, poison->stage, "poison", details);
    letter.attempts = poison->crashes;
    out.letter(letter);
    return greatest;
  }
  const ChainBatch& chain = *batch.rounds[event.round].batch;
  const auto parts = parts_of(chain, batch.skipped + index, from);
  INVARIANT(!parts.empty(), "every event of a round comes back");
  // Who was parked came in time, as far as anybody knows: an outage makes nobody late.
  if (!batch.is_again() && is_late(parts, greatest)) {
    seal_late(batch, index, out, head, parts.front().event_time, greatest);
    return greatest;
  }
  if (key_is_held(batch, index)) {
    seal_held(batch, index, out, head);
    return greatest;
  }
  bool passed = false;
  const ChainEvent* undecided = nullptr;
  std::int64_t event_time = kNoTime;
  for (const ChainEvent& part : parts) {
    if (part.verdict == Verdict::reject) {  // one bad part rejects the event
      out.add(head, Outcome::dead_lettered, event.flags);
      out.letter(letter_of(batch, index, part.rejection->stage, part.rejection->reason,
                           part.rejection->details));
      return greatest;
    }
    // Of several parts the one that waits for longest.
    if (part.verdict == Verdict::retry && (undecided == nullptr || part.rejection->retry.not_before > undecided->rejection->retry.not_before))
      undecided = &part;
    if (part.verdict != Verdict::pass) continue;
    passed = true;
    event_time = std::max(event_time, part.event_time);
  }
  if (undecided != nullptr) {
    seal_retry(batch, index, out, head, *undecided->rejection);
    return greatest;
  }
  if (!passed) {
    out.add(head, Outcome::filtered, event.flags);
    return greatest;
  }
  out.add_served(head, event.flags);
  // A time ahead of partition time counts as that: one wrong clock must not make all others late, nor hide their windows.
  if (batch.version->encoder->encode(chain, parts, out, tokens)) return std::max(greatest, std::min(event_time, batch.partition_time));
  out.abandon_last();
  out.add(head, Outcome::dead_lettered, event.flags);
  out.letter(letter_of(batch, index, "encode", "output_too_large",
                       R"(["its records would be longer than limits.event_bytes_max"])"));
  return greatest;
}

// Late events. M, the greatest event time in front of an event, is known once everything in front of it is decided; batches are
// sealed in order, so mostly that is when it is asked for. Only an event that stands behind another of its id, in the same
// batch, wants to know earlier whether that one is late.

std::int64_t PartitionWindow::greatest_before(const Batch& batch) const {
  if (WEIR_DEFECT("late_by_last_commit")) return meta_.event_time_max;
  return batch.serial == batches_.front().serial ? meta_.event_time_max
                                                 : batches_[batch.serial - batches_.front().serial - 1].event_time_max;
}

bool PartitionWindow::is_late(std::span<const ChainEvent> parts, std::int64_t greatest) const {
  if (!late_applies() || greatest == kNoTime || parts.front().event_time >= greatest - rules_.late.after.count()) return false;
  // What could not be read has no time of its own.
  return parts.front().verdict != Verdict::reject || parts.front().rejection->stage != "parse";
}

void PartitionWindow::seal_late(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out,
                                const OutcomeBatchBuilder::Event& head, std::int64_t event_time, std::int64_t greatest) const {
  const std::uint8_t flags = batch.events[index].flags;
  if (rules_.late.then == OnLate::expire) return out.add(head, Outcome::expired, flags);
  const std::string details = fmt::format(R"(["{} is more than {} before {}, the greatest event time of its partition"])",
                                          to_rfc3339(event_time), format_duration(rules_.late.after), to_rfc3339(greatest));
  out.add(head, Outcome::dead_lettered, flags);
  out.letter(letter_of(batch, index, "late", "late", details));
}

/// Sees to it that batch.greatest says what M is in front of event `index`, and batch.parks.keys which keys are held there. False: not everything there is decided.
bool PartitionWindow::look_ahead(Batch& batch, std::uint32_t index) {
  if (batch.serial != batches_[sealed_batches_].serial) return false;  // nor the batches in front of it
  if (batch.greatest.empty()) batch.greatest.push_back(greatest_before(batch));
  while (batch.greatest.size() <= index) {
    const auto before = static_cast<std::uint32_t>(batch.greatest.size() - 1);
    const WindowEvent& event = batch.events[before];
    if (!judged(batch, before)) return false;
    std::int64_t greatest = batch.greatest.back();
    if (event.admission == Admission::run) {
      OutcomeBatchBuilder trial{batch.first, 4096};
      std::size_t from = 0;
      greatest = seal_run(batch, before, trial, {id_of(batch, before), event.digest, batch.input.header().accepted_at}, nullptr, from,
                          greatest);
      if (trial.last() == Outcome::retrying) note_key(batch, before);
    }
    if (event.admission == Admission::held) note_key(batch, before);
    batch.greatest.push_back(greatest);
  }
  return true;
}

PartitionWindow::Sums PartitionWindow::sums_of(const Batch& batch, const OutcomeBatch& sealed) const {
  Sums sums;
  Ledger& ledger = sums.ledger;
  for (std::uint32_t i = 0; i < sealed.outcomes(); ++i) {
    const OutcomeEntry& outcome = sealed.outcome(i);
    switch (outcome.outcome) {
      case Outcome::served: ++ledger.served; break;
      case Outcome::filtered: ++ledger.filtered; break;
      case Outcome::duplicate: ++ledger.duplicate; break;
      case Outcome::dead_lettered: ++ledger.dead_lettered; break;
      case Outcome::shed: ++ledger.shed; break;
      case Outcome::expired: ++ledger.expired; break;
      case Outcome::retrying: ++ledger.retrying; break;
      case Outcome::dropped: INVARIANT(false, "only people drop events, and only dead letters");
    }
    if (outcome.flags & outcome_flag::conflict) ++ledger.conflicts;
    if (batch.is_again()) {  // it leaves the retry set, and may come back to it
      --ledger.retrying;
      if (!parked_of(batch, i)->behind_id) sums.state_sum -= id_state_hash(sealed.id(i), Outcome::retrying, {});
    }
    if (!DedupeNumbers::owns(outcome)) continue;
    if (outcome.flags & (outcome_flag::supersedes | outcome_flag::reopens)) {
      const auto prior = batch.priors.find(i);
      INVARIANT(prior != batch.priors.end(), "an event that takes an entry over knows what was there");
      if (outcome.flags & outcome_flag::supersedes) {
        --ledger.dead_lettered;
        ++ledger.superseded;
        sums.state_sum -= id_state_hash(sealed.id(i), Outcome::dead_lettered, prior->second.reason);
      } else {
        sums.state_sum -= id_state_hash(sealed.id(i), prior->second.reason == kDroppedReason ? Outcome::dropped : Outcome::expired, {});
      }
    }
    const std::string_view reason =
        outcome.outcome == Outcome::dead_lettered ? sealed.letter(outcome.first_record).reason : std::string_view{};
    sums.state_sum += id_state_hash(sealed.id(i), outcome.outcome, reason);
  }
  ledger.records += sealed.records();
  return sums;
}

}  // namespace weir

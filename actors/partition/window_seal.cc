// Finishing a window batch: verdicts become outcomes, records and letters; outcomes become ledger and sums.
#include <algorithm>

#include "actors/partition/window.h"
#include "runtime/base/invariant.h"
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

LetterView letter_of(const IngestBatch& input, std::uint32_t index) {
  const RawEvent raw = input.event(index);
  LetterView letter;
  letter.original = raw.raw;
  letter.door = input.header().door;
  letter.csv_header = input.header().csv_header;
  letter.format = static_cast<std::uint32_t>(input.header().format);
  letter.frame_flags = raw.flags;
  letter.line = raw.line;
  letter.attempts = 1;
  return letter;
}

}  // namespace

void PartitionWindow::seal(Batch& batch) {
  OutcomeBatchBuilder out{batch.first, batch.input.bytes().size() * batch.events.size() / batch.input.count() * 3 / 2, batch.events.size()};
  const std::int64_t accepted_at = batch.input.header().accepted_at;
  batch.tokens = encoder_->token_table();
  if (batch.tokens) batch.tokens->reserve(batch.events.size());
  std::vector<std::size_t> from(batch.rounds.size());
  for (std::uint32_t i = 0; i < batch.events.size(); ++i) {
    const WindowEvent& event = batch.events[i];
    const OutcomeBatchBuilder::Event head{id_of(batch, i), event.digest, accepted_at};
    switch (event.admission) {
      case Admission::duplicate: out.add(head, Outcome::duplicate); break;
      case Admission::conflict: {
        out.add(head, Outcome::dead_lettered, event.flags);
        LetterView letter = letter_of(batch.input, batch.skipped + i);
        letter.stage = "dedupe";
        letter.reason = "conflict";
        letter.details = R"(["an event with this id and other bytes was accepted before"])";
        out.letter(letter);
        break;
      }
      case Admission::run: seal_run(batch, i, out, head, batch.tokens.get(), from[event.round]); break;
      case Admission::waits: INVARIANT(false, "a batch is sealed when nothing in it waits");
    }
  }
  batch.sealed = out.finish();
  batch.sums = sums_of(batch, *batch.sealed);  // now, while the ids are in the cache
  for (std::uint32_t r = 0; r < batch.sealed->records(); ++r)
    batch.event_time_max = std::max(batch.event_time_max, batch.sealed->record(r).event_time);
  batch.rounds.clear();
  batch.rounds.shrink_to_fit();
}

void PartitionWindow::seal_run(const Batch& batch, std::uint32_t index, OutcomeBatchBuilder& out,
                               const OutcomeBatchBuilder::Event& head, TokenTable* tokens, std::size_t& from) const {
  const WindowEvent& event = batch.events[index];
  const ChainBatch& chain = *batch.rounds[event.round].batch;
  const auto parts = parts_of(chain, batch.skipped + index, from);
  INVARIANT(!parts.empty(), "every event of a round comes back");
  bool passed = false;
  for (const ChainEvent& part : parts) {
    if (part.verdict == Verdict::reject) {  // one bad part rejects the event
      LetterView letter = letter_of(batch.input, batch.skipped + index);
      letter.stage = part.rejection->stage;
      letter.reason = part.rejection->reason;
      letter.details = part.rejection->details;
      out.add(head, Outcome::dead_lettered, event.flags);
      out.letter(letter);
      return;
    }
    INVARIANT(part.verdict != Verdict::retry, "no stage of this version asks for a retry");
    passed = passed || part.verdict == Verdict::pass;
  }
  if (!passed) {
    out.add(head, Outcome::filtered, event.flags);
    return;
  }
  out.add_served(head, event.flags);
  if (encoder_->encode(chain, parts, out, tokens)) return;
  out.abandon_last();
  LetterView letter = letter_of(batch.input, batch.skipped + index);
  letter.stage = "encode";
  letter.reason = "output_too_large";
  letter.details = R"(["its records would be longer than limits.event_bytes_max"])";
  out.add(head, Outcome::dead_lettered, event.flags);
  out.letter(letter);
}

PartitionWindow::Sums PartitionWindow::sums_of(const Batch& batch, const OutcomeBatch& sealed) {
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
    }
    if (outcome.flags & outcome_flag::conflict) ++ledger.conflicts;
    if (!DedupeNumbers::owns(outcome)) continue;
    if (outcome.flags & (outcome_flag::supersedes | outcome_flag::reopens)) {
      const auto prior = batch.priors.find(i);
      INVARIANT(prior != batch.priors.end(), "an event that takes an entry over knows what was there");
      if (outcome.flags & outcome_flag::supersedes) {
        --ledger.dead_lettered;
        ++ledger.superseded;
        sums.state_sum -= id_state_hash(sealed.id(i), Outcome::dead_lettered, prior->second.reason);
      } else {
        sums.state_sum -= id_state_hash(sealed.id(i), Outcome::expired, {});
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

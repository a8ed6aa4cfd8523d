// Dedupe as the window does it: what an event is judged against, and when.
#include <algorithm>

#include "actors/partition/window.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir {

Result<void> PartitionWindow::judge(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run) {
  WindowEvent& event = batch.events[index];
  const std::string_view id = id_of(batch, index);
  const EventPlace self{batch.serial, index};
  const std::uint64_t hash = batch.hashes[index];
  const auto place = in_flight_.find(hash, [&](const EventPlace& p) { return id_of(at(p.serial), p.index) == id; });
  if (place) {
    const WindowEvent& before = at(place->serial).events[place->index];
    // It owns the entry of their id, whatever becomes of it.
    const bool owns = before.admission == Admission::run ||
                      (before.admission == Admission::held && (before.flags & outcome_flag::behind_id) == 0);
    if (owns && before.digest == event.digest) {
      event.admission = Admission::duplicate;
      return {};
    }
    event.predecessor = *place;
    event.tracked = true;
    in_flight_.move(hash, *place, self);
    if (!decided(*place)) {
      event.admission = Admission::waits;
      batch.waiting.push_back(index);
      ++waited_;
      return {};
    }
    WEIR_ASSIGN(auto prior, entry_after(*place, hash, id));
    INVARIANT(prior.has_value(), "a decided event of the window left an entry behind");
    judge_against(batch, index, std::move(*prior), run);
    return {};
  }
  std::optional<Entry> found;
  if (parking_.set().size() != 0 && parking_.set().holds_id(id)) {
    WEIR_ASSIGN(found, committed_entry(hash, id));
  } else {
    const DedupeIndex::Look look = index_->look(hash, event.digest);
    if (look == DedupeIndex::Look::same) {
      event.admission = Admission::duplicate;
      return {};
    }
    if (look == DedupeIndex::Look::unknown) {
      WEIR_ASSIGN(found, committed_entry(hash, id));
    }
  }
  if (found) {
    judge_against(batch, index, std::move(*found), run);
  } else {
    let_run(batch, index, run);
  }
  if (event.admission == Admission::run || event.admission == Admission::held) {
    event.tracked = true;
    in_flight_.insert(hash, self);
  }
  return {};
}

/// What the commits say of an id.
Result<std::optional<PartitionWindow::Entry>> PartitionWindow::committed_entry(std::uint64_t hash, std::string_view id) const {
  if (const ParkedEvent* const last = parking_.set().size() == 0 ? nullptr : parking_.set().last(id))
    return Entry{last->digest, DedupeState::retrying, {}, last->behind_id};
  WEIR_ASSIGN(auto found, index_->find(hash, id));
  if (!found) return std::optional<Entry>{};
  return Entry{found->digest, found->state, std::move(found->reason), false};
}

/// A parked event that is due. It owns the entry of its id, or was held behind the one that did, which is decided by now.
Result<void> PartitionWindow::judge_again(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run) {
  if (parked_of(batch, index)->behind_id) {
    WEIR_ASSIGN(auto found, index_->find(batch.hashes[index], id_of(batch, index)));
    INVARIANT(!found || found->state != DedupeState::retrying, "who is due is the first of its id");
    if (found) {
      judge_against(batch, index, Entry{found->digest, found->state, std::move(found->reason), false}, run);
      return {};
    }
  }
  let_run(batch, index, run);
  return {};
}

/// Nothing that is known of its id keeps it from the stages.
void PartitionWindow::let_run(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run) {
  WindowEvent& event = batch.events[index];
  // What is parked already will be for a commit at least. Who was parked himself is the first of his key.
  if (parking_.keyed() && !batch.is_again() && parking_.set().holds_key(batch.keys[index]) && !WEIR_DEFECT("held_key_forgotten")) {
    event.admission = Admission::held;
    return;
  }
  event.admission = Admission::run;
  event.round = static_cast<std::uint32_t>(batch.rounds.size());  // the one to be started next
  run.push_back(index);
}

void PartitionWindow::judge_against(Batch& batch, std::uint32_t index, Entry prior, std::vector<std::uint32_t>& run) {
  WindowEvent& event = batch.events[index];
  if (!prior.behind && prior.digest == event.digest) {
    event.admission = Admission::duplicate;
  } else {
    switch (prior.state) {
      case DedupeState::done:
        event.admission = rules_.on_conflict == OnConflict::ignore ? Admission::duplicate : Admission::conflict;
        if (event.admission == Admission::conflict) event.flags |= outcome_flag::conflict;
        break;
      case DedupeState::dead_lettered:
        event.flags |= outcome_flag::supersedes;
        let_run(batch, index, run);
        break;
      case DedupeState::closed:
        event.flags |= outcome_flag::reopens;
        let_run(batch, index, run);
        break;
      case DedupeState::retrying:
        event.flags |= outcome_flag::behind_id;
        event.admission = Admission::held;
        break;
    }
  }
  // Kept where somebody asks again: the sum of states (run, held), an event that comes to stand behind this one (tracked).
  if (event.admission == Admission::run || event.admission == Admission::held || event.tracked) batch.priors[index] = std::move(prior);
}

bool PartitionWindow::decided(const EventPlace& place) {
  if (!in_window(place.serial)) return true;
  Batch& batch = at(place.serial);
  if (batch.sealed) return true;
  if (!judged(batch, place.index)) return false;
  // Whether it is late, or its key held, everything in front of it has a say in.
  if ((!late_applies() && !parking_.keyed()) || batch.events[place.index].admission != Admission::run) return true;
  return look_ahead(batch, place.index);
}

/// What the stages and dedupe say of the event is known.
bool PartitionWindow::judged(const Batch& batch, std::uint32_t index) const {
  const WindowEvent& event = batch.events[index];
  switch (event.admission) {
    case Admission::run: return batch.rounds.size() > event.round && batch.rounds[event.round].done;
    case Admission::waits: return false;
    case Admission::duplicate:
    case Admission::conflict:
    case Admission::held: return true;
  }
  return false;
}

Result<std::optional<PartitionWindow::Entry>> PartitionWindow::entry_after(EventPlace place, std::uint64_t hash, std::string_view id) {
  // A duplicate or conflict leaves the entry it was judged against; one that was parked may be decided since.
  while (in_window(place.serial)) {
    const Batch& batch = at(place.serial);
    const Admission admission = batch.events[place.index].admission;
    if (admission != Admission::duplicate && admission != Admission::conflict) break;
    const auto prior = batch.priors.find(place.index);
    INVARIANT(prior != batch.priors.end(), "a tracked event that did not run keeps what it was judged against");
    if (prior->second.state != DedupeState::retrying) return prior->second;
    place = batch.events[place.index].predecessor;
  }
  if (!in_window(place.serial)) return committed_entry(hash, id);
  const Batch& batch = at(place.serial);
  const WindowEvent& event = batch.events[place.index];
  if (event.admission == Admission::held)
    return Entry{event.digest, DedupeState::retrying, {}, (event.flags & outcome_flag::behind_id) != 0};
  Entry entry{event.digest, DedupeState::done, {}, false};
  const auto leave_state = [&entry](const OutcomeBatch& sealed, std::uint32_t i) {
    const OutcomeEntry& outcome = sealed.outcome(i);
    if (outcome.outcome == Outcome::expired) entry.state = DedupeState::closed;
    if (outcome.outcome == Outcome::retrying) entry.state = DedupeState::retrying;
    if (outcome.outcome != Outcome::dead_lettered) return;
    entry.state = DedupeState::dead_lettered;
    entry.reason = sealed.letter(outcome.first_record).reason;
  };
  if (batch.sealed) {
    leave_state(*batch.sealed, place.index);
    return entry;
  }
  // Decided but not sealed: only inside the batch being finished. Whether its records fit is part of the verdict.
  OutcomeBatchBuilder trial{batch.first, 4096};
  std::size_t from = 0;
  const std::int64_t greatest = late_applies() || parking_.keyed() ? batch.greatest[place.index] : kNoTime;
  seal_run(batch, place.index, trial, {id, event.digest, batch.input.header().accepted_at}, nullptr, from, greatest);
  leave_state(trial.finish(), 0);
  return entry;
}

Result<bool> PartitionWindow::resolve_waiting(Batch& batch) {
  if (batch.waiting.empty()) return true;
  std::vector<std::uint32_t> run;
  std::vector<std::uint32_t> still;
  for (const std::uint32_t index : batch.waiting) {
    WindowEvent& event = batch.events[index];
    const EventPlace before = event.predecessor;
    if (!decided(before)) {
      still.push_back(index);
      continue;
    }
    WEIR_ASSIGN(auto prior, entry_after(before, batch.hashes[index], id_of(batch, index)));
    if (prior) {
      judge_against(batch, index, std::move(*prior), run);
    } else {  // committed since, and forgotten with a commit behind that: dedupe.remember was over before this batch
      let_run(batch, index, run);
    }
  }
  batch.waiting = std::move(still);
  if (!run.empty() || !batch.waiting.empty()) {
    INVARIANT(!run.empty(), "something that is waited for runs");
    start_round(batch, std::move(run));
    return false;
  }
  return true;
}

}  // namespace weir

// Dedupe as the window does it: what an event is judged against, and when.
#include <algorithm>

#include "actors/partition/window.h"
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
    if (before.admission == Admission::run && before.digest == event.digest) {
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
  const DedupeIndex::Look look = index_->look(hash, event.digest);
  if (look == DedupeIndex::Look::same) {
    event.admission = Admission::duplicate;
    return {};
  }
  std::optional<FoundEntry> found;
  if (look == DedupeIndex::Look::unknown) {
    WEIR_ASSIGN(found, index_->find(hash, id));
  }
  if (!found) {
    run_new(batch, index, run);
    event.tracked = true;
    in_flight_.insert(hash, self);
    return {};
  }
  judge_against(batch, index, Entry{found->digest, found->state, std::move(found->reason)}, run);
  if (event.admission == Admission::run) {
    event.tracked = true;
    in_flight_.insert(hash, self);
  }
  return {};
}

/// Nothing is known of its id.
void PartitionWindow::run_new(Batch& batch, std::uint32_t index, std::vector<std::uint32_t>& run) {
  WindowEvent& event = batch.events[index];
  event.admission = Admission::run;
  event.round = static_cast<std::uint32_t>(batch.rounds.size());  // the one to be started next
  run.push_back(index);
}

void PartitionWindow::judge_against(Batch& batch, std::uint32_t index, Entry prior, std::vector<std::uint32_t>& run) {
  WindowEvent& event = batch.events[index];
  if (prior.digest == event.digest) {
    event.admission = Admission::duplicate;
  } else {
    switch (prior.state) {
      case DedupeState::done:
        event.admission = rules_.on_conflict == OnConflict::ignore ? Admission::duplicate : Admission::conflict;
        if (event.admission == Admission::conflict) event.flags |= outcome_flag::conflict;
        break;
      case DedupeState::dead_lettered:
        event.admission = Admission::run;
        event.flags |= outcome_flag::supersedes;
        break;
      case DedupeState::closed:
        event.admission = Admission::run;
        event.flags |= outcome_flag::reopens;
        break;
      case DedupeState::retrying:
        INVARIANT(false, "no commit of this format holds retries");
    }
  }
  if (event.admission == Admission::run) {
    event.round = static_cast<std::uint32_t>(batch.rounds.size());  // the one to be started next
    run.push_back(index);
  }
  // Kept where somebody asks again: the sum of states (run), an event that comes to stand behind this one (tracked).
  if (event.admission == Admission::run || event.tracked) batch.priors[index] = std::move(prior);
}

bool PartitionWindow::decided(const EventPlace& place) {
  if (!in_window(place.serial)) return true;
  Batch& batch = at(place.serial);
  if (batch.sealed) return true;
  if (!judged(batch, place.index)) return false;
  // Whether it is late, everything in front of it has a say in.
  return !late_applies() || batch.events[place.index].admission != Admission::run || find_greatest(batch, place.index);
}

/// What the stages and dedupe say of the event is known.
bool PartitionWindow::judged(const Batch& batch, std::uint32_t index) const {
  const WindowEvent& event = batch.events[index];
  switch (event.admission) {
    case Admission::run: return batch.rounds.size() > event.round && batch.rounds[event.round].done;
    case Admission::waits: return false;
    case Admission::duplicate:
    case Admission::conflict: return true;
  }
  return false;
}

Result<std::optional<PartitionWindow::Entry>> PartitionWindow::entry_after(const EventPlace& place, std::uint64_t hash, std::string_view id) {
  if (!in_window(place.serial)) {
    WEIR_ASSIGN(auto found, index_->find(hash, id));
    if (!found) return std::optional<Entry>{};
    return Entry{found->digest, found->state, std::move(found->reason)};
  }
  const Batch& batch = at(place.serial);
  const WindowEvent& event = batch.events[place.index];
  if (event.admission != Admission::run) {
    // A duplicate or conflict leaves the entry it was judged against.
    const auto prior = batch.priors.find(place.index);
    INVARIANT(prior != batch.priors.end(), "a tracked event that did not run keeps what it was judged against");
    return prior->second;
  }
  Entry entry{event.digest, DedupeState::done, {}};
  const auto leave_state = [&entry](const OutcomeBatch& sealed, std::uint32_t i) {
    const OutcomeEntry& outcome = sealed.outcome(i);
    if (outcome.outcome == Outcome::expired) entry.state = DedupeState::closed;
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
  const std::int64_t greatest = late_applies() ? batch.greatest[place.index] : kNoTime;
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
      run_new(batch, index, run);
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

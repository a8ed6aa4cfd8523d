#include "runtime/engine/retry_set.h"

#include <algorithm>

#include "runtime/base/invariant.h"

namespace weir {

ParkedEvent parked_event_of(const OutcomeBatch& batch, std::uint32_t index) {
  const OutcomeEntry& outcome = batch.outcome(index);
  const LetterView letter = batch.letter(outcome.first_record);
  const ParkView park = batch.park(outcome.record_count);
  ParkedEvent event;
  event.offset = batch.offset(index);
  event.id = batch.id(index);
  event.digest = outcome.digest;
  event.accepted_at = outcome.accepted_at;
  event.original = letter.original;
  event.edited = letter.edited;
  event.csv_header = letter.csv_header;
  event.door = letter.door;
  event.format = letter.format;
  event.frame_flags = letter.frame_flags;
  event.line = letter.line;
  event.attempts = letter.attempts;
  event.stage = letter.stage;
  event.reason = letter.reason;
  event.details = letter.details;
  event.first_at = park.first_at;
  event.due_at = park.due_at;
  event.key = park.key;
  event.held = park.held;
  event.behind_id = (outcome.flags & outcome_flag::behind_id) != 0;
  return event;
}

RetrySet::Due RetrySet::due_of(const ParkedEvent& event) noexcept {
  // Who was held and is the first now has waited for long enough.
  return {event.held ? INT64_MIN : event.due_at, event.offset};
}

void RetrySet::place(Offset offset) {
  const ParkedEvent& event = events_.at(offset);
  const bool first = *ids_.at(event.id).begin() == offset && (event.key.empty() || *keys_.at(event.key).begin() == offset);
  if (first) {
    due_.insert(due_of(event));
  } else {
    due_.erase(due_of(event));
  }
}

void RetrySet::place_first(const Queues& queues, const std::string& of) {
  const auto queue = queues.find(of);
  if (queue != queues.end()) place(*queue->second.begin());
}

void RetrySet::insert(ParkedEvent event) {
  const Offset offset = event.offset;
  const auto stored = events_.emplace(offset, std::move(event)).first;
  const ParkedEvent& known = stored->second;
  bytes_ += known.bytes();
  // Whoever was the first may not be any more: an event is tried again in its old place.
  for (auto [queues, of] : {std::pair{&ids_, &known.id}, {&keys_, &known.key}}) {
    if (of->empty()) continue;
    std::set<Offset>& queue = (*queues)[*of];
    const std::optional<Offset> before = queue.empty() ? std::nullopt : std::optional(*queue.begin());
    queue.insert(offset);
    if (before && *before > offset) due_.erase(due_of(events_.at(*before)));
  }
  place(offset);
}

void RetrySet::erase(std::map<Offset, ParkedEvent>::iterator found) {
  const ParkedEvent event = std::move(found->second);
  due_.erase(due_of(event));
  bytes_ -= event.bytes();
  events_.erase(found);
  for (auto [queues, of] : {std::pair{&ids_, &event.id}, {&keys_, &event.key}}) {
    if (of->empty()) continue;
    const auto queue = queues->find(*of);
    INVARIANT(queue != queues->end(), "every parked event stands in the queues of its id and its key");
    queue->second.erase(event.offset);
    if (queue->second.empty()) queues->erase(queue);
  }
  place_first(ids_, event.id);
  if (!event.key.empty()) place_first(keys_, event.key);
}

Result<void> RetrySet::add(ParkedEvent event) {
  if (events_.contains(event.offset)) return fail(Errc::state_damaged, "the event of offset {} is parked twice", event.offset.value);
  insert(std::move(event));
  return {};
}

Result<void> RetrySet::apply(const CommitBody& body) {
  for (const OutcomeBatch& batch : body.batches) {
    if (!batch.redecided() && batch.parks() == 0) continue;
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
      const Outcome outcome = batch.outcome(i).outcome;
      const auto known = events_.find(batch.offset(i));
      if (!batch.redecided()) {
        if (outcome != Outcome::retrying) continue;
        if (known != events_.end()) return fail(Errc::log_damaged, "a commit parks offset {} twice", batch.offset(i).value);
        insert(parked_event_of(batch, i));
        continue;
      }
      const bool parked = known != events_.end();
      if (parked) erase(known);
      if (outcome == Outcome::retrying) {
        const bool redriven = (batch.outcome(i).flags & outcome_flag::from_letter) != 0;
        if (parked == redriven)
          return fail(Errc::log_damaged, "a commit {} offset {}, which is {}parked", redriven ? "redrives" : "tries again", batch.offset(i).value, parked ? "" : "not ");
        insert(parked_event_of(batch, i));
      }
    }
  }
  return {};
}

const ParkedEvent* RetrySet::find(Offset offset) const {
  const auto known = events_.find(offset);
  return known == events_.end() ? nullptr : &known->second;
}

const ParkedEvent* RetrySet::last(std::string_view id) const {
  const auto queue = ids_.find(std::string(id));
  return queue == ids_.end() ? nullptr : &events_.at(*queue->second.rbegin());
}

std::optional<std::int64_t> RetrySet::next_due(const std::set<Offset>& but) const {
  for (const Due& due : due_) {
    if (!but.contains(due.second)) return due.first;
  }
  return std::nullopt;
}

std::vector<Offset> RetrySet::due(std::int64_t now, std::size_t count, const std::set<Offset>& but) const {
  std::vector<Offset> offsets;
  for (const Due& due : due_) {
    if (due.first > now || offsets.size() == count) break;
    if (!but.contains(due.second)) offsets.push_back(due.second);
  }
  return offsets;
}

}  // namespace weir

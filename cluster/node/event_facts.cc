#include "cluster/node/event_facts.h"

#include <algorithm>
#include <map>

#include "runtime/engine/parked_state.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

/// The id of the first event that is parked in front of the one at `offset` and has its id or its ordering key.
Result<std::optional<std::string>> in_front_of(Offset offset, const StateReader& state) {
  WEIR_ASSIGN(const auto bytes, state.get(parked_key(offset)));
  if (!bytes) return std::optional<std::string>{};
  WEIR_ASSIGN(const ParkedEvent event, decode_parked(offset, *bytes));
  std::optional<std::string> front;
  Result<void> good;
  WEIR_TRY(state.scan(parked_range().from, parked_key(offset), [&](std::string_view key, std::string_view value) {
    const auto other = decode_parked(offset_at_end(key).value_or(Offset{}), value);
    if (!other) {
      good = fail(other.error());
      return false;
    }
    if (other->id == event.id || (!event.key.empty() && other->key == event.key)) front = other->id;
    return !front.has_value();
  }));
  WEIR_TRY(good);
  return front;
}

}  // namespace

StateRange parked_range() { return {std::string(1, key_space::parked), std::string(1, key_space::parked + 1)}; }

Result<std::optional<EventFacts>> event_facts_of(const Biography& life, const StateReader* state) {
  if (life.attempts.empty()) return std::optional<EventFacts>{};
  // A copy that was told as a repeat waits for nothing; what it repeats may.
  const auto newest = std::find_if(life.attempts.rbegin(), life.attempts.rend(), [](const Attempt& a) { return a.outcome != to_string(Outcome::duplicate); });
  const Attempt& attempt = newest == life.attempts.rend() ? life.attempts.back() : *newest;
  EventFacts facts;
  facts.outcome = attempt.outcome;
  facts.offset = attempt.offset.value;
  facts.accepted_at = attempt.accepted_at;
  facts.decided_at = attempt.decided_at;
  facts.stage = attempt.stage;
  facts.reason = attempt.reason;
  facts.details = attempt.details;
  if (attempt.outcome == to_string(Outcome::retrying) && !attempt.parked.empty()) {
    const Parked& parked = attempt.parked.back();
    facts.held = parked.held;
    facts.attempts = parked.attempts;
    facts.due_at = parked.due_at;
    facts.stage = parked.stage;
    facts.reason = parked.reason;
    facts.details = parked.details;
    if (facts.held && state != nullptr) {
      WEIR_ASSIGN(facts.behind, in_front_of(attempt.offset, *state));
    }
  }
  return std::optional<EventFacts>(std::move(facts));
}

}  // namespace weir

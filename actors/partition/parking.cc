#include "actors/partition/parking.h"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/base/units.h"
#include "runtime/engine/attempt_log.h"

namespace weir {

namespace {

RetryConfig policy_of(const RetrySettings& settings) {
  return {settings.attempts_max, settings.retry_age_max, settings.backoff_min, settings.backoff_max, RetryJitter::equal};
}

TimePoint as_time(UnixMicros time) { return std::chrono::microseconds(time); }
UnixMicros as_micros(TimePoint time) {
  constexpr auto kUp = std::chrono::nanoseconds(999);  // never before what was asked for
  return std::chrono::duration_cast<std::chrono::microseconds>(time + kUp).count();
}

std::uint64_t chance_of(const Digest128& digest, Offset offset, std::uint32_t attempts) {
  const std::uint64_t words[] = {digest.low, digest.high, offset.value, attempts};
  return xxh3_128({reinterpret_cast<const char*>(words), sizeof words}).low;
}

std::string with_reason(std::string_view log, std::string_view why) {
  return fmt::format("{}{}\"{}\"]", log.substr(0, log.size() - 1), log.size() > 2 ? "," : "", why);
}

}  // namespace

Parking::Parking(const RetrySettings& settings, char csv_separator, RetrySet& retries)
    : settings_(settings), retries_(&retries), policy_(policy_of(settings)) {
  if (settings_.order_by) key_finder_.emplace(settings_.order_by->parts, csv_separator);
}

void Parking::committed(const CommitBody& body) {
  const auto applied = retries_->apply(body);
  INVARIANT(applied.has_value(), "a commit of ours decides again only what is parked");
  see_whether_full();
}

void Parking::restart() {
  admitted_.clear();
  keys_.clear();
  events_ = bytes_ = 0;
  full_ = false;
}

bool Parking::holds(std::string_view key, const BatchParks& batch, std::uint32_t index) const {
  if (key.empty() || WEIR_DEFECT("held_key_forgotten")) return false;
  if (retries_->holds_key(key) || keys_.contains(key)) return true;
  const auto here = batch.keys.find(key);
  return here != batch.keys.end() && here->second < index;
}

NextTry Parking::next_try(const ParkedEvent* parked, const Rejection& why, const Digest128& digest, Offset offset, UnixMicros wall) const {
  NextTry next;
  next.attempts = (parked != nullptr ? parked->attempts : 0) + (why.retry.attempted ? 1 : 0);
  next.first_at = parked != nullptr && parked->first_at != 0 ? parked->first_at : wall;
  const std::string_view log = parked != nullptr && !parked->held ? std::string_view(parked->details) : std::string_view{};
  next.details = with_attempt(log, {why.retry.attempted ? next.attempts : 0, wall, why.stage, why.reason, why.details});
  const std::uint64_t random = chance_of(digest, offset, next.attempts);
  RetryDecision decision;
  if (why.retry.attempted) {
    const std::uint32_t counted = WEIR_DEFECT("given_up_late") && next.attempts > 1 ? next.attempts - 1 : next.attempts;
    decision = policy_.after({counted, as_time(next.first_at), as_time(wall), as_time(why.retry.not_before), random});
  } else {
    // Whoever waits for the same thing does not come back in the same moment.
    const RetryPolicy::Bounds pause = policy_.pause_after(1);
    const TimePoint from = std::max(as_time(why.retry.not_before), as_time(wall) + pause.least);
    const TimePoint jitter(static_cast<std::int64_t>(random % static_cast<std::uint64_t>(pause.most.count())));
    decision = policy_.put_off(as_time(next.first_at), from + jitter);
  }
  switch (decision.kind) {
    case RetryDecision::Kind::retry: next.due_at = as_micros(decision.at); return next;
    case RetryDecision::Kind::attempts_spent:
      next.details = with_reason(next.details, fmt::format("retry.attempts_max ({}) is reached", settings_.attempts_max));
      break;
    case RetryDecision::Kind::too_old:
      next.details = with_reason(next.details, fmt::format("retry.retry_age_max ({}) does not leave time for another attempt",
                                                           format_duration(settings_.retry_age_max)));
      break;
  }
  next.given_up = true;
  return next;
}

std::vector<const ParkedEvent*> Parking::due(UnixMicros wall, std::size_t most) const {
  std::vector<const ParkedEvent*> events;
  if (retries_->size() == admitted_.size() || admitted_.size() >= most) return events;
  for (const Offset offset : retries_->due(wall, most - admitted_.size(), admitted_)) events.push_back(retries_->find(offset));
  std::sort(events.begin(), events.end(), [](const ParkedEvent* a, const ParkedEvent* b) { return a->offset < b->offset; });
  return events;
}

bool Parking::fits(const BatchParks& batch, std::size_t batch_events) const {
  if (batch.again || batch.events == 0) return true;
  const std::size_t known = retries_->size() + events_;
  if (known == 0 && batch_events == 1) return true;
  if (known + batch.events > settings_.parked_events_max || retries_->bytes() + bytes_ + batch.bytes > settings_.parked_bytes_max) return false;
  // Of those that are not committed yet nobody counts which ids and keys they share.
  return settings_.order != RetryOrder::blocking || held_keys() + events_ + batch.events <= settings_.held_keys_max;
}

void Parking::sealed(const BatchParks& batch) {
  for (const auto& [key, first] : batch.keys) ++keys_[key];
  events_ += batch.again ? 0 : batch.events;
  bytes_ += batch.again ? 0 : batch.bytes;
}

void Parking::gone(const BatchParks& batch) {
  for (const auto& [key, first] : batch.keys) {
    if (const auto known = keys_.find(key); --known->second == 0) keys_.erase(known);
  }
  events_ -= batch.again ? 0 : batch.events;
  bytes_ -= batch.again ? 0 : batch.bytes;
}

void Parking::refuse() {
  full_ = true;
  see_whether_full();
}

void Parking::see_whether_full() {
  if (!full_) return;
  const auto low = [](std::uint64_t used, std::uint64_t most) { return used <= most - std::max<std::uint64_t>(1, most / 4); };
  const bool keys = settings_.order != RetryOrder::blocking || low(held_keys(), settings_.held_keys_max);
  full_ = !keys || !low(retries_->size() + events_, settings_.parked_events_max) || !low(retries_->bytes() + bytes_, settings_.parked_bytes_max);
}

}  // namespace weir

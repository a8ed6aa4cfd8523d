#include "runtime/engine/lookup_cache.h"

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/base/backoff.h"

namespace weir {

LookupCache::LookupCache(LookupCacheConfig config, std::uint64_t seed)
    : config_(config), hash_{seed}, index_(16, hash_), flights_(16, hash_) {}

TimePoint LookupCache::serves_until(const Entry& entry) const noexcept {
  return later(entry.at, entry.row ? config_.age_max : config_.missing_age_max);
}

LookupCache::Asked LookupCache::ask(std::string_view key, Waiter waiter, TimePoint now) {
  if (const auto found = index_.find(key); found != index_.end()) {
    Entry& entry = *found->second;
    if (now < serves_until(entry)) {
      use(entry);
      ++counts_.hits;
      counts_.missing_hits += entry.row ? 0 : 1;
      return {Kind::hit, {entry.row, false}};
    }
    // Too old, it stays where it is among the others until it is replaced or makes room.
  }
  if (waiting_ >= config_.waiters_max) {
    ++counts_.full;
    return {Kind::full, {}};
  }
  ++waiting_;
  if (const auto flight = flights_.find(key); flight != flights_.end()) {
    flight->second.push_back(waiter);
    ++counts_.joins;
    return {Kind::join, {}};
  }
  flights_.emplace(std::string(key), std::vector<Waiter>{waiter});
  ++counts_.fetches;
  return {Kind::fetch, {}};
}

bool LookupCache::would_fetch(std::string_view key, TimePoint now) const {
  const auto found = index_.find(key);
  const bool known = found != index_.end() && now < serves_until(*found->second);
  return !known && waiting_ < config_.waiters_max && flights_.find(key) == flights_.end();
}

std::vector<LookupCache::Waiter> LookupCache::land(std::string_view key) {
  const auto flight = flights_.find(key);
  INVARIANT(flight != flights_.end(), "only what is being fetched is answered");
  std::vector<Waiter> waiters = std::move(flight->second);
  flights_.erase(flight);
  waiting_ -= waiters.size();
  return waiters;
}

std::vector<LookupCache::Waiter> LookupCache::complete(std::string_view key, std::shared_ptr<const LookupRow> row,
                                                       TimePoint now) {
  std::vector<Waiter> waiters = land(key);
  // Those that joined are uses that found it only on its way.
  keep(key, std::move(row), waiters.size() - 1, now);
  return waiters;
}

std::vector<LookupCache::Waiter> LookupCache::abandon(std::string_view key) {
  return land(key);
}

std::optional<LookupHit> LookupCache::last_known(std::string_view key, TimePoint now) {
  const auto found = index_.find(key);
  if (found == index_.end()) return std::nullopt;
  Entry& entry = *found->second;
  const bool stale = now >= serves_until(entry);
  if (stale && now >= later(serves_until(entry), config_.stale_max)) return std::nullopt;
  use(entry);
  ++(stale ? counts_.stale_hits : counts_.hits);
  if (!stale) counts_.missing_hits += entry.row ? 0 : 1;
  return LookupHit{entry.row, stale};
}

void LookupCache::keep(std::string_view key, std::shared_ptr<const LookupRow> row, std::size_t uses, TimePoint now) {
  const auto old = index_.find(key);
  const std::uint64_t bytes = kEntryBytes + key.size() + (row ? row->bytes() : 0);
  const bool fits = bytes <= config_.bytes_max;
  counts_.too_large += fits ? 0 : 1;
  const bool serves = (row ? config_.age_max : config_.missing_age_max) + config_.stale_max > TimePoint(0);
  bool to_main = false;
  std::uint8_t uses_before = 0;
  if (old != index_.end()) {
    // It stays in its queue, as the newest: that it is asked for after its age is what the queues want to know.
    to_main = old->second->in_main;
    uses_before = old->second->uses;
    erase(old->second);
  } else if (fits && serves) {
    to_main = remembered(key);
  }
  if (!fits || !serves) return;
  make_room(bytes, 1);
  Queue& queue = to_main ? main_ : small_;
  queue.entries.push_back({.key = std::string(key),
                           .row = std::move(row),
                           .at = now,
                           .bytes = bytes,
                           .uses = static_cast<std::uint8_t>(std::min<std::size_t>(3, uses_before + uses)),
                           .in_main = to_main});
  queue.bytes += bytes;
  const Place place = std::prev(queue.entries.end());
  index_.emplace(place->key, place);
}

// One step at a time: an entry moves on, or one leaves. Every move lowers `uses` or empties the small queue, so it
// ends.
void LookupCache::make_room(std::uint64_t bytes, std::size_t entries) {
  while (this->bytes() + bytes > config_.bytes_max || index_.size() + entries > config_.entries_max) {
    const bool small_is_full = small_.bytes >= config_.bytes_max / 10 ||
                               small_.entries.size() >= std::max<std::uint64_t>(1, config_.entries_max / 10);
    if (!small_.entries.empty() && (small_is_full || main_.entries.empty())) {
      const Place oldest = small_.entries.begin();
      if (oldest->uses > 1) {
        move_to_main(oldest);
        continue;
      }
      remember(oldest->key);
      ++counts_.evicted;
      erase(oldest);
      continue;
    }
    const Place oldest = main_.entries.begin();
    if (oldest->uses > 0) {
      --oldest->uses;
      main_.entries.splice(main_.entries.end(), main_.entries, oldest);
      continue;
    }
    ++counts_.evicted;
    erase(oldest);
  }
}

void LookupCache::move_to_main(Place place) {
  small_.bytes -= place->bytes;
  main_.bytes += place->bytes;
  place->uses = 0;
  place->in_main = true;
  main_.entries.splice(main_.entries.end(), small_.entries, place);
}

void LookupCache::erase(Place place) {
  Queue& queue = queue_of(*place);
  queue.bytes -= place->bytes;
  index_.erase(std::string_view(place->key));
  queue.entries.erase(place);
}

void LookupCache::remember(std::string_view key) {
  const std::uint64_t hash = hash_(key);
  gone_order_.emplace_back(hash, ++gone_count_);
  gone_[hash] = gone_count_;
  // As many as there are entries: each entry's kEntryBytes pay for one.
  while (gone_order_.size() > index_.size()) {
    const auto [oldest, number] = gone_order_.front();
    gone_order_.pop_front();
    if (const auto found = gone_.find(oldest); found != gone_.end() && found->second == number) gone_.erase(found);
  }
}

bool LookupCache::remembered(std::string_view key) {
  return gone_.erase(hash_(key)) > 0;
}

}  // namespace weir

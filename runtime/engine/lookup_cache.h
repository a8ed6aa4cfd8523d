// What a dependency answered lately, and who waits for what it is asked now. A decider; time is an argument.
//
// Which entries stay is S3-FIFO's choice (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO Queues are All You Need for Cache
// Eviction", SOSP 2023): a new key enters a small queue, a tenth of the cache, and only one that is asked for again
// gets from there into the main queue; so a long scan of keys that never return passes through the small one and
// leaves the rest as it is. Keys that left the small queue lately are remembered by their hash; such a key enters the
// main queue. Chosen over SIEVE, whose authors say that it does not withstand scans, and over LRU variants because a
// hit moves nothing.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/hash.h"
#include "runtime/base/result.h"
#include "runtime/engine/lookup_row.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/dependency_config.h"

namespace weir {

/// A known answer.
struct LookupHit {
  std::shared_ptr<const LookupRow> row;  // null: the dependency has no such key
  bool stale = false;
};

struct LookupCounts {
  std::uint64_t hits = 0;
  std::uint64_t missing_hits = 0;  // of these, that there is no such key
  std::uint64_t stale_hits = 0;    // beside `hits`
  std::uint64_t fetches = 0;
  std::uint64_t joins = 0;      // asked for what was being fetched
  std::uint64_t full = 0;       // refused for waiters_max
  std::uint64_t evicted = 0;    // for bytes_max or entries_max
  std::uint64_t too_large = 0;  // answers that alone do not fit: given to who waits, not kept
  friend bool operator==(const LookupCounts&, const LookupCounts&) = default;
};

/// One lookup's answers. Not thread-safe; `now` never goes backwards.
class LookupCache {
 public:
  /// Memory of an entry beside its key and row: nodes of queue and index, one remembered hash, and what the allocator
  /// adds. Counted for libstdc++ on 64 bits, rounded up.
  static constexpr std::uint64_t kEntryBytes = 256;
  /// Whoever waits, by a number of the caller's.
  using Waiter = std::uint64_t;

  /// `config` is validate()d. `seed`: chance, so that nobody outside can aim at the index.
  LookupCache(LookupCacheConfig config, std::uint64_t seed);
  LookupCache(const LookupCache&) = delete;
  LookupCache& operator=(const LookupCache&) = delete;

  enum class Kind : std::uint8_t {
    hit,    // `hit` is the answer
    join,   // it is being fetched; `waiter` is among those that complete() or abandon() returns
    fetch,  // the same, and the caller is to fetch it, then to call complete() or abandon(), once
    full,   // waiters_max wait already; nothing was noted
  };
  struct Asked {
    Kind kind = Kind::full;
    LookupHit hit;
  };
  [[nodiscard]] Asked ask(std::string_view key, Waiter waiter, TimePoint now);
  /// Whether ask() would say `fetch`. Notes nothing.
  [[nodiscard]] bool would_fetch(std::string_view key, TimePoint now) const;
  /// The dependency answered; null: it has no such key. Returns who waits, in the order they asked. The key is being
  /// fetched (asserted).
  [[nodiscard]] std::vector<Waiter> complete(std::string_view key, std::shared_ptr<const LookupRow> row, TimePoint now);
  /// It did not answer: nothing is learnt, nothing is forgotten. The key is being fetched (asserted).
  [[nodiscard]] std::vector<Waiter> abandon(std::string_view key);
  /// For when the dependency is down: the last answer, whether it still serves or is older by at most stale_max.
  [[nodiscard]] std::optional<LookupHit> last_known(std::string_view key, TimePoint now);

  [[nodiscard]] std::size_t entries() const noexcept { return index_.size(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return small_.bytes + main_.bytes; }
  /// Keys that are being fetched.
  [[nodiscard]] std::size_t fetching() const noexcept { return flights_.size(); }
  /// Who waits for them.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] const LookupCounts& counts() const noexcept { return counts_; }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const LookupRow> row;
    TimePoint at{};
    std::uint64_t bytes = 0;
    std::uint8_t uses = 0;  // since it entered its queue, 3 at most
    bool in_main = false;
  };
  using Place = std::list<Entry>::iterator;
  struct Queue {
    std::list<Entry> entries;  // oldest first
    std::uint64_t bytes = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::uint64_t seed;
    std::size_t operator()(std::string_view key) const noexcept { return xxh3_64(key, seed); }
  };
  using Flights = std::unordered_map<std::string, std::vector<Waiter>, Hash, std::equal_to<>>;

  [[nodiscard]] Queue& queue_of(const Entry& entry) noexcept { return entry.in_main ? main_ : small_; }
  [[nodiscard]] TimePoint serves_until(const Entry& entry) const noexcept;
  static void use(Entry& entry) noexcept { entry.uses = entry.uses < 3 ? entry.uses + 1 : entry.uses; }
  [[nodiscard]] std::vector<Waiter> land(std::string_view key);
  void keep(std::string_view key, std::shared_ptr<const LookupRow> row, std::size_t uses, TimePoint now);
  void make_room(std::uint64_t bytes, std::size_t entries);
  void move_to_main(Place place);
  void erase(Place place);
  void remember(std::string_view key);
  [[nodiscard]] bool remembered(std::string_view key);

  LookupCacheConfig config_;
  Hash hash_;
  Queue small_;
  Queue main_;
  std::unordered_map<std::string_view, Place, Hash> index_;  // views into entries
  // Hashes of keys that left the small queue, oldest first, with a number; gone_ has those that still count.
  std::deque<std::pair<std::uint64_t, std::uint64_t>> gone_order_;
  std::unordered_map<std::uint64_t, std::uint64_t> gone_;
  std::uint64_t gone_count_ = 0;
  Flights flights_;
  std::size_t waiting_ = 0;
  LookupCounts counts_;
};

}  // namespace weir

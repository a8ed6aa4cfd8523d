// How something outside is asked that may fail: how often again, how long what it said serves, and when it is left alone. The
// defaults of pipeline files, too.
#pragma once
#include <chrono>
#include <cstdint>

#include "runtime/base/result.h"

namespace weir {

enum class RetryJitter : std::uint8_t {
  none,   // the ceiling itself: for tests, and where there is one client alone
  full,   // anywhere from 0 to the ceiling
  equal,  // anywhere from half the ceiling to the ceiling
};

struct RetryConfig {
  /// Range 1..1'000. Attempts made at most, the first included; 1 never retries. 20 with the pauses below outlast five
  /// minutes of outage at least.
  std::uint32_t attempts_max = 20;
  /// Range 1 ms..7 days. No retry is made later than this after the first attempt.
  std::chrono::milliseconds retry_age_max{3'600'000};
  /// Range 1 ms..backoff_max. The ceiling of the pause after the first attempt; doubles with each.
  std::chrono::milliseconds backoff_min{200};
  /// Range backoff_min..24 h. The ceiling of every pause.
  std::chrono::milliseconds backoff_max{60'000};
  RetryJitter jitter = RetryJitter::equal;

  /// Error config_invalid: names key, value and range.
  [[nodiscard]] Result<void> validate() const;
};

struct RetryBudgetConfig {
  /// Range 0..1'000 percent: retries per hundred first tries. 20 as in Finagle.
  std::uint32_t retries_percent = 20;
  /// Range 1..1'000 retries a second that come in whatever happens. 10 as in Finagle. Not 0: with no first tries, what
  /// waits would wait for ever.
  std::uint32_t retries_per_second_min = 10;
  /// Range 1..1'000'000 retries: what good times can save up. Arbitrary: ten seconds of the rate above.
  std::uint32_t burst_max = 100;

  /// Error config_invalid: names key, value and range.
  [[nodiscard]] Result<void> validate() const;
};

struct BreakerConfig {
  /// Range 100 ms..1 h. What the failure rate is of: the calls that ended in this time. Kept in ten parts, so a call
  /// counts for at least nine tenths of it and at most all of it.
  std::chrono::milliseconds window{10'000};
  /// Range 1..1'000'000. Fewer calls in the window than this are no rate. Arbitrary: below 10 one failure is too much.
  std::uint32_t calls_min = 20;
  /// Range 1..100. Opens when at least this part of the window's calls failed.
  std::uint32_t failures_percent_max = 50;
  /// Range 0..1'000'000; 0: off. Opens after so many failures without a success between them, however few calls.
  std::uint32_t failures_in_a_row_max = 5;
  /// Range 0..1 h; 0: off. A success that took longer is a failure.
  std::chrono::milliseconds slow_after{0};
  /// Range 1 ms..open_max. How long nobody asks, at least. The first time is between open_min and twice that, as chance
  /// has it; both bounds double while it does not come back.
  std::chrono::milliseconds open_min{1'000};
  /// Range open_min..24 h. How long nobody asks, at most; then the time is between half of it and all of it.
  std::chrono::milliseconds open_max{60'000};
  /// Range 1..1'000. Half open, so many calls are out at most, and so many successes close it.
  std::uint32_t probes_max = 3;

  /// Error config_invalid: names key, value and range.
  [[nodiscard]] Result<void> validate() const;
};

struct LookupCacheConfig {
  /// Range 4 KiB..1 TiB; of all partitions together at most a quarter of the node's limits.memory_max. Of keys, rows and what keeps them (kEntryBytes each).
  std::uint64_t bytes_max = std::uint64_t{16} << 20;
  /// Range 1..1'000'000'000.
  std::uint64_t entries_max = 100'000;
  /// Range 0..7 days. How long an answer serves after it came; 0: not at all, every question is asked.
  std::chrono::milliseconds age_max{300'000};
  /// Range 0..7 days. The same of the answer that there is no such key. Shorter: what is missing may be added.
  std::chrono::milliseconds missing_age_max{60'000};
  /// Range 0..30 days; 0: off. How long after its age an answer may serve while the dependency is down.
  std::chrono::milliseconds stale_max{0};
  /// Range 1..10'000'000. Who waits for answers, all keys together.
  std::uint32_t waiters_max = 10'000;

  /// Error config_invalid: names key, value and range.
  [[nodiscard]] Result<void> validate() const;
};

}  // namespace weir

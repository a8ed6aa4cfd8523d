// What a lookup over HTTP asks, what it takes from the answer, and its limits.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/config_values.h"
#include "runtime/ports/dependency_config.h"

namespace weir {

struct HttpLookupHeader {
  std::string name;
  std::string value;
  std::string value_file;  // instead of `value`, for secrets: the file's text without the line end at its end
};

struct HttpLookupConfig {
  /// "https://geo.example/v1/places/{country}/{city}?full=1": {NAME}s are parts of the key, percent-encoded; at least
  /// one, none of them in the server's name.
  std::string url;
  std::vector<HttpLookupHeader> headers;
  /// Paths in the answer's JSON object: the row's values, in this order. 1..256.
  std::vector<FieldPath> answer;
  std::chrono::milliseconds connect_timeout{2'000};  // 1 ms..10 min
  std::chrono::milliseconds deadline{5'000};         // 1 ms..10 min; of one call
  std::uint64_t answer_bytes_max = 64 * 1024;        // 1..64 MiB
  /// Range 1..1'000. Calls that one partition has out at once; what else is to be asked for waits with its event. Arbitrary: with eight
  /// partitions as many connections as a browser's tabs have, which no server minds.
  std::uint32_t calls_max = 4;
  /// Range 0..1 h. What a Retry-After of more counts as.
  std::chrono::milliseconds retry_after_max{300'000};
  /// Statuses 400..499 that are the dependency's trouble and not the event's, beside 429: 408 by itself; 401 and 403
  /// where a token that has run out is to hold events instead of refusing them.
  std::vector<int> temporary_statuses{408};
  RetryConfig retry;
  RetryBudgetConfig budget;
  BreakerConfig breaker;
  LookupCacheConfig cache;

  /// Error config_invalid: names key, value and range. The URL and headers: HttpLookup::make.
  [[nodiscard]] Result<void> validate() const;
};

}  // namespace weir

// The failed attempts of one event, as people read them in the details of its dead letter: a JSON array of strings, one for each run of
// attempts that failed alike.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// Runs that are kept: the first ten and the newest ten; what is between them is counted.
inline constexpr std::size_t kAttemptRunsMax = 20;

struct FailedTry {
  std::uint32_t number = 1;  // counted from 1; 0: it was put off, nobody was asked
  std::int64_t at = 0;       // microseconds since 1970
  std::string_view stage;
  std::string_view reason;
  std::string_view details;  // a JSON array of strings, of the stage
};

/// `log` with one attempt more: `attempt 3, 2026-11-27T10:00:00Z: geo: lookup: 503`, and where the one before failed alike
/// `attempts 3 to 17, 2026-11-27T10:00:00Z to 2026-11-27T10:09:12Z: geo: lookup: 503`. Put off: `not tried, …`. `log`: empty, `[]`, or
/// what this has made.
[[nodiscard]] std::string with_attempt(std::string_view log, const FailedTry& failed);

}  // namespace weir

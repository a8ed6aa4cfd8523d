#include "runtime/engine/retry_after.h"

#include <algorithm>

#include "runtime/base/time_pattern.h"

namespace weir {

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, UnixMicros wall) {
  using std::chrono::milliseconds;
  constexpr std::int64_t kYear = 366 * 86'400;
  if (!value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t seconds = 0;
    for (const char c : value) seconds = std::min(kYear, seconds * 10 + (c - '0'));
    return milliseconds(seconds * 1'000);
  }
  static const Result<TimePattern> date = TimePattern::compile("%a, %d %b %Y %H:%M:%S GMT");
  const std::optional<UnixMicros> at = date ? date->parse(value) : std::nullopt;
  if (!at) return std::nullopt;
  // Up, so that it is over when it is.
  return milliseconds(std::clamp<std::int64_t>((*at - wall + 999) / 1'000, 0, kYear * 1'000));
}

}  // namespace weir

// Durations, sizes and counts as people write them in YAML and on the command line: `50ms`, `512MiB`, `50M`.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace weir {

/// All three readers: one number and one unit without a space, nothing else. The number may have a fraction where the
/// result is whole (1.5h, 0.5KiB). Errors, invalid_argument: what was written, what is allowed, what to write instead.
/// Pure.

/// us ms s m h d w; 0 and more. A bare number is refused, also 0: `0s`.
[[nodiscard]] Result<std::chrono::microseconds> parse_duration(std::string_view text);
/// B KiB MiB GiB TiB PiB (powers of 1024). A bare number is refused; so are KB, MB, GB, which mean two things.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
/// A bare number, or one with K, M, G (powers of 1000).
[[nodiscard]] Result<std::uint64_t> parse_count(std::string_view text);

/// The shortest exact spelling with one unit that the reader takes back: 7d, 1500ms, 0s. Not below zero (asserted).
[[nodiscard]] std::string format_duration(std::chrono::microseconds duration);
/// 900KiB, 64MiB, 1B, 0B.
[[nodiscard]] std::string format_size(std::uint64_t bytes);
/// 50M, 1500, 0.
[[nodiscard]] std::string format_count(std::uint64_t count);

}  // namespace weir

// What a door that follows files says of itself: set by its feed, read by the metrics.
#pragma once
#include <atomic>
#include <cstdint>

namespace weir {

struct FilesGauges {
  std::atomic<std::uint64_t> events{0};         // framed and given out; what is read again after a failure counts again
  std::atomic<std::uint64_t> bytes{0};          // read, decompressed
  std::atomic<std::uint64_t> files{0};          // known
  std::atomic<std::uint64_t> open{0};           // of them
  std::atomic<std::uint64_t> unread_bytes{0};   // as stored, by the newest look, without files that cannot be read
  std::atomic<std::uint64_t> buffers_bytes{0};  // memory of what is read ahead
  std::atomic<std::uint64_t> failing{0};        // files and directories that cannot be read now
  std::atomic<std::uint64_t> errors{0};         // files and directories that could not be read, each time that began
  std::atomic<std::uint64_t> restarts{0};       // files that were truncated or written anew
  std::atomic<bool> running{false};             // its door reads, or waits for more
};

}  // namespace weir

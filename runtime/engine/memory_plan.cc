#include "runtime/engine/memory_plan.h"

#include <algorithm>

#include "runtime/base/units.h"

namespace weir {

namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

// The least that works: an event may have 16 MiB, but not every buffer must hold one; these hold batches of ordinary
// events.
constexpr std::uint64_t kWindowMin = 256 * kKiB;
constexpr std::uint64_t kDeltaMin = 64 * kKiB;
constexpr std::uint64_t kApplyMin = 256 * kKiB;
constexpr std::uint64_t kReadMin = 64 * kKiB;
constexpr std::uint64_t kParkedMin = 64 * kKiB;
constexpr std::uint64_t kPartitionMin = kWindowMin + 2 * kDeltaMin + kApplyMin + kReadMin + kParkedMin;

}  // namespace

Result<MemoryPlan> plan_memory(std::uint64_t memory_max, std::uint32_t partitions, std::uint64_t body_max) {
  if (std::uint64_t{partitions} * kPartitionMin > memory_max / 2)
    return fail(Errc::config_invalid,
                "limits.memory_max is {}, too little for {} partitions, which need {} beside everything else; raise it "
                "to {}, or make a "
                "pipeline of fewer partitions",
                format_size(memory_max), partitions, format_size(partitions * kPartitionMin),
                format_size(2 * partitions * kPartitionMin));
  // A body is framed into batches of about its size, which are one append.
  if (body_max > memory_max / 16)
    return fail(Errc::config_invalid,
                "http.body_max is {}; with limits.memory_max {} it can be {} at most (a sixteenth)",
                format_size(body_max), format_size(memory_max), format_size(memory_max / 16));
  const auto part = [&](std::uint64_t share, std::uint64_t least, std::uint64_t most) {
    return std::clamp(memory_max / share / partitions, least, most);
  };
  MemoryPlan plan;
  plan.log_outstanding_bytes_max = std::clamp(memory_max / 8, 2 * body_max, 256 * kMiB);
  plan.http_bodies_bytes_max = std::clamp(memory_max / 16, body_max, std::max(body_max, 64 * kMiB));
  plan.http_answers_bytes_max = std::clamp(memory_max / 16, 16 * kMiB, 64 * kMiB);
  plan.live_bytes_max = std::clamp(memory_max / 32, kMiB, 24 * kMiB);
  plan.files_bytes_max = std::clamp(memory_max / 64, 4 * kMiB, 32 * kMiB);
  plan.block_cache_bytes = std::clamp(memory_max / 64, 8 * kMiB, 1'024 * kMiB);
  plan.window_bytes_max = part(8, kWindowMin, 8 * kMiB);
  plan.apply_bytes_max = part(8, kApplyMin, 8 * kMiB);
  plan.delta_bytes_max = part(16, kDeltaMin, 4 * kMiB);
  plan.read_bytes_max = part(16, kReadMin, 2 * kMiB);
  plan.parked_bytes_max = part(8, kParkedMin, memory_max);
  return plan;
}

}  // namespace weir

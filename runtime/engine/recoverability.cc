#include "runtime/engine/recoverability.h"

#include <algorithm>

namespace weir {

namespace {
/// Fewer say more of starting than of going. Arbitrary.
constexpr std::uint64_t kEventsMin = 1'000;
constexpr std::uint64_t kBytesMin = std::uint64_t{1} << 20;
}  // namespace

RebuildSpeed learn_speed(const RebuildSpeed& before, const RebuildMeasure& measure) noexcept {
  RebuildSpeed now = before;
  if (measure.events >= kEventsMin && measure.replay_seconds > 0) now.events_per_second = static_cast<double>(measure.events) / measure.replay_seconds;
  if (measure.bytes >= kBytesMin && measure.restore_seconds > 0) now.restore_bytes_per_second = static_cast<double>(measure.bytes) / measure.restore_seconds;
  return now;
}

Recoverability recoverability(const std::optional<RecoveryBase>& base, const PartitionStatus& log, const RebuildSpeed& speed) noexcept {
  Recoverability needed;
  const bool restored = base && base->sequence >= log.output_begin;
  needed.possible = restored || log.output_begin == CommitSequence{};
  if (!needed.possible) return needed;
  const Offset from = restored ? base->committed : Offset{};
  needed.events = log.ingest_durable - std::min(log.ingest_durable, from);
  const std::uint64_t bytes = restored ? base->bytes : 0;
  const bool replay_known = needed.events == 0 || speed.events_per_second > 0;
  const bool restore_known = bytes < kBytesMin || speed.restore_bytes_per_second > 0;
  if (!replay_known || !restore_known) return needed;
  double seconds = needed.events == 0 ? 0 : static_cast<double>(needed.events) / speed.events_per_second;
  if (speed.restore_bytes_per_second > 0) seconds += static_cast<double>(bytes) / speed.restore_bytes_per_second;
  needed.seconds = seconds;
  return needed;
}

}  // namespace weir

// `snapshots:` of the node file: where copies of the state go, how often, and how often one is tried out.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace weir {

struct SnapshotConfig {
  /// Empty: `snapshots` in the data directory. A directory on another disk survives the loss of this one.
  std::string directory;
  /// 10 s .. 30 d; 0: only by command. Bounds what a rebuild reads of the log: replaying takes about as long as the
  /// events of one interval took to be processed at full speed. A snapshot without commits since the last one is not made.
  std::chrono::microseconds interval = std::chrono::minutes(10);
  /// 3 .. 1,000 usable ones for each partition. Three: one that is damaged and one that was made after the damage leave one.
  std::uint32_t keep = 3;
  /// 10 s .. 365 d; 0: only by command. Each time the newest one is restored aside, replayed to the present and compared.
  std::chrono::microseconds verify_interval = std::chrono::hours(24);
};

}  // namespace weir

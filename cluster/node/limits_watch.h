// Watches what the node uses and tells its doors when it comes near limits.memory_max or limits.disk_max.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/engine/door_pressure.h"
#include "runtime/engine/partition_gauges.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/node_config.h"

namespace weir {

/// What uses memory, by name, in bytes.
struct MemoryUse {
  std::string component;
  std::uint64_t bytes = 0;
};

/// Not thread-safe: one thread looks. References must outlive it.
class LimitsWatch {
 public:
  /// `use`: the components, for the message. `backlog`: events that are accepted and not decided: each will be
  /// remembered, so the memory for that is counted as used already; doors that closed only when it is used would close
  /// too late.
  LimitsWatch(const NodeConfig& node, std::string data, DoorPressure& pressure,
              std::function<std::vector<MemoryUse>()> use, std::function<std::uint64_t()> backlog, const Clock& clock,
              Logbook& logbook);
  /// To be called often; looks at the memory every 20 ms, at the disk every second.
  void look();

 private:
  void tell(Pressure level, const std::string& why, bool disk);
  const NodeConfig& node_;
  std::string data_;
  DoorPressure& pressure_;
  std::function<std::vector<MemoryUse>()> use_;
  std::function<std::uint64_t()> backlog_;
  const Clock& clock_;
  Logbook& logbook_;
  PressureGauge memory_;
  PressureGauge disk_;
  Pressure disk_level_ = Pressure::none;
  Pressure told_ = Pressure::none;
  std::uint64_t disk_used_ = 0;
  TimePoint memory_looked_{-std::chrono::hours(1)};
  TimePoint disk_looked_{-std::chrono::hours(1)};
  GiveBack give_back_;
};

}  // namespace weir

#include "cluster/node/limits_watch.h"

#include <fmt/format.h>

#include "runtime/adapters/system/usage.h"
#include "runtime/base/units.h"

namespace weir {

namespace {

constexpr std::chrono::milliseconds kMemoryPause{20};
constexpr std::chrono::milliseconds kDiskPause{1'000};
/// What remembering an id takes while its tables grow; some 25 when they are full.
constexpr std::uint64_t kBytesPerId = 40;

std::string mebibytes(std::uint64_t bytes) {
  return fmt::format("{} MiB", bytes >> 20);
}

}  // namespace

LimitsWatch::LimitsWatch(const NodeConfig& node, std::string data, DoorPressure& pressure,
                         std::function<std::vector<MemoryUse>()> use, std::function<std::uint64_t()> backlog,
                         const Clock& clock, Logbook& logbook)
    : node_(node),
      data_(std::move(data)),
      pressure_(pressure),
      use_(std::move(use)),
      backlog_(std::move(backlog)),
      clock_(clock),
      logbook_(logbook) {}

void LimitsWatch::look() {
  const TimePoint now = clock_.now();
  if (now - memory_looked_ < kMemoryPause) return;
  memory_looked_ = now;
  if (now - disk_looked_ >= kDiskPause) {
    disk_looked_ = now;
    if (const auto used = directory_bytes(data_)) {
      disk_used_ = *used;
      pressure_.set_disk_bytes(*used);
      disk_level_ = disk_.look(*used, node_.disk_max);
    }
  }
  const std::uint64_t owed = backlog_() * kBytesPerId;
  const std::uint64_t used = resident_bytes() + owed;
  const Pressure memory = memory_.look(used, node_.memory_max);
  const std::vector<MemoryUse> use = use_();
  std::uint64_t in_use = 0;
  for (const MemoryUse& one : use) in_use += one.bytes;
  if (give_back_.due(now, memory, in_use, node_.memory_max)) give_memory_back();
  if (memory >= disk_level_) {
    if (memory == Pressure::none) return tell(Pressure::none, "", false);
    std::string parts = owed >> 20 == 0 ? "" : fmt::format("{} for ids of the backlog", mebibytes(owed));
    for (const MemoryUse& one : use)
      if (one.bytes >> 20 != 0)
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", one.component, mebibytes(one.bytes));
    return tell(
        memory,
        fmt::format(
            "the node uses or owes {} of limits.memory_max {} ({}): raise it, shorten dedupe.remember, or send less",
            mebibytes(used), format_size(node_.memory_max), parts.empty() ? "no component stands out" : parts),
        false);
  }
  tell(disk_level_,
       fmt::format("{} holds {} of limits.disk_max {}: raise it, or shorten log.embedded.retain", data_,
                   mebibytes(disk_used_), format_size(node_.disk_max)),
       true);
}

void LimitsWatch::tell(Pressure level, const std::string& why, bool disk) {
  pressure_.set(level, why, disk);
  // Once when doors close and once when they are open again; slowing down comes and goes.
  if (level == Pressure::full && told_ != Pressure::full) {
    told_ = Pressure::full;
    logbook_.write(LogLevel::warn, "limits", "doors take nothing more: " + why);
  } else if (level == Pressure::none && told_ == Pressure::full) {
    told_ = Pressure::none;
    logbook_.write(LogLevel::info, "limits", "doors are open again");
  }
}

}  // namespace weir

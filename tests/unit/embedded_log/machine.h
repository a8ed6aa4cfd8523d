// A log on a disk with faults: opened, crashed and looked into. Small segments, no seal by time.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/contract/event_log/log_fixture.h"
#include "tests/support/catch.h"

namespace weir::test {

struct Machine {
  explicit Machine(std::uint64_t seed = 1) : disk(seed), rng(seed) {
    options.directory = "d";
    options.partitions = kPartitions;
    options.segment_bytes = 64 * 1024;
    options.retain = std::chrono::microseconds(0);
    options.seal_delay = std::chrono::hours(1);
    options.files = &disk;
  }
  [[nodiscard]] Result<std::unique_ptr<EmbeddedLog>> try_open() { return open_embedded_log(options, clock, rng); }
  EmbeddedLog& open() {
    log.reset();
    auto opened = try_open();
    if (!opened) FAIL(describe(opened.error()));
    log = std::move(*opened);
    return *log;
  }
  EmbeddedLog& owned() {
    open();
    REQUIRE(fence(*log, all_partitions(*log)));
    return *log;
  }
  void crash(Survival survival = Survival::all) {
    disk.crash_now();
    log.reset();
    disk.reboot(survival);
  }
  [[nodiscard]] std::vector<std::string> files(std::string_view part) const {
    std::vector<std::string> found;
    for (const std::string& path : disk.paths()) {
      if (path.find(part) != std::string::npos) found.push_back(path);
    }
    return found;
  }
  FaultDisk disk;
  ManualClock clock;
  SeededRng rng;
  EmbeddedLogOptions options;
  std::unique_ptr<EmbeddedLog> log;
};

[[nodiscard]] inline std::string filler(int i) {
  return std::string(9'000, static_cast<char>('a' + i % 26));
}

/// Appends and commits enough to fill several segments of both journals.
inline void fill(EmbeddedLog& log, int rounds, std::uint32_t partitions = kPartitions) {
  for (int i = 0; i < rounds; ++i) {
    for (std::uint32_t p = 0; p < partitions; ++p) {
      REQUIRE(append(log, p, 1, filler(i)));
      REQUIRE(commit(log, {{part(log, p, 1, filler(i))}}).kind == CommitOutcome::Kind::committed);
    }
  }
}

/// Moves every partition in `partitions` to its end, and waits until both journals have seen it.
inline void trim_to_end(EmbeddedLog& log, const std::vector<std::uint32_t>& partitions) {
  std::vector<TrimPoint> points;
  for (const std::uint32_t p : partitions) {
    const PartitionStatus now = log.status(PartitionId{p});
    points.push_back({PartitionId{p}, now.position.committed, now.position.sequence});
  }
  log.trim(std::move(points));
  // A trim is decided with the frame that is queued with it or before the one after it.
  for (int i = 0; i < 2; ++i) {
    AppendGroup marker;
    marker.positions = {{"marker", std::to_string(i)}};
    REQUIRE(append(log, std::move(marker)));
    REQUIRE(commit(log, {{part(log, 0, 0, "marker")}}).kind == CommitOutcome::Kind::committed);
  }
}

}  // namespace weir::test

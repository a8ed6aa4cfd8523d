// Measuring one run, from inside and as a child process.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace weir::cli {

struct PathMeasurement {
  double cpu_seconds = 0;  // user and system time of all threads
  double wall_seconds = 0;
  std::uint64_t peak_kib = 0;       // of the process, opening included
  std::uint64_t bytes_written = 0;  // to the device, as the kernel counts them
  std::string answers;              // JSON, of the roofline
};

/// Counts from begin() to end() in this process.
class PathMeter {
 public:
  void begin();
  void end();
  /// One line of JSON.
  [[nodiscard]] std::string to_json() const;

 private:
  double cpu_ = 0, wall_ = 0;
  std::uint64_t written_ = 0;
  PathMeasurement measured_;
};

/// Runs a program to its end and reads the measurement it prints. Its stderr is ours. Error internal: it failed or
/// printed something else.
[[nodiscard]] Result<PathMeasurement> run_measured(const std::vector<std::string>& command);

}  // namespace weir::cli

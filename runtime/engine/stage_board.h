// Gauges of stages by their names, for those who watch: set by the works of a stage in all partitions, read from anywhere.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

/// Thread-safe.
template <class Gauges>
class StageBoard {
 public:
  struct Line {
    std::string stage;
    std::shared_ptr<const Gauges> gauges;
  };
  /// Made when it is asked for first; lives as long as the board, so that its counters never go back.
  [[nodiscard]] std::shared_ptr<Gauges> of(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    auto& known = gauges_[stage];
    if (!known) known = std::make_shared<Gauges>();
    return known;
  }
  [[nodiscard]] std::vector<Line> lines() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Line> lines;
    for (const auto& [stage, gauges] : gauges_) lines.push_back({stage, gauges});
    return lines;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Gauges>> gauges_;
};

}  // namespace weir

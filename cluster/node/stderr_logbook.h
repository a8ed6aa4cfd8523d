// The log of a process on stderr: lines for people, or JSON lines for programs.
#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/ports/clock.h"
#include "runtime/ports/logbook.h"

namespace weir {

class StderrLogbook final : public Logbook {
 public:
  /// For people: `weir: warning: partition/3: …`
  explicit StderrLogbook(LogLevel level) : level_(level) {}
  /// JSON lines: {"ts","level","node","component","partition","epoch","msg"}; partition and epoch where they are known. `clock` must
  /// outlive it.
  StderrLogbook(LogLevel level, std::string node, const Clock& clock) : level_(level), node_(std::move(node)), clock_(&clock) {}

  /// The epoch of a partition, for JSON lines. May be empty. Thread-safe.
  void know_epochs(std::function<std::optional<std::uint64_t>(std::uint32_t partition)> epoch_of) override;
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override;

 private:
  [[nodiscard]] std::string json_line(LogLevel level, std::string_view who, std::string_view text);
  LogLevel level_;
  std::string node_;
  const Clock* clock_ = nullptr;  // null: for people
  std::mutex mutex_;
  std::function<std::optional<std::uint64_t>(std::uint32_t)> epoch_of_;
};

/// One line of the JSON form, without its line end. `who`: "partition/3" is a component and a partition.
[[nodiscard]] std::string log_line_json(UnixMicros time, LogLevel level, std::string_view node, std::string_view who,
                                        const std::function<std::optional<std::uint64_t>(std::uint32_t)>& epoch_of, std::string_view text);

}  // namespace weir

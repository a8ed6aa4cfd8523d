// Where the node writes what a person may want to know. One line per fact; never per event.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace weir {

/// error: data at risk or a human is needed. warn: something failed and was mended. info: lifecycle. debug: for developers.
enum class LogLevel : std::uint8_t { debug, info, warn, error };

/// Thread-safe; never blocks for long, never throws.
class Logbook {
 public:
  virtual ~Logbook() = default;
  /// `who`: component and partition, e.g. "partition/3".
  virtual void write(LogLevel level, std::string_view who, std::string_view text) noexcept = 0;
  /// How to learn the epoch of a partition, for logbooks that write it; nothing takes it back. Called from any thread.
  virtual void know_epochs(std::function<std::optional<std::uint64_t>(std::uint32_t partition)> /*epoch_of*/) {}
};

}  // namespace weir

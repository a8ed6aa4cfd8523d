// Reads times from values, in the forms a pipeline file can name.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/calendar.h"
#include "runtime/base/result.h"
#include "runtime/base/time_pattern.h"
#include "runtime/event/chain_arena.h"
#include "runtime/event/document.h"
#include "runtime/ports/config_values.h"

namespace weir {

/// Immutable and pure.
class TimeReader {
 public:
  /// TimeFormat::acceptance reads nothing (read() always gives nullopt). `pattern` and `zone` are those of
  /// TimeFormat::strptime; the zone is that of patterns without one. Errors: config_invalid (a zone that is no fixed
  /// offset), of TimePattern::compile.
  [[nodiscard]] static Result<TimeReader> compile(TimeFormat format, const std::string& pattern,
                                                  const std::string& zone);

  /// nullopt: the value is no such time, or outside the years 1900 to 2200. With a pattern a number is taken for its
  /// spelling (`%Y%m%d` of 20101201); RFC 3339 is text only.
  [[nodiscard]] std::optional<UnixMicros> read(const Value& value, ChainArena& arena) const;
  /// What read() takes, for messages: "RFC 3339".
  [[nodiscard]] const std::string& wanted() const noexcept { return wanted_; }

 private:
  TimeFormat format_ = TimeFormat::acceptance;
  std::optional<TimePattern> pattern_;
  std::string wanted_;
};

}  // namespace weir

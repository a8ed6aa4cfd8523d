#include "runtime/engine/time_reader.h"

#include "runtime/base/time_text.h"
#include "runtime/event/json_scan.h"

namespace weir {

Result<TimeReader> TimeReader::compile(TimeFormat format, const std::string& pattern, const std::string& zone) {
  TimeReader reader;
  reader.format_ = format;
  switch (format) {
    case TimeFormat::acceptance:
      break;
    case TimeFormat::rfc3339:
      reader.wanted_ = "RFC 3339";
      break;
    case TimeFormat::unix_seconds:
      reader.wanted_ = "seconds since 1970";
      break;
    case TimeFormat::unix_ms:
      reader.wanted_ = "milliseconds since 1970";
      break;
    case TimeFormat::unix_us:
      reader.wanted_ = "microseconds since 1970";
      break;
    case TimeFormat::strptime: {
      const auto offset = parse_zone_offset(zone);
      if (!offset)
        return fail(Errc::config_invalid, "the zone \"{}\" is neither UTC nor an offset such as +02:00", zone);
      WEIR_ASSIGN(reader.pattern_, TimePattern::compile(pattern, *offset));
      reader.wanted_ = pattern;
      break;
    }
  }
  return reader;
}

std::optional<UnixMicros> TimeReader::read(const Value& value, ChainArena& arena) const {
  if (format_ == TimeFormat::acceptance || (!value.is_text() && value.kind != ValueKind::number)) return std::nullopt;
  if (format_ == TimeFormat::rfc3339) {
    if (!value.is_text()) return std::nullopt;
    return parse_rfc3339(plain_text(value, arena));
  }
  if (format_ == TimeFormat::strptime) return pattern_->parse(plain_text(value, arena));
  const std::uint32_t digits = format_ == TimeFormat::unix_seconds ? 0 : format_ == TimeFormat::unix_ms ? 3 : 6;
  json_scan::SmallNumber small;
  if (value.kind == ValueKind::number && json_scan::small_number(value.data, value.length, small) && small.scale == 0) {
    // At most 16 digits times 10^6 would not fit: such a time is out of range anyway.
    constexpr std::int64_t kMicros[7] = {1'000'000, 0, 0, 1'000, 0, 0, 1};
    UnixMicros time = 0;
    if (__builtin_mul_overflow(small.unscaled, kMicros[digits], &time) || !in_event_time_range(time))
      return std::nullopt;
    return time;
  }
  return parse_unix(plain_text(value, arena), digits);
}

}  // namespace weir

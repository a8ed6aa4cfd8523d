// Forms that read a time: date_part and date_format.
#include <fmt/format.h>

#include <charconv>

#include "actors/transform/operand_form.h"
#include "runtime/base/time_text.h"
#include "runtime/base/time_writer.h"
#include "runtime/engine/field_ref.h"
#include "runtime/engine/time_reader.h"

namespace weir {

namespace {

using Kind = Expression::Kind;

Result<std::int32_t> offset_of(const std::string& zone) {
  if (const auto offset = parse_zone_offset(zone)) return *offset;
  return fail(Errc::config_invalid, "the zone \"{}\" is neither UTC nor an offset such as +02:00", zone);
}

class TimeForm : public OperandForm {
 public:
  /// No reader: the event's own time (`@time`).
  TimeForm(std::optional<TimeReader> from, std::int32_t offset) : offset_(offset), from_(std::move(from)) {}
  bool make(const Value& operand, std::string_view called, FormulaRun& run, Value& value) const final {
    if (!from_) return write(run.event.event_time, run, value);
    if (const auto time = from_->read(operand, run.batch.arena())) [[likely]]
      return write(*time, run, value);
    if (operand.absent()) {
      run.fault = {"field_missing", fmt::format("{} is {}", called, to_string(operand.kind))};
    } else {
      run.fault = {"time", fmt::format("{} {} is no time of the years 1900 to 2200 as {}", called, shown(operand),
                                       from_->wanted())};
    }
    return false;
  }

 protected:
  const std::int32_t offset_;  // seconds east of UTC of what is written

 private:
  [[nodiscard]] virtual bool write(UnixMicros time, FormulaRun& run, Value& value) const = 0;
  std::optional<TimeReader> from_;
};

class DatePartForm final : public TimeForm {
 public:
  DatePartForm(std::optional<TimeReader> from, std::int32_t offset, DatePart part)
      : TimeForm(std::move(from), offset), part_(part) {}
  std::string_view makes() const override { return "the number computed"; }

 private:
  bool write(UnixMicros time, FormulaRun& run, Value& value) const override {
    char* const to = run.batch.arena().take(8);
    const char* const end = std::to_chars(to, to + 8, part(local_time(time, offset_))).ptr;
    value = make_value(ValueKind::number, {to, static_cast<std::size_t>(end - to)});
    return true;
  }
  [[nodiscard]] unsigned part(const LocalTime& local) const noexcept {
    switch (part_) {
      case DatePart::year:
        return static_cast<unsigned>(local.year);
      case DatePart::quarter:
        return (local.month + 2) / 3;
      case DatePart::month:
        return local.month;
      case DatePart::week:
        return local.week;
      case DatePart::week_year:
        return static_cast<unsigned>(local.week_year);
      case DatePart::day:
        return local.day;
      case DatePart::day_of_year:
        return local.day_of_year;
      case DatePart::weekday:
        return local.weekday;
      case DatePart::hour:
        return local.hour;
      case DatePart::minute:
        return local.minute;
      case DatePart::second:
        return local.second;
      case DatePart::microsecond:
        return local.micros;
    }
    return 0;
  }
  DatePart part_;
};

class PatternForm final : public TimeForm {
 public:
  PatternForm(std::optional<TimeReader> from, TimeWriter writer)
      : TimeForm(std::move(from), 0), writer_(std::move(writer)) {}
  std::string_view makes() const override { return "the text computed"; }

 private:
  bool write(UnixMicros time, FormulaRun& run, Value& value) const override {
    char* const to = run.batch.arena().take(writer_.size_max());
    const std::size_t size = writer_.write(time, to);
    run.batch.arena().shrink_last(to, size);
    value = make_text({to, size});
    return true;
  }
  TimeWriter writer_;
};

/// RFC 3339, in UTC with Z, at another offset with that.
class Rfc3339Form final : public TimeForm {
 public:
  Rfc3339Form(std::optional<TimeReader> from, std::int32_t offset) : TimeForm(std::move(from), offset) {}
  std::string_view makes() const override { return "the text computed"; }

 private:
  bool write(UnixMicros time, FormulaRun& run, Value& value) const override {
    char* const to = run.batch.arena().take(kRfc3339Max + 5);
    std::size_t size = write_rfc3339(time + std::int64_t{offset_} * kMicrosPerSecond, to);
    if (offset_ != 0) {
      const auto minutes = static_cast<unsigned>(offset_ < 0 ? -offset_ : offset_) / 60;
      char* at = to + size - 1;  // over the Z
      *at++ = offset_ < 0 ? '-' : '+';
      for (const unsigned two : {minutes / 60, minutes % 60}) {
        *at++ = static_cast<char>('0' + two / 10);
        *at++ = static_cast<char>('0' + two % 10);
        if (at == to + size + 2) *at++ = ':';
      }
      size += 5;
    }
    value = make_value(ValueKind::text, {to, size});
    return true;
  }
};

/// A number of seconds, milliseconds or microseconds since 1970, with a fraction only where there is one.
class UnixForm final : public TimeForm {
 public:
  UnixForm(std::optional<TimeReader> from, std::uint32_t digits) : TimeForm(std::move(from), 0), digits_(digits) {}
  std::string_view makes() const override { return "the number computed"; }

 private:
  bool write(UnixMicros time, FormulaRun& run, Value& value) const override {
    std::uint32_t scale = 6 - digits_;
    for (; scale != 0 && time % 10 == 0; --scale) time /= 10;
    char* const to = run.batch.arena().take(Decimal::kTextMax);
    const std::size_t size = Decimal::make(time, scale)->write_text(to);  // 17 digits at most
    run.batch.arena().shrink_last(to, size);
    value = make_value(ValueKind::number, {to, size});
    return true;
  }
  std::uint32_t digits_;
};

}  // namespace

Result<std::unique_ptr<const OperandForm>> make_time_form(const Expression& expression) {
  std::unique_ptr<const OperandForm> form;
  if (expression.kind != Kind::date_part && expression.kind != Kind::date_format) return form;
  std::optional<TimeReader> from;
  const Expression& operand = expression.arguments.front();
  if (operand.kind != Kind::path || operand.path.text != "@time") {
    WEIR_ASSIGN(from, TimeReader::compile(expression.from.format, expression.from.pattern, expression.from.zone));
  }
  WEIR_ASSIGN(const std::int32_t offset, offset_of(expression.to.zone));
  if (expression.kind == Kind::date_part) {
    form = std::make_unique<DatePartForm>(std::move(from), offset, expression.part);
    return form;
  }
  switch (expression.to.format) {
    case TimeFormat::acceptance:
      return fail(Errc::config_invalid, "a date format needs something to be written as");
    case TimeFormat::rfc3339:
      form = std::make_unique<Rfc3339Form>(std::move(from), offset);
      break;
    case TimeFormat::unix_seconds:
      form = std::make_unique<UnixForm>(std::move(from), 0);
      break;
    case TimeFormat::unix_ms:
      form = std::make_unique<UnixForm>(std::move(from), 3);
      break;
    case TimeFormat::unix_us:
      form = std::make_unique<UnixForm>(std::move(from), 6);
      break;
    case TimeFormat::strptime: {
      WEIR_ASSIGN(TimeWriter writer, TimeWriter::compile(expression.to.pattern, offset));
      form = std::make_unique<PatternForm>(std::move(from), std::move(writer));
      break;
    }
  }
  return form;
}

}  // namespace weir

#include "runtime/base/time_text.h"

#include "runtime/base/decimal.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

/// Reads text from the left; every function is false where the text is not as asked.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : at_(text.data()), end_(text.data() + text.size()) {}
  [[nodiscard]] bool at_end() const noexcept { return at_ == end_; }
  [[nodiscard]] bool take(char c) noexcept {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool digits(int count, unsigned& value) noexcept {
    if (end_ - at_ < count) return false;
    value = 0;
    for (int i = 0; i < count; ++i) {
      const auto digit = static_cast<unsigned>(*at_++ - '0');
      if (digit > 9) return false;
      value = value * 10 + digit;
    }
    return true;
  }
  /// One or more digits as a fraction of a second; what is finer than a microsecond is dropped.
  [[nodiscard]] bool fraction(std::int64_t& micros) noexcept {
    const char* const begin = at_;
    std::int64_t unit = kMicrosPerSecond;
    for (; at_ != end_ && static_cast<unsigned>(*at_ - '0') <= 9; ++at_) {
      unit /= 10;
      micros += unit * (*at_ - '0');
    }
    return at_ != begin;
  }
  /// Z, or +hh:mm with or without the colon or the minutes as allowed.
  [[nodiscard]] bool offset(bool colon_required, std::int32_t& seconds) noexcept {
    if (take('Z') || take('z')) return true;
    const bool west = at_ != end_ && *at_ == '-';
    if (!take('+') && !take('-')) return false;
    unsigned hours = 0;
    unsigned minutes = 0;
    if (!digits(2, hours)) return false;
    const bool colon = take(':');
    if (colon_required && !colon) return false;
    if ((colon || !at_end()) && !digits(2, minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    seconds = static_cast<std::int32_t>(hours * 3'600 + minutes * 60) * (west ? -1 : 1);
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

void write_digits(char* to, unsigned value, int count) noexcept {
  for (int i = count - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::optional<UnixMicros> parse_rfc3339(std::string_view text) noexcept {
  Scanner scan(text);
  CivilTime civil;
  unsigned year = 0;
  if (!scan.digits(4, year) || !scan.take('-') || !scan.digits(2, civil.month) || !scan.take('-') ||
      !scan.digits(2, civil.day))
    return std::nullopt;
  if (!scan.take('T') && !scan.take('t') && !scan.take(' ')) return std::nullopt;
  if (!scan.digits(2, civil.hour) || !scan.take(':') || !scan.digits(2, civil.minute) || !scan.take(':') ||
      !scan.digits(2, civil.second))
    return std::nullopt;
  if (scan.take('.') && !scan.fraction(civil.micros)) return std::nullopt;
  if (!scan.offset(true, civil.offset) || !scan.at_end()) return std::nullopt;
  civil.year = static_cast<int>(year);
  return to_unix(civil);
}

std::optional<UnixMicros> parse_unix(std::string_view text, std::uint32_t digits) noexcept {
  const auto number = Decimal::parse(text);
  if (!number) return std::nullopt;
  Int128 micros = number->unscaled();
  const std::uint32_t behind = number->scale() + digits;
  if (behind <= 6) {
    if (__builtin_mul_overflow(micros, static_cast<Int128>(kPowersOfTen[6 - behind]), &micros)) return std::nullopt;
  } else {
    const auto divisor = static_cast<Int128>(kPowersOfTen[behind - 6]);
    const bool down = micros % divisor < 0;
    micros = micros / divisor - (down ? 1 : 0);
  }
  if (micros < kTimeMin || micros >= kTimeEnd) return std::nullopt;
  return static_cast<UnixMicros>(micros);
}

std::size_t write_rfc3339(UnixMicros time, char* to) {
  const std::int64_t day = floor_divide(time, kMicrosPerDay);
  const auto date = date_of_day(day);
  const int year = static_cast<int>(date.year());
  INVARIANT(year >= 0 && year <= 9999, "RFC 3339 has four digits for a year");
  const std::int64_t rest = time - day * kMicrosPerDay;
  const auto seconds = static_cast<unsigned>(rest / kMicrosPerSecond);
  const auto micros = static_cast<unsigned>(rest % kMicrosPerSecond);
  write_digits(to, static_cast<unsigned>(year), 4);
  to[4] = '-';
  write_digits(to + 5, static_cast<unsigned>(date.month()), 2);
  to[7] = '-';
  write_digits(to + 8, static_cast<unsigned>(date.day()), 2);
  to[10] = 'T';
  write_digits(to + 11, seconds / 3'600, 2);
  to[13] = ':';
  write_digits(to + 14, seconds / 60 % 60, 2);
  to[16] = ':';
  write_digits(to + 17, seconds % 60, 2);
  std::size_t size = 19;
  if (micros != 0) {
    to[size++] = '.';
    const bool whole_ms = micros % 1'000 == 0;
    write_digits(to + size, whole_ms ? micros / 1'000 : micros, whole_ms ? 3 : 6);
    size += whole_ms ? 3 : 6;
  }
  to[size++] = 'Z';
  return size;
}

std::string to_rfc3339(UnixMicros time) {
  char text[kRfc3339Max];
  return std::string(text, write_rfc3339(time, text));
}

std::optional<std::int32_t> parse_zone_offset(std::string_view text) noexcept {
  if (text == "UTC") return 0;
  Scanner scan(text);
  std::int32_t seconds = 0;
  if (!scan.offset(false, seconds) || !scan.at_end()) return std::nullopt;
  return seconds;
}

}  // namespace weir

#include "actors/transform/small_decimal.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/decimal.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

constexpr std::int64_t kPowers[19] = {1,
                                      10,
                                      100,
                                      1'000,
                                      10'000,
                                      100'000,
                                      1'000'000,
                                      10'000'000,
                                      100'000'000,
                                      1'000'000'000,
                                      10'000'000'000,
                                      100'000'000'000,
                                      1'000'000'000'000,
                                      10'000'000'000'000,
                                      100'000'000'000'000,
                                      1'000'000'000'000'000,
                                      10'000'000'000'000'000,
                                      100'000'000'000'000'000,
                                      1'000'000'000'000'000'000};

}  // namespace

bool SmallDecimal::read(const Value& value) noexcept {
  const bool text = value.is_text() && value.has(value_flag::tabular) && !value.has(value_flag::escapes);
  json_scan::SmallNumber small;
  if ((value.kind != ValueKind::number && !text) || !json_scan::small_number(value.data, value.length, small))
    return false;
  unscaled = small.unscaled;
  scale = small.scale;
  return true;
}

bool SmallDecimal::raise(std::uint32_t to) noexcept {
  if (to - scale > kDecimalScaleMax || __builtin_mul_overflow(unscaled, kPowers[to - scale], &unscaled)) return false;
  scale = to;
  return true;
}

bool SmallDecimal::add(SmallDecimal other) noexcept {
  const std::uint32_t common = std::max(scale, other.scale);
  return raise(common) && other.raise(common) && !__builtin_add_overflow(unscaled, other.unscaled, &unscaled);
}

bool SmallDecimal::subtract(SmallDecimal other) noexcept {
  const std::uint32_t common = std::max(scale, other.scale);
  return raise(common) && other.raise(common) && !__builtin_sub_overflow(unscaled, other.unscaled, &unscaled);
}

bool SmallDecimal::multiply(SmallDecimal other) noexcept {
  scale += other.scale;
  return scale <= kDecimalScaleMax && !__builtin_mul_overflow(unscaled, other.unscaled, &unscaled);
}

bool SmallDecimal::round(std::uint32_t to) noexcept {
  if (to > kDecimalScaleMax) return false;
  if (to >= scale) return raise(to);
  const std::int64_t divisor = kPowers[scale - to];
  std::int64_t quotient = unscaled / divisor;
  const std::int64_t rest = unscaled % divisor;
  const std::int64_t distance = rest < 0 ? -rest : rest;
  const std::int64_t half = divisor / 2;  // exact: a power of ten above 1
  if (distance > half || (distance == half && (quotient & 1) != 0)) quotient += unscaled < 0 ? -1 : 1;
  unscaled = quotient;
  scale = to;
  return true;
}

std::size_t SmallDecimal::write(char* to) const noexcept {
  char buffer[kTextMax];
  char* const end = buffer + sizeof buffer;
  char* begin = end;
  std::uint64_t rest = unscaled < 0 ? 0 - static_cast<std::uint64_t>(unscaled) : static_cast<std::uint64_t>(unscaled);
  std::uint32_t left = scale;  // digits still to come behind the point
  for (; left != 0; --left, rest /= 10) *--begin = static_cast<char>('0' + rest % 10);
  if (scale != 0) *--begin = '.';
  do {
    *--begin = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (unscaled < 0) *--begin = '-';
  const auto length = static_cast<std::size_t>(end - begin);
  std::memcpy(to, begin, length);
  return length;
}

}  // namespace weir

// Reads one order line. Written for the order of members that the workload has; any other order works, slower.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace weir::roofline {

enum Member : std::uint8_t {
  kId,
  kTs,
  kType,
  kUser,
  kDevice,
  kAmount,
  kCurrency,
  kCountry,
  kIp,
  kUa,
  kAttrs,
  kV,
  kMembers
};

/// A value as it stands in the line; strings without their quotes.
struct Span {
  const char* data = nullptr;  // null: the member is missing
  std::uint32_t length = 0;
  bool text = false;
  [[nodiscard]] std::string_view view() const noexcept { return {data, length}; }
};

struct OrderText {
  std::array<Span, kMembers> members;
  const char* ua_begin = nullptr;  // the whole member with the comma before it; null: there is none
  const char* ua_end = nullptr;
  const char* close = nullptr;  // the closing brace
};

/// False: no valid JSON object. `line` lies in a buffer with 64 readable bytes behind its last line, the first of them
/// zero.
[[nodiscard]] bool read_order(std::string_view line, OrderText& order) noexcept;

}  // namespace weir::roofline

#include "actors/transform/ip_prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

/// Where the numbers of an IPv4 address end, and what they are.
struct Ipv4 {
  std::uint32_t ends[4];
  std::uint32_t parts[4];
};

/// Four numbers 0..255 without leading zeros, as inet_pton takes them.
bool read_ipv4(std::string_view text, Ipv4& address) noexcept {
  if (text.size() < 7 || text.size() > 15) return false;
  const auto length = static_cast<std::uint32_t>(text.size());
  // Exactly three places are no digit.
  std::uint32_t rest = json_scan::non_digits(text.data()) & ((1u << length) - 1);
  // Each step takes one bit away. Without a newer instruction set std::popcount would be a call.
  const std::uint32_t two = rest & (rest - 1);
  const std::uint32_t one = two & (two - 1);
  if (one == 0 || (one & (one - 1)) != 0) return false;
  rest |= 1u << length;
  std::uint32_t start = 0;
  bool bad = false;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto end = static_cast<std::uint32_t>(std::countr_zero(rest));
    rest &= rest - 1;
    const std::uint32_t digits = end - start;
    const std::uint32_t x = load<std::uint32_t>(text.data() + start) << ((32 - 8 * digits) & 31) & 0x0f0f0f0fu;
    const std::uint32_t part = (x >> 8 & 15) * 100 + (x >> 16 & 15) * 10 + (x >> 24);
    bad |= digits - 1 > 2 || part > 255 || (digits != 1 && text[start] == '0') || (i != 3 && text.data()[end] != '.');
    address.parts[i] = part;
    address.ends[i] = end;
    start = end + 1;
  }
  return !bad;
}

char* write_number(char* to, std::uint32_t number) noexcept {
  if (number >= 100) *to++ = static_cast<char>('0' + number / 100);
  if (number >= 10) *to++ = static_cast<char>('0' + number / 10 % 10);
  *to++ = static_cast<char>('0' + number % 10);
  return to;
}

std::size_t write_ipv6(std::string_view address, std::uint32_t bits, char* to) noexcept {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.size() >= sizeof text) return 0;
  std::memcpy(text, address.data(), address.size());
  in6_addr parsed{};
  // A byte 0 inside the address would end it for inet_pton.
  if (address.find('\0') != std::string_view::npos || inet_pton(AF_INET6, text, &parsed) != 1) return 0;
  for (std::uint32_t byte = 0; byte < 16; ++byte) {
    const std::uint32_t kept = std::min(8u, bits > byte * 8 ? bits - byte * 8 : 0u);
    parsed.s6_addr[byte] = static_cast<std::uint8_t>(parsed.s6_addr[byte] & (0xff00u >> kept));
  }
  if (inet_ntop(AF_INET6, &parsed, text, sizeof text) == nullptr) return 0;
  const std::size_t length = std::strlen(text);
  std::memcpy(to, text, length);
  to[length] = '/';
  return static_cast<std::size_t>(write_number(to + length + 1, bits) - to);
}

}  // namespace

std::size_t write_ip_prefix(std::string_view address, std::uint32_t bits, char* to) noexcept {
  Ipv4 ipv4;
  if (!read_ipv4(address, ipv4)) return write_ipv6(address, std::min(bits, 128u), to);
  bits = std::min(bits, 32u);
  const std::uint32_t whole = bits / 8;  // numbers that stay as they are written
  char* at = to;
  if (whole > 0) {
    json_scan::copy_over(at, address.data(), ipv4.ends[whole - 1]);
    at += ipv4.ends[whole - 1];
  }
  for (std::uint32_t i = whole; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    if (i == whole && bits % 8 != 0) {
      at = write_number(at, ipv4.parts[i] & (0xff00u >> bits % 8 & 0xff));
    } else {
      *at++ = '0';
    }
  }
  *at++ = '/';
  return static_cast<std::size_t>(write_number(at, bits) - to);
}

}  // namespace weir

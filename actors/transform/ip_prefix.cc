#include "actors/transform/ip_prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace weir {

namespace {

/// Four numbers 0..255 without leading zeros, as inet_pton takes them.
bool read_ipv4(std::string_view text, std::uint32_t& address) noexcept {
  address = 0;
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at >= text.size() || text[at++] != '.')) return false;
    const std::size_t start = at;
    std::uint32_t value = 0;
    for (; at < text.size() && at - start < 3; ++at) {
      const auto digit = static_cast<unsigned>(text[at] - '0');
      if (digit > 9) break;
      value = value * 10 + digit;
    }
    if (at == start || value > 255 || (at - start > 1 && text[start] == '0')) return false;
    address = address << 8 | value;
  }
  return at == text.size();
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
  std::uint32_t ipv4 = 0;
  if (!read_ipv4(address, ipv4)) return write_ipv6(address, std::min(bits, 128u), to);
  bits = std::min(bits, 32u);
  if (bits < 32) ipv4 &= bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  char* at = to;
  for (int shift = 24; shift >= 0; shift -= 8) {
    at = write_number(at, ipv4 >> shift & 0xff);
    *at++ = shift == 0 ? '/' : '.';
  }
  return static_cast<std::size_t>(write_number(at, bits) - to);
}

}  // namespace weir

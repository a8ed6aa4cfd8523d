// The network an IP address belongs to.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

inline constexpr std::size_t kIpPrefixMax = 64;
/// Writes `10.1.2.0/24` or `2001:db8::/32` (RFC 5952) to `to` (kIpPrefixMax bytes, no terminator); returns the length,
/// 0 when `address` is no IPv4 or IPv6 address. An IPv4 address has 32 bits: more are taken as 32. `bits` is at most
/// 128. kBlockPadding bytes behind `address` must be readable.
[[nodiscard]] std::size_t write_ip_prefix(std::string_view address, std::uint32_t bits, char* to) noexcept;

}  // namespace weir

// How many different values there were: exactly while they are few, estimated beyond.
//
// The state is a function of the set of values alone. Up to kDistinctExactMax of them it is their sorted 64-bit hashes;
// beyond that the registers of a HyperLogLog over all their hashes. So the union is associative, commutative and
// idempotent to the byte: neither order nor partitions, flushes or repeats show. Part of the stored format.
//
//   exact        head = number of hashes           bytes = hashes, ascending, 8 bytes little-endian each
//   approximate  head = kDistinctApproximate       bytes = kDistinctRegisters registers of a byte
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Exact up to and with so many. As many hashes take the same 8 KiB as the registers do, so a row is never larger than
/// it is when it has become approximate; and two of so many 64-bit hashes are equal by chance once in 10^13 sets.
inline constexpr std::uint32_t kDistinctExactMax = 1'024;
inline constexpr std::uint32_t kDistinctRegisters = 8'192;  // standard error 1.04 / sqrt(8192) = 1.15 %
inline constexpr std::uint32_t kDistinctApproximate = 0xffffffff;

/// Bytes that follow a head. nullopt: no head of this format.
[[nodiscard]] constexpr std::optional<std::size_t> distinct_bytes(std::uint32_t head) noexcept {
  if (head == kDistinctApproximate) return kDistinctRegisters;
  if (head > kDistinctExactMax) return std::nullopt;
  return std::size_t{head} * 8;
}

/// The state of one set, as it lies in a value. Reads only; lives as long as the bytes.
class DistinctSet {
 public:
  /// `bytes` are distinct_bytes(head) long (asserted).
  DistinctSet(std::uint32_t head, std::string_view bytes);

  [[nodiscard]] bool approximate() const noexcept { return head_ == kDistinctApproximate; }
  /// Whether the bytes are such a state: hashes ascend, no register says more than a hash can.
  [[nodiscard]] bool valid() const noexcept;
  /// Whether the state would be the same with this hash added. 30 ns.
  [[nodiscard]] bool covers(std::uint64_t hash) const noexcept;
  /// The number of hashes, or the estimate, rounded. The same everywhere for the same state.
  [[nodiscard]] std::uint64_t count() const noexcept;

  /// The state of both sets together: `bytes` is replaced, the head returned. Both are valid().
  [[nodiscard]] static std::uint32_t unite(const DistinctSet& a, const DistinctSet& b, std::string& bytes);

 private:
  friend std::uint32_t distinct_add(std::uint32_t head, char* bytes, std::uint64_t hash);
  [[nodiscard]] std::uint64_t hash(std::uint32_t index) const noexcept;
  [[nodiscard]] std::uint32_t place_of(std::uint64_t hash) const noexcept;
  void raise(char* registers) const noexcept;
  std::uint32_t head_;
  std::string_view bytes_;
};

/// Adds a hash that the state does not cover. `bytes` has distinct_bytes(head) bytes and room for 8 more while they are
/// fewer than kDistinctExactMax hashes. Returns the new head.
[[nodiscard]] std::uint32_t distinct_add(std::uint32_t head, char* bytes, std::uint64_t hash);

}  // namespace weir

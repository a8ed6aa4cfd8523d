// Strong types for the numbers that must not be mixed up.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace weir {

template <class Tag, class Rep>
struct StrongId {
  using rep = Rep;
  Rep value{};
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) noexcept : value(v) {}
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

/// Partition of a pipeline, 0-based; murmur2(event id) mod partitions (runtime/base/hash.h).
using PartitionId = StrongId<struct PartitionTag, std::uint32_t>;
/// Place in one partition's ingest log: 0-based, dense, never reused. As a position: everything below it is done.
using Offset = StrongId<struct OffsetTag, std::uint64_t>;
/// Commit sequence of a partition: the first commit is 1, +1 each. 0 = nothing committed yet.
using CommitSequence = StrongId<struct CommitSequenceTag, std::uint64_t>;
/// Grows at every change of owner of a partition. 0 = never owned.
using Epoch = StrongId<struct EpochTag, std::uint64_t>;
/// Grows at every start (or fencing) of a node.
using Incarnation = StrongId<struct IncarnationTag, std::uint64_t>;

[[nodiscard]] constexpr Offset operator+(Offset offset, std::uint64_t count) noexcept { return Offset{offset.value + count}; }
[[nodiscard]] constexpr std::uint64_t operator-(Offset a, Offset b) noexcept { return a.value - b.value; }
[[nodiscard]] constexpr CommitSequence next(CommitSequence s) noexcept { return CommitSequence{s.value + 1}; }

/// 128 bits: content digests and the identity of a log.
struct Digest128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend constexpr auto operator<=>(const Digest128&, const Digest128&) = default;
  /// Order-free sum modulo 2^128: equal multisets give equal sums.
  constexpr Digest128& operator+=(const Digest128& other) noexcept {
    const std::uint64_t before = low;
    low += other.low;
    high += other.high + (low < before ? 1 : 0);
    return *this;
  }
  constexpr Digest128& operator-=(const Digest128& other) noexcept {
    const std::uint64_t before = low;
    low -= other.low;
    high -= other.high + (before < other.low ? 1 : 0);
    return *this;
  }
};

}  // namespace weir

template <class Tag, class Rep>
struct std::hash<weir::StrongId<Tag, Rep>> {
  std::size_t operator()(weir::StrongId<Tag, Rep> id) const noexcept { return std::hash<Rep>{}(id.value); }
};

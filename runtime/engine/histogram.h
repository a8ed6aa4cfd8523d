// Counts values by size, for whoever watches: written by one or many threads, read by another at any moment.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir {

/// `bounds` are upper bounds, ascending, at most kBucketsMax; they must outlive it. Thread-safe; reading while values
/// come gives sums that may lack the newest.
class Histogram {
 public:
  static constexpr std::size_t kBucketsMax = 24;
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}

  /// `count` values of this size.
  void observe(double value, std::uint64_t count = 1) noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    counts_[bucket].fetch_add(count, std::memory_order_relaxed);
    // In millionths, so that no lock is needed for a sum of fractions.
    sum_.fetch_add(static_cast<std::uint64_t>(value * 1e6) * count, std::memory_order_relaxed);
  }
  [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }
  /// Values in bucket `i`; i == bounds().size(): above all bounds.
  [[nodiscard]] std::uint64_t count(std::size_t i) const noexcept { return counts_[i].load(std::memory_order_relaxed); }
  [[nodiscard]] double sum() const noexcept { return static_cast<double>(sum_.load(std::memory_order_relaxed)) / 1e6; }

 private:
  std::span<const double> bounds_;
  std::array<std::atomic<std::uint64_t>, kBucketsMax + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

/// From a millisecond to a minute.
inline constexpr std::array<double, 16> kLatencyBounds{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
                                                       0.5,   1,     2,     5,    10,   20,   30,  60};
/// From 4 KiB to 64 MiB.
inline constexpr std::array<double, 8> kGroupBytesBounds{4096,    16384,   65536,    262144,
                                                         1048576, 4194304, 16777216, 67108864};

}  // namespace weir

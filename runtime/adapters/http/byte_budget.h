// Bytes that many share: who wants some either gets them, or stands in line. First come, first served, so that a large
// body is not starved by small ones.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace weir::http {

class ByteBudget;

/// Bytes of a budget; given back when this goes.
class ByteLease {
 public:
  ByteLease() = default;
  ByteLease(std::shared_ptr<ByteBudget> budget, std::uint64_t size) : budget_(std::move(budget)), size_(size) {}
  ByteLease(ByteLease&& other) noexcept : budget_(std::move(other.budget_)), size_(std::exchange(other.size_, 0)) {}
  ByteLease& operator=(ByteLease&& other) noexcept {
    if (this != &other) {
      give_back();
      budget_ = std::move(other.budget_);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~ByteLease() { give_back(); }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Takes the bytes of another lease of the same budget over.
  void add(ByteLease other) noexcept;

 private:
  void give_back() noexcept;
  std::shared_ptr<ByteBudget> budget_;
  std::uint64_t size_ = 0;
};

/// Thread-safe. Always held by shared_ptr: leases keep it alive.
class ByteBudget : public std::enable_shared_from_this<ByteBudget> {
 public:
  explicit ByteBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  /// Called once with the bytes asked for, on the thread of whoever gave bytes back; must only hand the lease on. A
  /// lease nobody wants any more goes back by itself.
  using Granted = std::function<void(ByteLease)>;
  /// 0: `lease` has `size` bytes (at most bytes_max). Else they are not there, or others wait, and `granted` stands in
  /// line under the number returned.
  [[nodiscard]] std::uint64_t take(std::uint64_t size, ByteLease& lease, Granted granted);
  /// Leaves the line. If the bytes were granted in the meantime they are on their way.
  void cancel(std::uint64_t number);
  [[nodiscard]] std::uint64_t held() const;
  /// Forgets who waits; nobody is told.
  void close();

 private:
  friend class ByteLease;
  void give_back(std::uint64_t size) noexcept;
  void serve() noexcept;
  struct Waiting {
    std::uint64_t size;
    Granted granted;
  };
  const std::uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::uint64_t held_ = 0;
  bool closed_ = false;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;  // in order of arrival; at most one of each connection
};

}  // namespace weir::http

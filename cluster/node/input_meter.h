// How much of the inputs was read, in bytes as they are stored.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "runtime/ports/input_stream.h"

namespace weir {

/// add() all inputs before anything is read; the rest is thread-safe.
class InputMeter {
 public:
  /// `size`: nullopt where it is not known (stdin): then part() says nothing.
  void add(std::optional<std::uint64_t> size);
  void reached(std::size_t input, std::uint64_t stored) noexcept {
    places_[input].store(stored, std::memory_order_relaxed);
  }
  /// 0 to 1; nullopt: not known.
  [[nodiscard]] std::optional<double> part() const noexcept;

 private:
  std::deque<std::atomic<std::uint64_t>> places_;
  std::uint64_t total_ = 0;
  bool known_ = true;
};

/// The same input, read through the meter as its input number `input`.
[[nodiscard]] OpenedInput metered(OpenedInput opened, std::shared_ptr<InputMeter> meter, std::size_t input);

}  // namespace weir

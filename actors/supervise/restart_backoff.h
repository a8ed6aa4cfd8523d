// How often, and after which pause, an actor that died is started again. A decider: crashes and progress come in, a pause or the
// end goes out. What fails for a moment is back after milliseconds; what fails for good ends in bounded time.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace weir {

struct RestartLimits {
  std::uint32_t restarts_max = 10;            // in a row, without progress in between; the crash after them is the last
  std::chrono::milliseconds pause_min{10};    // before the first of them; doubles with each
  std::chrono::milliseconds pause_max{500};   // with the defaults all pauses together are 2.6 s
};

/// One actor's crashes. Not thread-safe; never allocates.
class RestartBackoff {
 public:
  explicit RestartBackoff(RestartLimits limits) noexcept : limits_(limits) {}

  /// The pause before it is started again; nothing: it has crashed too often without progress.
  [[nodiscard]] std::optional<std::chrono::milliseconds> on_crash() noexcept {
    if (crashes_ >= limits_.restarts_max) return std::nullopt;
    const std::chrono::milliseconds pause = crashes_ == 0 ? limits_.pause_min : std::min(limits_.pause_max, pause_ * 2);
    pause_ = pause;
    ++crashes_;
    return pause;
  }
  /// What it is there for has moved on: crashes count from zero again.
  void on_progress() noexcept { crashes_ = 0; }

 private:
  RestartLimits limits_;
  std::chrono::milliseconds pause_{0};
  std::uint32_t crashes_ = 0;
};

}  // namespace weir

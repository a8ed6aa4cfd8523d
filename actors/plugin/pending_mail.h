// How the answers of a stage that answers later get from the plugin's threads to the work that waits for them.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "runtime/engine/pending_gauges.h"

namespace weir {

/// One answer may have so many bytes: what waits to be taken is at most that for each event that is pending.
inline constexpr std::uint64_t kPendingAnswerBytesMax = std::uint64_t{1} << 20;

/// Thread-safe. Shared by the work of one stage in one partition and by its completions, which may outlive it.
class PendingMail {
 public:
  struct Letter {
    enum class Kind : std::uint8_t { answered, too_large, failed, dropped };
    std::uint64_t ticket = 0;
    Kind kind = Kind::answered;
    std::string text;
  };
  /// `wake` is called on whatever thread brings a letter while none is there; it must not wait and must not take().
  PendingMail(std::shared_ptr<PendingGauges> gauges, std::function<void()> wake) : gauges_(std::move(gauges)), wake_(std::move(wake)) {}

  /// A completion was made: its answer is wanted.
  void expect(std::uint64_t ticket);
  /// It is not wanted any more: an answer that comes is counted, and gone.
  void forget(std::uint64_t ticket) noexcept;
  /// Any thread. What nobody expects is counted, and gone.
  void put(std::uint64_t ticket, Letter::Kind kind, std::string_view text);
  [[nodiscard]] std::vector<Letter> take();
  /// Nobody takes any more. When it returns no thread is inside `wake`, nor will be.
  void close() noexcept;

 private:
  std::mutex mutex_;
  std::shared_ptr<PendingGauges> gauges_;
  std::function<void()> wake_;
  std::unordered_set<std::uint64_t> expected_;
  std::vector<Letter> letters_;
};

}  // namespace weir

/// What a plugin has in its hands.
struct weir_completion {
  std::shared_ptr<weir::PendingMail> mail;  // null: of an event that may not wait
  std::uint64_t ticket = 0;
};

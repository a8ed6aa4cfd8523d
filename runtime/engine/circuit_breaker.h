// Whether a dependency is asked at all: one that fails is left alone for a while, then tried with a few calls. A
// decider; time and chance are arguments.
//
//   closed ── failures ──> open ── its time is over and somebody asks ──> half open ── probes_max successes ──> closed
//                            ^────────────────────── one failure, for longer ──┘
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/dependency_config.h"

namespace weir {

enum class BreakerState : std::uint8_t { closed, open, half_open };
/// "closed", "open", "half_open".
[[nodiscard]] std::string_view to_string(BreakerState state) noexcept;

enum class BreakerCause : std::uint8_t {
  failure_rate,       // closed -> open
  failures_in_a_row,  // closed -> open
  time_over,          // open -> half_open
  probe_failed,       // half_open -> open
  probes_succeeded,   // half_open -> closed
};
[[nodiscard]] std::string_view to_string(BreakerCause cause) noexcept;

/// For whoever logs it.
struct BreakerTransition {
  BreakerState from = BreakerState::closed;
  BreakerState to = BreakerState::closed;
  BreakerCause cause = BreakerCause::failure_rate;
  TimePoint open_until{};  // of `to` open
  friend bool operator==(const BreakerTransition&, const BreakerTransition&) = default;
};

enum class CallOutcome : std::uint8_t {
  success,
  failure,
  cancelled,  // was not made, or says nothing about the dependency: counts nowhere
};

struct BreakerCounts {
  std::uint32_t calls = 0;             // in the window
  std::uint32_t failures = 0;          // of these, the slow ones too
  std::uint32_t slow = 0;              // of these
  std::uint32_t in_a_row = 0;          // failures since the last success
  std::uint32_t probes_out = 0;        // half open: let through and not ended
  std::uint32_t probes_succeeded = 0;  // half open
  std::uint64_t opened = 0;            // so far
  std::uint64_t refused = 0;           // so far
  friend bool operator==(const BreakerCounts&, const BreakerCounts&) = default;
};

/// One dependency's. Not thread-safe; never allocates; `now` is not negative and never goes backwards (asserted).
class CircuitBreaker {
 public:
  /// `config` is validate()d.
  explicit CircuitBreaker(BreakerConfig config) noexcept : config_(config) {}

  /// Hand it back with done(), exactly once, however the call ended: a probe that is never ended holds its place.
  struct Permit {
    TimePoint begun{};
    std::uint64_t era = 0;  // of the state it was given in
  };
  struct Answer {
    std::optional<Permit> permit;  // nothing: refused
    /// Refused: nothing changes before. Open: the time it is over; half open with all probes out: open_min from now,
    /// because a probe may end at any time. Where many wait, ask for the one in front alone.
    TimePoint not_before{};
    std::optional<BreakerTransition> transition;
  };
  /// A call is about to be made.
  [[nodiscard]] Answer ask(TimePoint now);
  /// A call ended. One that was let through before the breaker opened, and ends after, changes nothing any more.
  /// `random`: uniform over all 64-bit values.
  std::optional<BreakerTransition> done(const Permit& permit, CallOutcome outcome, TimePoint now, std::uint64_t random);

  /// Open stays open until somebody asks, also when its time is over.
  [[nodiscard]] BreakerState state() const noexcept { return state_; }
  /// Open: the time it is over. Else the beginning of time.
  [[nodiscard]] TimePoint open_until() const noexcept {
    return state_ == BreakerState::open ? open_until_ : TimePoint{};
  }
  /// Of the window that ends at `now`.
  [[nodiscard]] BreakerCounts counts(TimePoint now) const noexcept;

 private:
  static constexpr std::size_t kParts = 10;
  struct Part {
    std::int64_t number = -1;  // its time divided by the length of a part
    std::uint32_t calls = 0;
    std::uint32_t failures = 0;
    std::uint32_t slow = 0;
  };
  [[nodiscard]] std::int64_t part_number(TimePoint now) const noexcept;
  void see(TimePoint now);
  void count(bool failed, bool slow, TimePoint now) noexcept;
  [[nodiscard]] std::optional<BreakerCause> opens_for(TimePoint now) const noexcept;
  std::optional<BreakerTransition> move_to(BreakerState to, BreakerCause cause) noexcept;
  BreakerTransition open(BreakerCause cause, TimePoint now, std::uint64_t random) noexcept;

  BreakerConfig config_;
  BreakerState state_ = BreakerState::closed;
  std::uint64_t era_ = 0;  // grows with every transition
  std::array<Part, kParts> parts_{};
  std::uint32_t in_a_row_ = 0;
  std::uint32_t opened_in_a_row_ = 0;  // without being closed in between
  std::uint32_t probes_out_ = 0;
  std::uint32_t probes_succeeded_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t refused_ = 0;
  TimePoint open_until_{};
  TimePoint seen_{};
};

}  // namespace weir

// How far long work is: one line on the terminal that is written again and again, with a rate and the time that is
// left. In a pipe, or with NO_COLOR, nothing.
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/adapters/embedded_log/log_progress.h"
#include "runtime/ports/clock.h"

namespace weir::cli {

/// What a line says. Plain data, so that the line is a function of it.
struct ProgressFacts {
  std::string_view what;  // "verifying"
  std::string_view unit;  // "events", "rows"; "bytes" are written as MiB
  std::uint64_t done = 0;
  std::optional<double> part;  // of the whole, 0 to 1; none: not known
  double seconds = 0;          // since the beginning
  std::optional<double> left;  // seconds, as seconds_left() says
};

/// How long the rest will take when `between` seconds took the work from part `before` to part `now`. Nullopt: too
/// early to tell, or done.
[[nodiscard]] std::optional<double> seconds_left(double before, double now, double between);

/// `verifying [=======>      ]  52 %  1,234 events, 98 per second, 12 s left`, not longer than `columns` (0: any): the
/// bar gets shorter, then goes, then what is behind it is cut.
[[nodiscard]] std::string progress_line(const ProgressFacts& facts, std::size_t columns);

/// `4 s`, `2 min 5 s`, `3 h 20 min`.
[[nodiscard]] std::string time_left(double seconds);

enum class Stdout : std::uint8_t {
  at_the_end,  // rows are printed when the work is done
  meanwhile,   // data goes to stdout during the work: no progress where that is a terminal, too
};

/// Thread-safe; cheap where nothing is shown. `clock` must outlive it. Clears its line when it goes.
class Progress {
 public:
  Progress(const Clock& clock, std::string_view what, std::string_view unit, Stdout output = Stdout::at_the_end);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Of `total` where it is known, else 0. Written five times a second at most.
  void update(std::uint64_t done, std::uint64_t total);
  /// Where the whole is measured in something else: `part` is 0 to 1.
  void update_part(std::uint64_t done, std::optional<double> part);
  /// Another phase of the same work; its rate and time count anew.
  void begin(std::string_view what, std::string_view unit);
  /// Shows what work on a log says; a new phase with every new `what`. Not longer than this.
  [[nodiscard]] LogProgress of_log();
  /// Takes the line away, so that something else can be printed; the next update writes it again.
  void clear();

  [[nodiscard]] bool shown() const noexcept { return on_; }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(clock_.now() - start_).count(); }

 private:
  const Clock& clock_;
  const bool on_;
  std::mutex mutex_;
  std::string what_, unit_;
  TimePoint start_;
  std::optional<std::pair<double, TimePoint>> first_;  // part, and when: work may begin in the middle
  std::optional<TimePoint> written_;                   // none: there is no line
};

}  // namespace weir::cli

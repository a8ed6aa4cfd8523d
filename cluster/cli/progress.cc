#include "cluster/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cluster/cli/terminal.h"
#include "runtime/engine/query_output.h"

namespace weir::cli {

namespace {

constexpr std::size_t kBarMax = 30;
constexpr std::size_t kBarMin = 5;
/// Before that a rate is chance, and the time left a guess.
constexpr double kTimeLeftAfterSeconds = 0.5;
constexpr std::chrono::milliseconds kBetweenLines{200};

std::string amount(std::uint64_t count, std::string_view unit) {
  if (unit == "bytes") return fmt::format("{:.1f} MiB", static_cast<double>(count) / (1024.0 * 1024.0));
  return fmt::format("{} {}", with_separators(count), unit);
}

std::string rate(const ProgressFacts& facts) {
  const double per_second = static_cast<double>(facts.done) / std::max(facts.seconds, 0.001);
  if (facts.unit == "bytes") return fmt::format("{:.1f} MiB per second", per_second / (1024.0 * 1024.0));
  if (per_second < 10) return fmt::format("{:.1f} per second", per_second);
  return fmt::format("{} per second", with_separators(static_cast<std::uint64_t>(per_second)));
}

std::string bar(double part, std::size_t width) {
  const auto full = std::min(static_cast<std::size_t>(part * static_cast<double>(width)), width);
  std::string text(full, '=');
  if (full < width) text += '>';
  text.resize(width, ' ');
  return "[" + text + "] ";
}

}  // namespace

std::string time_left(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(std::max(seconds, 0.0)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::optional<double> seconds_left(double before, double now, double between) {
  if (now >= 1 || now <= before || between < kTimeLeftAfterSeconds) return std::nullopt;
  return between * (1 - now) / (now - before);
}

std::string progress_line(const ProgressFacts& facts, std::size_t columns) {
  std::string text = fmt::format("{}, {}", amount(facts.done, facts.unit), rate(facts));
  std::string front = fmt::format("{} ", facts.what);
  std::string line = front;
  if (facts.part) {
    const double part = std::clamp(*facts.part, 0.0, 1.0);
    text = fmt::format("{:>3} %  {}", static_cast<int>(part * 100), text);
    if (facts.left) text += fmt::format(", {} left", time_left(*facts.left));
    const std::size_t taken = front.size() + text.size() + 3;  // brackets and a space
    const std::size_t room = columns == 0 ? kBarMax : columns > taken ? std::min(columns - taken, kBarMax) : 0;
    if (room >= kBarMin) line += bar(part, room);
  }
  line += text;
  if (columns != 0 && line.size() > columns) line.resize(columns);
  return line;
}

Progress::Progress(const Clock& clock, std::string_view what, std::string_view unit, Stdout output)
    : clock_(clock),
      on_(may_decorate(STDERR_FILENO) && (output == Stdout::at_the_end || !is_terminal(STDOUT_FILENO))),
      what_(what),
      unit_(unit),
      start_(clock.now()) {}

void Progress::update(std::uint64_t done, std::uint64_t total) {
  if (!on_) return;
  update_part(done, total == 0 ? std::nullopt : std::optional(static_cast<double>(done) / static_cast<double>(total)));
}

void Progress::update_part(std::uint64_t done, std::optional<double> part) {
  if (!on_) return;
  const std::scoped_lock lock(mutex_);
  const TimePoint now = clock_.now();
  if (written_ && now - *written_ < kBetweenLines) return;
  written_ = now;
  const auto since = [now](TimePoint then) { return std::chrono::duration<double>(now - then).count(); };
  std::optional<double> left;
  if (part && !first_) first_ = {*part, now};
  if (part) left = seconds_left(first_->first, *part, since(first_->second));
  // One column stays free: some terminals begin a new line behind the last one.
  const std::size_t width = terminal_width(STDERR_FILENO);
  fmt::print(stderr, "\r\033[K{}",
             progress_line({what_, unit_, done, part, since(start_), left}, width > 1 ? width - 1 : 0));
  std::fflush(stderr);
}

void Progress::begin(std::string_view what, std::string_view unit) {
  const std::scoped_lock lock(mutex_);
  what_ = what;
  unit_ = unit;
  start_ = clock_.now();
  first_.reset();
  if (written_) *written_ -= kBetweenLines;  // a new phase is shown at once
}

LogProgress Progress::of_log() {
  if (!on_) return {};
  return [this](std::string_view what, std::string_view unit, std::uint64_t done, std::uint64_t total) {
    if (what != what_) begin(what, unit);
    update(done, total);
  };
}

void Progress::clear() {
  const std::scoped_lock lock(mutex_);
  if (!written_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  written_.reset();
}

}  // namespace weir::cli

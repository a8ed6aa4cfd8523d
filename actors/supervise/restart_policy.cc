#include "actors/supervise/restart_policy.h"

#include <algorithm>

#include "runtime/base/invariant.h"

namespace weir {

namespace {
/// SplitMix64 (G. Steele and others, 2014): any seed will do, and one word is all it keeps.
std::uint64_t draw(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
}  // namespace

std::optional<std::chrono::microseconds> RestartPolicy::on_crash(std::chrono::nanoseconds now) {
  INVARIANT(now >= last_, "time does not go back between crashes");
  last_ = now;
  while (!crashes_.empty() && crashes_.front() <= progress_ && now - crashes_.front() >= limits_.window) crashes_.pop_front();
  if (crashes_.size() >= limits_.restarts_max) return std::nullopt;
  std::chrono::microseconds backoff = std::min(limits_.backoff_min, limits_.backoff_max);
  for (std::size_t doubled = 0; doubled < crashes_.size() && backoff < limits_.backoff_max; ++doubled)
    backoff = std::min(backoff * 2, limits_.backoff_max);
  crashes_.push_back(now);
  return jittered(backoff);
}

std::chrono::microseconds RestartPolicy::shortest_pause() noexcept { return jittered(std::min(limits_.backoff_min, limits_.backoff_max)); }

std::chrono::microseconds RestartPolicy::jittered(std::chrono::microseconds backoff) noexcept {
  const auto half = static_cast<std::uint64_t>(backoff.count()) / 2;
  return backoff - std::chrono::microseconds(draw(random_) % (half + 1));
}

void RestartPolicy::on_progress(std::chrono::nanoseconds now) noexcept { progress_ = std::max(progress_, now); }

}  // namespace weir

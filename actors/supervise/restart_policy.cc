#include "actors/supervise/restart_policy.h"

#include <algorithm>

#include "runtime/base/backoff.h"
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
  const auto backoff = doubled(limits_.backoff_min, limits_.backoff_max, static_cast<std::uint32_t>(crashes_.size()));
  crashes_.push_back(now);
  return jittered(backoff);
}

std::chrono::microseconds RestartPolicy::shortest_pause() noexcept { return jittered(limits_.backoff_min); }

std::chrono::microseconds RestartPolicy::jittered(std::chrono::nanoseconds backoff) noexcept {
  return std::chrono::ceil<std::chrono::microseconds>(between(backoff / 2, backoff, draw(random_)));
}

void RestartPolicy::on_progress(std::chrono::nanoseconds now) noexcept { progress_ = std::max(progress_, now); }

}  // namespace weir

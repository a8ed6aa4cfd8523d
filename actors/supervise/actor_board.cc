#include "actors/supervise/actor_board.h"

#include <algorithm>
#include <utility>

namespace weir {

namespace {

/// Texts as people order them: numbers by their value, so that partition 10 comes behind partition 9.
bool in_front(std::string_view a, std::string_view b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)) + 1; };  // children before namesakes
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const std::size_t from_a = i, from_b = j;
      while (i < a.size() && digit(a[i])) ++i;
      while (j < b.size() && digit(b[j])) ++j;
      const std::string_view number_a = a.substr(from_a, i - from_a), number_b = b.substr(from_b, j - from_b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
      continue;
    }
    if (a[i] != b[j]) return rank(a[i]) < rank(b[j]);
    ++i, ++j;
  }
  return a.size() - i < b.size() - j;
}

}  // namespace

std::string_view to_string(ActorState state) noexcept {
  switch (state) {
    case ActorState::starting: return "starting";
    case ActorState::running: return "running";
    case ActorState::backing_off: return "backing_off";
    case ActorState::failing: return "failing";
    case ActorState::quarantined: return "quarantined";
    case ActorState::stopped: return "stopped";
  }
  return "unknown";
}

void ActorEntry::died(std::string_view error, std::int64_t at) {
  const std::scoped_lock lock(mutex_);
  error_ = error;
  died_at_ = at;
}

std::shared_ptr<ActorEntry> ActorBoard::entry(const std::string& path, std::string unit) {
  const std::scoped_lock lock(mutex_);
  auto& entry = entries_[path];
  if (!entry) entry = std::make_shared<ActorEntry>(path, std::move(unit));
  return entry;
}

void ActorBoard::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(path);
}

std::vector<ActorReport> ActorBoard::report() const {
  std::vector<ActorReport> reports;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [path, entry] : entries_) {
      ActorReport& report = reports.emplace_back();
      report.path = path;
      report.state = entry->state_.load(std::memory_order_relaxed);
      report.restarts = entry->restarts_.load(std::memory_order_relaxed);
      report.queue = entry->queue_.load(std::memory_order_relaxed);
      report.credits = entry->credits_.load(std::memory_order_relaxed);
      report.unit = entry->unit_;
      const std::scoped_lock text(entry->mutex_);
      report.last_error = entry->error_;
      report.died_at = entry->died_at_;
    }
  }
  std::sort(reports.begin(), reports.end(), [](const ActorReport& a, const ActorReport& b) { return in_front(a.path, b.path); });
  return reports;
}

}  // namespace weir

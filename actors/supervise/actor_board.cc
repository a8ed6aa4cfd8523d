#include "actors/supervise/actor_board.h"

#include <algorithm>
#include <utility>

namespace weir {

namespace {

/// Calls `visit` with every path above `path`, from the root down, and with itself.
template <class Visit>
void each_above(std::string_view path, const Visit& visit) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) visit(path.substr(0, slash));
  visit(path);
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

void ActorEntry::note(std::string_view text) {
  const std::scoped_lock lock(mutex_);
  note_ = text;
}

std::shared_ptr<ActorEntry> ActorBoard::entry(const std::string& path, std::string unit) {
  const std::scoped_lock lock(mutex_);
  auto& entry = entries_[path];
  if (!entry) entry = std::make_shared<ActorEntry>(path, std::move(unit), ++last_number_);
  return entry;
}

void ActorBoard::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(path);
}

std::vector<ActorReport> ActorBoard::report() const {
  // A place in the order of the tree: the numbers of everybody above it, then its own.
  std::vector<std::pair<std::vector<std::uint64_t>, ActorReport>> found;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [path, entry] : entries_) {
      auto& [place, report] = found.emplace_back();
      each_above(path, [&place = place, this](std::string_view above) {
        if (const auto known = entries_.find(above); known != entries_.end()) place.push_back(known->second->number_);
      });
      report = report_of(*entry);
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ActorReport> reports;
  for (auto& [place, report] : found) reports.push_back(std::move(report));
  return reports;
}

ActorReport ActorBoard::report_of(const ActorEntry& entry) {
  ActorReport report;
  report.path = entry.path_;
  report.state = entry.state_.load(std::memory_order_relaxed);
  report.restarts = entry.restarts_.load(std::memory_order_relaxed);
  report.queue = entry.queue_.load(std::memory_order_relaxed);
  report.credits = entry.credits_.load(std::memory_order_relaxed);
  report.unit = entry.unit_;
  const std::scoped_lock lock(entry.mutex_);
  report.last_error = entry.error_;
  report.died_at = entry.died_at_;
  report.note = entry.note_;
  return report;
}

}  // namespace weir

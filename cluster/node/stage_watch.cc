#include "cluster/node/stage_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cluster/node/suspects_file.h"
#include "runtime/adapters/system/usage.h"

namespace weir {

StageVerdict StageWatch::look(TimePoint now, const std::vector<MappedMarks::Working>& working, std::uint64_t resident) {
  // Nobody looked for a while, so nobody may have run: a process that was stopped, a machine that slept.
  const TimePoint missed = last_look_ && now - *last_look_ > kLookMax ? now - *last_look_ : TimePoint{0};
  last_look_ = now;
  for (auto& [mark, stay] : stays_) {
    stay.seen = false;
    stay.since += missed;
  }
  const MappedMarks::Working* longest = nullptr;
  TimePoint longest_stay{0};
  for (const MappedMarks::Working& one : working) {
    Stay& stay = stays_[one.mark];
    if (stay.entries != one.inside.entries) stay = {one.inside.entries, now, resident, true};
    stay.seen = true;
    const TimePoint stayed = now - stay.since;
    one.mark->stayed(std::chrono::duration_cast<std::chrono::milliseconds>(stayed), one.inside.entries);
    if (stayed >= limits_.stall_max) return {&one, CodeMark::kStalled};
    if (longest == nullptr || stayed > longest_stay) {
      longest = &one;
      longest_stay = stayed;
    }
  }
  std::erase_if(stays_, [](const auto& known) { return !known.second.seen; });
  if (longest == nullptr || limits_.memory_max == 0 || resident <= limits_.memory_max || longest_stay < kMemoryStay) return {};
  const bool grew = resident - std::min(resident, stays_[longest->mark].resident) >= limits_.memory_max / kMemoryShare;
  return grew ? StageVerdict{longest, CodeMark::kMemory} : StageVerdict{};
}

void StageGuard::look() {
  const std::vector<MappedMarks::Working> working = marks_.working();
  const StageVerdict verdict = watch_.look(clock_.now(), working, resident_bytes());
  if (verdict.working == nullptr) return;
  const MappedMarks::Working& guilty = *verdict.working;
  const CodeMark::Inside& inside = guilty.inside;
  const std::string which = inside.count == 1 ? fmt::format("offset {}", inside.first.value)
                                              : fmt::format("offsets {} to {}", inside.first.value, inside.first.value + inside.count - 1);
  guilty.mark->cause(verdict.cause);
  logbook_.write(LogLevel::error, fmt::format("{}/{}", guilty.stage, guilty.partition.value),
                fmt::format("{} ({}); started again the node counts it, and goes on without it after limits.poison_crashes_max times",
                            cause_text(verdict.cause), which));
  std::abort();
}

}  // namespace weir

// What became of the events of one request, counted from the commits that decided them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/event/commit_body.h"
#include "runtime/ports/event_log.h"

namespace weir {

/// Not thread-safe. Pure: commits go in, as they are read from the output log.
class OutcomeCount {
 public:
  /// Offsets first .. end of a partition, none of which commit `since` or an earlier one decided.
  void want(PartitionId partition, Offset first, Offset end, CommitSequence since);

  [[nodiscard]] const auto& wanted() const noexcept { return wanted_; }
  /// The next read that may tell more, when `newest(partition)` is the newest commit to look at. nullopt: none.
  template <class Newest>
  [[nodiscard]] std::optional<OutputRead> next_read(const Newest& newest) const {
    for (const Wanted& part : wanted_)
      if (part.reached < part.end && part.seen < newest(part.partition))
        return OutputRead{part.partition, part.seen, kReadBytes};
    return std::nullopt;
  }
  /// The answer to a read. Errors: log_damaged, format_newer.
  [[nodiscard]] Result<void> take(PartitionId partition, const std::vector<CommitRecord>& records);

  /// Of all wanted events, those that were decided so: counts()[outcome].
  [[nodiscard]] std::uint64_t count(Outcome outcome) const noexcept {
    return counts_[static_cast<std::size_t>(outcome)];
  }
  [[nodiscard]] std::uint64_t decided() const noexcept { return decided_; }

 private:
  static constexpr std::size_t kReadBytes = 1024 * 1024;
  struct Wanted {
    PartitionId partition;
    Offset first;
    Offset end;
    CommitSequence seen;  // commits up to here were looked at
    Offset reached;       // and decided everything below
  };
  void take(Wanted& part, const CommitRecord& record, const CommitBody& body);
  std::vector<Wanted> wanted_;
  std::array<std::uint64_t, 8> counts_{};
  std::uint64_t decided_ = 0;
};

}  // namespace weir

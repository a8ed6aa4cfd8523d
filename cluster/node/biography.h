// The life of one event, read from the logs: every time it came and what became of it, newest last.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/node/log_reader.h"

namespace weir {

/// A commit that parked an event: tried in vain, or held behind another one.
struct Parked {
  std::int64_t at = 0;
  CommitSequence sequence;
  bool held = false;                   // not tried: an earlier event of its id or ordering key was parked
  std::uint32_t attempts = 0;          // made so far
  std::int64_t due_at = 0;             // of the next one; not of held
  std::string stage, reason, details;  // of the last one, and of all; not of held
};

/// What a commit had made of an event before somebody changed it.
struct DeadLettered {
  std::int64_t at = 0;
  CommitSequence sequence;
  std::string stage, reason, details;
  std::uint32_t tries = 0;
  std::string rules;
};

/// What somebody did with a dead letter.
struct HandChange {
  std::int64_t at = 0;
  CommitSequence sequence;
  std::string change;  // redrive, edit, drop
  std::string who, role, why;
  std::optional<DeadLettered> was;  // of redrive and drop, which take the letter away
};

struct Attempt {
  Offset offset;
  std::string door;
  std::uint64_t line = 0;              // place in its source; 0: unknown
  std::int64_t accepted_at = 0;
  std::int64_t decided_at = 0;         // 0: in flight
  CommitSequence sequence;             // of the commit; 0: in flight
  Epoch epoch;
  std::string outcome;                 // served, filtered, duplicate, dead_lettered, retrying, …, in_flight
  std::string stage, reason, details;  // of dead_lettered; details is a JSON array
  bool supersedes = false;             // took over an open dead letter of the same id
  std::string rules;                   // hash of the stages and tables that decided it
  std::vector<std::string> records;    // payloads in the curated log
  std::uint32_t tries = 0;             // of dead_lettered: attempts of the stages
  std::vector<Parked> parked;          // before that, oldest first
  std::vector<HandChange> changes;     // oldest first
};

struct Biography {
  std::string id;
  PartitionId partition;
  std::vector<Attempt> attempts;
};

/// Reads the partition's logs as far as they are kept. No attempts: never seen. Errors: log_damaged, io_failed.
[[nodiscard]] Result<Biography> biography_of(const LogReader& log, const std::string& id);
/// Of several events in one pass over their partitions, in the order of `ids`, each named once.
[[nodiscard]] Result<std::vector<Biography>> biographies_of(const LogReader& log, const std::vector<std::string>& ids);
/// The id of the event whose original bytes are exactly `raw` (a line without its line end, a CSV line without its header),
/// searched in everything that was accepted and is kept. None: never seen. Errors: log_damaged, io_failed.
[[nodiscard]] Result<std::optional<std::string>> id_of_raw(const LogReader& log, std::string_view raw);
[[nodiscard]] std::string biography_json(const Biography& biography);
[[nodiscard]] std::string biography_text(const Biography& biography);

}  // namespace weir

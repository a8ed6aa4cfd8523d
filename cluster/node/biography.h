// The life of one event: every time it came and what became of it, newest last. Found by the index of its partition
// (runtime/engine/biography_index.h), told from the logs; what has left the logs is told from the index alone.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/node/log_reader.h"
#include "runtime/engine/biography_index.h"

namespace weir {

/// A commit that parked an event: tried in vain, or held behind another one.
struct Parked {
  std::int64_t at = 0;
  CommitSequence sequence;
  bool held = false;                   // not tried: an earlier event of its id or ordering key was parked
  std::uint32_t attempts = 0;          // made so far; 0: not kept
  std::int64_t due_at = 0;             // of the next one; not of held; 0: not kept
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
  std::string change;  // redrive, edit, drop, expire
  std::string who, role, why;
  std::optional<DeadLettered> was;  // of redrive and drop, which take the letter away
};

struct Attempt {
  Offset offset;
  std::string door;                    // empty: not kept
  std::uint64_t line = 0;              // place in its source; 0: unknown
  std::int64_t accepted_at = 0;
  std::int64_t decided_at = 0;         // 0: in flight
  CommitSequence sequence;             // of the commit; 0: in flight
  Epoch epoch;                         // 0: not kept
  std::string node;                    // of the owner; empty: not kept
  std::uint64_t incarnation = 0;       // of the owner
  std::string code;                    // version of weir that decided; empty: not kept
  std::string outcome;                 // served, filtered, duplicate, dead_lettered, retrying, …, in_flight
  std::string stage, reason, details;  // of dead_lettered; details is a JSON array; empty: not kept
  bool supersedes = false;             // took over an open dead letter of the same id
  std::string rules;                   // hash of the stages and tables that decided it
  std::uint64_t records_count = 0;     // in the curated log
  std::optional<std::uint64_t> first_record;  // number of its first record among those of its commit; none: not kept
  std::vector<std::string> records;    // their payloads
  std::uint32_t tries = 0;             // of dead_lettered: attempts of the stages; 0: not kept
  std::vector<Parked> parked;          // before that, oldest first
  std::vector<HandChange> changes;     // oldest first
  bool summary = false;                // something of it has left the log, and is told from the index alone
};

struct Biography {
  std::string id;
  PartitionId partition;
  std::int64_t kept_since = kNoTime;   // what was decided before it is not known any more; kNoTime: all is known
  std::vector<Attempt> attempts;
};

/// The state of a partition, to look into its index. Null: none can be had (it is quarantined, or being opened): the log is read instead.
using IndexOf = std::function<Result<std::shared_ptr<const StateReader>>(PartitionId)>;
/// For a log without indexes.
[[nodiscard]] Result<std::shared_ptr<const StateReader>> no_index(PartitionId partition);

/// No attempts: never seen in the time kept. Reads the commits that decided something of it, and whole only what the index does not cover:
/// commits since its last flush, and the backlog. Errors: log_damaged, state_damaged, format_newer, io_failed.
[[nodiscard]] Result<Biography> biography_of(const LogReader& log, const IndexOf& index, const std::string& id);
/// Of several events, in the order of `ids`, each named once.
[[nodiscard]] Result<std::vector<Biography>> biographies_of(const LogReader& log, const IndexOf& index, const std::vector<std::string>& ids);
/// The id of the event whose original bytes are exactly `raw` (a line without its line end, a CSV line without its header),
/// searched in everything that was accepted and is kept. None: never seen. Errors: log_damaged, io_failed.
[[nodiscard]] Result<std::optional<std::string>> id_of_raw(const LogReader& log, std::string_view raw);

[[nodiscard]] std::string biography_json(const Biography& biography);
[[nodiscard]] std::string biography_text(const Biography& biography);
/// "within the last 7 days", for who asks for an event that is not there.
[[nodiscard]] std::string never_seen_text(const std::string& id, std::int64_t kept_since);

}  // namespace weir

// What goes into the log and comes out of it, as plain data: everybody names these, only runtime/ports/event_log.h says how.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/error.h"
#include "runtime/base/ids.h"

namespace weir {

/// One partition's part of a commit group: from -> to, decided by `epoch`, as commit number `sequence`.
struct PartitionCommit {
  PartitionId partition;
  Epoch epoch;
  CommitSequence sequence;  // current + 1
  Offset from;              // the current committed position
  Offset to;                // >= from; equal for a commit of retries, redrives or expiries alone
  std::vector<SharedBytes> body;  // the pieces of an encoded CommitBody (runtime/event/commit_body.h), read back as one;
                                  // each a multiple of 8 bytes long, together at most 64 MiB
};

/// What is current for a partition in the log.
struct PartitionPosition {
  PartitionId partition;
  Epoch epoch;
  CommitSequence sequence;
  Offset committed;
  friend bool operator==(const PartitionPosition&, const PartitionPosition&) = default;
};

/// What became of a commit group.
struct CommitOutcome {
  enum class Kind : std::uint8_t {
    committed,  // the whole group is durable
    refused,    // nothing was written; `current` names every partition whose part was not current, with what is. An epoch
                // of 0 is never current, nor is a `to` beyond the durable end of ingest
    unknown,    // the reply was lost: fence, read back, only then drive anything again
    failed,     // nothing was written; `error` says what to do: disk_full (try again later), log_closed, invalid_argument
  };
  Kind kind = Kind::unknown;
  std::vector<PartitionPosition> current;  // of `refused`
  Error error{Errc::internal, {}};         // of `unknown` and `failed`: why
};

/// An encoded IngestBatch as it lies in the log: offsets first .. first + count.
struct IngestSlice {
  Offset first;
  std::uint32_t count = 0;
  SharedBytes bytes;
};

/// A commit as it lies in the log; `body` is an encoded CommitBody.
struct CommitRecord {
  Epoch epoch;
  CommitSequence sequence;
  Offset from;
  Offset to;
  SharedBytes body;
};

}  // namespace weir

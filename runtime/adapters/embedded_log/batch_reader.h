// Serves what is asked for: finds the places, reads, checks every checksum, hands the bytes on without another copy.
#pragma once
#include <mutex>
#include <vector>

#include "runtime/adapters/embedded_log/catalog.h"
#include "runtime/adapters/embedded_log/segment_store.h"
#include "runtime/ports/event_log.h"

namespace weir::journal {

/// What is read from. The mutex guards the catalog and is not held while reading files. Any thread.
struct ReadSource {
  std::mutex& mutex;
  const Catalog& catalog;
  SegmentStore& store;
};

/// As EventLog::read_ingest. Errors: below_horizon, log_damaged (journal, file, byte, frame, partition, offsets),
/// io_failed, invalid_argument (no such partition). Damage behind good batches: the good ones come, the next read gets
/// the error.
[[nodiscard]] Result<std::vector<IngestSlice>> read_ingest(const ReadSource& source, const IngestRead& request);
/// As EventLog::read_output.
[[nodiscard]] Result<std::vector<CommitRecord>> read_output(const ReadSource& source, const OutputRead& request);
/// One batch. Errors: log_damaged, io_failed.
[[nodiscard]] Result<SharedBytes> read_batch(SegmentStore& store, JournalKind journal, std::uint32_t partition,
                                             const BatchPlace& place);

}  // namespace weir::journal

#include "runtime/adapters/embedded_log/log_opening.h"

#include <utility>

namespace weir::journal {

Result<OpenedJournal> open_journal(FileOps& files, const EmbeddedLogOptions& options, const LogIdentity& identity,
                                   JournalKind kind, const RecoverOptions& recover) {
  StoreOptions store_options;
  store_options.directory = options.directory + "/" + std::string(to_string(kind));
  store_options.segment_bytes = options.segment_bytes;
  store_options.direct = options.direct_io;
  auto store = std::make_unique<SegmentStore>(files, std::move(store_options));
  const JournalIdentity journal{kind, identity.log_id.low, identity.partitions};
  WEIR_ASSIGN(RecoveredJournal recovered, recover_journal(*store, journal, recover, options.progress));
  if (identity.ready && recovered.last.sequence == 0) {
    return fail(Errc::log_damaged, "{} journal, {}: its segments are missing", to_string(kind),
                store->options().directory);
  }
  return OpenedJournal{std::move(store), journal, std::move(recovered)};
}

Result<void> check_together(const Catalog& ingest, const Catalog& output) {
  for (std::uint32_t p = 0; p < ingest.partitions(); ++p) {
    const std::uint64_t end = ingest.partition(p).end;
    const std::uint64_t committed = output.partition(p).committed;
    if (end < committed) {
      return fail(Errc::log_damaged, "partition {}: the log is damaged: ingest ends at offset {}, but {} is committed", p,
                  end, committed);
    }
  }
  return {};
}

LogRecovery::Journal describe_recovery(const RecoveryReport& report) {
  LogRecovery::Journal journal;
  journal.name = to_string(report.journal);
  journal.frames = report.frames;
  journal.segments = report.segments;
  journal.last_sequence = report.last_sequence;
  journal.closed_cleanly = report.closed_cleanly;
  journal.checkpoint_used = report.checkpoint_used;
  journal.checkpoint_rebuilt = report.checkpoint_rebuilt;
  journal.torn_frames = report.torn_frames;
  journal.torn = report.torn;
  journal.missing = report.missing;
  return journal;
}

}  // namespace weir::journal

// What both ways of opening a log's directory share: identity, the two journals, and what must hold between them.
#pragma once
#include <memory>
#include <string>

#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/adapters/embedded_log/journal.h"
#include "runtime/adapters/embedded_log/log_identity.h"

namespace weir::journal {

/// One journal read back, with the store its files live in.
struct OpenedJournal {
  std::unique_ptr<SegmentStore> store;
  JournalIdentity identity;
  RecoveredJournal recovered;
};

/// Reads `<directory>/<journal>`. Errors: as recover_journal.
[[nodiscard]] Result<OpenedJournal> open_journal(FileOps& files, const EmbeddedLogOptions& options,
                                                 const LogIdentity& identity, JournalKind kind,
                                                 const RecoverOptions& recover);
/// Errors: log_damaged, when ingest ends before a committed position.
[[nodiscard]] Result<void> check_together(const Catalog& ingest, const Catalog& output);
[[nodiscard]] LogRecovery::Journal describe_recovery(const RecoveryReport& report);

}  // namespace weir::journal

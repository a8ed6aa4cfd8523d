#include "runtime/adapters/embedded_log/read_only_log.h"

#include <mutex>
#include <utility>

#include "runtime/adapters/embedded_log/batch_reader.h"
#include "runtime/adapters/embedded_log/log_opening.h"

namespace weir {

namespace {

class ReadOnlyLogImpl final : public ReadOnlyLog {
 public:
  ReadOnlyLogImpl(journal::LogIdentity identity, journal::OpenedJournal ingest, journal::OpenedJournal output)
      : identity_(identity), ingest_(std::move(ingest)), output_(std::move(output)) {
    recovery_.ingest = journal::describe_recovery(ingest_.recovered.report);
    recovery_.output = journal::describe_recovery(output_.recovered.report);
  }
  Digest128 log_id() const override { return identity_.log_id; }
  std::uint32_t partitions() const override { return identity_.partitions; }
  const LogRecovery& recovery() const override { return recovery_; }
  PartitionStatus status(PartitionId partition) const override {
    const journal::PartitionLog& ingest = ingest_.recovered.catalog.partition(partition.value);
    const journal::PartitionLog& output = output_.recovered.catalog.partition(partition.value);
    return {{partition, Epoch{output.epoch}, CommitSequence{output.end}, Offset{output.committed}},
            Offset{ingest.begin},
            Offset{ingest.end},
            Offset{ingest.end},
            CommitSequence{output.begin}};
  }
  std::optional<std::string> source_position(std::string_view source) const override {
    const auto& sources = ingest_.recovered.catalog.sources();
    const auto known = sources.find(source);
    if (known == sources.end()) return std::nullopt;
    return known->second;
  }
  Result<std::vector<IngestSlice>> read_ingest(const IngestRead& request) const override {
    return journal::read_ingest({mutex_, ingest_.recovered.catalog, *ingest_.store}, request);
  }
  Result<std::vector<CommitRecord>> read_output(const OutputRead& request) const override {
    return journal::read_output({mutex_, output_.recovered.catalog, *output_.store}, request);
  }

 private:
  journal::LogIdentity identity_;
  journal::OpenedJournal ingest_;
  journal::OpenedJournal output_;
  LogRecovery recovery_;
  mutable std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<ReadOnlyLog>> open_log_read_only(const std::string& directory, journal::FileOps* files, const LogProgress& progress) {
  journal::FileOps& ops = files != nullptr ? *files : journal::system_file_ops();
  WEIR_ASSIGN(const journal::LogIdentity identity, journal::load_identity(ops, directory));
  if (!identity.ready) return fail(Errc::not_found, "{}: the first start ended before its log was made, so nothing was accepted yet: start it again", directory);
  EmbeddedLogOptions options;
  options.directory = directory;
  options.progress = progress;
  const journal::RecoverOptions look{.sync_newest = false};
  WEIR_ASSIGN(auto ingest, journal::open_journal(ops, options, identity, journal::JournalKind::ingest, look));
  WEIR_ASSIGN(auto output, journal::open_journal(ops, options, identity, journal::JournalKind::output, look));
  WEIR_TRY(journal::check_together(ingest.recovered.catalog, output.recovered.catalog));
  return std::make_unique<ReadOnlyLogImpl>(identity, std::move(ingest), std::move(output));
}

}  // namespace weir

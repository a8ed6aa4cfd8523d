#include "runtime/adapters/embedded_log/journal_tools.h"

#include <utility>

#include "runtime/adapters/embedded_log/index_checkpoint.h"
#include "runtime/adapters/embedded_log/log_opening.h"

namespace weir {

namespace {

using journal::Frame;
using journal::JournalKind;
using journal::LiveSegment;
using journal::LogIdentity;
using journal::OpenedJournal;
using journal::SegmentBytes;
using journal::SegmentIdentity;
using journal::SegmentScan;
using journal::SegmentStore;

/// Checks one journal's files frame by frame, bodies and padding too.
class Verifier {
 public:
  Verifier(const OpenedJournal& opened, JournalVerification& result, const LogProgress& progress)
      : opened_(opened), result_(result), progress_(progress), bytes_before_(result.bytes) {
    for (const LiveSegment& segment : opened.recovered.segments) bytes_ += segment.used_bytes;
  }

  Result<void> segments() {
    const auto& live = opened_.recovered.segments;
    for (std::size_t i = 0; i < live.size(); ++i) {
      WEIR_ASSIGN(const auto bytes, opened_.store->verifier(SegmentStore::segment_name(live[i].generation)));
      const SegmentIdentity identity = identity_of(live[i].generation);
      if (i + 1 == live.size()) {
        auto scan = journal::scan_newest(*bytes, identity, {}, checker(*bytes));
        const bool open = scan && scan->end == journal::SegmentEnd::open;
        if (open) {
          result_.notes.push_back(fmt::format("{} journal, {}, byte {}: it ends without a seal, as after a crash",
                                              to_string(identity.journal), bytes->name(), scan->end_place));
        }
        WEIR_TRY(note(std::move(scan)));
        continue;
      }
      WEIR_ASSIGN(const auto next, opened_.store->verifier(SegmentStore::segment_name(live[i + 1].generation)));
      WEIR_ASSIGN(const auto head, journal::read_head(*next, identity_of(live[i + 1].generation)));
      WEIR_TRY(note(journal::scan_older(*bytes, identity, {}, head.header.predecessor, checker(*bytes))));
    }
    result_.segments += live.size();
    return {};
  }
  Result<void> side_files() {
    for (const auto& carry : opened_.recovered.carries) {
      WEIR_ASSIGN(const auto bytes, opened_.store->verifier(SegmentStore::carry_name(carry)));
      auto scan = journal::scan_newest(*bytes, identity_of(carry.generation), {}, checker(*bytes));
      const bool cut = scan && scan->end != journal::SegmentEnd::closed;
      if (cut)
        result_.damage.push_back(fmt::format("{}: it does not end with its seal", SegmentStore::carry_name(carry)));
      WEIR_TRY(note(std::move(scan)));
    }
    return {};
  }
  Result<void> checkpoint() {
    auto loaded = journal::load_checkpoint(*opened_.store, opened_.identity);
    if (!loaded && loaded.error().code == Errc::not_found) return {};
    if (!loaded && loaded.error().code != Errc::log_damaged) return fail(std::move(loaded.error()));
    const std::uint64_t end = opened_.recovered.last.sequence;
    if (!loaded) {
      result_.damage.push_back(loaded.error().context + "; it will be rebuilt from the frames");
    } else if (loaded->last.sequence > end) {
      result_.damage.push_back(fmt::format("{} journal: it ends at frame {}, but its index was written at frame {}",
                                           to_string(opened_.identity.journal), end, loaded->last.sequence));
    }
    return {};
  }

 private:
  SegmentIdentity identity_of(std::uint64_t generation) const {
    return {opened_.identity.journal, opened_.identity.log_tag, generation};
  }
  journal::FrameVisitor checker(SegmentBytes& bytes) {
    return [this, &bytes](const Frame& frame) -> Result<void> {
      ++result_.frames;
      result_.bytes += frame.header.frame_bytes;
      if (progress_) {
        const bool ingest = opened_.identity.journal == JournalKind::ingest;
        progress_(ingest ? "verifying the ingest journal" : "verifying the output journal", "bytes", result_.bytes - bytes_before_, bytes_);
      }
      for (const auto& entry : frame.entries) {
        const bool batch = entry.kind == journal::EntryKind::batch || entry.kind == journal::EntryKind::commit;
        result_.batches += batch ? 1 : 0;
      }
      WEIR_ASSIGN(const std::string fault, journal::check_bodies(bytes, frame, true));
      if (!fault.empty()) {
        result_.damage.push_back(fmt::format("{} journal, {}, byte {}, frame {}: {}", to_string(frame.header.journal),
                                             bytes.name(), frame.place, frame.header.sequence, fault));
      }
      return {};
    };
  }
  /// Damage goes to the list; what the operating system refuses is an error.
  Result<void> note(Result<SegmentScan> scan) {
    if (!scan && scan.error().code != Errc::log_damaged) return fail(std::move(scan.error()));
    if (!scan) result_.damage.push_back(scan.error().context);
    return {};
  }

  const OpenedJournal& opened_;
  JournalVerification& result_;
  const LogProgress& progress_;
  std::uint64_t bytes_before_;  // of the journals verified before
  std::uint64_t bytes_ = 0;     // of this journal's segments
};

JournalStat::Journal describe(const OpenedJournal& opened, std::uint64_t spares) {
  JournalStat::Journal stat;
  stat.name = to_string(opened.identity.journal);
  stat.recovery = journal::describe_recovery(opened.recovered.report);
  stat.last_sequence = opened.recovered.last.sequence;
  stat.spares = spares;
  for (const LiveSegment& segment : opened.recovered.segments) {
    stat.segments.push_back({SegmentStore::segment_name(segment.generation), segment.first_sequence, segment.used_bytes,
                             segment.newest_at});
  }
  for (const auto& carry : opened.recovered.carries) stat.side_files.push_back(SegmentStore::carry_name(carry));
  return stat;
}

std::uint64_t body_bytes(const journal::PartitionLog& log) {
  std::uint64_t bytes = 0;
  for (const journal::BatchPlace& batch : log.batches) bytes += batch.length;
  return bytes;
}

}  // namespace

Result<JournalVerification> verify_journals(const std::string& directory, journal::FileOps* files, const LogProgress& progress) {
  journal::FileOps& ops = files != nullptr ? *files : journal::system_file_ops();
  JournalVerification result;
  auto identity = journal::load_identity(ops, directory);
  if (!identity) {
    if (identity.error().code != Errc::log_damaged) return fail(std::move(identity.error()));
    result.damage.push_back(identity.error().context);
    return result;
  }
  EmbeddedLogOptions options;
  options.directory = directory;
  options.progress = progress;
  std::vector<OpenedJournal> opened;
  for (const JournalKind kind : {JournalKind::ingest, JournalKind::output}) {
    auto journal =
        journal::open_journal(ops, options, *identity, kind, {.sync_newest = false, .use_checkpoint = false});
    if (!journal) {
      if (journal.error().code != Errc::log_damaged) return fail(std::move(journal.error()));
      result.damage.push_back(journal.error().context);
      continue;
    }
    for (const std::string& missing : journal->recovered.report.missing) result.damage.push_back(missing);
    if (!journal->recovered.report.torn.empty()) result.notes.push_back(journal->recovered.report.torn);
    Verifier verifier(*journal, result, progress);
    WEIR_TRY(verifier.segments());
    WEIR_TRY(verifier.side_files());
    WEIR_TRY(verifier.checkpoint());
    opened.push_back(std::move(*journal));
  }
  if (opened.size() == 2) {
    if (auto together = journal::check_together(opened[0].recovered.catalog, opened[1].recovered.catalog); !together) {
      result.damage.push_back(together.error().context);
    }
  }
  return result;
}

Result<JournalStat> stat_journals(const std::string& directory, journal::FileOps* files) {
  journal::FileOps& ops = files != nullptr ? *files : journal::system_file_ops();
  WEIR_ASSIGN(const LogIdentity identity, journal::load_identity(ops, directory));
  EmbeddedLogOptions options;
  options.directory = directory;
  const journal::RecoverOptions look{.sync_newest = false};
  WEIR_ASSIGN(const OpenedJournal ingest, journal::open_journal(ops, options, identity, JournalKind::ingest, look));
  WEIR_ASSIGN(const OpenedJournal output, journal::open_journal(ops, options, identity, JournalKind::output, look));
  WEIR_ASSIGN(const auto ingest_files, ingest.store->list());
  WEIR_ASSIGN(const auto output_files, output.store->list());
  JournalStat stat;
  stat.log_id = identity.log_id;
  stat.segment_bytes = identity.segment_bytes;
  stat.ingest = describe(ingest, ingest_files.spares.size());
  stat.output = describe(output, output_files.spares.size());
  for (std::uint32_t p = 0; p < identity.partitions; ++p) {
    const journal::PartitionLog& in = ingest.recovered.catalog.partition(p);
    const journal::PartitionLog& out = output.recovered.catalog.partition(p);
    stat.partitions.push_back(
        {p, in.begin, in.end, body_bytes(in), out.committed, out.epoch, out.begin, out.end, body_bytes(out)});
  }
  for (const auto& [source, position] : ingest.recovered.catalog.sources()) stat.sources.emplace_back(source, position);
  return stat;
}

}  // namespace weir

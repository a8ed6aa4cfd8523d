// Opening a journal: which segments count, where the log ends, and what that says about the run before.
#include <algorithm>
#include <optional>
#include <utility>

#include "runtime/adapters/embedded_log/index_checkpoint.h"
#include "runtime/adapters/embedded_log/journal.h"

namespace weir::journal {

namespace {

struct Head {
  std::uint64_t generation = 0;
  FrameHeader header;
};

class Recovery {
 public:
  Recovery(SegmentStore& store, const JournalIdentity& identity, const LogProgress& progress)
      : store_(store), identity_(identity), progress_(progress), result_(Catalog(identity.journal, identity.partitions)) {
    result_.report.journal = identity.journal;
  }

  Result<RecoveredJournal> run(const RecoverOptions& options);

 private:
  [[nodiscard]] SegmentIdentity segment(std::uint64_t generation) const {
    return {identity_.journal, identity_.log_tag, generation};
  }
  [[nodiscard]] std::string name(std::uint64_t generation) const { return SegmentStore::segment_name(generation); }
  Result<std::optional<Head>> find_newest();
  Result<void> find_chain(const Head& newest, std::uint64_t oldest);
  Result<void> scan_newest_segment(const Head& newest);
  Result<void> use_checkpoint();
  Result<void> apply_all();
  Result<void> apply_carries();
  void finish(const SegmentScan& end);

  SegmentStore& store_;
  JournalIdentity identity_;
  const LogProgress& progress_;
  RecoveredJournal result_;
  StoreListing listing_;
  std::vector<Head> chain_;           // ascending; the newest last
  std::vector<Frame> newest_frames_;  // what stays of the newest segment
  SegmentScan newest_scan_;
  std::optional<IndexCheckpoint> checkpoint_;
};

Result<std::optional<Head>> Recovery::find_newest() {
  while (!listing_.segments.empty()) {
    const std::uint64_t generation = listing_.segments.back();
    WEIR_ASSIGN(const auto bytes, store_.verifier(name(generation)));
    WEIR_ASSIGN(const HeadRead head, read_head(*bytes, segment(generation)));
    if (head.verdict == HeadVerdict::whole) return Head{generation, head.header};
    // Begun, but its first frame never became durable: nothing in it was ever acknowledged.
    result_.leftover.push_back(generation);
    listing_.segments.pop_back();
  }
  return std::nullopt;
}

Result<void> Recovery::scan_newest_segment(const Head& newest) {
  WEIR_ASSIGN(const auto bytes, store_.verifier(name(newest.generation)));
  WEIR_ASSIGN(newest_scan_,
              scan_newest(*bytes, segment(newest.generation), {}, [this](const Frame& frame) -> Result<void> {
                newest_frames_.push_back(frame);
                return {};
              }));
  return {};
}

/// The segments that count, found backwards from the newest by the predecessor each head names.
Result<void> Recovery::find_chain(const Head& newest, std::uint64_t oldest) {
  chain_.push_back(newest);
  auto left = listing_.segments;
  left.pop_back();
  while (chain_.front().header.sequence > oldest) {
    const FrameRef wanted = chain_.front().header.predecessor;
    if (left.empty()) {
      return fail(Errc::log_damaged, "{} journal: {} follows frame {}, and the segment that holds it is missing",
                  to_string(identity_.journal), name(chain_.front().generation), wanted.sequence);
    }
    const std::uint64_t generation = left.back();
    left.pop_back();
    WEIR_ASSIGN(const auto bytes, store_.verifier(name(generation)));
    WEIR_ASSIGN(const HeadRead head, read_head(*bytes, segment(generation)));
    if (head.verdict == HeadVerdict::whole && head.header.sequence <= wanted.sequence) {
      chain_.insert(chain_.begin(), Head{generation, head.header});
    } else {
      result_.leftover.push_back(generation);  // void: its frames lie behind the one the next segment follows
    }
  }
  result_.leftover.insert(result_.leftover.end(), left.begin(), left.end());
  return {};
}

Result<void> Recovery::use_checkpoint() {
  if (!listing_.checkpoint) return {};
  auto loaded = load_checkpoint(store_, identity_);
  if (!loaded) {
    // Missing or damaged, it is only a shortcut: everything is in the frames.
    if (loaded.error().code != Errc::log_damaged) return fail(std::move(loaded.error()));
    result_.report.checkpoint_rebuilt = loaded.error().context;
    return {};
  }
  if (loaded->last.sequence > newest_scan_.last.sequence) {
    return fail(Errc::log_damaged,
                "{} journal, {}, byte {}: it ends at frame {}, but its index was written at frame {}",
                to_string(identity_.journal), name(chain_.back().generation), newest_scan_.end_place,
                newest_scan_.last.sequence, loaded->last.sequence);
  }
  const bool known = std::any_of(chain_.begin(), chain_.end(),
                                 [&](const Head& head) { return head.generation == loaded->generation; });
  if (!known) {
    result_.report.checkpoint_rebuilt = "the segment it was written in is gone";
    return {};
  }
  checkpoint_ = std::move(*loaded);
  return {};
}

Result<void> Recovery::apply_all() {
  Catalog& catalog = result_.catalog;
  if (checkpoint_) {
    catalog = std::move(checkpoint_->catalog);
    result_.report.checkpoint_used = true;
  }
  for (std::size_t i = 0; i < chain_.size(); ++i) {
    const Head& head = chain_[i];
    LiveSegment live{head.generation, head.header.sequence, 0, head.header.written_at, 0};
    const bool newest = i + 1 == chain_.size();
    const bool covered = checkpoint_ && head.generation < checkpoint_->generation;
    const bool partly = checkpoint_ && head.generation == checkpoint_->generation;
    const std::uint64_t covered_to = partly ? checkpoint_->last.sequence : 0;
    const auto apply = [&](const Frame& frame) -> Result<void> {
      live.used_bytes = frame.place + frame.header.frame_bytes;
      live.newest_at = frame.header.written_at;
      live.body_bytes += batch_bytes(frame.entries);
      if (frame.header.sequence == covered_to && frame.header.ref() != checkpoint_->last) {
        return fail(Errc::log_damaged, "{} journal, {}, byte {}: frame {} is not the one its index was written at",
                    to_string(identity_.journal), name(head.generation), frame.place, frame.header.sequence);
      }
      if (frame.header.sequence <= covered_to) return {};
      ++result_.report.frames;
      return catalog.apply(frame);
    };
    if (newest) {
      for (const Frame& frame : newest_frames_) WEIR_TRY(apply(frame));
    } else if (covered) {
      const auto known = std::find_if(checkpoint_->segments.begin(), checkpoint_->segments.end(),
                                      [&](const LiveSegment& s) { return s.generation == head.generation; });
      if (known != checkpoint_->segments.end()) live = *known;
    } else {
      if (progress_)
        progress_(identity_.journal == JournalKind::ingest ? "reading the ingest journal" : "reading the output journal", "segments", i, chain_.size());
      WEIR_ASSIGN(const auto bytes, store_.verifier(name(head.generation)));
      WEIR_ASSIGN(const SegmentScan scan,
                  scan_older(*bytes, segment(head.generation), {}, chain_[i + 1].header.predecessor, apply));
      live.used_bytes = scan.end_place;
    }
    result_.segments.push_back(live);
  }
  return {};
}

/// Side files hold what lagging partitions still need of segments that are gone. They were closed before those were
/// given up.
Result<void> Recovery::apply_carries() {
  for (const CarryName& carry : listing_.carries) {
    if (carry.partition >= identity_.partitions) continue;
    WEIR_ASSIGN(const auto bytes, store_.verifier(SegmentStore::carry_name(carry)));
    auto scanned = scan_newest(*bytes, segment(carry.generation), {}, [&](const Frame& frame) -> Result<void> {
      for (const DirectoryEntry& entry : frame.entries) {
        const bool batch = entry.kind == EntryKind::batch || entry.kind == EntryKind::commit;
        if (!batch || entry.partition != carry.partition) continue;
        const PartitionLog& log = result_.catalog.partition(carry.partition);
        const std::uint32_t count = entry.kind == EntryKind::batch ? entry.count : 1;
        const bool needed =
            identity_.journal == JournalKind::ingest ? entry.first + count > log.begin : entry.first > log.begin;
        if (!needed) continue;
        result_.catalog.add_carried(
            carry.partition, {entry.first, frame.header.sequence, frame.place, carry.generation, entry.from, entry.to,
                              entry.epoch, entry.place, entry.length, entry.checksum, count, true});
      }
      return {};
    });
    // Damage here stops this partition alone: what it leaves missing is found as a hole below.
    if (!scanned && scanned.error().code != Errc::log_damaged) return fail(std::move(scanned.error()));
    if (!scanned) result_.report.missing.push_back(scanned.error().context);
    result_.carries.push_back(carry);
  }
  return {};
}

void Recovery::finish(const SegmentScan& end) {
  result_.last = end.last;
  RecoveryReport& report = result_.report;
  report.segments = chain_.size();
  report.last_sequence = end.last.sequence;
  report.closed_cleanly = end.end == SegmentEnd::closed;
  if (end.end == SegmentEnd::torn) {
    report.torn_frames = 1;
    report.torn =
        fmt::format("{} journal, {}, byte {}, frame {}: cut, it was in flight ({})", to_string(identity_.journal),
                    name(chain_.back().generation), end.end_place, end.last.sequence + 1, end.reason);
  }
  for (std::uint32_t p = 0; p < identity_.partitions; ++p) {
    if (const auto hole = result_.catalog.hole(p)) {
      report.missing.push_back(fmt::format("{} journal, partition {}: [{}, {}) is missing",
                                           to_string(identity_.journal), p, hole->first, hole->second));
    }
  }
}

Result<RecoveredJournal> Recovery::run(const RecoverOptions& options) {
  WEIR_ASSIGN(listing_, store_.list());
  if (!listing_.segments.empty()) result_.generation_max = listing_.segments.back();
  for (const CarryName& carry : listing_.carries)
    result_.generation_max = std::max(result_.generation_max, carry.generation);
  WEIR_ASSIGN(const std::optional<Head> newest, find_newest());
  if (!newest) return std::move(result_);
  if (options.sync_newest) {
    WEIR_ASSIGN(const auto file, store_.files().open(store_.path(name(newest->generation)), OpenMode::write_buffered));
    WEIR_TRY(file->sync());
  }
  WEIR_TRY(scan_newest_segment(*newest));
  if (newest_scan_.last.sequence == 0 || newest_frames_.empty()) {
    return fail(Errc::log_damaged, "{} journal, {}: its first frame is torn", to_string(identity_.journal),
                name(newest->generation));
  }
  WEIR_TRY(find_chain(*newest, newest_frames_.back().header.oldest));
  if (options.use_checkpoint) WEIR_TRY(use_checkpoint());
  WEIR_TRY(apply_all());
  WEIR_TRY(apply_carries());
  finish(newest_scan_);
  return std::move(result_);
}

}  // namespace

Result<RecoveredJournal> recover_journal(SegmentStore& store, const JournalIdentity& identity,
                                         const RecoverOptions& options, const LogProgress& progress) {
  return Recovery(store, identity, progress).run(options);
}

}  // namespace weir::journal

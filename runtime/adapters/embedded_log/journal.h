// One journal (ingest or output): its files, its catalog, and the one way a frame becomes durable. No threads of its
// own: writes come from one thread, reads of the catalog from any.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/adapters/embedded_log/catalog.h"
#include "runtime/adapters/embedded_log/frame_builder.h"
#include "runtime/adapters/embedded_log/log_progress.h"
#include "runtime/adapters/embedded_log/segment_store.h"
#include "runtime/base/result.h"
#include "runtime/ports/clock.h"

namespace weir::journal {

/// What opening found. Told to the operator, never silent.
struct RecoveryReport {
  JournalKind journal = JournalKind::ingest;
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;  // scanned, not counting what the checkpoint covers
  std::uint64_t last_sequence = 0;
  bool closed_cleanly = false;
  bool checkpoint_used = false;
  std::string checkpoint_rebuilt;    // why the checkpoint was not used; empty: used, or there was nothing to use
  std::uint64_t torn_frames = 0;     // cut: 0 or 1
  std::string torn;                  // where and why
  std::vector<std::string> missing;  // batches that are gone, per partition: their reads answer log_damaged
};

/// What recovery hands to the writer.
struct RecoveredJournal {
  explicit RecoveredJournal(Catalog c) : catalog(std::move(c)) {}
  Catalog catalog;
  FrameRef last;                        // sequence 0: nothing yet
  std::uint64_t generation_max = 0;     // of any file in the directory
  std::vector<LiveSegment> segments;    // ascending
  std::vector<std::uint64_t> leftover;  // void or trimmed segments whose files are still there
  std::vector<CarryName> carries;
  RecoveryReport report;
};

struct JournalIdentity {
  JournalKind journal = JournalKind::ingest;
  std::uint64_t log_tag = 0;
  std::uint32_t partitions = 0;
};

struct RecoverOptions {
  /// Syncs the newest segment first, so that what is read as whole is on the device before anything is built on it. The
  /// only change recovery makes; false for a look from outside.
  bool sync_newest = true;
  bool use_checkpoint = true;
};
/// Errors: log_damaged, format_newer, io_failed.
[[nodiscard]] Result<RecoveredJournal> recover_journal(SegmentStore& store, const JournalIdentity& identity,
                                                       const RecoverOptions& options, const LogProgress& progress = {});

struct WriteResult {
  enum class Kind : std::uint8_t {
    durable,   // synced
    given_up,  // nothing of it is or will ever be there; the journal goes on
    lost,      // it may or may not be found at the next open; the journal has failed for good
  };
  Kind kind = Kind::durable;
  Error error{Errc::internal, {}};
};

class Journal {
 public:
  Journal(std::unique_ptr<SegmentStore> store, JournalIdentity identity, RecoveredJournal recovered,
          std::uint64_t nonce, const Clock& clock);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Begins the first segment of this run. Errors: disk_full, io_failed.
  [[nodiscard]] Result<void> begin();

  /// Writes and syncs what the builder holds as one frame, then enters it into the catalog. `written` is called between
  /// write and sync (once, also when the frame has to be written again). `keep_trying` is asked before every further
  /// attempt while the disk is full and part of the frame may already be on it; it may block.
  [[nodiscard]] WriteResult write(FrameBuilder& frame, std::vector<std::pair<std::string, std::string>> sources,
                                  const std::function<void()>& written, const std::function<bool()>& keep_trying);
  /// Writes a seal where the newest frame is none. Failure is no loss.
  void seal();
  /// Seals for good, gives the unused rest of the segment back, writes the checkpoint.
  void close();
  /// The checkpoint as of now. A failure costs only time at the next open.
  void write_checkpoint();

  [[nodiscard]] bool sealed() const noexcept { return sealed_; }
  /// After a lost frame.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  /// True while there is no spare segment and none can be made: appends are refused, the active segment is the reserve.
  [[nodiscard]] bool short_of_space() const noexcept { return short_of_space_; }
  /// Tries again to make a spare.
  void look_for_space();

  /// What partitions no longer need, as far as `retain` allows, and the segments that frees. Returns false when nothing
  /// changed.
  bool apply_trim(const std::vector<std::uint64_t>& wanted, std::optional<std::int64_t> retain_micros,
                  const std::function<bool()>& keep_trying);

  /// Guards the catalog.
  [[nodiscard]] std::mutex& mutex() const noexcept { return mutex_; }
  [[nodiscard]] const Catalog& catalog() const noexcept { return catalog_; }
  [[nodiscard]] SegmentStore& store() noexcept { return *store_; }
  [[nodiscard]] const JournalIdentity& identity() const noexcept { return identity_; }
  [[nodiscard]] FrameRef last() const noexcept { return last_; }
  [[nodiscard]] std::uint64_t live_segments() const noexcept { return segments_.size(); }
  /// Grows with every segment begun.
  [[nodiscard]] std::uint64_t segments_begun() const noexcept { return generation_; }

 private:
  struct Active {
    std::unique_ptr<File> file;
    std::uint64_t generation = 0;
    std::uint64_t size = 0;
    std::uint64_t place = 0;
  };
  /// A file nobody needs once the frame `after` is durable.
  struct Retiring {
    std::uint64_t generation = 0;
    std::uint64_t after = 0;
  };
  [[nodiscard]] FrameHeader next_header(FrameKind kind) const;
  [[nodiscard]] Result<void> begin_segment(std::uint64_t bytes);
  [[nodiscard]] Result<void> put(std::string_view frame, const std::function<void()>& written);
  [[nodiscard]] WriteResult write_again(FrameBuilder& frame, FrameHeader& header, Error error,
                                        const std::function<bool()>& keep_trying);
  void enter(const FrameBuilder& frame, const FrameHeader& header,
             std::vector<std::pair<std::string, std::string>> sources);
  [[nodiscard]] bool put_seal(bool closed);
  void recycle(std::int64_t old_before);
  [[nodiscard]] std::size_t segments_to_free(std::int64_t old_before) const;
  [[nodiscard]] std::vector<std::uint64_t> allowed_trim(const std::vector<std::uint64_t>& wanted,
                                                        std::int64_t old_before) const;
  [[nodiscard]] bool carry_over(const LiveSegment& segment);
  [[nodiscard]] Result<std::vector<BatchPlace>> carry_partition(std::uint64_t generation, std::uint32_t partition,
                                                                const std::vector<BatchPlace>& batches);
  void retire_files();

  std::unique_ptr<SegmentStore> store_;
  JournalIdentity identity_;
  std::uint64_t nonce_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  Catalog catalog_;
  std::vector<LiveSegment> segments_;
  std::vector<Retiring> retiring_;
  std::vector<CarryName> carries_;
  FrameRef last_;
  std::uint64_t generation_;
  Active active_;
  FrameBuilder head_frame_;
  FrameBuilder own_frame_;  // seals and trims
  std::uint64_t bytes_since_checkpoint_ = 0;
  std::uint64_t checkpoint_bytes_ = 0;
  bool sealed_ = true;
  bool spoiled_ = false;  // the active file refused a write or a sync
  bool failed_ = false;
  bool short_of_space_ = false;
};

}  // namespace weir::journal

#include "runtime/adapters/embedded_log/journal.h"

#include <algorithm>
#include <utility>

#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir::journal {

namespace {
// Attempts to write a frame again into a new segment before the journal has failed for good; a disk that refuses three
// files in turn will refuse the fourth.
constexpr int kAttemptsMax = 3;
// A checkpoint is written at the switch to a new segment once this many times its size has been written since the last
// one: at most 6 % more bytes.
constexpr std::uint64_t kCheckpointShare = 16;
}  // namespace

Journal::Journal(std::unique_ptr<SegmentStore> store, JournalIdentity identity, RecoveredJournal recovered,
                 std::uint64_t nonce, const Clock& clock)
    : store_(std::move(store)),
      identity_(identity),
      nonce_(nonce),
      clock_(clock),
      catalog_(std::move(recovered.catalog)),
      segments_(std::move(recovered.segments)),
      carries_(std::move(recovered.carries)),
      last_(recovered.last),
      generation_(recovered.generation_max) {
  for (const std::uint64_t generation : recovered.leftover) retiring_.push_back({generation, last_.sequence + 1});
}

Result<void> Journal::begin() {
  WEIR_TRY(begin_segment(0));
  retire_files();
  return {};
}

FrameHeader Journal::next_header(FrameKind kind) const {
  FrameHeader header;
  header.journal = identity_.journal;
  header.kind = kind;
  header.sequence = last_.sequence + 1;
  header.generation = active_.generation;
  header.nonce = nonce_;
  header.log_tag = identity_.log_tag;
  header.oldest = segments_.empty() ? header.sequence : segments_.front().first_sequence;
  header.written_at = clock_.wall();
  header.predecessor = last_;
  return header;
}

Result<void> Journal::begin_segment(std::uint64_t bytes) {
  WEIR_FAIL_POINT_TRY("journal_segment_switch");
  head_frame_.clear();
  std::deque<std::string> bodies;
  {
    const std::scoped_lock lock(mutex_);
    catalog_.fill_state(head_frame_, bodies);
  }
  Active fresh;
  fresh.generation = ++generation_;
  // Room for the head, the frame and the seal behind it.
  auto file = store_->begin(fresh.generation, head_frame_.bytes() + bytes + kFrameAlign, fresh.size);
  if (!file) {
    short_of_space_ = short_of_space_ || file.error().code == Errc::disk_full;
    return fail(std::move(file.error()));
  }
  fresh.file = std::move(*file);
  FrameHeader header = next_header(FrameKind::head);
  header.generation = fresh.generation;
  const std::string_view head = head_frame_.build(header);
  auto written = write_all(*fresh.file, head, 0);
  if (written) written = fresh.file->sync();
  if (!written) {
    // Whether this head is on the disk or not: the next segment begins behind the same frame and makes it void. So must it: a
    // frame in the old one would be void by this head, if that is there.
    retiring_.push_back({fresh.generation, header.sequence});
    spoiled_ = true;
    return written;
  }
  fresh.place = head.size();
  active_ = std::move(fresh);
  spoiled_ = false;
  sealed_ = true;
  last_ = header.ref();
  segments_.push_back({active_.generation, header.sequence, head.size(), header.written_at, 0});
  {
    const std::scoped_lock lock(mutex_);
    catalog_.set_begun();
  }
  look_for_space();
  if (bytes_since_checkpoint_ > checkpoint_bytes_ * kCheckpointShare) write_checkpoint();
  return {};
}

void Journal::look_for_space() {
  const auto made = store_->prepare_spare();
  short_of_space_ = !made;
}

Result<void> Journal::put(std::string_view frame, const std::function<void()>& written) {
  WEIR_FAIL_POINT_TRY("journal_before_write");
  WEIR_TRY(write_all(*active_.file, frame, active_.place));
  const bool unsynced = WEIR_FAIL_POINT_IF("journal_after_write_before_sync");
  if (written) written();
  // Harmless alone: what was written and not known to be synced becomes void, as a later segment names its predecessor.
  const bool fails = (WEIR_DEFECT("fail_syncs") && last_.sequence % 16 == 15) ||
                     (WEIR_DEFECT("stale_frame_accepted") && last_.sequence % 4 == 3) || unsynced;
  if (fails) return fail(Errc::io_failed, "a sync that fails on purpose");
  WEIR_TRY(active_.file->sync());
  WEIR_FAIL_POINT_TRY("journal_after_sync");
  return {};
}

void Journal::enter(const FrameBuilder& frame, const FrameHeader& header,
                    std::vector<std::pair<std::string, std::string>> sources) {
  Frame entered;
  entered.header = header;
  entered.entries = frame.entries();
  entered.sources = std::move(sources);
  entered.place = active_.place;
  entered.generation = active_.generation;
  active_.place += header.frame_bytes;
  bytes_since_checkpoint_ += header.frame_bytes;
  last_ = header.ref();
  sealed_ = header.kind == FrameKind::seal;
  segments_.back().used_bytes = active_.place;
  segments_.back().newest_at = header.written_at;
  segments_.back().body_bytes += batch_bytes(entered.entries);
  const std::scoped_lock lock(mutex_);
  const auto applied = catalog_.apply(entered);
  NODE_INVARIANT(applied.has_value(), "a frame that was just written contradicts the catalog it was made from");
}

WriteResult Journal::write(FrameBuilder& frame, std::vector<std::pair<std::string, std::string>> sources,
                           const std::function<void()>& written, const std::function<bool()>& keep_trying) {
  if (failed_) {
    return {
        WriteResult::Kind::given_up,
        {Errc::log_closed, fmt::format("the {} journal has failed; open the log again", to_string(identity_.journal))}};
  }
  const std::uint64_t bytes = frame.bytes();
  if (active_.file == nullptr || spoiled_ || active_.place + bytes + kFrameAlign > active_.size) {
    if (auto begun = begin_segment(bytes); !begun) return {WriteResult::Kind::given_up, std::move(begun.error())};
  }
  FrameHeader header = next_header(FrameKind::data);
  const std::string_view view = frame.build(header);
  if (auto done = put(view, written); !done) {
    spoiled_ = true;
    WriteResult again = write_again(frame, header, std::move(done.error()), keep_trying);
    if (again.kind != WriteResult::Kind::durable) return again;
  }
  enter(frame, header, std::move(sources));
  retire_files();
  return {};
}

/// After a failed write or sync nobody knows what of the frame is on the disk, and the file is not asked again. The
/// frame goes into a new segment that follows the last synced frame, which makes whatever lies in the old one void.
WriteResult Journal::write_again(FrameBuilder& frame, FrameHeader& header, Error error,
                                 const std::function<bool()>& keep_trying) {
  int attempts = 0;
  for (;;) {
    auto done = begin_segment(frame.bytes());
    if (done) {
      header = next_header(FrameKind::data);
      done = put(frame.rehead(header), {});
      if (done) return {};
      spoiled_ = true;
    }
    error = std::move(done.error());
    const bool waits = error.code == Errc::disk_full && keep_trying && keep_trying();
    if (!waits && ++attempts == kAttemptsMax) break;
  }
  failed_ = true;
  return {WriteResult::Kind::lost, std::move(error)};
}

bool Journal::put_seal(bool closed) {
  if (active_.file == nullptr || spoiled_ || failed_ || active_.place + kFrameAlign > active_.size) return false;
  own_frame_.clear();
  FrameHeader header = next_header(FrameKind::seal);
  header.closed = closed;
  const std::string_view view = own_frame_.build(header);
  if (!put(view, {})) {
    spoiled_ = true;
    return false;
  }
  enter(own_frame_, header, {});
  retire_files();
  return true;
}

void Journal::seal() {
  if (!sealed_)
    static_cast<void>(put_seal(false));  // a seal that fails spoils the file; the next frame finds a new one
}

void Journal::close() {
  if (active_.file == nullptr) return;
  if (put_seal(true)) {
    // The unused rest goes back to the file system; a failure only costs space.
    if (active_.file->truncate(active_.place)) static_cast<void>(active_.file->sync());
  }
  if (!failed_) write_checkpoint();
  active_.file.reset();
}

}  // namespace weir::journal

// What goes away and when: horizons that move, segments given back, what lagging partitions keep.
#include <algorithm>
#include <map>
#include <utility>

#include "runtime/adapters/embedded_log/index_checkpoint.h"
#include "runtime/adapters/embedded_log/journal.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"

namespace weir::journal {

namespace {

/// Segments are worth copying from when that gives back a quarter of what was written into them: every byte is copied once at most, and one
/// partition of two that lags pins nothing.
constexpr std::uint64_t kWorthQuarters = 1;

}  // namespace

/// Horizons as wanted, but not past the first batch that is too young. Equal to the present ones where nothing moves.
std::vector<std::uint64_t> Journal::allowed_trim(const std::vector<std::uint64_t>& wanted,
                                                 std::int64_t old_before) const {
  std::vector<std::uint64_t> allowed(identity_.partitions);
  const auto young = [&](const BatchPlace& batch) {
    if (batch.carried) return false;
    const auto segment = std::find_if(segments_.begin(), segments_.end(),
                                      [&](const LiveSegment& s) { return s.generation == batch.generation; });
    return segment != segments_.end() && segment->newest_at > old_before;
  };
  const bool ingest = identity_.journal == JournalKind::ingest;
  for (std::uint32_t p = 0; p < identity_.partitions; ++p) {
    const PartitionLog& log = catalog_.partition(p);
    allowed[p] = std::max(log.begin, std::min(wanted[p], log.end));
    for (const BatchPlace& batch : log.batches) {
      if (ingest ? batch.first >= allowed[p] : batch.first > allowed[p]) break;
      if (!young(batch)) continue;
      allowed[p] = std::max(log.begin, ingest ? batch.first : batch.first - 1);
      break;
    }
  }
  return allowed;
}

bool Journal::apply_trim(const std::vector<std::uint64_t>& wanted, std::optional<std::int64_t> retain_micros,
                         const std::function<bool()>& keep_trying) {
  if (!retain_micros) return false;  // `retain: all`
  const std::int64_t old_before = clock_.wall() - *retain_micros;
  FrameBuilder frame;
  {
    const std::scoped_lock lock(mutex_);
    const std::vector<std::uint64_t> allowed = allowed_trim(wanted, old_before);
    for (std::uint32_t p = 0; p < identity_.partitions; ++p) {
      if (allowed[p] > catalog_.partition(p).begin) frame.add(catalog_.state_entry(p, allowed[p]));
    }
  }
  const bool moved = !frame.empty();
  if (moved && WEIR_FAIL_POINT_IF("trim_before_horizon")) return false;
  // A horizon counts when it is durable: only then may what lies below be overwritten.
  if (moved && write(frame, {}, {}, keep_trying).kind != WriteResult::Kind::durable) return false;
  if (moved && WEIR_FAIL_POINT_IF("trim_after_horizon")) return moved;
  recycle(old_before);
  return moved;
}

/// How many of the oldest segments can go: all of them old, and together not worth keeping for what is still needed of them. Together,
/// because a segment that is needed in great part would else keep those behind it, of which hardly anything is.
std::size_t Journal::segments_to_free(std::int64_t old_before) const {
  std::map<std::uint64_t, std::uint64_t> needed;
  {
    const std::scoped_lock lock(mutex_);
    for (std::uint32_t p = 0; p < identity_.partitions; ++p)
      for (const BatchPlace& batch : catalog_.partition(p).batches) {
        if (batch.generation >= segments_.back().generation) break;
        if (!batch.carried) needed[batch.generation] += batch.length;
      }
  }
  std::size_t free = 0;
  std::uint64_t needed_bytes = 0, bytes = 0;
  for (std::size_t i = 0; i + 1 < segments_.size() && segments_[i].newest_at <= old_before; ++i) {
    const auto of_it = needed.find(segments_[i].generation);
    needed_bytes += of_it == needed.end() ? 0 : of_it->second;
    bytes += segments_[i].body_bytes;
    if (needed_bytes == 0 || needed_bytes * 4 <= bytes * (4 - kWorthQuarters)) free = i + 1;
  }
  return free;
}

void Journal::recycle(std::int64_t old_before) {
  std::vector<LiveSegment> free;
  // From the oldest on: the segments that count are one chain.
  for (std::size_t left = segments_to_free(old_before); left != 0 && carry_over(segments_.front()); --left) {
    free.push_back(segments_.front());
    segments_.erase(segments_.begin());
  }
  if (!free.empty()) {
    const std::uint64_t after = last_.sequence + 1;
    for (const LiveSegment& segment : free) retiring_.push_back({segment.generation, after});
    // The frame that says they are not missed; where it cannot be written now, the next one says so.
    static_cast<void>(put_seal(false));
  }
  retire_files();
}

/// Copies what lagging partitions need of a segment into side files, one per partition. False: nothing was changed.
bool Journal::carry_over(const LiveSegment& segment) {
  for (std::uint32_t p = 0; p < identity_.partitions; ++p) {
    std::vector<BatchPlace> batches;
    {
      const std::scoped_lock lock(mutex_);
      for (const BatchPlace& batch : catalog_.partition(p).batches) {
        if (batch.generation == segment.generation && !batch.carried) batches.push_back(batch);
      }
    }
    if (batches.empty()) continue;
    auto places = carry_partition(segment.generation, p, batches);
    if (!places) return false;  // what was copied for other partitions stands; the segment stays until all are
    carries_.push_back({p, segment.generation});
    const std::scoped_lock lock(mutex_);
    catalog_.carried(p, segment.generation, *places);
  }
  return !WEIR_FAIL_POINT_IF("carry_done");
}

Result<std::vector<BatchPlace>> Journal::carry_partition(std::uint64_t generation, std::uint32_t partition,
                                                         const std::vector<BatchPlace>& batches) {
  const CarryName name{partition, generation};
  const std::string fresh = store_->path(SegmentStore::carry_name(name) + ".new");
  WEIR_TRY(store_->files().unlink(fresh));
  WEIR_ASSIGN(const auto file, store_->files().open(fresh, OpenMode::write_buffered));
  WEIR_ASSIGN(const auto source, store_->reader(generation, false, partition));
  FrameHeader header;
  header.journal = identity_.journal;
  header.generation = generation;
  header.nonce = nonce_;
  header.log_tag = identity_.log_tag;
  header.oldest = 1;
  header.written_at = clock_.wall();
  std::uint64_t place = 0;
  FrameBuilder frame;
  const auto put_frame = [&](FrameKind kind) -> Result<void> {
    header.kind = kind;
    header.closed = kind == FrameKind::seal;
    header.predecessor = header.sequence == 0 ? FrameRef{} : header.ref();
    ++header.sequence;
    const std::string_view view = frame.build(header);
    WEIR_TRY(write_all(*file, view, place));
    place += view.size();
    return {};
  };
  WEIR_TRY(put_frame(FrameKind::head));
  std::vector<BatchPlace> places;
  std::string body;
  for (const BatchPlace& batch : batches) {
    body.resize(batch.length);
    WEIR_ASSIGN(const std::size_t count, read_all(*source, body.data(), body.size(), batch.frame_place + batch.body));
    if (count != body.size() || crc32c(body) != batch.checksum) {
      return fail(Errc::log_damaged, "{} journal, {}, byte {}: a body of partition {} is damaged and not carried over",
                  to_string(identity_.journal), SegmentStore::segment_name(generation), batch.frame_place, partition);
    }
    frame.clear();
    DirectoryEntry entry;
    entry.kind = identity_.journal == JournalKind::ingest ? EntryKind::batch : EntryKind::commit;
    entry.partition = partition;
    entry.count = batch.count;
    entry.first = batch.first;
    entry.from = batch.from;
    entry.to = batch.to;
    entry.epoch = batch.epoch;
    frame.add(entry, std::string_view(body));
    BatchPlace moved = batch;
    moved.frame_place = place;
    moved.carried = true;
    WEIR_TRY(put_frame(FrameKind::data));
    moved.frame_sequence = header.sequence;
    moved.body = frame.entries().front().place;
    places.push_back(moved);
  }
  frame.clear();
  WEIR_TRY(put_frame(FrameKind::seal));
  WEIR_TRY(file->sync());
  WEIR_FAIL_POINT_TRY("carry_before_rename");
  WEIR_TRY(store_->files().rename(fresh, store_->path(SegmentStore::carry_name(name))));
  WEIR_TRY(store_->files().sync_directory(store_->options().directory));
  return places;
}

void Journal::retire_files() {
  for (auto retiring = retiring_.begin(); retiring != retiring_.end();) {
    // Failures are tried again after the next frame.
    const bool waits = retiring->after > last_.sequence || WEIR_FAIL_POINT_IF("trim_before_retire");
    const auto retired = waits ? Result<bool>(false) : store_->retire(retiring->generation);
    const bool gone = retired ? *retired : retired.error().code == Errc::not_found;
    retiring = gone ? retiring_.erase(retiring) : std::next(retiring);
  }
  if (short_of_space_) look_for_space();
  for (auto carry = carries_.begin(); carry != carries_.end();) {
    bool needed = false;
    {
      const std::scoped_lock lock(mutex_);
      for (const BatchPlace& batch : catalog_.partition(carry->partition).batches) {
        if (batch.generation > carry->generation) break;
        needed = needed || (batch.carried && batch.generation == carry->generation);
      }
    }
    const bool gone = !needed && !WEIR_FAIL_POINT_IF("carry_before_removal") && store_->remove_carry(*carry).has_value();
    carry = gone ? carries_.erase(carry) : std::next(carry);
  }
}

void Journal::write_checkpoint() {
  std::string bytes;
  {
    const std::scoped_lock lock(mutex_);
    bytes = encode_checkpoint(identity_, catalog_, last_, segments_.back().generation, segments_);
  }
  checkpoint_bytes_ = bytes.size();
  bytes_since_checkpoint_ = 0;
  // Only a shortcut: the next open scans where this could not be written.
  if (WEIR_FAIL_POINT_IF("journal_checkpoint")) return;
  static_cast<void>(replace_file(store_->files(), store_->options().directory, kCheckpointName, bytes));
}

}  // namespace weir::journal

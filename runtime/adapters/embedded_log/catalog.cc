#include "runtime/adapters/embedded_log/catalog.h"

#include <algorithm>
#include <utility>

namespace weir::journal {

namespace {

tl::unexpected<Error> contradiction(const Frame& frame, const DirectoryEntry& entry, const char* why) {
  return fail(Errc::log_damaged, "{} journal, segment {}, byte {}, frame {}, partition {}, at {}: {}",
              to_string(frame.header.journal), frame.generation, frame.place, frame.header.sequence, entry.partition,
              entry.first, why);
}

}  // namespace

std::uint64_t batch_bytes(const std::vector<DirectoryEntry>& entries) noexcept {
  std::uint64_t bytes = 0;
  for (const DirectoryEntry& entry : entries) {
    if (entry.kind == EntryKind::batch || entry.kind == EntryKind::commit) bytes += entry.length;
  }
  return bytes;
}

std::uint64_t PartitionLog::bytes_behind(std::uint64_t position) const {
  std::uint64_t bytes = 0;
  for (auto batch = batches.rbegin(); batch != batches.rend() && batch->first > position; ++batch) bytes += batch->length;
  return bytes;
}

Catalog::Catalog(JournalKind journal, std::uint32_t partitions) : journal_(journal), partitions_(partitions) {}

Result<void> Catalog::apply(const Frame& frame) {
  for (const DirectoryEntry& entry : frame.entries) {
    if (entry.kind != EntryKind::source) WEIR_TRY(apply_entry(frame, entry));
  }
  for (const auto& [source, position] : frame.sources) set_source(source, position);
  if (frame.header.kind == FrameKind::head) begun_ = true;
  return {};
}

Result<void> Catalog::apply_entry(const Frame& frame, const DirectoryEntry& entry) {
  if (entry.partition >= partitions_.size()) return contradiction(frame, entry, "there is no such partition");
  PartitionLog& log = partitions_[entry.partition];
  const auto add = [&](std::uint32_t count) {
    log.batches.push_back({entry.first, frame.header.sequence, frame.place, frame.generation, entry.from, entry.to,
                           entry.epoch, entry.place, entry.length, entry.checksum, count, false});
  };
  switch (entry.kind) {
    case EntryKind::batch:
      if (entry.first != log.end)
        return contradiction(frame, entry, "the batch does not begin where the one before it ends");
      add(entry.count);
      log.end += entry.count;
      return {};
    case EntryKind::commit:
      if (entry.first != log.end + 1 || entry.to < entry.from)
        return contradiction(frame, entry, "the commit is out of order");
      add(1);
      log.end = entry.first;
      log.committed = entry.to;
      return {};
    case EntryKind::epoch:
      if (entry.epoch <= log.epoch) return contradiction(frame, entry, "an epoch goes back");
      log.epoch = entry.epoch;
      return {};
    case EntryKind::ingest_state:
    case EntryKind::output_state:
      return apply_state(frame, entry);
    case EntryKind::source:
      break;
  }
  return {};
}

Result<void> Catalog::apply_state(const Frame& frame, const DirectoryEntry& entry) {
  PartitionLog& log = partitions_[entry.partition];
  const bool ingest = journal_ == JournalKind::ingest;
  const std::uint64_t begin = ingest ? entry.first : entry.from;
  const std::uint64_t end = ingest ? entry.to : entry.first;
  const std::uint64_t committed = ingest ? 0 : entry.to;
  if (!begun_) {
    log.begin = begin;
    log.end = end;
    log.committed = committed;
    log.epoch = entry.epoch;
    return {};
  }
  if (log.end != end || log.committed != committed || log.epoch != entry.epoch) {
    return contradiction(frame, entry, "the state written here is not what the frames before it say");
  }
  trim(entry.partition, begin);
  return {};
}

void Catalog::add_carried(std::uint32_t partition, const BatchPlace& place) {
  auto& batches = partitions_[partition].batches;
  const auto after = std::lower_bound(batches.begin(), batches.end(), place.first,
                                      [](const BatchPlace& batch, std::uint64_t first) { return batch.first < first; });
  // The catalog of a checkpoint may still name the segment it came from, which may be gone: the side file is whole
  // either way.
  if (after != batches.end() && after->first == place.first) {
    *after = place;
  } else {
    batches.insert(after, place);
  }
}

void Catalog::carried(std::uint32_t partition, std::uint64_t generation, const std::vector<BatchPlace>& places) {
  for (const BatchPlace& place : places) {
    for (BatchPlace& batch : partitions_[partition].batches) {
      if (batch.first == place.first && batch.generation == generation && !batch.carried) batch = place;
    }
  }
}

void Catalog::trim(std::uint32_t partition, std::uint64_t begin) {
  PartitionLog& log = partitions_[partition];
  log.begin = std::max(log.begin, begin);
  const bool ingest = journal_ == JournalKind::ingest;
  while (!log.batches.empty()) {
    const BatchPlace& oldest = log.batches.front();
    const bool below = ingest ? oldest.first + oldest.count <= log.begin : oldest.first <= log.begin;
    if (!below) break;
    log.batches.pop_front();
  }
}

DirectoryEntry Catalog::state_entry(std::uint32_t partition, std::uint64_t begin) const {
  const PartitionLog& log = partitions_[partition];
  DirectoryEntry entry;
  entry.partition = partition;
  if (journal_ == JournalKind::ingest) {
    entry.kind = EntryKind::ingest_state;
    entry.first = begin;
    entry.to = log.end;
  } else {
    entry.kind = EntryKind::output_state;
    entry.from = begin;
    entry.first = log.end;
    entry.to = log.committed;
    entry.epoch = log.epoch;
  }
  return entry;
}

void Catalog::fill_state(FrameBuilder& frame, std::deque<std::string>& bodies) const {
  for (std::uint32_t p = 0; p < partitions_.size(); ++p) frame.add(state_entry(p, partitions_[p].begin));
  for (const auto& [source, position] : sources_) {
    DirectoryEntry entry;
    entry.kind = EntryKind::source;
    bodies.push_back(encode_source(source, position));
    frame.add(entry, std::string_view(bodies.back()));
  }
}

Result<std::vector<BatchPlace>> Catalog::find(std::uint32_t partition, std::uint64_t position,
                                              std::size_t bytes_max) const {
  const PartitionLog& log = partitions_[partition];
  const bool ingest = journal_ == JournalKind::ingest;
  // `next` is what the first batch must hold: the offset itself, or the sequence after the one given.
  std::uint64_t next = ingest ? position : position + 1;
  const std::uint64_t end = ingest ? log.end : log.end + 1;
  std::vector<BatchPlace> found;
  auto batch = std::upper_bound(log.batches.begin(), log.batches.end(), next,
                                [](std::uint64_t value, const BatchPlace& place) { return value < place.first; });
  if (batch != log.batches.begin()) --batch;
  std::size_t bytes = 0;
  for (; next < end && (found.empty() || bytes < bytes_max); ++batch) {
    const bool holds = batch != log.batches.end() && batch->first <= next && next < batch->first + batch->count;
    if (!holds) {
      if (!found.empty()) break;
      return fail(
          Errc::log_damaged, "{} journal, partition {}: {} is missing{}", to_string(journal_), partition, next,
          batch == log.batches.end() ? std::string() : fmt::format(" (the next batch begins at {})", batch->first));
    }
    found.push_back(*batch);
    bytes += batch->length;
    next = batch->first + batch->count;
  }
  return found;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> Catalog::hole(std::uint32_t partition) const {
  const PartitionLog& log = partitions_[partition];
  const bool ingest = journal_ == JournalKind::ingest;
  std::uint64_t next = ingest ? log.begin : log.begin + 1;
  const std::uint64_t end = ingest ? log.end : log.end + 1;
  for (const BatchPlace& batch : log.batches) {
    if (batch.first > next) return std::pair{next, batch.first};
    next = batch.first + batch.count;
  }
  if (next < end) return std::pair{next, end};
  return std::nullopt;
}

}  // namespace weir::journal

#include "runtime/adapters/embedded_log/batch_reader.h"

#include <utility>

#include "runtime/base/hash.h"

namespace weir::journal {

namespace {

tl::unexpected<Error> damaged(JournalKind journal, std::uint32_t partition, const BatchPlace& place,
                              const std::string& why) {
  const std::string file = place.carried ? SegmentStore::carry_name({partition, place.generation})
                                         : SegmentStore::segment_name(place.generation);
  return fail(Errc::log_damaged, "{} journal, {}, byte {}, frame {}, partition {}, {} [{}, {}): {}", to_string(journal),
              file, place.frame_place + place.body, place.frame_sequence, partition,
              journal == JournalKind::ingest ? "offsets" : "commits", place.first, place.first + place.count, why);
}

/// Places and bytes of what a request asks for.
struct Found {
  std::vector<BatchPlace> places;
  std::vector<SharedBytes> bytes;
};

Result<std::vector<BatchPlace>> find(const ReadSource& source, std::uint32_t partition, std::uint64_t position,
                                     std::size_t bytes_max) {
  const std::scoped_lock lock(source.mutex);
  if (partition >= source.catalog.partitions()) {
    return fail(Errc::invalid_argument, "partition {}: the log has {}", partition, source.catalog.partitions());
  }
  const PartitionLog& log = source.catalog.partition(partition);
  if (position < log.begin) {
    return fail(Errc::below_horizon, "{} journal, partition {}: {} was trimmed, the horizon is {}",
                to_string(source.catalog.journal()), partition, position, log.begin);
  }
  return source.catalog.find(partition, position, bytes_max);
}

Result<Found> read(const ReadSource& source, std::uint32_t partition, std::uint64_t position, std::size_t bytes_max) {
  // While we read, trim may move a batch into a side file or give its segment away: then the catalog has another place
  // for it.
  constexpr int kMovesMax = 8;
  BatchPlace failed;
  for (int attempt = 0;; ++attempt) {
    Found found;
    WEIR_ASSIGN(found.places, find(source, partition, position, bytes_max));
    if (found.places.empty()) return found;
    for (const BatchPlace& place : found.places) {
      auto bytes = read_batch(source.store, source.catalog.journal(), partition, place);
      if (bytes) {
        found.bytes.push_back(std::move(*bytes));
        continue;
      }
      if (!found.bytes.empty()) break;
      if (failed == place || attempt == kMovesMax) return fail(std::move(bytes.error()));
      failed = place;
      break;
    }
    if (!found.bytes.empty()) return found;
  }
}

}  // namespace

Result<SharedBytes> read_batch(SegmentStore& store, JournalKind journal, std::uint32_t partition,
                               const BatchPlace& place) {
  auto file = store.reader(place.generation, place.carried, partition);
  if (!file) {
    if (file.error().code != Errc::not_found) return fail(std::move(file.error()));
    return damaged(journal, partition, place, "the file is missing");
  }
  ByteArena arena(place.length);
  char* to = place.length == 0 ? nullptr : arena.extend(place.length);
  WEIR_ASSIGN(const std::size_t count, read_all(**file, to, place.length, place.frame_place + place.body));
  if (count != place.length) return damaged(journal, partition, place, "the file ends inside it");
  if (crc32c({to, place.length}) != place.checksum) return damaged(journal, partition, place, "the checksum is wrong");
  return SharedBytes::take(std::move(arena));
}

Result<std::vector<IngestSlice>> read_ingest(const ReadSource& source, const IngestRead& request) {
  WEIR_ASSIGN(Found found, read(source, request.partition.value, request.from.value, request.bytes_max));
  std::vector<IngestSlice> slices;
  slices.reserve(found.bytes.size());
  for (std::size_t i = 0; i < found.bytes.size(); ++i) {
    slices.push_back({Offset{found.places[i].first}, found.places[i].count, std::move(found.bytes[i])});
  }
  return slices;
}

Result<std::vector<CommitRecord>> read_output(const ReadSource& source, const OutputRead& request) {
  WEIR_ASSIGN(Found found, read(source, request.partition.value, request.after.value, request.bytes_max));
  std::vector<CommitRecord> records;
  records.reserve(found.bytes.size());
  for (std::size_t i = 0; i < found.bytes.size(); ++i) {
    const BatchPlace& place = found.places[i];
    records.push_back({Epoch{place.epoch}, CommitSequence{place.first}, Offset{place.from}, Offset{place.to},
                       std::move(found.bytes[i])});
  }
  return records;
}

}  // namespace weir::journal

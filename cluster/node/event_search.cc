#include "cluster/node/event_search.h"

#include <algorithm>

namespace weir {

namespace {

/// What one read takes from the log: the memory of a slice, whatever its length.
constexpr std::size_t kReadBytes = std::size_t{4} << 20;

class Scan {
 public:
  Scan(const LogReader& log, FieldMatch& match, std::size_t bytes_max,
       const std::function<bool(const FoundEvent&)>& visit)
      : log_(log), match_(match), visit_(visit), bytes_left_(bytes_max) {}

  /// From `at` to what is durable in the partition, or until stopped(). Gives the place that was reached.
  Result<Offset> partition(PartitionId partition, Offset at) {
    const PartitionStatus status = log_.status(partition);
    at = std::max(at, status.ingest_begin);
    while (!stopped_ && at < status.ingest_durable) {
      auto slices = log_.read_ingest({partition, at, std::min(kReadBytes, bytes_left_)});
      if (!slices && slices.error().code == Errc::below_horizon && log_.status(partition).ingest_begin > at) {
        at = log_.status(partition).ingest_begin;  // trimmed meanwhile
        continue;
      }
      if (!slices) return fail(std::move(slices.error()));
      if (slices->empty()) break;
      for (const IngestSlice& slice : *slices) {
        WEIR_ASSIGN(at, look_through(partition, slice, at));
        if (stopped_) break;
      }
    }
    return at;
  }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  [[nodiscard]] std::uint64_t with_fields() const noexcept { return with_fields_; }

 private:
  Result<Offset> look_through(PartitionId partition, const IngestSlice& slice, Offset at) {
    WEIR_ASSIGN(const IngestBatch batch, IngestBatch::decode(slice.bytes));
    const IngestHeader& header = batch.header();
    for (auto i = static_cast<std::uint32_t>(at > slice.first ? at - slice.first : 0); i < batch.count(); ++i) {
      const RawEvent event = batch.event(i);
      const FieldMatch::Answer answer = match_.look(header, event.raw);
      if (answer.has_fields) ++with_fields_;
      if (!answer.matches ||
          visit_({event.id, partition, slice.first + i, header.door, event.line, header.accepted_at}))
        continue;
      stopped_ = true;
      return slice.first + (i + 1);
    }
    const std::size_t bytes = slice.bytes.size();
    stopped_ = bytes >= bytes_left_;
    bytes_left_ -= std::min(bytes, bytes_left_);
    return slice.first + slice.count;
  }

  const LogReader& log_;
  FieldMatch& match_;
  const std::function<bool(const FoundEvent&)>& visit_;
  std::size_t bytes_left_;
  std::uint64_t with_fields_ = 0;
  bool stopped_ = false;
};

/// Events in front of a place, and in all.
void count_events(const LogReader& log, SearchSlice& slice) {
  for (std::uint32_t p = 0; p < log.partitions(); ++p) {
    const PartitionStatus status = log.status(PartitionId{p});
    const std::uint64_t kept = status.ingest_durable - status.ingest_begin;
    slice.total += kept;
    if (!slice.next || p < slice.next->partition.value) slice.scanned += kept;
    if (slice.next && p == slice.next->partition.value && slice.next->offset > status.ingest_begin)
      slice.scanned += slice.next->offset - status.ingest_begin;
  }
}

}  // namespace

Result<SearchSlice> search_slice(const LogReader& log, FieldMatch& match, const SearchPlace& from,
                                 std::size_t bytes_max, const std::function<bool(const FoundEvent&)>& visit) {
  if (from.partition.value >= log.partitions() || from.offset > log.status(from.partition).ingest_durable)
    return fail(Errc::invalid_argument, "there is no place {}-{} in this log", from.partition.value, from.offset.value);
  Scan scan(log, match, std::max<std::size_t>(bytes_max, 1), visit);
  SearchSlice slice;
  Offset at = from.offset;
  for (std::uint32_t p = from.partition.value; p < log.partitions() && !slice.next; ++p, at = Offset{}) {
    WEIR_ASSIGN(at, scan.partition(PartitionId{p}, at));
    if (!scan.stopped()) continue;
    const bool more_here = at < log.status(PartitionId{p}).ingest_durable;
    if (!more_here && p + 1 == log.partitions()) break;
    slice.next = more_here ? SearchPlace{PartitionId{p}, at} : SearchPlace{PartitionId{p + 1}, Offset{}};
  }
  slice.with_fields = scan.with_fields();
  count_events(log, slice);
  return slice;
}

}  // namespace weir

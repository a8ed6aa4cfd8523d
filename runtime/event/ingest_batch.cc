#include "runtime/event/ingest_batch.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr std::uint32_t kMagic = 0x31424957;  // "WIB1"

struct WireHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint8_t format;
  std::uint8_t reserved0;
  std::uint32_t count;
  std::uint32_t area_offset;  // from the start of the batch
  std::uint32_t area_length;
  std::uint32_t door_offset;  // into the area
  std::uint32_t door_length;
  std::uint32_t csv_offset;
  std::uint32_t csv_length;
  std::uint32_t reserved1;
  std::int64_t accepted_at;
  std::uint64_t first_line;
  std::uint64_t reserved2;
};
static_assert(sizeof(WireHeader) == 64);

constexpr std::uint16_t kVersion = 1;

bool inside(std::uint64_t offset, std::uint64_t length, std::uint64_t size) { return offset <= size && length <= size - offset; }

}  // namespace

Result<IngestBatch> IngestBatch::decode(SharedBytes bytes) {
  const std::string_view all = bytes.view();
  if (all.size() < sizeof(WireHeader)) return fail(Errc::malformed_event, "ingest batch of {} bytes has no header", all.size());
  const auto wire = load<WireHeader>(all.data());
  if (wire.magic != kMagic) return fail(Errc::malformed_event, "ingest batch has magic {:#x}", wire.magic);
  if (wire.version != kVersion) return fail(Errc::format_newer, "ingest batch has version {}, this weir reads {}", wire.version, kVersion);
  const std::uint64_t table_bytes = std::uint64_t{wire.count} * sizeof(FrameEntry);
  if (!inside(sizeof(WireHeader), table_bytes, all.size()) || wire.area_offset < sizeof(WireHeader) + table_bytes ||
      !inside(wire.area_offset, wire.area_length, all.size()) || !inside(wire.door_offset, wire.door_length, wire.area_length) ||
      !inside(wire.csv_offset, wire.csv_length, wire.area_length))
    return fail(Errc::malformed_event, "ingest batch of {} bytes: table or areas of {} events are out of bounds", all.size(), wire.count);
  if (wire.format < 1 || wire.format > 3) return fail(Errc::format_newer, "ingest batch has frame format {}", wire.format);

  IngestBatch batch;
  // The start is 8-byte aligned in memory and in the log; copy where it is not (a sub-range of a foreign buffer).
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(FrameEntry) != 0) bytes = SharedBytes::copy_of(all);
  batch.bytes_ = std::move(bytes);
  const char* base = batch.bytes_.data();
  batch.table_ = reinterpret_cast<const FrameEntry*>(base + sizeof(WireHeader));
  batch.area_ = base + wire.area_offset;
  batch.count_ = wire.count;
  batch.header_.format = static_cast<FrameFormat>(wire.format);
  batch.header_.accepted_at = wire.accepted_at;
  batch.header_.first_line = wire.first_line;
  batch.header_.door = {batch.area_ + wire.door_offset, wire.door_length};
  batch.header_.csv_header = {batch.area_ + wire.csv_offset, wire.csv_length};
  for (std::uint32_t i = 0; i < wire.count; ++i) {
    const FrameEntry& e = batch.table_[i];
    bool good = inside(e.raw_offset, e.raw_length, wire.area_length) && inside(e.id_offset, e.id_length, wire.area_length) &&
                e.id_length >= 1 && e.id_length <= 512;
    if (good && e.note_offset != 0) {
      good = inside(e.note_offset, 2, wire.area_length) &&
             inside(std::uint64_t{e.note_offset} + 2, load<std::uint16_t>(batch.area_ + e.note_offset), wire.area_length);
    }
    if (!good) return fail(Errc::malformed_event, "ingest batch: entry {} of {} is out of bounds", i, wire.count);
  }
  return batch;
}

RawEvent IngestBatch::event(std::uint32_t index) const noexcept {
  const FrameEntry& e = table_[index];
  RawEvent event;
  event.raw = {area_ + e.raw_offset, e.raw_length};
  event.id = {area_ + e.id_offset, e.id_length};
  if (e.note_offset != 0) event.note = {area_ + e.note_offset + 2, load<std::uint16_t>(area_ + e.note_offset)};
  event.line = header_.first_line == 0 ? 0 : header_.first_line + e.line;
  event.flags = e.flags;
  return event;
}

IngestBatchBuilder::IngestBatchBuilder(std::uint32_t events_max) : events_max_(std::clamp<std::uint32_t>(events_max, 1, 65'535)) {}

void IngestBatchBuilder::begin() {
  const std::size_t front = sizeof(WireHeader) + std::size_t{events_max_} * sizeof(FrameEntry);
  if (arena_.capacity() < front) arena_.reserve(std::max<std::size_t>(front * 2, 64 * 1024));
  std::memset(arena_.extend(front), 0, front);
  arena_.append(std::string_view("\0\0\0\0\0\0\0\0", 8));  // so that a note offset is never 0
}

void IngestBatchBuilder::add(const Event& event) {
  INVARIANT(count_ < events_max_, "a full batch builder takes no more events");
  INVARIANT(!event.id.empty(), "every event has an id");
  INVARIANT(event.id.size() <= 512, "an id is at most 512 bytes");
  INVARIANT(event.note.size() <= 65'535, "a note is at most 65'535 bytes");
  if (count_ == 0) {
    begin();
    first_line_ = event.line;
  }
  const std::size_t area = sizeof(WireHeader) + std::size_t{events_max_} * sizeof(FrameEntry);
  FrameEntry entry{};
  entry.raw_offset = static_cast<std::uint32_t>(arena_.append(event.raw) - area);
  entry.raw_length = static_cast<std::uint32_t>(event.raw.size());
  const bool id_in_raw = event.id.data() >= event.raw.data() && event.id.data() + event.id.size() <= event.raw.data() + event.raw.size();
  entry.id_offset = id_in_raw ? entry.raw_offset + static_cast<std::uint32_t>(event.id.data() - event.raw.data())
                              : static_cast<std::uint32_t>(arena_.append(event.id) - area);
  entry.id_length = static_cast<std::uint16_t>(event.id.size());
  entry.flags = event.flags;
  if (!event.note.empty()) {
    char length[2];
    store(length, static_cast<std::uint16_t>(event.note.size()));
    entry.note_offset = static_cast<std::uint32_t>(arena_.append({length, 2}) - area);
    arena_.append(event.note);
  }
  entry.line = static_cast<std::uint32_t>(event.line - first_line_);
  std::memcpy(arena_.data() + sizeof(WireHeader) + std::size_t{count_} * sizeof(FrameEntry), &entry, sizeof entry);
  ++count_;
}

SharedBytes IngestBatchBuilder::finish(const IngestHeader& header) {
  INVARIANT(count_ > 0, "an ingest batch holds at least one event");
  const std::size_t area = sizeof(WireHeader) + std::size_t{events_max_} * sizeof(FrameEntry);
  WireHeader wire{};
  wire.magic = kMagic;
  wire.version = kVersion;
  wire.format = static_cast<std::uint8_t>(header.format);
  wire.count = count_;
  wire.door_offset = static_cast<std::uint32_t>(arena_.append(header.door) - area);
  wire.door_length = static_cast<std::uint32_t>(header.door.size());
  wire.csv_offset = static_cast<std::uint32_t>(arena_.append(header.csv_header) - area);
  wire.csv_length = static_cast<std::uint32_t>(header.csv_header.size());
  arena_.align(8);
  wire.area_length = static_cast<std::uint32_t>(arena_.size() - area);
  wire.accepted_at = header.accepted_at;
  wire.first_line = first_line_;
  // A batch that is mostly empty table is closed up, so that a quiet door does not write 12 KB for one event.
  const std::size_t tight = sizeof(WireHeader) + std::size_t{count_} * sizeof(FrameEntry);
  wire.area_offset = static_cast<std::uint32_t>(area);
  if (count_ < events_max_ / 2) {
    std::memmove(arena_.data() + tight, arena_.data() + area, wire.area_length);
    wire.area_offset = static_cast<std::uint32_t>(tight);
    arena_.resize_down(tight + wire.area_length);
  }
  std::memcpy(arena_.data(), &wire, sizeof wire);
  count_ = 0;
  return SharedBytes::take(std::exchange(arena_, ByteArena{}));
}

}  // namespace weir

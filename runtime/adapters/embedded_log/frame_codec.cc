#include "runtime/adapters/embedded_log/frame_codec.h"

#include <cstring>

#include "runtime/base/hash.h"

namespace weir::journal {

namespace {

constexpr std::uint32_t kMagic = 0x314a5257;  // "WRJ1"
constexpr std::uint16_t kClosed = 1;

// Places inside the header.
constexpr std::size_t kChecksumAt = 4;
constexpr std::size_t kCoveredFrom = 8;
constexpr std::size_t kReservedFrom = 96;

bool known_kind(std::uint8_t kind) {
  return kind >= 1 && kind <= 3;
}

bool entry_fits(const FrameHeader& header, const DirectoryEntry& entry) {
  const auto kind = static_cast<std::uint32_t>(entry.kind);
  if (kind < 1 || kind > 6) return false;
  const bool ingest =
      entry.kind == EntryKind::batch || entry.kind == EntryKind::source || entry.kind == EntryKind::ingest_state;
  if (ingest != (header.journal == JournalKind::ingest)) return false;
  if (entry.length == 0) return true;
  return entry.place >= front_bytes(header.entries) && std::uint64_t{entry.place} + entry.length <= header.frame_bytes;
}

}  // namespace

std::string_view to_string(JournalKind kind) noexcept {
  return kind == JournalKind::ingest ? "ingest" : "output";
}

void encode_header(FrameHeader& header, char* to) noexcept {
  std::memset(to, 0, kHeaderBytes);
  store(to, kMagic);
  store(to + 8, header.sequence);
  store(to + 16, header.generation);
  store(to + 24, header.nonce);
  store(to + 32, header.log_tag);
  store(to + 40, header.predecessor.sequence);
  store(to + 48, header.predecessor.checksum);
  store(to + 52, header.directory_checksum);
  store(to + 56, header.entries);
  store(to + 60, header.frame_bytes);
  store(to + 64, static_cast<std::uint8_t>(header.kind));
  store(to + 65, static_cast<std::uint8_t>(header.journal));
  store(to + 66, header.closed ? kClosed : std::uint16_t{0});
  store(to + 68, kFrameVersion);
  store(to + 72, header.oldest);
  store(to + 80, header.written_at);
  header.checksum = crc32c({to + kCoveredFrom, kHeaderBytes - kCoveredFrom});
  store(to + kChecksumAt, header.checksum);
}

HeaderFault decode_header(std::string_view block, FrameHeader& header) noexcept {
  const char* from = block.data();
  if (load<std::uint32_t>(from) != kMagic) return HeaderFault::absent;
  header.checksum = load<std::uint32_t>(from + kChecksumAt);
  header.sequence = load<std::uint64_t>(from + 8);
  header.generation = load<std::uint64_t>(from + 16);
  if (crc32c(block.substr(kCoveredFrom, kHeaderBytes - kCoveredFrom)) != header.checksum) return HeaderFault::bad;
  if (load<std::uint32_t>(from + 68) > kFrameVersion) return HeaderFault::newer;
  header.nonce = load<std::uint64_t>(from + 24);
  header.log_tag = load<std::uint64_t>(from + 32);
  header.predecessor = {load<std::uint64_t>(from + 40), load<std::uint32_t>(from + 48)};
  header.directory_checksum = load<std::uint32_t>(from + 52);
  header.entries = load<std::uint32_t>(from + 56);
  header.frame_bytes = load<std::uint32_t>(from + 60);
  const auto kind = load<std::uint8_t>(from + 64);
  const auto journal = load<std::uint8_t>(from + 65);
  header.closed = (load<std::uint16_t>(from + 66) & kClosed) != 0;
  header.oldest = load<std::uint64_t>(from + 72);
  header.written_at = load<std::int64_t>(from + 80);
  bool zero = true;
  for (std::size_t i = kReservedFrom; i < kHeaderBytes; ++i) zero = zero && from[i] == 0;
  if (!known_kind(kind) || journal < 1 || journal > 2 || !zero || header.entries > kEntriesMax ||
      header.frame_bytes % kFrameAlign != 0 || header.frame_bytes < front_bytes(header.entries) ||
      header.sequence == 0) {
    return HeaderFault::bad;
  }
  header.kind = static_cast<FrameKind>(kind);
  header.journal = static_cast<JournalKind>(journal);
  return HeaderFault::none;
}

void encode_entry(const DirectoryEntry& entry, char* to) noexcept {
  store(to, static_cast<std::uint32_t>(entry.kind));
  store(to + 4, entry.partition);
  store(to + 8, entry.place);
  store(to + 12, entry.length);
  store(to + 16, entry.checksum);
  store(to + 20, entry.count);
  store(to + 24, entry.first);
  store(to + 32, entry.from);
  store(to + 40, entry.to);
  store(to + 48, entry.epoch);
  store(to + 56, std::uint64_t{0});
}

std::optional<std::vector<DirectoryEntry>> decode_directory(const FrameHeader& header, std::string_view front) {
  const std::size_t bytes = front_bytes(header.entries);
  if (front.size() < bytes) return std::nullopt;
  if (crc32c(front.substr(kHeaderBytes, bytes - kHeaderBytes)) != header.directory_checksum) return std::nullopt;
  std::vector<DirectoryEntry> entries(header.entries);
  const char* from = front.data() + kHeaderBytes;
  for (DirectoryEntry& entry : entries) {
    entry.kind = static_cast<EntryKind>(load<std::uint32_t>(from));
    entry.partition = load<std::uint32_t>(from + 4);
    entry.place = load<std::uint32_t>(from + 8);
    entry.length = load<std::uint32_t>(from + 12);
    entry.checksum = load<std::uint32_t>(from + 16);
    entry.count = load<std::uint32_t>(from + 20);
    entry.first = load<std::uint64_t>(from + 24);
    entry.from = load<std::uint64_t>(from + 32);
    entry.to = load<std::uint64_t>(from + 40);
    entry.epoch = load<std::uint64_t>(from + 48);
    if (!entry_fits(header, entry)) return std::nullopt;
    from += kEntryBytes;
  }
  return entries;
}

std::string encode_source(std::string_view source, std::string_view position) {
  std::string body(2, '\0');
  store(body.data(), static_cast<std::uint16_t>(source.size()));
  body.append(source);
  body.append(position);
  return body;
}

std::optional<std::pair<std::string, std::string>> decode_source(std::string_view body) {
  if (body.size() < 2) return std::nullopt;
  const auto length = load<std::uint16_t>(body.data());
  if (body.size() < 2u + length) return std::nullopt;
  return std::pair{std::string(body.substr(2, length)), std::string(body.substr(2u + length))};
}

}  // namespace weir::journal

#include "runtime/adapters/embedded_log/index_checkpoint.h"

#include <type_traits>
#include <utility>

#include "runtime/base/hash.h"

namespace weir::journal {

namespace {

constexpr std::uint32_t kMagic = 0x314a4957;  // "WIJ1"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFileBytesMax = std::size_t{4} << 30;

class Encoder {
 public:
  template <class T>
  void put(T value) {
    static_assert(std::is_integral_v<T>);
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    store(bytes_.data() + at, value);
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads past the end give zeros and set `good` false.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  [[nodiscard]] T get() {
    if (bytes_.size() - at_ < sizeof(T)) {
      good_ = false;
      return T{};
    }
    const T value = load<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return value;
  }
  [[nodiscard]] std::string_view get_text() {
    const auto length = get<std::uint32_t>();
    if (bytes_.size() - at_ < length) {
      good_ = false;
      return {};
    }
    const std::string_view text = bytes_.substr(at_, length);
    at_ += length;
    return text;
  }
  /// A list can have no more elements than its bytes allow.
  [[nodiscard]] std::uint64_t get_count(std::size_t element_bytes) {
    const auto count = get<std::uint64_t>();
    if (count > (bytes_.size() - at_) / element_bytes) {
      good_ = false;
      return 0;
    }
    return count;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

constexpr std::size_t kPlaceBytes = 7 * 8 + 4 * 4 + 1;

void put_place(Encoder& out, const BatchPlace& place) {
  out.put(place.first);
  out.put(place.frame_sequence);
  out.put(place.frame_place);
  out.put(place.generation);
  out.put(place.from);
  out.put(place.to);
  out.put(place.epoch);
  out.put(place.body);
  out.put(place.length);
  out.put(place.checksum);
  out.put(place.count);
  out.put(static_cast<std::uint8_t>(place.carried ? 1 : 0));
}

BatchPlace get_place(Decoder& in) {
  BatchPlace place;
  place.first = in.get<std::uint64_t>();
  place.frame_sequence = in.get<std::uint64_t>();
  place.frame_place = in.get<std::uint64_t>();
  place.generation = in.get<std::uint64_t>();
  place.from = in.get<std::uint64_t>();
  place.to = in.get<std::uint64_t>();
  place.epoch = in.get<std::uint64_t>();
  place.body = in.get<std::uint32_t>();
  place.length = in.get<std::uint32_t>();
  place.checksum = in.get<std::uint32_t>();
  place.count = in.get<std::uint32_t>();
  place.carried = in.get<std::uint8_t>() != 0;
  return place;
}

void get_partition(Decoder& in, PartitionLog& log) {
  log.begin = in.get<std::uint64_t>();
  log.end = in.get<std::uint64_t>();
  log.committed = in.get<std::uint64_t>();
  log.epoch = in.get<std::uint64_t>();
  const std::uint64_t batches = in.get_count(kPlaceBytes);
  for (std::uint64_t i = 0; i < batches && in.good(); ++i) log.batches.push_back(get_place(in));
}

}  // namespace

std::string encode_checkpoint(const JournalIdentity& identity, const Catalog& catalog, const FrameRef& last,
                              std::uint64_t generation, const std::vector<LiveSegment>& segments) {
  Encoder out;
  out.put(kMagic);
  out.put(std::uint32_t{0});  // checksum of everything behind it
  out.put(kVersion);
  out.put(static_cast<std::uint32_t>(identity.journal));
  out.put(identity.log_tag);
  out.put(identity.partitions);
  out.put(last.sequence);
  out.put(last.checksum);
  out.put(generation);
  out.put(static_cast<std::uint64_t>(segments.size()));
  for (const LiveSegment& segment : segments) {
    out.put(segment.generation);
    out.put(segment.first_sequence);
    out.put(segment.used_bytes);
    out.put(segment.newest_at);
    out.put(segment.body_bytes);
  }
  for (std::uint32_t p = 0; p < identity.partitions; ++p) {
    const PartitionLog& log = catalog.partition(p);
    out.put(log.begin);
    out.put(log.end);
    out.put(log.committed);
    out.put(log.epoch);
    out.put(static_cast<std::uint64_t>(log.batches.size()));
    for (const BatchPlace& place : log.batches) put_place(out, place);
  }
  out.put(static_cast<std::uint64_t>(catalog.sources().size()));
  for (const auto& [source, position] : catalog.sources()) {
    out.put_text(source);
    out.put_text(position);
  }
  std::string bytes = out.take();
  store(bytes.data() + 4, crc32c(std::string_view(bytes).substr(8)));
  return bytes;
}

Result<IndexCheckpoint> decode_checkpoint(const JournalIdentity& identity, std::string_view bytes) {
  const auto damaged = [&](const char* why) {
    return fail(Errc::log_damaged, "index of the {} journal: {}", to_string(identity.journal), why);
  };
  if (bytes.size() < 8 || load<std::uint32_t>(bytes.data()) != kMagic) return damaged("it is not an index");
  if (crc32c(bytes.substr(8)) != load<std::uint32_t>(bytes.data() + 4)) return damaged("its checksum is wrong");
  Decoder in(bytes.substr(8));
  if (in.get<std::uint32_t>() != kVersion)
    return fail(Errc::format_newer, "index of the {} journal: newer format", to_string(identity.journal));
  const auto journal = in.get<std::uint32_t>();
  const auto log_tag = in.get<std::uint64_t>();
  const auto partitions = in.get<std::uint32_t>();
  if (journal != static_cast<std::uint32_t>(identity.journal) || log_tag != identity.log_tag ||
      partitions != identity.partitions) {
    return damaged("it belongs to another log");
  }
  IndexCheckpoint checkpoint(Catalog(identity.journal, identity.partitions));
  checkpoint.last.sequence = in.get<std::uint64_t>();
  checkpoint.last.checksum = in.get<std::uint32_t>();
  checkpoint.generation = in.get<std::uint64_t>();
  const std::uint64_t segments = in.get_count(40);
  for (std::uint64_t i = 0; i < segments && in.good(); ++i) {
    LiveSegment segment;
    segment.generation = in.get<std::uint64_t>();
    segment.first_sequence = in.get<std::uint64_t>();
    segment.used_bytes = in.get<std::uint64_t>();
    segment.newest_at = in.get<std::int64_t>();
    segment.body_bytes = in.get<std::uint64_t>();
    checkpoint.segments.push_back(segment);
  }
  for (std::uint32_t p = 0; p < partitions && in.good(); ++p) get_partition(in, checkpoint.catalog.partition(p));
  const std::uint64_t sources = in.get_count(8);
  for (std::uint64_t i = 0; i < sources && in.good(); ++i) {
    const std::string_view source = in.get_text();
    checkpoint.catalog.set_source(source, in.get_text());
  }
  if (!in.good() || !in.at_end()) return damaged("its lists do not fit its length");
  checkpoint.catalog.set_begun();
  return checkpoint;
}

Result<IndexCheckpoint> load_checkpoint(SegmentStore& store, const JournalIdentity& identity) {
  WEIR_ASSIGN(const std::string bytes, read_file(store.files(), store.path(kCheckpointName), kFileBytesMax));
  return decode_checkpoint(identity, bytes);
}

}  // namespace weir::journal

// Bytes from a journal: batches of ingest, commits, frames with their directories, whole segments, the index. Damaged
// ones are named, never trusted.
#include "runtime/adapters/embedded_log/frame_codec.h"
#include "runtime/adapters/embedded_log/index_checkpoint.h"
#include "runtime/adapters/embedded_log/recovery.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/ingest_batch.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

namespace {

/// What the seeds are written as.
constexpr journal::SegmentIdentity kSegment{journal::JournalKind::ingest, 7, 1};

void check_ingest(std::string_view input) {
  const auto batch = IngestBatch::decode(SharedBytes::copy_of(input));
  if (!batch) return;
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < batch->count(); ++i) {
    const RawEvent event = batch->event(i);
    promise(!event.id.empty(), "an event has an id");
    for (const char c : event.raw) bytes += static_cast<unsigned char>(c) & 1u;
    for (const char c : event.note) bytes += static_cast<unsigned char>(c) & 1u;
  }
  promise(bytes <= input.size() * (batch->count() + 1), "bits are counted");
}

void check_commit(std::string_view input) {
  const auto body = CommitBody::decode(SharedBytes::copy_of(input));
  if (!body) return;
  for (const OutcomeBatch& batch : body->batches) {
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) static_cast<void>(batch.id(i).size());
    for (std::uint32_t i = 0; i < batch.records(); ++i)
      promise(batch.record(i).outcome_index < batch.outcomes(), "a record belongs to an outcome");
    for (std::uint32_t i = 0; i < batch.letters(); ++i)
      promise(batch.letter(i).outcome_index < batch.outcomes(), "a letter belongs to an outcome");
  }
}

void check_frame(std::string_view input) {
  if (input.size() < journal::kHeaderBytes) return;
  journal::FrameHeader header;
  if (journal::decode_header(input, header) != journal::HeaderFault::none) return;
  if (input.size() < journal::front_bytes(header.entries)) return;
  static_cast<void>(journal::decode_directory(header, input.substr(0, journal::front_bytes(header.entries))));
}

class MemorySegment final : public journal::SegmentBytes {
 public:
  explicit MemorySegment(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Result<std::string_view> read(std::uint64_t place, std::size_t bytes) override {
    promise(place % journal::kFrameAlign == 0, "reads begin where frames may begin");
    return place >= bytes_.size() ? std::string_view{} : bytes_.substr(place, bytes);
  }
  [[nodiscard]] std::string name() const override { return "segment"; }

 private:
  std::string_view bytes_;
};

/// A segment is read to its end, or what is wrong is named; and twice it is the same.
void check_segment(std::string_view input) {
  MemorySegment bytes(input);
  const auto scan = [&bytes, &input](std::vector<std::uint64_t>& places) {
    return journal::scan_newest(bytes, kSegment, {}, [&](const journal::Frame& frame) -> Result<void> {
      promise(frame.place + frame.header.frame_bytes <= input.size(), "a frame lies within its segment");
      places.push_back(frame.place);
      static_cast<void>(journal::check_bodies(bytes, frame, true));
      return {};
    });
  };
  std::vector<std::uint64_t> places, again;
  const auto found = scan(places);
  const auto twice = scan(again);
  promise(places == again && found.has_value() == twice.has_value(), "a segment reads the same twice");
  if (found) {
    promise(found->end_place <= input.size() && found->frames == places.size(), "a segment ends within its bytes");
  } else {
    promise(!found.error().context.empty(), "damage is named");
  }
  static_cast<void>(journal::read_head(bytes, kSegment));
}

}  // namespace

void run(std::string_view input) {
  if (input.empty()) return;
  // The first byte chooses, so that seeds of one kind stay of that kind.
  const Padded bytes(input.substr(1));
  switch (static_cast<unsigned char>(input.front()) % 5) {
    case 0:
      return check_ingest(bytes.view());
    case 1:
      return check_commit(bytes.view());
    case 2:
      return check_frame(bytes.view());
    case 3:
      return check_segment(bytes.view());
    default:
      static_cast<void>(journal::decode_checkpoint({kSegment.journal, kSegment.log_tag, 8}, bytes.view()));
  }
}

}  // namespace weir::fuzz

// Torn tail or damage: the decision on bytes alone.
#include <cstring>

#include "runtime/adapters/embedded_log/frame_builder.h"
#include "runtime/adapters/embedded_log/recovery.h"
#include "tests/contract/event_log/log_fixture.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::journal;

namespace {

class BytesInMemory final : public SegmentBytes {
 public:
  explicit BytesInMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::string name() const override { return "segment-in-memory"; }
  Result<std::string_view> read(std::uint64_t place, std::size_t bytes) override {
    if (place >= bytes_.size()) return std::string_view();
    return std::string_view(bytes_).substr(place, bytes);
  }

 private:
  std::string bytes_;
};

/// Writes frames one behind the other into a segment that was full of older frames before.
class SegmentWriter {
 public:
  explicit SegmentWriter(std::uint64_t generation, FrameRef predecessor = {}, std::size_t size = 256 * 1024)
      : bytes_(size, '\0'), last_(predecessor) {
    header_.generation = generation;
    header_.nonce = 1000 + generation;
    header_.log_tag = 5;
    header_.oldest = 1;
    add(FrameKind::head, "");
  }
  SegmentWriter& stale(const std::string& before) {
    recycled_ = before;
    return *this;
  }
  SegmentWriter& add(FrameKind kind, const std::string& body) {
    FrameBuilder builder;
    if (kind == FrameKind::data) {
      DirectoryEntry entry;
      entry.first = offset_;
      entry.count = 1;
      ++offset_;
      builder.add(entry, std::string_view(body));
    }
    header_.kind = kind;
    header_.sequence = last_.sequence + 1;
    header_.predecessor = last_;
    const std::string frame(builder.build(header_));
    places_.push_back(end_);
    bytes_.replace(end_, frame.size(), frame);
    end_ += frame.size();
    last_ = header_.ref();
    return *this;
  }
  SegmentWriter& data(const std::string& body) { return add(FrameKind::data, body); }
  SegmentWriter& seal(bool closed = false) {
    header_.closed = closed;
    add(FrameKind::seal, "");
    header_.closed = false;
    return *this;
  }
  std::string bytes() const {
    std::string bytes = bytes_;
    if (!recycled_.empty()) bytes.replace(end_, std::string::npos, recycled_.substr(end_));
    return bytes;
  }
  std::uint64_t place(std::size_t frame) const { return places_.at(frame); }
  std::uint64_t end() const { return end_; }
  FrameRef last() const { return last_; }
  FrameHeader& header() { return header_; }

 private:
  std::string bytes_;
  std::string recycled_;
  FrameHeader header_;
  FrameRef last_;
  std::uint64_t end_ = 0;
  std::uint64_t offset_ = 0;
  std::vector<std::uint64_t> places_;
};

struct Scanned {
  Result<SegmentScan> scan;
  std::vector<std::uint64_t> sequences;
};

Scanned newest(const std::string& bytes, std::uint64_t generation = 1) {
  BytesInMemory segment(bytes);
  std::vector<std::uint64_t> sequences;
  auto scan = scan_newest(segment, {JournalKind::ingest, 5, generation}, {}, [&](const Frame& frame) -> Result<void> {
    sequences.push_back(frame.header.sequence);
    return {};
  });
  return {std::move(scan), std::move(sequences)};
}

std::string flipped(std::string bytes, std::uint64_t byte) {
  bytes[byte] = static_cast<char>(bytes[byte] ^ 0x10);
  return bytes;
}

const std::string kLong(10'000, 'b');

}  // namespace

TEST_CASE("a segment ends behind its last whole frame, and says how", "[journal]") {
  SegmentWriter writer(1);
  writer.data("a").data(kLong).data("c");
  auto open = newest(writer.bytes());
  REQUIRE(open.scan);
  CHECK(open.scan->end == SegmentEnd::open);
  CHECK(open.scan->end_place == writer.end());
  CHECK(open.scan->last == writer.last());
  CHECK(open.sequences == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(newest(writer.seal().bytes()).scan->end == SegmentEnd::sealed);
  CHECK(newest(writer.seal(true).bytes()).scan->end == SegmentEnd::closed);
}

TEST_CASE("a bad last frame is a torn tail wherever it is bad, and is cut", "[journal]") {
  SegmentWriter writer(1);
  writer.data("a").data(kLong);
  const std::uint64_t last = writer.place(2);
  for (const std::uint64_t byte :
       {last + 9, last + 60, last + kHeaderBytes + 5, last + front_bytes(1) + 7, last + 9'000}) {
    const auto torn = newest(flipped(writer.bytes(), byte));
    INFO("byte " << byte - last << " of the frame");
    REQUIRE(torn.scan);
    CHECK(torn.scan->end == SegmentEnd::torn);
    CHECK(torn.scan->end_place == last);
    CHECK(torn.scan->last.sequence == 2);
    CHECK_FALSE(torn.scan->reason.empty());
    CHECK(torn.sequences == std::vector<std::uint64_t>{1, 2});
  }
}

TEST_CASE("a bad frame with a valid successor is damage: named, not cut", "[journal]") {
  SegmentWriter writer(1);
  writer.data("a").data(kLong).data("c");
  const std::uint64_t bad = writer.place(2);
  for (const std::uint64_t byte : {bad, bad + 9, bad + 17, bad + 60, bad + kHeaderBytes + 5}) {
    const auto damaged = newest(flipped(writer.bytes(), byte));
    INFO("byte " << byte - bad << " of the frame");
    REQUIRE_FALSE(damaged.scan);
    CHECK(damaged.scan.error().code == Errc::log_damaged);
    const std::string& text = damaged.scan.error().context;
    CHECK(text.find("ingest journal, segment-in-memory, byte " + std::to_string(bad) + ", frame 3") !=
          std::string::npos);
    CHECK(text.find("frame 4 follows at byte " + std::to_string(writer.place(3))) != std::string::npos);
  }
}

TEST_CASE("a seal proves the frame before it: then its damage is damage", "[journal]") {
  SegmentWriter writer(1);
  writer.data("a").data(kLong).seal();
  CHECK_FALSE(newest(flipped(writer.bytes(), writer.place(2) + 9)).scan);
  // A flip inside a body stays inside that body: the scan goes on, the read finds it.
  const auto body = newest(flipped(writer.bytes(), writer.place(2) + 9'000));
  REQUIRE(body.scan);
  CHECK(body.scan->end == SegmentEnd::sealed);
  CHECK(body.sequences == std::vector<std::uint64_t>{1, 2, 3, 4});
  // A bad seal at the end is itself a torn tail and costs nothing.
  const auto seal = newest(flipped(writer.bytes(), writer.place(3) + 9));
  REQUIRE(seal.scan);
  CHECK(seal.scan->end == SegmentEnd::torn);
  CHECK(seal.sequences == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("frames left in a recycled segment never come alive", "[journal]") {
  SegmentWriter old(1, {}, 256 * 1024);
  for (int i = 0; i < 30; ++i) old.data("old " + std::to_string(i));
  SegmentWriter fresh(2, old.last());
  fresh.stale(old.bytes()).data("new");
  const auto scanned = newest(fresh.bytes(), 2);
  REQUIRE(scanned.scan);
  CHECK(scanned.scan->end == SegmentEnd::open);
  CHECK(scanned.sequences == std::vector<std::uint64_t>{32, 33});
}

TEST_CASE("a frame of the same generation with another nonce is left from before, not a successor", "[journal]") {
  SegmentWriter other(1);
  other.header().nonce = 77;
  other.data("x").data("y").data("z");
  SegmentWriter mine(1);
  mine.data("a");
  std::string bytes = mine.bytes();
  // Behind our end lie whole frames of the same number, sequence and generation, of a run that was cut.
  bytes.replace(mine.end(), 2 * kFrameAlign, other.bytes().substr(other.place(2), 2 * kFrameAlign));
  const auto scanned = newest(bytes);
  REQUIRE(scanned.scan);
  CHECK(scanned.scan->end == SegmentEnd::open);
  CHECK(scanned.sequences == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("a frame that names another predecessor is refused although all its checksums are right", "[journal]") {
  SegmentWriter writer(1);
  writer.data("a");
  SegmentWriter twin(1);
  twin.data("another a").data("b");
  std::string bytes = writer.bytes();
  bytes.replace(writer.end(), kFrameAlign, twin.bytes().substr(twin.place(2), kFrameAlign));
  const auto scanned = newest(bytes);
  REQUIRE(scanned.scan);
  CHECK(scanned.scan->end == SegmentEnd::torn);
  CHECK(scanned.sequences == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("bytes of a frame inside an event are no successor", "[journal]") {
  // An event may contain anything, even a frame of a journal at a multiple of 4096: the nonce is not known to its
  // author.
  SegmentWriter forged(1);
  forged.header().nonce = 4711;
  forged.data("evil").data("evil").data("evil");
  std::string payload(3 * kFrameAlign - kHeaderBytes - kEntryBytes, 'p');
  payload.replace(kFrameAlign - kHeaderBytes - kEntryBytes, kFrameAlign,
                  forged.bytes().substr(forged.place(3), kFrameAlign));
  SegmentWriter writer(1);
  writer.data("a").data(payload);
  const auto torn = newest(flipped(writer.bytes(), writer.place(2) + 9));
  REQUIRE(torn.scan);
  CHECK(torn.scan->end == SegmentEnd::torn);
  CHECK(torn.sequences == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("an older segment must reach the frame the next one follows; what lies behind it is void", "[journal]") {
  SegmentWriter writer(1);
  writer.data("a").data("b");
  const FrameRef until = writer.last();
  writer.data("void");
  const auto older = [&](const std::string& bytes, const FrameRef& reach) {
    BytesInMemory segment(bytes);
    std::vector<std::uint64_t> sequences;
    auto scan = scan_older(segment, {JournalKind::ingest, 5, 1}, {}, reach, [&](const Frame& frame) -> Result<void> {
      sequences.push_back(frame.header.sequence);
      return {};
    });
    return Scanned{std::move(scan), std::move(sequences)};
  };
  const auto whole = older(writer.bytes(), until);
  REQUIRE(whole.scan);
  CHECK(whole.sequences == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(older(writer.bytes(), {9, 1}).scan.error().code == Errc::log_damaged);                   // ends before
  CHECK(older(writer.bytes(), {3, until.checksum + 1}).scan.error().code == Errc::log_damaged);  // another frame 3
  CHECK(older(flipped(writer.bytes(), writer.place(2) + 9), until).scan.error().code == Errc::log_damaged);
}

TEST_CASE("a head in flight makes its segment void; a bad head with frames behind it is damage", "[journal]") {
  SegmentWriter writer(3, {10, 99});
  const auto head = [](const std::string& bytes) {
    BytesInMemory segment(bytes);
    return read_head(segment, {JournalKind::ingest, 5, 3});
  };
  REQUIRE(head(writer.bytes()));
  CHECK(head(writer.bytes())->verdict == HeadVerdict::whole);
  CHECK(head(writer.bytes())->header.predecessor == FrameRef{10, 99});
  CHECK(head(std::string(64 * 1024, '\0'))->verdict == HeadVerdict::absent);
  CHECK(head(flipped(writer.bytes(), 20))->verdict == HeadVerdict::absent);
  writer.data("a");
  CHECK(head(flipped(writer.bytes(), 20)).error().code == Errc::log_damaged);
  CHECK(head(flipped(writer.bytes(), 0)).error().code == Errc::log_damaged);
}

TEST_CASE("a segment of another log is refused", "[journal]") {
  SegmentWriter writer(1);
  writer.data("a");
  BytesInMemory segment(writer.bytes());
  CHECK(scan_newest(segment, {JournalKind::ingest, 6, 1}, {}, [](const Frame&) -> Result<void> { return {}; })
            .error()
            .code == Errc::log_damaged);
}

TEST_CASE("every cut of a segment's bytes ends at a whole frame or is damage, never between", "[journal]") {
  // Each possible torn write of the last frame, 512 bytes at a time, over a recycled segment.
  SegmentWriter old(1);
  for (int i = 0; i < 40; ++i) old.data(std::string(3'000, 'o'));
  SegmentWriter writer(2, old.last());
  writer.stale(old.bytes()).data("a").data(kLong);
  const std::string whole = writer.bytes();
  const std::uint64_t place = writer.place(2);
  const std::size_t sectors = (writer.end() - place) / 512;
  test::SeededRng rng(3);
  for (int round = 0; round < 500; ++round) {
    std::string torn = whole;
    bool complete = true;
    for (std::size_t i = 0; i < sectors; ++i) {
      if (rng.below(8) != 0 && round != 0) continue;
      if (round == 0) continue;
      torn.replace(place + i * 512, 512, old.bytes().substr(place + i * 512, 512));
      complete = complete && std::memcmp(torn.data() + place + i * 512, whole.data() + place + i * 512, 512) == 0;
    }
    const auto scanned = newest(torn, 2);
    INFO("round " << round);
    REQUIRE(scanned.scan);
    const bool third = scanned.sequences.size() == 3;
    CHECK((third || scanned.sequences.size() == 2));
    if (complete) CHECK(third);
    // Only the zero padding at the very end may differ in a frame that is taken.
    if (third)
      CHECK(torn.substr(place, front_bytes(1) + kLong.size()) == whole.substr(place, front_bytes(1) + kLong.size()));
  }
}

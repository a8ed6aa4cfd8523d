// Frames as bytes: what is written is read, and no flipped bit goes unseen.
#include "runtime/adapters/embedded_log/frame_builder.h"
#include "runtime/adapters/embedded_log/frame_codec.h"
#include "runtime/base/hash.h"
#include "tests/contract/event_log/log_fixture.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::journal;

namespace {

FrameHeader some_header() {
  FrameHeader header;
  header.journal = JournalKind::ingest;
  header.kind = FrameKind::data;
  header.sequence = 42;
  header.generation = 7;
  header.nonce = 0x123456789abcdef1;
  header.log_tag = 99;
  header.oldest = 3;
  header.written_at = 1'700'000'000'000'000;
  header.predecessor = {41, 0xdeadbeef};
  return header;
}

DirectoryEntry batch_entry(std::uint32_t partition, std::uint64_t first, std::uint32_t count) {
  DirectoryEntry entry;
  entry.partition = partition;
  entry.first = first;
  entry.count = count;
  return entry;
}

std::string some_frame(FrameHeader& header) {
  FrameBuilder builder;
  builder.add(batch_entry(1, 10, 3), std::string_view("hello"));
  builder.add(batch_entry(2, 20, 4), std::string_view("other body"));
  const std::uint64_t expected = builder.bytes();
  const std::string frame(builder.build(header));
  REQUIRE(frame.size() == expected);
  return frame;
}

}  // namespace

TEST_CASE("a header and a directory are read as they were written", "[journal]") {
  FrameHeader header = some_header();
  header.closed = true;
  const std::string frame = some_frame(header);
  FrameHeader read;
  REQUIRE(decode_header(frame, read) == HeaderFault::none);
  CHECK(read.journal == header.journal);
  CHECK(read.kind == header.kind);
  CHECK(read.closed);
  CHECK(read.sequence == 42);
  CHECK(read.generation == 7);
  CHECK(read.nonce == header.nonce);
  CHECK(read.log_tag == 99);
  CHECK(read.oldest == 3);
  CHECK(read.written_at == header.written_at);
  CHECK(read.predecessor == header.predecessor);
  CHECK(read.frame_bytes == kFrameAlign);
  CHECK(read.ref() == header.ref());
  const auto entries = decode_directory(read, frame);
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  CHECK(frame.substr((*entries)[0].place, (*entries)[0].length) == "hello");
  CHECK(frame.substr((*entries)[1].place, (*entries)[1].length) == "other body");
  CHECK((*entries)[1].first == 20);
  CHECK((*entries)[1].count == 4);
  CHECK((*entries)[1].checksum == crc32c("other body"));
}

TEST_CASE("every flipped bit of header, directory and bodies is seen", "[journal]") {
  FrameHeader header = some_header();
  const std::string good = some_frame(header);
  std::size_t body_flips = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    FrameHeader read;
    const bool header_good = decode_header(bad, read) == HeaderFault::none;
    if (bit / 8 < kHeaderBytes) {
      CHECK_FALSE(header_good);
      continue;
    }
    REQUIRE(header_good);
    const auto entries = decode_directory(read, bad);
    if (bit / 8 < front_bytes(2)) {
      CHECK_FALSE(entries);
      continue;
    }
    REQUIRE(entries);
    for (const DirectoryEntry& entry : *entries) {
      const bool inside = bit / 8 >= entry.place && bit / 8 < entry.place + entry.length;
      CHECK((crc32c(std::string_view(bad).substr(entry.place, entry.length)) != entry.checksum) == inside);
      body_flips += inside ? 1 : 0;
    }
  }
  CHECK(body_flips == 15 * 8);
}

TEST_CASE("random bytes and forged lengths never pass and are never read out of bounds", "[journal]") {
  test::SeededRng rng(11);
  for (int round = 0; round < 20'000; ++round) {
    FrameHeader header = some_header();
    std::string frame = some_frame(header);
    // Forge fields and make the checksums right again, as a hostile or buggy writer could.
    const int changes = 1 + static_cast<int>(rng.below(4));
    for (int i = 0; i < changes; ++i) frame[8 + rng.below(front_bytes(2) - 8)] = static_cast<char>(rng.next());
    if (rng.below(2) == 0)
      store(frame.data() + 52, crc32c(std::string_view(frame).substr(kHeaderBytes, 2 * kEntryBytes)));
    store(frame.data() + 4, crc32c(std::string_view(frame).substr(8, kHeaderBytes - 8)));
    FrameHeader read;
    if (decode_header(frame, read) != HeaderFault::none) continue;
    CHECK(read.frame_bytes % kFrameAlign == 0);
    CHECK(front_bytes(read.entries) <= read.frame_bytes);
    const auto entries = decode_directory(read, frame);
    if (!entries) continue;
    for (const DirectoryEntry& entry : *entries) {
      if (entry.length != 0) CHECK(std::uint64_t{entry.place} + entry.length <= read.frame_bytes);
    }
  }
}

TEST_CASE("a frame of a newer format is told from a damaged one", "[journal]") {
  FrameHeader header = some_header();
  std::string frame = some_frame(header);
  store(frame.data() + 68, kFrameVersion + 1);
  FrameHeader read;
  CHECK(decode_header(frame, read) == HeaderFault::bad);
  store(frame.data() + 4, crc32c(std::string_view(frame).substr(8, kHeaderBytes - 8)));
  CHECK(decode_header(frame, read) == HeaderFault::newer);
}

TEST_CASE("pieces become one body and the builder is used again without a trace of before", "[journal]") {
  FrameBuilder builder;
  FrameHeader header = some_header();
  const std::string before(3'000, 'x');
  builder.add(batch_entry(0, 0, 1), std::string_view(before));
  static_cast<void>(builder.build(header));
  builder.clear();
  const std::vector<SharedBytes> pieces{SharedBytes::copy_of("12345678"), SharedBytes{},
                                        SharedBytes::copy_of("abcdefgh")};
  builder.add(batch_entry(0, 0, 1), std::span<const SharedBytes>(pieces));
  const std::string frame(builder.build(header));
  CHECK(frame.size() == kFrameAlign);
  REQUIRE(builder.entries().size() == 1);
  const DirectoryEntry& entry = builder.entries().front();
  CHECK(frame.substr(entry.place, entry.length) == "12345678abcdefgh");
  CHECK(entry.place % kBodyAlign == 0);
  CHECK(frame.find("xx") == std::string::npos);
  // Under another header it is the same frame.
  FrameHeader other = header;
  other.generation = 8;
  const std::string again(builder.rehead(other));
  CHECK(again.substr(kHeaderBytes) == frame.substr(kHeaderBytes));
  CHECK(other.checksum != header.checksum);
}

TEST_CASE("a source entry is read as it was written, and cut ones are refused", "[journal]") {
  const std::string body = encode_source("file:a", std::string("\0\1\2", 3));
  const auto read = decode_source(body);
  REQUIRE(read);
  CHECK(read->first == "file:a");
  CHECK(read->second == std::string("\0\1\2", 3));
  for (std::size_t length = 0; length < 8; ++length)
    CHECK_FALSE(decode_source(std::string_view(body).substr(0, length)));
}

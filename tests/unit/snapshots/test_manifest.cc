#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"
#include "runtime/base/streamed_digest.h"
#include "runtime/event/snapshot_manifest.h"
#include "tests/support/catch.h"

namespace weir::test {
namespace {

SnapshotManifest full() {
  SnapshotManifest manifest;
  manifest.pipeline = "retail";
  manifest.partition = PartitionId{3};
  manifest.log_id = {1, 2};
  manifest.sequence = CommitSequence{120'345};
  manifest.committed = Offset{9'000'000'000};
  manifest.epoch = Epoch{17};
  manifest.partition_time = 1'700'000'000'000'000;
  manifest.rules_hash = {3, 4};
  manifest.created_at = 1'700'000'000'000'001;
  manifest.wall_hash = {5, 6};
  manifest.views = {{"revenue", {7, 8}}, {"by id", {9, 10}}};
  manifest.state_digest = {11, 12};
  manifest.answer_digest = {13, 14};
  manifest.files = {{"CURRENT", 16, {15, 16}}, {"000012.sst", 67'108'864, {17, 18}}};
  return manifest;
}

}  // namespace

TEST_CASE("a manifest comes back as it was written, always in the same bytes", "[snapshots]") {
  const SnapshotManifest manifest = full();
  const std::string bytes = manifest.encode();
  CHECK(SnapshotManifest::decode(bytes).value() == manifest);
  CHECK(manifest.encode() == bytes);
  CHECK(manifest.bytes() == 67'108'880);
}

TEST_CASE("the id of a snapshot names partition and commit, and differs where anything differs", "[snapshots]") {
  SnapshotManifest manifest = full();
  const std::string id = manifest.id();
  CHECK(id.starts_with("3-120345-"));
  const auto name = parse_snapshot_id(id);
  REQUIRE(name);
  CHECK(name->partition == PartitionId{3});
  CHECK(name->sequence == CommitSequence{120'345});
  manifest.created_at += 1;
  CHECK(manifest.id() != id);
  for (const char* none : {"", "3", "3-120345", "3-120345-", "3-120345-9f8a01c", "3-120345-9f8a01c23", "3-120345-9F8A01C2", "03-1-9f8a01c2", "3-x-9f8a01c2",
                           "-1-1-9f8a01c2", "3--9f8a01c2", "4294967296-1-9f8a01c2", "3-1-../../xx", " 3-1-9f8a01c2"}) {
    CAPTURE(none);
    CHECK_FALSE(parse_snapshot_id(none));
  }
}

TEST_CASE("every flipped bit and every cut of a manifest is damage", "[snapshots]") {
  const std::string good = full().encode();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    REQUIRE(SnapshotManifest::decode(bad).error().code == Errc::state_damaged);
    REQUIRE(SnapshotManifest::decode(good.substr(0, at)).error().code == Errc::state_damaged);
  }
  CHECK(SnapshotManifest::decode(good + std::string(8, '\0')).error().code == Errc::state_damaged);
}

TEST_CASE("a manifest with files that cannot be those of a state is damage", "[snapshots]") {
  SnapshotManifest manifest = full();
  for (const std::string& name : std::vector<std::string>{"", ".", "..", "../CURRENT", "/etc/passwd", "a/b", std::string("a\0b", 3), std::string(256, 'a')}) {
    CAPTURE(name);
    manifest.files = {{name, 1, {}}};
    CHECK(SnapshotManifest::decode(manifest.encode()).error().code == Errc::state_damaged);
  }
  manifest.files = {{"a", 1, {}}, {"a", 2, {}}};
  CHECK(SnapshotManifest::decode(manifest.encode()).error().context.find("twice") != std::string::npos);
  manifest.files.clear();
  CHECK(SnapshotManifest::decode(manifest.encode()).error().code == Errc::state_damaged);
}

TEST_CASE("a manifest, or a state, of a newer weir is refused as such and not as damage", "[snapshots]") {
  SnapshotManifest manifest = full();
  manifest.state_format = kStateFormatVersion + 1;
  CHECK(SnapshotManifest::decode(manifest.encode()).error().code == Errc::format_newer);
  // The version is the first field: its place in the message is found by writing another one.
  std::string bytes = full().encode();
  bool found = false;
  for (std::size_t at = 24; at + 4 <= bytes.size() && !found; at += 4) {
    std::string newer = bytes;
    if (load<std::uint32_t>(newer.data() + at) != kSnapshotFormatVersion) continue;
    store(newer.data() + at, kSnapshotFormatVersion + 1);
    const Digest128 checksum = xxh3_128(std::string_view(newer).substr(24));
    store(newer.data() + 8, checksum.low);
    store(newer.data() + 16, checksum.high);
    const auto read = SnapshotManifest::decode(newer);
    found = !read && read.error().code == Errc::format_newer && read.error().context.starts_with("snapshot format 2");
  }
  CHECK(found);
}

TEST_CASE("a digest made in pieces is the digest of the whole", "[snapshots]") {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text.push_back(static_cast<char>(i * 31));
  for (const std::size_t piece : {1, 7, 240, 241, 1024, 5'000}) {
    StreamedDigest digest;
    for (std::size_t at = 0; at < text.size(); at += piece) digest.add(std::string_view(text).substr(at, piece));
    CHECK(digest.digest() == xxh3_128(text));
  }
  CHECK(StreamedDigest{}.digest() == xxh3_128(""));
}

}  // namespace weir::test

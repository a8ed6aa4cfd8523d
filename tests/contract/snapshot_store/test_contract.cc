// The promises of runtime/ports/snapshot_store.h, on every store.
#include "runtime/base/hash.h"
#include "tests/contract/snapshot_store/benches.h"
#include "tests/support/catch.h"

namespace weir::test {
namespace {

#define ALL_STORES MemorySnapshotBench, DirectoryKeepsNothing, DirectoryKeepsAll, DirectoryKeepsSome

SnapshotManifest manifest_at(std::uint64_t sequence, std::uint32_t partition = 0) {
  SnapshotManifest manifest;
  manifest.pipeline = "shop";
  manifest.partition = PartitionId{partition};
  manifest.sequence = CommitSequence{sequence};
  manifest.committed = Offset{sequence * 10};
  manifest.created_at = static_cast<std::int64_t>(sequence) * 1'000'000;
  return manifest;
}

MemoryFolder folder(std::map<std::string, std::string> content) {
  MemoryFolder folder;
  folder.content = std::move(content);
  return folder;
}

std::string big(char letter) { return std::string(5'000, letter); }

std::vector<StoredSnapshot> listed(const SnapshotStore& store, std::uint32_t partition = 0) { return store.list(PartitionId{partition}).value(); }

std::vector<std::string> ids(const SnapshotStore& store, std::uint32_t partition = 0) {
  std::vector<std::string> found;
  for (const StoredSnapshot& one : listed(store, partition)) found.push_back(one.id);
  return found;
}

/// Every snapshot that is listed can be restored and is what was published.
void check_whole(SnapshotStore& store, const std::map<std::string, std::map<std::string, std::string>>& published) {
  for (const StoredSnapshot& one : listed(store)) {
    INFO(one.id << " " << one.trouble);
    REQUIRE(one.manifest);
    CHECK(one.trouble.empty());
    MemoryFolder out;
    const auto restored = store.restore(one.id, out);
    REQUIRE(restored);
    CHECK(*restored == *one.manifest);
    CHECK(out.finished);
    REQUIRE(published.contains(one.id));
    CHECK(out.content == published.at(one.id));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("a snapshot is restored as it was published, and listed newest first", "[snapshot_store]", ALL_STORES) {
  TestType bench;
  const auto store = bench.open();
  CHECK(ids(*store).empty());
  const MemoryFolder first = folder({{"CURRENT", "MANIFEST-1\n"}, {"000001.sst", big('a')}, {"empty", ""}});
  const MemoryFolder second = folder({{"CURRENT", "MANIFEST-2\n"}, {"000001.sst", big('a')}, {"000002.sst", big('b')}});
  const std::string one = store->publish(manifest_at(5), first).value();
  const std::string two = store->publish(manifest_at(9), second).value();
  const std::string other = store->publish(manifest_at(7, 3), first).value();
  CHECK(ids(*store) == std::vector{two, one});
  CHECK(ids(*store, 3) == std::vector{other});
  const StoredSnapshot older = listed(*store).back();
  CHECK(older.manifest->sequence == CommitSequence{5});
  CHECK(older.manifest->files.size() == 3);
  CHECK(older.manifest->bytes() == 5'011);
  CHECK(older.manifest->id() == one);
  CHECK_FALSE(older.verified_at);
  check_whole(*store, {{one, first.content}, {two, second.content}});
  check_whole(*bench.open(), {{one, first.content}, {two, second.content}});
  CHECK(check_snapshot(*store, one));
  CHECK(store->publish(manifest_at(9), second).value() == two);
  CHECK(ids(*store) == std::vector{two, one});
}

TEMPLATE_TEST_CASE("content that is there already is not stored again, and goes with the last snapshot that names it", "[snapshot_store]", ALL_STORES) {
  TestType bench;
  const auto store = bench.open();
  const std::string one = store->publish(manifest_at(1), folder({{"a", big('a')}, {"b", big('b')}, {"b again", big('b')}})).value();
  CHECK(bench.contents().size() == 2);
  const std::string two = store->publish(manifest_at(2), folder({{"renamed", big('b')}, {"c", big('c')}})).value();
  CHECK(bench.contents().size() == 3);
  REQUIRE(store->remove(one));
  CHECK(bench.contents().size() == 2);
  check_whole(*store, {{two, {{"renamed", big('b')}, {"c", big('c')}}}});
  REQUIRE(store->remove(one));
  REQUIRE(store->remove(two));
  CHECK(bench.contents().empty());
  CHECK(bench.manifests().empty());
  CHECK(ids(*store).empty());
}

TEMPLATE_TEST_CASE("that a snapshot was tried out is remembered, and forgotten with it", "[snapshot_store]", ALL_STORES) {
  TestType bench;
  const auto store = bench.open();
  const std::string one = store->publish(manifest_at(1), folder({{"a", "x"}})).value();
  REQUIRE(store->mark_verified(one, 1'700'000'000'000'000));
  CHECK(listed(*bench.open()).front().verified_at == 1'700'000'000'000'000);
  REQUIRE(store->mark_verified(one, 1'800'000'000'000'000));
  CHECK(listed(*store).front().verified_at == 1'800'000'000'000'000);
  REQUIRE(store->remove(one));
  CHECK(store->publish(manifest_at(1), folder({{"a", "x"}})).value() == one);
  CHECK_FALSE(listed(*store).front().verified_at);
}

TEMPLATE_TEST_CASE("an id that is not there, or is none, is not found", "[snapshot_store]", ALL_STORES) {
  TestType bench;
  const auto store = bench.open();
  REQUIRE(store->publish(manifest_at(1), folder({{"a", "x"}})));
  for (const std::string id : {"0-1-00000000", "nonsense", "../../etc/passwd", "0-1-../../..", ""}) {
    MemoryFolder out;
    CHECK(store->restore(id, out).error().code == Errc::not_found);
    CHECK(store->mark_verified(id, 1).error().code == Errc::not_found);
    const auto removed = store->remove(id);
    CHECK((removed || removed.error().code == Errc::not_found));
  }
  CHECK(ids(*store).size() == 1);
}

TEMPLATE_TEST_CASE("an error of the files ends a publish, and nothing of it is listed", "[snapshot_store]", ALL_STORES) {
  class Failing final : public FileSource {
   public:
    Result<std::vector<std::string>> names() const override { return std::vector<std::string>{"a", "b"}; }
    Result<void> read(const std::string& name, const PieceTaker& take) const override {
      WEIR_TRY(take("half"));
      if (name == "b") return fail(Errc::io_failed, "b cannot be read");
      return {};
    }
  };
  TestType bench;
  const auto store = bench.open();
  CHECK(store->publish(manifest_at(1), Failing{}).error().context == "b cannot be read");
  CHECK(ids(*store).empty());
  const std::string two = store->publish(manifest_at(2), folder({{"c", "y"}})).value();
  CHECK(bench.contents().size() == 1);  // what the failed one left is gone
  check_whole(*store, {{two, {{"c", "y"}}}});
}

TEMPLATE_TEST_CASE("a full disk refuses a snapshot and keeps the others", "[snapshot_store]", ALL_STORES) {
  TestType bench;
  auto store = bench.open();
  const std::string one = store->publish(manifest_at(1), folder({{"a", big('a')}})).value();
  bench.fill_up();
  CHECK(store->publish(manifest_at(2), folder({{"a", big('a')}, {"b", big('b')}})).error().code == Errc::disk_full);
  check_whole(*store, {{one, {{"a", big('a')}}}});
  bench.reboot();
  store = bench.open();
  const std::string two = store->publish(manifest_at(2), folder({{"a", big('a')}, {"b", big('b')}})).value();
  check_whole(*store, {{one, {{"a", big('a')}}}, {two, {{"a", big('a')}, {"b", big('b')}}}});
}

TEMPLATE_TEST_CASE("a crash at any change of a publish, a mark or a removal leaves whole snapshots alone", "[snapshot_store]", ALL_STORES) {
  // Goal: whatever is listed can be restored; what was acknowledged is there; what was cut short leaves nothing behind that the
  // next publish does not clear away. Method: the same story, cut at its n-th change, for every n.
  const std::map<std::string, std::string> old_files{{"a", big('a')}, {"b", big('b')}}, new_files{{"b", big('b')}, {"c", big('c')}, {"d", "d"}};
  for (std::uint64_t n = 1;; ++n) {
    INFO("crash at change " << n);
    TestType bench;
    auto store = bench.open();
    std::map<std::string, std::map<std::string, std::string>> published;
    const std::string one = store->publish(manifest_at(1), folder(old_files)).value();
    published[one] = old_files;
    TestType elsewhere;  // to know its id, whatever becomes of it here
    published[elsewhere.open()->publish(manifest_at(2), folder(new_files)).value()] = new_files;
    const std::uint64_t before = bench.changes();
    bench.crash_at(n);
    const auto two = store->publish(manifest_at(2), folder(new_files));
    const bool marked = two && store->mark_verified(*two, 77).has_value();
    const bool removed = marked && store->remove(one).has_value();
    const bool through = bench.changes() - before < n;
    bench.reboot();
    store = bench.open();
    check_whole(*store, published);
    const auto now = ids(*store);
    if (two) CHECK(now.front() == *two);
    if (marked) CHECK(listed(*store).front().verified_at == 77);
    if (!two || !marked) CHECK(std::find(now.begin(), now.end(), one) != now.end());
    if (removed) CHECK(now == std::vector{*two});
    const std::string three = store->publish(manifest_at(3), folder({{"e", "e"}})).value();
    published[three] = {{"e", "e"}};
    check_whole(*store, published);
    std::set<std::string> contents;
    for (const StoredSnapshot& each : listed(*store))
      for (const SnapshotFile& file : each.manifest->files) contents.insert(to_hex(file.checksum));
    CHECK(bench.contents().size() == contents.size());
    if (through) {
      CHECK(removed);
      CHECK(n > 3);
      break;
    }
  }
}

TEMPLATE_TEST_CASE("any flipped bit of a manifest or a content is named, and never handed out as good", "[snapshot_store]", ALL_STORES) {
  const std::map<std::string, std::string> files{{"a", "the first file"}, {"b", "another"}};
  TestType original;
  const std::string id = original.open()->publish(manifest_at(1), folder(files)).value();
  std::size_t flips = 0;
  for (const bool manifest : {true, false}) {
    const auto names = manifest ? original.manifests() : original.contents();
    REQUIRE(names.size() == (manifest ? 1 : 2));
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t at = 0; at < original.size(names[i]); ++at) {
        TestType bench;
        auto store = bench.open();
        REQUIRE(store->publish(manifest_at(1), folder(files)).value() == id);
        bench.flip(names[i], at, at % 8);
        INFO(names[i] << " byte " << at);
        MemoryFolder out;
        const auto restored = store->restore(id, out);
        REQUIRE_FALSE(restored);
        CHECK(restored.error().code == Errc::state_damaged);
        CHECK(restored.error().context.find(id) != std::string::npos);
        CHECK_FALSE(out.finished);
        for (const auto& [name, bytes] : out.content) CHECK(bytes == files.at(name));
        const StoredSnapshot known = listed(*store).front();
        CHECK(known.id == id);
        CHECK_FALSE(known.trouble.empty());
        ++flips;
        if (manifest) continue;
        // The next snapshot with that content mends it.
        const std::string next = store->publish(manifest_at(2), folder(files)).value();
        CHECK(check_snapshot(*store, next));
        CHECK(check_snapshot(*store, id));
      }
    }
  }
  CHECK(flips > 300);
}

TEMPLATE_TEST_CASE("a content that is missing is damage of those that name it", "[snapshot_store]", ALL_STORES) {
  TestType bench;
  const auto store = bench.open();
  const std::string one = store->publish(manifest_at(1), folder({{"a", big('a')}})).value();
  const auto lost = bench.contents().front();
  const std::string two = store->publish(manifest_at(2), folder({{"b", big('b')}})).value();
  bench.lose(lost);
  const auto both = listed(*store);
  CHECK(both[0].trouble.empty());
  CHECK(both[1].trouble.find("a") != std::string::npos);
  CHECK(check_snapshot(*store, one).error().code == Errc::state_damaged);
  CHECK(check_snapshot(*store, two));
}

TEST_CASE("two processes do not change the snapshots of one partition at once", "[snapshot_store]") {
  DirectoryKeepsAll bench;
  const auto store = bench.open();
  const std::string one = store->publish(manifest_at(1), folder({{"a", "x"}})).value();
  const auto held = bench.disk().lock("/disk/snapshots/0/lock").value();
  CHECK(store->publish(manifest_at(2), folder({{"a", "x"}})).error().code == Errc::data_locked);
  CHECK(store->remove(one).error().code == Errc::data_locked);
  CHECK(store->mark_verified(one, 1).error().code == Errc::data_locked);
  CHECK(store->publish(manifest_at(2, 1), folder({{"a", "x"}})));
  CHECK(check_snapshot(*store, one));
}

TEST_CASE("a file that changes while it is published is no snapshot", "[snapshot_store]") {
  class Changing final : public FileSource {
   public:
    Result<std::vector<std::string>> names() const override { return std::vector<std::string>{"a"}; }
    Result<void> read(const std::string&, const PieceTaker& take) const override { return take(std::to_string(++reads_)); }

   private:
    mutable int reads_ = 0;
  };
  DirectoryKeepsAll bench;
  const auto store = bench.open();
  CHECK(store->publish(manifest_at(1), Changing{}).error().code == Errc::internal);
  CHECK(ids(*store).empty());
}

}  // namespace weir::test

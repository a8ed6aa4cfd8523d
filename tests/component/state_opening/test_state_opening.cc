#include "cluster/node/state_opening.h"

#include <fstream>

#include "runtime/adapters/directory_snapshots/directory_files.h"
#include "runtime/adapters/directory_snapshots/directory_snapshots.h"
#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/base/hash.h"
#include "runtime/engine/view_value.h"
#include "runtime/event/state_cursor.h"
#include "tests/support/catch.h"
#include "tests/unit/data_directory/scratch.h"

namespace weir::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr PartitionId kPartition{0};

class HandClock final : public Clock {
 public:
  TimePoint now() const override { return time; }
  UnixMicros wall() const override { return 1'700'000'000'000'000 + time.count() / 1'000; }
  TimePoint time{1s};
};

class Lines final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view text) noexcept override { lines.emplace_back(text); }
  [[nodiscard]] bool say(std::string_view word) const {
    return std::any_of(lines.begin(), lines.end(), [word](const std::string& line) { return line.find(word) != std::string::npos; });
  }
  std::vector<std::string> lines;
};

/// One partition's data directory, its snapshots, and what its log is said to hold.
class Ground {
 public:
  Ground() {
    pipeline.name = "shop";
    pipeline.partitions = 1;
    store = make_directory_snapshots(journal::system_file_ops(), data + "/snapshots");
    ground.pipeline = &pipeline;
    ground.merger = &merger;
    ground.states = &states;
    ground.store = store.get();
    ground.files = &journal::system_file_ops();
    ground.clock = &clock;
    ground.place = {{7, 7}, {8, 8}};
    ground.data = data;
  }
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  [[nodiscard]] std::string directory() const { return state_directory(data, kPartition); }
  [[nodiscard]] StateOpening opening() {
    return {ground, [this](PartitionId) {
              PartitionStatus status;
              status.position.sequence = CommitSequence{end};
              status.output_begin = CommitSequence{begin};
              return status;
            }, lines};
  }

  /// The partition's own state moves on to this commit.
  void flush(std::uint64_t sequence) {
    auto own = states.open(directory(), merger).value();
    StateCursor cursor;
    cursor.sequence = CommitSequence{sequence};
    cursor.committed = Offset{sequence * 10};
    cursor.log_id = ground.place.log_id;
    const auto value = std::make_shared<std::string>("as of " + std::to_string(sequence));
    const StateFlush flush{[value] { return std::vector<StateEntry>{{"k", *value, StateOp::put}}; }, cursor.encode()};
    REQUIRE(flush_and_wait(*own, flush));
    own->close();
    end = std::max(end, sequence);
  }
  /// And a snapshot of it is kept. Returns its id.
  std::string keep(std::uint64_t sequence) {
    flush(sequence);
    SnapshotManifest manifest;
    manifest.pipeline = pipeline.name;
    manifest.log_id = ground.place.log_id;
    manifest.wall_hash = ground.place.wall_hash;
    manifest.sequence = CommitSequence{sequence};
    manifest.committed = Offset{sequence * 10};
    return store->publish(manifest, DirectorySource(journal::system_file_ops(), directory())).value();
  }
  void lose_state() { fs::remove_all(directory()); }
  /// A file that only this snapshot has.
  void damage(const std::string& id) {
    std::set<std::string> others, mine;
    const auto known = store->list(kPartition).value();
    for (const StoredSnapshot& one : known)
      for (const SnapshotFile& file : one.manifest->files) (one.id == id ? mine : others).insert(fmt::format("{}-{}", file.size, to_hex_of(file)));
    for (const std::string& name : mine) {
      if (others.contains(name)) continue;
      const std::string path = data + "/snapshots/0/files/" + name;
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(0, std::ios::end);
      const auto size = file.tellg();
      if (size < 4) continue;
      file.seekg(size / 2);
      const char old = static_cast<char>(file.get());
      file.seekp(size / 2);
      file.put(static_cast<char>(old ^ 1));
      return;
    }
    FAIL("snapshot " << id << " has no file of its own");
  }
  static std::string to_hex_of(const SnapshotFile& file) { return to_hex(file.checksum); }

  const test::Scratch folder;
  const std::string data = folder.path();
  PipelineConfig pipeline;
  ViewMerger merger;
  RocksdbStates states;
  std::unique_ptr<SnapshotStore> store;
  HandClock clock;
  Lines lines;
  SnapshotGround ground;
  std::uint64_t begin = 0, end = 0;
};

/// What the opened store says, closed again; empty: nothing is in it.
std::string opened(StateOpening& opening) {
  auto store = opening.open(kPartition);
  if (!store) return describe(store.error());
  const auto value = (*store)->get("k").value();
  (*store)->close();
  return value.value_or("");
}

}  // namespace

TEST_CASE("a partition without commits begins with nothing, and its own state is opened as it is", "[state_opening]") {
  Ground ground;
  StateOpening opening = ground.opening();
  CHECK(opened(opening).empty());
  ground.keep(5);
  ground.flush(9);
  CHECK(opened(opening) == "as of 9");
  CHECK(opening.restored(kPartition) == 0);
  CHECK(ground.lines.lines.empty());
}

TEST_CASE("a state that is missing is restored from the newest snapshot", "[state_opening]") {
  Ground ground;
  ground.keep(5);
  const std::string newest = ground.keep(9);
  ground.flush(12);
  ground.lose_state();
  StateOpening opening = ground.opening();
  CHECK(opened(opening) == "as of 9");
  CHECK(opening.restored(kPartition) == 1);
  CHECK(ground.lines.say("restored from snapshot " + newest + "; commits 10 to 12 of the log follow"));
  CHECK_FALSE(fs::exists(ground.directory() + ".restoring"));
  CHECK(opened(opening) == "as of 9");
  CHECK(opening.restored(kPartition) == 1);
}

TEST_CASE("a snapshot that is damaged is named, and the next older one is taken", "[state_opening]") {
  Ground ground;
  const std::string oldest = ground.keep(3), older = ground.keep(5), newest = ground.keep(9);
  ground.damage(newest);
  ground.damage(older);
  ground.lose_state();
  StateOpening opening = ground.opening();
  CHECK(opened(opening) == "as of 3");
  CHECK(ground.lines.say("snapshot " + newest + ": its file"));
  CHECK(ground.lines.say("snapshot " + older + ": its file"));
  CHECK(ground.lines.say("restored from snapshot " + oldest));
}

TEST_CASE("a snapshot of what the log has lost, or that leaves a gap before the log, is no base", "[state_opening]") {
  Ground ground;
  ground.keep(3);
  ground.keep(5);
  ground.keep(9);
  ground.lose_state();
  ground.begin = 4;
  ground.end = 8;
  StateOpening opening = ground.opening();
  CHECK(opened(opening) == "as of 5");
}

TEST_CASE("without a base the log does when it reaches back to its beginning", "[state_opening]") {
  Ground ground;
  ground.damage(ground.keep(5));
  ground.lose_state();
  StateOpening opening = ground.opening();
  CHECK(opened(opening).empty());
  CHECK(opening.restored(kPartition) == 0);
  CHECK(ground.lines.say("made anew from all 5 commits of the log"));
}

TEST_CASE("without a base and without the beginning of the log the partition says why it cannot be opened", "[state_opening]") {
  Ground ground;
  const std::string only = ground.keep(5);
  fs::copy(ground.data + "/snapshots", ground.data + "/copy", fs::copy_options::recursive);
  ground.damage(only);
  ground.lose_state();
  ground.begin = 2;
  StateOpening opening = ground.opening();
  const auto refused = opening.open(kPartition);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::state_damaged);
  for (const std::string& word : {std::string("state is missing"), only, ground.data + "/snapshots", std::string("the log begins behind commit 2"), std::string("put a snapshot back")})
    CHECK(refused.error().context.find(word) != std::string::npos);
  CHECK_FALSE(opening.mend(kPartition));
  CHECK_FALSE(fs::exists(ground.directory()));
  fs::remove_all(ground.data + "/snapshots");
  fs::rename(ground.data + "/copy", ground.data + "/snapshots");
  CHECK(opened(opening) == "as of 5");
}

TEST_CASE("a damaged state is replaced, and kept beside for whoever wants to know", "[state_opening]") {
  Ground ground;
  ground.keep(5);
  ground.flush(9);
  fs::remove(ground.directory() + "/CURRENT");
  StateOpening opening = ground.opening();
  CHECK(opened(opening) == "as of 5");
  CHECK(ground.lines.say("CURRENT is missing"));
  CHECK(ground.lines.say("its state is damaged: restored from snapshot"));
  CHECK(fs::exists(ground.directory() + ".damaged"));
  fs::remove(ground.directory() + "/CURRENT");
  CHECK(opened(opening) == "as of 5");
  CHECK(opening.restored(kPartition) == 2);
}

TEST_CASE("damage that shows in use leads to older and older bases, then to the log, then to an end", "[state_opening]") {
  Ground ground;
  ground.keep(3);
  ground.keep(5);
  ground.flush(9);
  StateOpening opening = ground.opening();
  CHECK(opened(opening) == "as of 9");
  REQUIRE(opening.mend(kPartition));
  CHECK(opened(opening) == "as of 5");
  REQUIRE(opening.mend(kPartition));
  CHECK(opened(opening) == "as of 3");
  REQUIRE(opening.mend(kPartition));
  CHECK(opened(opening).empty());
  CHECK_FALSE(opening.mend(kPartition));
  CHECK(opening.restored(kPartition) == 2);
  // What happens much later is another story.
  ground.clock.time += 11min;
  REQUIRE(opening.mend(kPartition));
  CHECK(opened(opening) == "as of 5");
}

TEST_CASE("a state that is ahead of its log is not replaced: that would hide what the log has lost", "[state_opening]") {
  Ground ground;
  ground.keep(3);
  ground.flush(9);
  ground.end = 8;
  StateOpening opening = ground.opening();
  CHECK(opened(opening) == "as of 9");  // who reads the log finds out, and dies of it
  CHECK_FALSE(opening.mend(kPartition));
}

TEST_CASE("what a restore that was killed left behind is no state", "[state_opening]") {
  Ground ground;
  ground.keep(5);
  fs::rename(ground.directory(), ground.directory() + ".restoring");
  fs::remove(ground.directory() + ".restoring/CURRENT");
  StateOpening opening = ground.opening();
  CHECK(opened(opening) == "as of 5");
  CHECK_FALSE(fs::exists(ground.directory() + ".restoring"));
}

}  // namespace weir::test

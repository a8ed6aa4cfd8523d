#include "runtime/engine/snapshot_plan.h"
#include "tests/support/catch.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;

const SnapshotPlace kHere{{1, 1}, {2, 2}};
constexpr UnixMicros kMinute = 60'000'000;

struct Given {
  std::uint64_t sequence;
  std::optional<UnixMicros> verified_at = {};
  std::string trouble = {};
  SnapshotPlace place = kHere;
};

std::string id_of(std::uint64_t sequence) { return fmt::format("0-{}-00000000", sequence); }

/// In the order given, which is not the order of age.
std::vector<StoredSnapshot> known(std::vector<Given> given) {
  std::vector<StoredSnapshot> all;
  for (const Given& one : given) {
    SnapshotManifest manifest;
    manifest.sequence = CommitSequence{one.sequence};
    manifest.committed = Offset{one.sequence * 100};
    manifest.log_id = one.place.log_id;
    manifest.wall_hash = one.place.wall_hash;
    all.push_back({id_of(one.sequence), manifest, one.verified_at, one.trouble});
  }
  return all;
}

std::vector<std::string> ids(std::vector<std::uint64_t> sequences) {
  std::vector<std::string> all;
  for (const std::uint64_t sequence : sequences) all.push_back(id_of(sequence));
  return all;
}

std::vector<std::string> candidates(const RestoreChoice& choice) {
  std::vector<std::string> all;
  for (const StoredSnapshot* one : choice.candidates) all.push_back(one->id);
  return all;
}

}  // namespace

TEST_CASE("a snapshot is due after an interval with commits, and at once where there is none", "[snapshots]") {
  SnapshotConfig config;
  config.interval = 10min;
  const UnixMicros then = 1'700'000'000'000'000;
  CHECK_FALSE(snapshot_due(config, then + 10 * kMinute - 1, then, 5));
  CHECK(snapshot_due(config, then + 10 * kMinute, then, 5));
  CHECK_FALSE(snapshot_due(config, then + 1'000 * kMinute, then, 0));
  CHECK(snapshot_due(config, then, std::nullopt, 1));
  CHECK_FALSE(snapshot_due(config, then, std::nullopt, 0));
  // A clock that was set back: a wait of at most one interval, then it counts from there.
  CHECK_FALSE(snapshot_due(config, then - 10 * kMinute, then, 5));
  CHECK(snapshot_due(config, then - 10 * kMinute - 1, then, 5));
  config.interval = 0s;
  CHECK_FALSE(snapshot_due(config, then + 1'000 * kMinute, then, 5));
  CHECK_FALSE(snapshot_due(config, then, std::nullopt, 5));
}

TEST_CASE("a verification is due after its interval, whether anything was committed or not", "[snapshots]") {
  SnapshotConfig config;
  config.verify_interval = 24h;
  const UnixMicros then = 1'700'000'000'000'000;
  CHECK(verify_due(config, then, std::nullopt));
  CHECK_FALSE(verify_due(config, then + 1'440 * kMinute - 1, then));
  CHECK(verify_due(config, then + 1'440 * kMinute, then));
  CHECK(verify_due(config, then - 1'440 * kMinute - 1, then));
  config.verify_interval = 0s;
  CHECK_FALSE(verify_due(config, then, std::nullopt));
}

TEST_CASE("the newest snapshots are kept, by what they hold and not by the order they come in", "[snapshots]") {
  CHECK(snapshots_to_remove(known({{30}, {10}, {20}}), kHere, 3).empty());
  CHECK(snapshots_to_remove(known({{30}, {10}, {50}, {20}, {40}}), kHere, 3) == ids({20, 10}));
}

TEST_CASE("the newest verified snapshot is never removed", "[snapshots]") {
  CHECK(snapshots_to_remove(known({{50}, {40}, {30}, {20, 7}, {10, 9}}), kHere, 3) == ids({10}));
  CHECK(snapshots_to_remove(known({{50}, {40, 1}, {30}, {20, 7}, {10, 9}}), kHere, 3) == ids({20, 10}));
}

TEST_CASE("a snapshot that cannot be used does not count as kept, and goes when it is older than what is kept", "[snapshots]") {
  CHECK(snapshots_to_remove(known({{50}, {40, {}, "damaged"}, {30}, {20}}), kHere, 3).empty());
  CHECK(snapshots_to_remove(known({{50}, {40, {}, "damaged"}, {30}, {20}, {15, {}, "damaged"}, {10}}), kHere, 3) == ids({10, 15}));
  // A verified one that was damaged since is no longer a verified one.
  CHECK(snapshots_to_remove(known({{50}, {40}, {30}, {20, 5, "damaged"}, {10, 4}, {5, 3}}), kHere, 3) == ids({5, 20}));
  // Without a manifest the id says what it held.
  auto headless = known({{50}, {40}, {30}, {20}, {10}});
  headless[4].manifest.reset();
  headless[4].trouble = "the checksum of the manifest does not match";
  CHECK(snapshots_to_remove(headless, kHere, 3) == ids({20, 10}));
}

TEST_CASE("snapshots of another log are left alone", "[snapshots]") {
  const SnapshotPlace other{{9, 9}, {2, 2}};
  CHECK(snapshots_to_remove(known({{50, {}, {}, other}, {40}, {30}, {20}, {15}, {10, {}, {}, other}, {5, {}, "damaged", other}}), kHere, 3) == ids({15}));
}

TEST_CASE("a restore tries the newest that fits first and says why the others do not", "[snapshots]") {
  const SnapshotPlace other_log{{9, 9}, {2, 2}}, other_wall{{1, 1}, {9, 9}};
  const auto all = known({{30}, {90}, {50}, {40, {}, "its file a is missing"}, {10}, {60, {}, {}, other_log}, {70, {}, {}, other_wall}});
  const RestoreChoice choice = choose_base(all, kHere, CommitSequence{20}, CommitSequence{80});
  CHECK(candidates(choice) == ids({50, 30}));
  REQUIRE(choice.refused.size() == 5);
  const auto why = [&](std::uint64_t sequence) {
    for (const auto& refusal : choice.refused)
      if (refusal.id == id_of(sequence)) return refusal.why;
    return std::string();
  };
  CHECK(why(90).find("the log ends at commit 80") != std::string::npos);
  CHECK(why(40) == "its file a is missing");
  CHECK(why(10).find("the log begins behind commit 20") != std::string::npos);
  CHECK(why(60).find("belongs to log") != std::string::npos);
  CHECK(why(70).find("ids or formats") != std::string::npos);
  // Exactly at the beginning and at the end of the log there is no gap.
  CHECK(candidates(choose_base(all, kHere, CommitSequence{30}, CommitSequence{90})) == ids({90, 50, 30}));
}

TEST_CASE("the log may be trimmed below the oldest kept snapshot that was verified, never below one that was not", "[snapshots]") {
  PartitionStatus log;
  log.position.sequence = CommitSequence{60};
  log.position.committed = Offset{6'000};
  const auto plan = [&log](std::vector<Given> given) { return plan_trim(PartitionId{0}, known(std::move(given)), kHere, log, std::nullopt); };
  CHECK_FALSE(plan({}).point);
  CHECK(plan({}).held_by == "there is no snapshot yet");
  CHECK_FALSE(plan({{50}, {40}, {30}}).point);
  CHECK(plan({{50}, {40}, {30}}).held_by == "no snapshot was verified yet");
  const TrimPlan trim = plan({{50, 9}, {40}, {30, 5}, {20}});
  REQUIRE(trim.point);
  CHECK(trim.point->ingest_below == Offset{3'000});
  CHECK(trim.point->output_through == CommitSequence{30});
  CHECK(trim.held_by == "snapshot " + id_of(30));
  CHECK(plan({{50, 9}, {30, 5, "damaged"}}).point->output_through == CommitSequence{50});
  CHECK_FALSE(plan({{50, 9, {}, {{9, 9}, {2, 2}}}}).point);
  // Of another past: the log has lost what it holds, and nothing below the horizon can be a base.
  CHECK_FALSE(plan({{61, 9}}).point);
  log.output_begin = CommitSequence{40};
  CHECK(plan({{50, 9}, {40, 8}, {30, 5}}).point->output_through == CommitSequence{40});
}

TEST_CASE("what a sink has not taken is kept in the output log, and ingest is not kept for it", "[snapshots]") {
  PartitionStatus log;
  log.position.sequence = CommitSequence{60};
  log.position.committed = Offset{6'000};
  const auto kept = known({{50, 9}, {30, 5}});
  const auto slow = plan_trim(PartitionId{0}, kept, kHere, log, SinkNeed{CommitSequence{29}, "archive"});
  CHECK(slow.point->output_through == CommitSequence{29});
  CHECK(slow.point->ingest_below == Offset{3'000});
  CHECK(slow.held_by == "sink archive");
  CHECK(plan_trim(PartitionId{0}, kept, kHere, log, SinkNeed{CommitSequence{30}, "archive"}).held_by == "snapshot " + id_of(30));
  CHECK(plan_trim(PartitionId{0}, kept, kHere, log, SinkNeed{CommitSequence{55}, "archive"}).point->output_through == CommitSequence{30});
  CHECK_FALSE(plan_trim(PartitionId{0}, known({{50}}), kHere, log, SinkNeed{CommitSequence{55}, "archive"}).point);
}

TEST_CASE("the newest usable snapshot is the one with the newest commit", "[snapshots]") {
  const auto all = known({{30}, {50, {}, "damaged"}, {40}});
  CHECK(newest_usable(all, kHere)->id == id_of(40));
  CHECK(newest_usable({}, kHere) == nullptr);
}

}  // namespace weir::test

// Disks that refuse writes and syncs, take them in pieces, or have no room for a group.
#include "tests/unit/embedded_log/machine.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("a failed sync acknowledges nothing from that file: the frame is written again into a new segment",
          "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(log, 0, 1, "before"));
  const auto segments = machine.files("ingest/segment-").size();
  machine.disk.fail_sync_at(1);
  REQUIRE(append(log, 0, 1, "again"));
  CHECK(machine.files("ingest/segment-").size() == segments + 1);
  REQUIRE(append(log, 0, 1, "after"));
  machine.disk.fail_sync_at(1);
  REQUIRE(commit(log, {{part(log, 0, 2, "once")}}).kind == CommitOutcome::Kind::committed);
  machine.crash(Survival::nothing);
  EmbeddedLog& again = machine.open();
  CHECK(ingest_texts(again, 0) == std::vector<std::string>{"before", "again", "after"});
  CHECK(output_texts(again, 0) == std::vector<std::string>{"once"});
}

TEST_CASE("what a failed sync left in the old segment never comes alive beside its copy", "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(log, 0, 1, "before"));
  const std::string old = machine.files("ingest/segment-").back();
  machine.disk.fail_sync_at(1);
  REQUIRE(append(log, 0, 1, "again"));
  REQUIRE(append(log, 0, 1, "after"));
  // The disk had the frame all the same: whole, valid, in the place where the segment would go on.
  const std::string with_stale = machine.disk.content(old);
  REQUIRE(with_stale.find("again") != std::string::npos);
  machine.crash(Survival::nothing);
  machine.disk.set_content(old, with_stale);
  EmbeddedLog& again = machine.open();
  CHECK(ingest_texts(again, 0) == std::vector<std::string>{"before", "again", "after"});
  CHECK(again.status(PartitionId{0}).ingest_durable == Offset{3});
}

TEST_CASE("a segment whose head was not known to be synced makes nothing void that is acknowledged later", "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(log, 0, 1, "before"));
  machine.disk.fail_sync_at(1);
  CHECK(append(log, 0, 1, std::string(machine.options.segment_bytes, 'x')).error().code == Errc::io_failed);
  const std::string begun = machine.files("ingest/segment-").back();
  const std::string head = machine.disk.content(begun);
  // It would fit behind "before".
  REQUIRE(append(log, 0, 1, "after"));
  machine.crash(Survival::nothing);
  // The disk had the head all the same, and the file could not be taken away.
  machine.disk.set_content(begun, head);
  EmbeddedLog& again = machine.open();
  CHECK(ingest_texts(again, 0) == std::vector<std::string>{"before", "after"});
  CHECK(again.status(PartitionId{0}).ingest_durable == Offset{2});
}

TEST_CASE("a failed write moves on to a new segment, and short writes are completed", "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  machine.disk.fail_write_at(1);
  REQUIRE(append(log, 0, 1, filler(0)));
  machine.disk.set_write_max(5'000);
  for (int i = 1; i < 5; ++i) REQUIRE(append(log, 0, 1, filler(i)));
  machine.disk.set_write_max(512);
  CHECK(append(log, 0, 1, "a disk that never takes a whole block").error().code == Errc::outcome_unknown);
  machine.disk.set_write_max(0);
  machine.crash();
  std::vector<std::string> expected;
  for (int i = 0; i < 5; ++i) expected.push_back(filler(i));
  CHECK(ingest_texts(machine.open(), 0) == expected);
}

TEST_CASE("a disk that refuses every file ends the log: unknown for what was in flight, closed for the rest",
          "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(log, 0, 1, "kept"));
  CHECK(ingest_texts(log, 0) == std::vector<std::string>{"kept"});
  machine.disk.crash_now();  // every changing call fails from here on
  CHECK(append(log, 0, 1, "lost").error().code == Errc::outcome_unknown);
  CHECK(append(log, 0, 1, "refused").error().code == Errc::log_closed);
  CHECK(commit(log, {{part(log, 0, 1, "lost")}}).kind == CommitOutcome::Kind::unknown);
  const CommitOutcome later = commit(log, {{part(log, 0, 1, "later")}});
  CHECK(later.kind == CommitOutcome::Kind::failed);
  CHECK(later.error.code == Errc::log_closed);
  CHECK(ingest_texts(log, 0) == std::vector<std::string>{"kept"});
}

TEST_CASE("space that runs out under a frame already on its way is waited for", "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  machine.disk.set_writes_full(true);
  Completions done;
  REQUIRE(log.append({{batch(0, 1, "waits")}, {}, Durability::durable}, done.append_done(0)));
  machine.disk.set_writes_full(false);
  REQUIRE(done.wait(1));
  CHECK(done.results()[0]);
  machine.crash(Survival::nothing);
  CHECK(ingest_texts(machine.open(), 0) == std::vector<std::string>{"waits"});
}

TEST_CASE("a group larger than a segment gets a file of its own and is read back whole", "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  const std::string large(300'000, 'L');
  REQUIRE(append(log, 0, 1, "small"));
  REQUIRE(append(log, 0, 1, large));
  REQUIRE(append(log, 0, 1, "small again"));
  REQUIRE(commit(log, {{part(log, 0, 3, large)}}).kind == CommitOutcome::Kind::committed);
  machine.crash(Survival::nothing);
  EmbeddedLog& again = machine.open();
  CHECK(ingest_texts(again, 0) == std::vector<std::string>{"small", large, "small again"});
  CHECK(output_texts(again, 0) == std::vector<std::string>{large});
}

// What goes away, what is carried over, and what retain keeps.
#include <algorithm>

#include "tests/unit/embedded_log/machine.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("segments nobody needs are recycled, and old frames in them stay dead after any crash", "[journal]") {
  Machine machine;
  EmbeddedLog* log = &machine.owned();
  for (int round = 0; round < 6; ++round) {
    fill(*log, 6);
    trim_to_end(*log, {0, 1, 2, 3});
    // Bounded however long it runs: the files in use, the spares and nothing else.
    CHECK(machine.files("ingest/").size() <= 6);
    CHECK(machine.files("output/").size() <= 6);
    const PartitionStatus before = log->status(PartitionId{2});
    machine.crash(Survival::sectors);
    log = &machine.open();
    CHECK(log->status(PartitionId{2}).ingest_durable == before.ingest_durable);
    CHECK(log->status(PartitionId{2}).position == before.position);
    CHECK(ingest_texts(*log, 2, log->status(PartitionId{2}).ingest_begin.value).empty());
  }
}

TEST_CASE("a partition that lags keeps its batches in side files of its own and pins no segment", "[journal]") {
  Machine machine;
  EmbeddedLog* log = &machine.owned();
  std::vector<std::string> kept;
  for (int i = 0; i < 30; ++i) {
    for (std::uint32_t p = 1; p < kPartitions; ++p) REQUIRE(append(*log, p, 1, filler(i)));
    kept.push_back("lagging " + std::to_string(i));
    REQUIRE(append(*log, 0, 1, kept.back()));
    CommitGroup group;
    for (std::uint32_t p = 0; p < kPartitions; ++p)
      group.parts.push_back(part(*log, p, 1, p == 0 ? kept.back() : filler(i)));
    REQUIRE(commit(*log, std::move(group)).kind == CommitOutcome::Kind::committed);
    if (i % 5 == 4) trim_to_end(*log, {1, 2, 3});
  }
  std::vector<std::string> committed = kept;
  const auto no_markers = [](std::vector<std::string> texts) {
    std::erase(texts, "marker");
    return texts;
  };
  CHECK(machine.files("ingest/segment-").size() <= 3);
  CHECK(machine.files("output/segment-").size() <= 3);
  CHECK(machine.files("ingest/carry-0-").size() > 5);
  CHECK(machine.files("carry-1-").empty());
  for (int run = 0; run < 3; ++run) {
    CHECK(ingest_texts(*log, 0) == kept);
    CHECK(no_markers(output_texts(*log, 0)) == committed);
    if (run == 0) machine.crash(Survival::sectors);
    if (run == 1) {
      machine.log.reset();
      for (const std::string& index : machine.files("/index")) machine.disk.remove(index);
    }
    log = &machine.open();
  }
  // Damage in a side file stops its partition alone.
  machine.log.reset();
  const std::string side = machine.files("ingest/carry-0-").front();
  machine.disk.flip(side, 4096 + 192 + 3, 2);
  log = &machine.open();
  const auto read = read_ingest(*log, 0, 0);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::log_damaged);
  CHECK(read.error().context.find("carry-0-") != std::string::npos);
  CHECK(ingest_texts(*log, 1, log->status(PartitionId{1}).ingest_begin.value).empty());
  // When the partition catches up its side files go.
  trim_to_end(*log, {0, 1, 2, 3});
  CHECK(machine.files("carry-").empty());
}

TEST_CASE("segments that lag in great part do not pin those behind them, of which hardly anything is needed", "[journal]") {
  Machine machine;
  EmbeddedLog* log = &machine.owned();
  std::vector<std::string> kept;
  const auto both = [&](std::uint32_t partition, const std::string& text) {
    REQUIRE(append(*log, partition, 1, text));
    REQUIRE(commit(*log, {{part(*log, partition, 1, text)}}).kind == CommitOutcome::Kind::committed);
    if (partition == 0) kept.push_back(text);
  };
  // Partition 0 stops with two segments full of its own behind it; then come the others.
  for (int i = 0; i < 10; ++i) both(0, filler(i));
  trim_to_end(*log, {1, 2, 3});
  const std::size_t before = machine.files("ingest/segment-").size();
  CHECK(before >= 2);
  for (int i = 0; i < 2; ++i) both(1, filler(i));
  trim_to_end(*log, {1, 2, 3});
  CHECK(machine.files("carry-").empty());  // most of what there is would have to be copied
  for (int i = 0; i < 30; ++i) both(1 + i % 3, filler(i));
  trim_to_end(*log, {1, 2, 3});
  CHECK(machine.files("ingest/segment-").size() <= 3);
  CHECK(machine.files("output/segment-").size() <= 3);
  for (int run = 0; run < 2; ++run) {
    CHECK(ingest_texts(*log, 0) == kept);
    machine.crash(Survival::sectors);
    log = &machine.open();
  }
}

TEST_CASE("only what is older than retain is trimmed, and retain: all never trims", "[journal]") {
  Machine machine;
  machine.options.retain = std::chrono::hours(1);
  const bool all = GENERATE(false, true);
  if (all) machine.options.retain.reset();
  EmbeddedLog& log = machine.owned();
  fill(log, 20);
  trim_to_end(log, {0, 1, 2, 3});
  CHECK(log.status(PartitionId{1}).ingest_begin == Offset{0});
  machine.clock.advance(std::chrono::minutes(61));
  fill(log, 8);
  trim_to_end(log, {0, 1, 2, 3});
  const std::uint64_t begin = log.status(PartitionId{1}).ingest_begin.value;
  if (all) {
    CHECK(begin == 0);
    CHECK(ingest_texts(log, 1).size() == 28);
    return;
  }
  // The segment that was open when the hour passed holds young frames too: it is kept whole.
  CHECK(begin > 10);
  CHECK(begin <= 20);
  CHECK(read_ingest(log, 1, begin - 1).error().code == Errc::below_horizon);
  CHECK(ingest_texts(log, 1, begin).size() == 28 - begin);
}

TEST_CASE("a trim of what is not committed is a broken promise of the caller", "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(log, 0, 5, "x"));
  CHECK_THROWS(log.trim({{PartitionId{0}, Offset{1}, CommitSequence{0}}}));
  CHECK_THROWS(log.trim({{PartitionId{0}, Offset{0}, CommitSequence{1}}}));
  CHECK_THROWS(log.trim({{PartitionId{kPartitions}, Offset{0}, CommitSequence{0}}}));
}

// Partition time as the window moves it, and what it makes the window forget.
#include <deque>

#include "tests/component/window/window_fixture.h"

using namespace weir;
using namespace weir::window_test;
using namespace std::chrono_literals;

TEST_CASE("one door's wrong clock moves partition time not beyond the owner's clock and slack, and never back", "[window]") {
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{24h, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
  const auto commit_with_stamp = [&](std::int64_t accepted_at, UnixMicros wall) {
    IngestBatchBuilder builder{8};
    const std::string id = "e" + std::to_string(window.expected().value);
    builder.add({"good:8000000000000", id, 0, {}, 1});
    const Offset first = window.expected();
    REQUIRE(window.admit(first, *IngestBatch::decode(builder.finish({FrameFormat::json, accepted_at, 0, "d", ""})), wall));
    for (const ChainRound& round : window.take_rounds()) {
      run_stages(*round.batch);
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    }
    window.durable(window.expected());
    REQUIRE(window.prepare(wall + 1));
    const CommitMeta meta = window.committed().body->meta;
    // An event from the future moves M as far as partition time, no further.
    REQUIRE(meta.event_time_max == meta.partition_time);
    return meta.partition_time;
  };
  REQUIRE(commit_with_stamp(1'000'000, 1'500'000) == 1'000'000);
  REQUIRE(commit_with_stamp(9'000'000'000'000, 2'000'000) == 2'000'000 + kPartitionTimeSlack.count());
  REQUIRE(commit_with_stamp(5, 3'000'000) == 2'000'000 + kPartitionTimeSlack.count());
}

TEST_CASE("an empty window lets time pass when ids leave dedupe.remember, and then only", "[window]") {
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{16s, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder, Digest128{7, 0}), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
  const UnixMicros start = 1'000'000'000;
  CHECK_FALSE(window.let_time_pass(start));  // nothing is remembered
  const auto admit = [&](const std::string& id, std::int64_t stamp) {
    IngestBatchBuilder builder{8};
    builder.add({"good:1", id, 0, {}, 1});
    REQUIRE(window.admit(window.expected(), *IngestBatch::decode(builder.finish({FrameFormat::json, stamp, 0, "d", ""})), stamp));
    for (const ChainRound& round : window.take_rounds()) {
      run_stages(*round.batch);
      REQUIRE(window.round_done(round.drive, round.serial, round.round));
    }
    window.durable(window.expected());
  };
  admit("a", start);
  CHECK_FALSE(window.let_time_pass(start + 60'000'000));  // something is in flight: its commit does it
  REQUIRE(window.prepare(start));
  CHECK_FALSE(window.let_time_pass(start + 60'000'000));
  static_cast<void>(window.committed());
  CHECK_FALSE(window.let_time_pass(start + 16'999'999));
  CHECK_FALSE(window.let_time_pass(start - 60'000'000));
  const auto passing = window.let_time_pass(start + 17'000'000);
  REQUIRE(passing);
  CHECK(passing->part.from == Offset{1});
  CHECK(passing->part.to == Offset{1});
  CHECK(passing->part.sequence == CommitSequence{2});
  CHECK(passing->body->batches.empty());
  CHECK(passing->body->meta.partition_time == start + 17'000'000);
  CHECK(passing->body->meta.event_time_max == 1);
  CHECK(passing->body->meta.ledger.served == 1);
  CHECK(passing->body->meta.rules_hash == Digest128{7, 0});
  // A batch with an older stamp comes while it is on its way: partition time does not go back.
  admit("a", start + 16'000'000);
  CHECK(index.size() == 1);
  static_cast<void>(window.committed());
  CHECK(index.size() == 0);
  const auto next = window.prepare(start + 17'500'000);
  REQUIRE(next);
  CHECK(next->body->meta.partition_time == start + 17'000'000);
  CHECK(next->part.from == Offset{1});
  CHECK(next->part.to == Offset{2});
}

TEST_CASE("an event behind one that was committed and forgotten meanwhile is taken as new", "[window][dedupe]") {
  // Three batches of a backlog, further apart in acceptance time than ids are remembered. The third waits for the first, and is
  // back from the stages only when both in front of it are committed.
  NoReader reader;
  RawEncoder encoder;
  DedupeIndex index{16s, reader};
  PartitionWindow window{PartitionId{0}, {}, {}, version_of(encoder), index};
  window.restart({PartitionId{0}, Epoch{1}, CommitSequence{0}, Offset{0}}, CommitMeta{}, CommitOwner{1, {}, {}});
  const UnixMicros wall = 1'000'000'000;
  std::deque<ChainRound> running;
  const auto admit = [&](std::vector<std::pair<std::string, std::string>> events, std::int64_t stamp) {
    IngestBatchBuilder builder{8};
    for (const auto& [id, raw] : events) builder.add({raw, id, 0, {}, 1});
    REQUIRE(window.admit(window.expected(), *IngestBatch::decode(builder.finish({FrameFormat::json, stamp, 0, "d", ""})), wall));
    for (ChainRound& round : window.take_rounds()) running.push_back(std::move(round));
  };
  const auto drive = [&] {
    const ChainRound round = std::move(running.front());
    running.pop_front();
    run_stages(*round.batch);
    REQUIRE(window.round_done(round.drive, round.serial, round.round));
    for (ChainRound& more : window.take_rounds()) running.push_back(std::move(more));
  };
  const auto commit = [&] {
    REQUIRE(window.prepare(wall));
    return window.committed();
  };
  admit({{"a", "good:1"}}, wall - 90'000'000);
  admit({{"b", "good:1"}}, wall - 50'000'000);
  admit({{"c", "good:1"}, {"a", "good2:1"}}, wall - 10'000'000);
  window.durable(window.expected());
  drive();
  static_cast<void>(commit());
  drive();
  static_cast<void>(commit());
  REQUIRE_FALSE(index.find(index.hash_of("a"), "a")->has_value());
  drive();
  drive();
  const PreparedCommit last = commit();
  CHECK(last.body->meta.ledger.served == 4);
  CHECK(last.body->meta.ledger.conflicts == 0);
  CHECK(last.part.to == Offset{4});
  CHECK(window.idle());
}

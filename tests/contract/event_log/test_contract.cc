// What every EventLog promises, run on all of them.
#include "tests/contract/event_log/log_fixture.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;

namespace {

std::unique_ptr<LogFixture> each() {
  const std::string name = GENERATE(from_range(std::begin(kFixtures), std::end(kFixtures)));
  INFO(name);
  return make_fixture(name);
}

/// Fenced once, so that epoch 1 commits.
std::unique_ptr<LogFixture> owned() {
  auto fixture = each();
  REQUIRE(fence(fixture->log(), all_partitions(fixture->log())));
  return fixture;
}

CommitGroup group(PartitionCommit one) {
  return {{std::move(one)}};
}

}  // namespace

TEST_CASE("a new log is empty and belongs to nobody", "[event_log]") {
  const auto fixture = each();
  EventLog& log = fixture->log();
  CHECK(log.partitions() == kPartitions);
  CHECK(log.log_id() != Digest128{});
  for (std::uint32_t p = 0; p < kPartitions; ++p) {
    const PartitionStatus status = log.status(PartitionId{p});
    CHECK(status.position == PartitionPosition{PartitionId{p}, Epoch{0}, CommitSequence{0}, Offset{0}});
    CHECK(status.ingest_durable == Offset{0});
    CHECK(status.ingest_reserved == Offset{0});
    CHECK(read_ingest(log, p, 0).value().empty());
    CHECK(read_output(log, p, 0).value().empty());
  }
  CHECK_FALSE(log.source_position("file:a"));
}

TEST_CASE("an append gives dense offsets per partition and is there after a reopen", "[event_log]") {
  const auto fixture = each();
  AppendGroup both;
  both.batches = {batch(0, 3, "a0"), batch(2, 2, "c0"), batch(0, 4, "a3")};
  const auto receipt = append(fixture->log(), std::move(both));
  REQUIRE(receipt);
  CHECK(receipt->first == std::vector<Offset>{Offset{0}, Offset{0}, Offset{3}});
  CHECK(append(fixture->log(), 0, 1, "a7").value().first == std::vector<Offset>{Offset{7}});
  const Digest128 id = fixture->log().log_id();
  for (int run = 0; run < 2; ++run) {
    CHECK(ingest_texts(fixture->log(), 0) == std::vector<std::string>{"a0", "a3", "a7"});
    CHECK(ingest_texts(fixture->log(), 2) == std::vector<std::string>{"c0"});
    CHECK(ingest_texts(fixture->log(), 1).empty());
    CHECK(fixture->log().status(PartitionId{0}).ingest_durable == Offset{8});
    CHECK(fixture->log().log_id() == id);
    fixture->reopen();
  }
  CHECK(append(fixture->log(), 0, 1, "a8").value().first == std::vector<Offset>{Offset{8}});
}

TEST_CASE("a source position becomes durable with its batches and the newest wins", "[event_log]") {
  const auto fixture = each();
  AppendGroup first;
  first.batches = {batch(0, 1, "line 1")};
  first.positions = {{"file:a", "10"}, {"file:b", "1"}};
  REQUIRE(append(fixture->log(), std::move(first)));
  AppendGroup alone;
  alone.positions = {{"file:a", "20"}};
  REQUIRE(append(fixture->log(), std::move(alone)));
  for (int run = 0; run < 2; ++run) {
    CHECK(fixture->log().source_position("file:a") == "20");
    CHECK(fixture->log().source_position("file:b") == "1");
    CHECK_FALSE(fixture->log().source_position("file:c"));
    fixture->crash();
  }
}

TEST_CASE("an empty position forgets its source, and sources are listed by the start of their names", "[event_log]") {
  const auto fixture = each();
  const auto names = [&](std::string_view prefix) {
    std::string text;
    for (const SourcePosition& found : fixture->log().source_positions(prefix))
      text += found.source + "=" + found.position + " ";
    return text;
  };
  AppendGroup first;
  first.positions = {{"file:a", "10"}, {"file:b", "1"}, {"file", "2"}, {"files", "3"}};
  REQUIRE(append(fixture->log(), std::move(first)));
  AppendGroup forgets;
  forgets.batches = {batch(0, 1, "the last line of a")};
  forgets.positions = {{"file:a", ""}, {"file:unknown", ""}};
  REQUIRE(append(fixture->log(), std::move(forgets)));
  for (int run = 0; run < 2; ++run) {
    CHECK_FALSE(fixture->log().source_position("file:a"));
    CHECK_FALSE(fixture->log().source_position("file:unknown"));
    CHECK(names("file:") == "file:b=1 ");
    CHECK(names("") == "file=2 file:b=1 files=3 ");
    CHECK(names("x").empty());
    fixture->crash();
  }
  AppendGroup again;
  again.positions = {{"file:a", "0"}};
  REQUIRE(append(fixture->log(), std::move(again)));
  CHECK(names("file:") == "file:a=0 file:b=1 ");
}

TEST_CASE("a commit over several partitions is there whole, and read back as one body", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  REQUIRE(append(log, {{batch(0, 2, "x"), batch(3, 5, "y")}, {}, Durability::durable}));
  CommitGroup two{{part(log, 0, 2, "zero"), part(log, 3, 4, "three")}};
  two.parts[0].body = {body("head"), body("tail")};
  CHECK(commit(log, std::move(two)).kind == CommitOutcome::Kind::committed);
  fixture->reopen();
  EventLog& again = fixture->log();
  CHECK(again.status(PartitionId{0}).position ==
        PartitionPosition{PartitionId{0}, Epoch{1}, CommitSequence{1}, Offset{2}});
  CHECK(again.status(PartitionId{3}).position ==
        PartitionPosition{PartitionId{3}, Epoch{1}, CommitSequence{1}, Offset{4}});
  CHECK(again.status(PartitionId{1}).position.sequence == CommitSequence{0});
  CHECK(output_texts(again, 0) == std::vector<std::string>{"head    tail"});
  const auto records = read_output(again, 3, 0);
  REQUIRE(records);
  REQUIRE(records->size() == 1);
  CHECK((*records)[0].epoch == Epoch{1});
  CHECK((*records)[0].from == Offset{0});
  CHECK((*records)[0].to == Offset{4});
  CHECK(read_output(again, 3, 1).value().empty());
  CHECK(again.output_bytes(PartitionId{0}, CommitSequence{0}) >= std::string_view("head    tail").size());
  CHECK(again.output_bytes(PartitionId{0}, CommitSequence{1}) == 0);
  CHECK(again.output_bytes(PartitionId{1}, CommitSequence{0}) == 0);
}

TEST_CASE("an old epoch is refused, with what is current", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  REQUIRE(append(log, 1, 2, "x"));
  const PartitionCommit old = part(log, 1, 2, "old owner");
  const auto fenced = fence(log, {PartitionId{1}});
  REQUIRE(fenced);
  CHECK(*fenced == std::vector<PartitionPosition>{{PartitionId{1}, Epoch{2}, CommitSequence{0}, Offset{0}}});
  const CommitOutcome outcome = commit(log, group(old));
  CHECK(outcome.kind == CommitOutcome::Kind::refused);
  CHECK(outcome.current == *fenced);
  fixture->crash();
  CHECK(fixture->log().status(PartitionId{1}).position.epoch == Epoch{2});
  CHECK(commit(fixture->log(), group(old)).kind == CommitOutcome::Kind::refused);
  CHECK(commit(fixture->log(), group(part(fixture->log(), 1, 2, "new owner"))).kind == CommitOutcome::Kind::committed);
  CHECK(output_texts(fixture->log(), 1) == std::vector<std::string>{"new owner"});
}

TEST_CASE("nobody commits before the first fence", "[event_log]") {
  const auto fixture = each();
  CHECK(commit(fixture->log(), group(part(fixture->log(), 0, 0, "x"))).kind == CommitOutcome::Kind::refused);
}

TEST_CASE("a wrong from or sequence is refused with the current ones, also for from = to", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  REQUIRE(append(log, 0, 10, "ten"));
  REQUIRE(commit(log, group(part(log, 0, 4, "first"))).kind == CommitOutcome::Kind::committed);
  const PartitionPosition now = log.status(PartitionId{0}).position;
  const bool standing = GENERATE(false, true);
  PartitionCommit wrong = part(log, 0, standing ? 0 : 3, "wrong");
  const int field = GENERATE(0, 1, 2, 3);
  if (field == 0) wrong.sequence = now.sequence;
  if (field == 1) wrong.sequence = next(next(now.sequence));
  if (field == 2) {
    wrong.from = Offset{wrong.from.value - 1};
    wrong.to = Offset{wrong.to.value - 1};
  }
  if (field == 3) {
    wrong.from = wrong.from + 1;
    wrong.to = wrong.to + 1;
  }
  const CommitOutcome outcome = commit(log, group(wrong));
  CHECK(outcome.kind == CommitOutcome::Kind::refused);
  CHECK(outcome.current == std::vector<PartitionPosition>{now});
  CHECK(log.status(PartitionId{0}).position == now);
  CHECK(output_texts(log, 0) == std::vector<std::string>{"first"});
  CHECK(commit(log, group(part(log, 0, 0, "standing"))).kind == CommitOutcome::Kind::committed);
  CHECK(log.status(PartitionId{0}).position.committed == Offset{4});
  CHECK(log.status(PartitionId{0}).position.sequence == CommitSequence{2});
}

TEST_CASE("one stale part refuses the whole group and names only the stale partition", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  CommitGroup mixed{{part(log, 0, 0, "good"), part(log, 1, 0, "stale"), part(log, 2, 0, "good")}};
  mixed.parts[1].sequence = CommitSequence{7};
  const CommitOutcome outcome = commit(log, std::move(mixed));
  CHECK(outcome.kind == CommitOutcome::Kind::refused);
  REQUIRE(outcome.current.size() == 1);
  CHECK(outcome.current[0].partition == PartitionId{1});
  for (std::uint32_t p = 0; p < 3; ++p) CHECK(output_texts(log, p).empty());
}

TEST_CASE("a commit whose reply was lost is refused when it is driven again, never doubled", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  REQUIRE(append(log, 0, 2, "x"));
  const PartitionCommit lost = part(log, 0, 2, "once");
  REQUIRE(commit(log, group(lost)).kind == CommitOutcome::Kind::committed);  // whose answer the caller never saw
  CHECK(commit(log, group(lost)).kind == CommitOutcome::Kind::refused);
  const auto read_back = fence(log, {PartitionId{0}});
  REQUIRE(read_back);
  CHECK((*read_back)[0].sequence == lost.sequence);
  CHECK((*read_back)[0].committed == lost.to);
  CHECK(commit(log, group(lost)).kind == CommitOutcome::Kind::refused);
  CHECK(output_texts(log, 0) == std::vector<std::string>{"once"});
}

TEST_CASE("a commit ahead of what is durable in ingest is refused", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  REQUIRE(append(log, 0, 3, "x"));
  CHECK(commit(log, group(part(log, 0, 4, "too far"))).kind == CommitOutcome::Kind::refused);
  CHECK(commit(log, group(part(log, 0, 3, "all"))).kind == CommitOutcome::Kind::committed);
  CHECK(output_texts(log, 0) == std::vector<std::string>{"all"});
}

TEST_CASE("reads come by demand: at least one batch, no more than asked for", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  for (int i = 0; i < 10; ++i) REQUIRE(append(log, 0, 2, std::string(1000, static_cast<char>('a' + i))));
  CHECK(read_ingest(log, 0, 0, 1).value().size() == 1);
  CHECK(read_ingest(log, 0, 0, 1000).value().size() == 1);
  CHECK(read_ingest(log, 0, 0, 1001).value().size() == 2);
  const auto inside = read_ingest(log, 0, 5, 1).value();
  REQUIRE(inside.size() == 1);
  CHECK(inside[0].first == Offset{4});
  CHECK(inside[0].count == 2);
  CHECK(inside[0].bytes.view() == std::string(1000, 'c'));
  CHECK(read_ingest(log, 0, 0, 1 << 20).value().size() == 10);
  CHECK(read_ingest(log, 0, 20, 1 << 20).value().empty());
  CHECK(read_ingest(log, 0, 2000, 1 << 20).value().empty());
  for (int i = 0; i < 5; ++i)
    REQUIRE(commit(log, group(part(log, 0, 1, std::string(800, 'x')))).kind == CommitOutcome::Kind::committed);
  CHECK(read_output(log, 0, 0, 1).value().size() == 1);
  CHECK(read_output(log, 0, 0, 801).value().size() == 2);
  CHECK(read_output(log, 0, 3, 1 << 20).value().size() == 2);
  CHECK(read_ingest(log, kPartitions, 0).error().code == Errc::invalid_argument);
  CHECK(read_output(log, kPartitions, 0).error().code == Errc::invalid_argument);
}

TEST_CASE("what was trimmed is below the horizon, what was not stays", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  for (int i = 0; i < 4; ++i) {
    REQUIRE(append(log, 0, 10, "batch " + std::to_string(i)));
    REQUIRE(commit(log, group(part(log, 0, 10, "commit " + std::to_string(i)))).kind == CommitOutcome::Kind::committed);
  }
  log.trim({{PartitionId{0}, Offset{25}, CommitSequence{2}}});
  // The trim is decided before what comes after it.
  REQUIRE(append(log, 1, 1, "later"));
  REQUIRE(commit(log, group(part(log, 1, 1, "later"))).kind == CommitOutcome::Kind::committed);
  REQUIRE(fence(log, {PartitionId{1}}));
  REQUIRE(append(log, 1, 1, "later"));
  for (int run = 0; run < 2; ++run) {
    EventLog& now = fixture->log();
    CHECK(now.status(PartitionId{0}).ingest_begin == Offset{25});
    CHECK(now.status(PartitionId{0}).output_begin == CommitSequence{2});
    CHECK(read_ingest(now, 0, 24).error().code == Errc::below_horizon);
    CHECK(read_output(now, 0, 1).error().code == Errc::below_horizon);
    CHECK(ingest_texts(now, 0, 25) == std::vector<std::string>{"batch 2", "batch 3"});
    CHECK(output_texts(now, 0, 2) == std::vector<std::string>{"commit 2", "commit 3"});
    CHECK(now.status(PartitionId{0}).ingest_durable == Offset{40});
    fixture->crash();
  }
}

TEST_CASE("completions come in order, exactly once, never on the caller's stack", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  constexpr int kCount = 200;
  Completions appends;
  for (int i = 0; i < kCount; ++i) {
    appends.entering();
    const auto durability = i % 3 == 0 ? Durability::buffered : Durability::durable;
    AppendGroup one{
        {batch(static_cast<std::uint32_t>(i) % kPartitions, 1, "event " + std::to_string(i))}, {}, durability};
    REQUIRE(log.append(std::move(one), appends.append_done(i)));
    appends.leaving();
  }
  REQUIRE(appends.wait(kCount));
  Completions commits;
  const Epoch epoch = log.status(PartitionId{0}).position.epoch;
  for (int i = 0; i < kCount; ++i) {
    commits.entering();
    // Every third one is stale; the others build on each other without waiting.
    const bool stale = i % 3 == 2;
    const auto number = static_cast<std::uint64_t>(i - i / 3 + 1);
    log.commit(
        group({PartitionId{0}, epoch, CommitSequence{stale ? 1'000'000 : number}, Offset{0}, Offset{0}, {body("c")}}),
        commits.commit_done(i));
    commits.leaving();
  }
  REQUIRE(commits.wait(kCount));
  log.close();
  std::vector<int> expected;
  for (int i = 0; i < kCount; ++i) expected.push_back(i);
  CHECK(appends.labels() == expected);
  CHECK(commits.labels() == expected);
  CHECK_FALSE(appends.on_stack_of_caller());
  CHECK_FALSE(commits.on_stack_of_caller());
  for (const auto& result : appends.results()) CHECK(result.has_value());
  const auto outcomes = commits.outcomes();
  for (int i = 0; i < kCount; ++i) {
    CHECK(outcomes[static_cast<std::size_t>(i)].kind ==
          (i % 3 == 2 ? CommitOutcome::Kind::refused : CommitOutcome::Kind::committed));
  }
}

TEST_CASE("a closed log refuses appends and answers commits, fences and reads", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  REQUIRE(append(log, 0, 1, "x"));
  log.close();
  log.close();
  CHECK(append(log, 0, 1, "y").error().code == Errc::log_closed);
  const CommitOutcome outcome = commit(log, group(part(log, 0, 1, "y")));
  CHECK(outcome.kind == CommitOutcome::Kind::failed);
  CHECK(outcome.error.code == Errc::log_closed);
  CHECK(fence(log, {PartitionId{0}}).error().code == Errc::log_closed);
  CHECK(ingest_texts(log, 0) == std::vector<std::string>{"x"});
}

TEST_CASE("requests outside the documented limits are refused and change nothing", "[event_log]") {
  const auto fixture = owned();
  EventLog& log = fixture->log();
  CHECK(append(log, {}).error().code == Errc::invalid_argument);
  CHECK(append(log, kPartitions, 1, "x").error().code == Errc::invalid_argument);
  CHECK(append(log, 0, 0, "x").error().code == Errc::invalid_argument);
  CHECK(append(log, 0, 65'536, "x").error().code == Errc::invalid_argument);
  CHECK(append(log, {{}, {{std::string(1025, 's'), "p"}}, Durability::durable}).error().code == Errc::invalid_argument);
  CHECK(append(log, {{}, {{"s", std::string(4097, 'p')}}, Durability::durable}).error().code == Errc::invalid_argument);
  CHECK(append(log, 0, 1, std::string(fixture->outstanding_bytes_max() + 1, 'x')).error().code ==
        Errc::invalid_argument);
  const auto refused = [&](CommitGroup bad) {
    const CommitOutcome outcome = commit(log, std::move(bad));
    return outcome.kind == CommitOutcome::Kind::failed && outcome.error.code == Errc::invalid_argument;
  };
  CHECK(refused({}));
  CHECK(refused({{part(log, 0, 0, "a"), part(log, 0, 0, "b")}}));
  PartitionCommit bad = part(log, 0, 0, "a");
  bad.partition = PartitionId{kPartitions};
  CHECK(refused(group(bad)));
  bad = part(log, 0, 0, "a");
  bad.body = {SharedBytes::copy_of("seven..")};
  CHECK(refused(group(bad)));
  bad = part(log, 0, 2, "a");
  std::swap(bad.from, bad.to);
  CHECK(refused(group(bad)));
  CHECK(fence(log, {PartitionId{kPartitions}}).error().code == Errc::invalid_argument);
  CHECK(log.status(PartitionId{0}).ingest_reserved == Offset{0});
  CHECK(log.status(PartitionId{0}).position.sequence == CommitSequence{0});
}

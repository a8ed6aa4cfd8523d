// What the log does when the disk is full, when an append is given up, and when a reply is lost.
#include <future>
#include <thread>

#include "tests/contract/event_log/log_fixture.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;

namespace {

std::unique_ptr<LogFixture> faulty() {
  const std::string name = GENERATE(from_range(std::begin(kFaultyFixtures), std::end(kFaultyFixtures)));
  INFO(name);
  auto fixture = make_fixture(name);
  REQUIRE(fence(fixture->log(), all_partitions(fixture->log())));
  return fixture;
}

std::string large(int i) {
  return std::string(100'000, static_cast<char>('a' + i % 26));
}

/// Appends until one is accepted again; at most a minute.
Result<AppendReceipt> append_when_possible(EventLog& log, std::uint32_t partition, const std::string& text) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (;;) {
    auto receipt = append(log, partition, 1, text);
    const bool wait = !receipt && receipt.error().code == Errc::disk_full && std::chrono::steady_clock::now() < end;
    if (!wait) return receipt;
    std::this_thread::yield();
  }
}

}  // namespace

TEST_CASE("a full disk refuses appends, loses nothing acknowledged, and work goes on when space returns",
          "[event_log]") {
  const auto fixture = faulty();
  EventLog& log = fixture->log();
  REQUIRE(append(log, 0, 1, "before"));
  fixture->set_disk_full(true);
  std::vector<std::string> kept{"before"};
  Errc refused{};
  for (int i = 0; i < 100 && refused == Errc{}; ++i) {
    const auto receipt = append(log, 0, 1, large(i));
    if (receipt) kept.push_back(large(i));
    if (!receipt) refused = receipt.error().code;
  }
  CHECK(refused == Errc::disk_full);
  CHECK(log.status(PartitionId{0}).ingest_reserved == log.status(PartitionId{0}).ingest_durable);
  // A commit may still fit into what is there; if not, it says so and nothing of it is written.
  const CommitOutcome outcome = commit(log, {{part(log, 0, 1, "frees work")}});
  const bool committed = outcome.kind == CommitOutcome::Kind::committed;
  CHECK((committed || (outcome.kind == CommitOutcome::Kind::failed && outcome.error.code == Errc::disk_full)));
  CHECK(log.status(PartitionId{0}).position.sequence == CommitSequence{committed ? 1u : 0u});
  CHECK(ingest_texts(log, 0) == kept);
  fixture->set_disk_full(false);
  REQUIRE(append_when_possible(log, 0, "after"));
  kept.push_back("after");
  REQUIRE(commit(log, {{part(log, 0, 1, "goes on")}}).kind == CommitOutcome::Kind::committed);
  fixture->crash();
  CHECK(ingest_texts(fixture->log(), 0) == kept);
}

TEST_CASE("an append that is given up takes everything reserved behind it along, and its offsets are given anew",
          "[event_log]") {
  // Method: the completion of an append holds the log's thread until two more are reserved; the first of them cannot be
  // written.
  const auto fixture = faulty();
  EventLog& log = fixture->log();
  std::promise<void> inside;
  std::promise<void> reserved;
  auto held = reserved.get_future().share();
  Completions done;
  REQUIRE(log.append({{batch(0, 5, "durable")}, {}, Durability::durable}, [&, held](Result<void> result) {
    inside.set_value();
    held.wait();
    done.append_done(0)(std::move(result));
  }));
  inside.get_future().wait();
  fixture->fail_large_appends();
  const std::string too_large(900'000, 'x');
  const auto first = log.append(
      {{batch(0, 7, too_large), batch(1, 2, "beside")}, {{"file:a", "1"}}, Durability::durable}, done.append_done(1));
  const auto second =
      log.append({{batch(0, 3, "behind")}, {{"file:a", "2"}}, Durability::durable}, done.append_done(2));
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->first == std::vector<Offset>{Offset{5}, Offset{0}});
  CHECK(second->first == std::vector<Offset>{Offset{12}});
  CHECK(log.status(PartitionId{0}).ingest_reserved == Offset{15});
  reserved.set_value();
  REQUIRE(done.wait(3));
  CHECK(done.labels() == std::vector<int>{0, 1, 2});
  const auto results = done.results();
  CHECK(results[0]);
  REQUIRE_FALSE(results[1]);
  REQUIRE_FALSE(results[2]);
  CHECK(results[1].error().code == results[2].error().code);
  CHECK(log.status(PartitionId{0}).ingest_reserved == Offset{5});
  fixture->set_disk_full(false);
  CHECK(append_when_possible(log, 0, "anew").value().first == std::vector<Offset>{Offset{5}});
  for (int run = 0; run < 2; ++run) {
    CHECK(ingest_texts(fixture->log(), 0) == std::vector<std::string>{"durable", "anew"});
    CHECK(ingest_texts(fixture->log(), 1).empty());
    CHECK_FALSE(fixture->log().source_position("file:a"));
    fixture->crash();
  }
}

TEST_CASE("the memory log's lost replies are unknown, and a fence tells whether they were applied", "[event_log]") {
  const bool applied = GENERATE(false, true);
  SeededRng rng(7);
  const auto disk = std::make_shared<MemoryDisk>(1, rng);
  const auto log = open_memory_log(disk);
  REQUIRE(fence(*log, {PartitionId{0}}));
  log->faults().lose_next_commit_reply(applied);
  const PartitionCommit lost = part(*log, 0, 0, "once");
  CHECK(commit(*log, {{lost}}).kind == CommitOutcome::Kind::unknown);
  const auto now = fence(*log, {PartitionId{0}});
  REQUIRE(now);
  CHECK((*now)[0].sequence == CommitSequence{applied ? 1u : 0u});
  CHECK(commit(*log, {{lost}}).kind == CommitOutcome::Kind::refused);
  if (!applied) REQUIRE(commit(*log, {{part(*log, 0, 0, "once")}}).kind == CommitOutcome::Kind::committed);
  CHECK(output_texts(*log, 0) == std::vector<std::string>{"once"});
}

TEST_CASE("the memory log gives up the append it was told to fail, and the next one gets its offsets", "[event_log]") {
  SeededRng rng(8);
  const auto log = open_memory_log(std::make_shared<MemoryDisk>(1, rng));
  REQUIRE(append(*log, 0, 2, "a"));
  log->faults().fail_next_append();
  CHECK(append(*log, 0, 2, "b").error().code == Errc::io_failed);
  CHECK(append(*log, 0, 2, "c").value().first == std::vector<Offset>{Offset{2}});
  CHECK(ingest_texts(*log, 0) == std::vector<std::string>{"a", "c"});
}

TEST_CASE("a held memory log answers nothing, and log_busy bounds what piles up", "[event_log]") {
  SeededRng rng(9);
  const auto log = open_memory_log(std::make_shared<MemoryDisk>(1, rng), {}, {.outstanding_bytes_max = 250'000});
  log->faults().set_held(true);
  Completions done;
  REQUIRE(log->append({{batch(0, 1, large(0))}, {}, Durability::durable}, done.append_done(0)));
  REQUIRE(log->append({{batch(0, 1, large(1))}, {}, Durability::durable}, done.append_done(1)));
  const auto third = log->append({{batch(0, 1, large(2))}, {}, Durability::durable}, done.append_done(2));
  CHECK(third.error().code == Errc::log_busy);
  CHECK(log->status(PartitionId{0}).ingest_reserved == Offset{2});
  CHECK(log->status(PartitionId{0}).ingest_durable == Offset{0});
  CHECK(done.labels().empty());
  log->faults().set_held(false);
  REQUIRE(done.wait(2));
  REQUIRE(append(*log, 0, 1, large(2)));
}

TEST_CASE("the memory log keeps its order whichever task the executor picks next", "[event_log]") {
  const std::uint64_t seed = GENERATE(range(1, 30));
  INFO("seed " << seed);
  SeededRng rng(seed);
  const auto disk = std::make_shared<MemoryDisk>(kPartitions, rng);
  std::vector<std::function<void()>> tasks;
  const auto log = open_memory_log(disk, [&](std::function<void()> task) { tasks.push_back(std::move(task)); });
  Completions appends;
  Completions commits;
  std::size_t fenced = 0;
  log->fence(all_partitions(*log), [&](Result<std::vector<PartitionPosition>> result) { fenced += result ? 1 : 0; });
  int asked = 0;
  for (int step = 0; step < 400 || !tasks.empty(); ++step) {
    if (step < 400 && rng.below(3) == 0) {
      REQUIRE(
          log->append({{batch(static_cast<std::uint32_t>(rng.below(kPartitions)), 1, "x")}, {}, Durability::durable},
                      appends.append_done(asked)));
      log->commit({{{PartitionId{1},
                     Epoch{1},
                     CommitSequence{static_cast<std::uint64_t>(asked) + 1},
                     Offset{0},
                     Offset{0},
                     {}}}},
                  commits.commit_done(asked));
      ++asked;
    }
    if (tasks.empty()) continue;
    std::swap(tasks[rng.below(tasks.size())], tasks.back());
    const auto task = std::move(tasks.back());
    tasks.pop_back();
    task();
  }
  std::vector<int> expected;
  for (int i = 0; i < asked; ++i) expected.push_back(i);
  CHECK(fenced == 1);
  CHECK(appends.labels() == expected);
  CHECK(commits.labels() == expected);
  for (const CommitOutcome& outcome : commits.outcomes()) CHECK(outcome.kind == CommitOutcome::Kind::committed);
}

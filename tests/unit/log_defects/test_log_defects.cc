// Each deliberate defect of a log breaks the promise it is named after, where the same steps without it keep the
// promise.
#include <future>

#include "runtime/base/fail_point.h"
#include "tests/unit/embedded_log/machine.h"

using namespace weir;
using namespace weir::test;

namespace {

/// Switched on for one scope.
class Defect {
 public:
  explicit Defect(const char* name) { faults::set_defect(name); }
  ~Defect() { faults::set_defect(""); }
  Defect(const Defect&) = delete;
  Defect& operator=(const Defect&) = delete;
};

CommitOutcome::Kind commit_from_a_wrong_place(EventLog& log) {
  REQUIRE(fence(log, all_partitions(log)));
  REQUIRE(append(log, 0, 5, "five"));
  REQUIRE(commit(log, {{part(log, 0, 3, "to 3")}}).kind == CommitOutcome::Kind::committed);
  PartitionCommit wrong = part(log, 0, 0, "from 2");
  wrong.from = Offset{2};
  wrong.to = Offset{4};
  return commit(log, {{wrong}}).kind;
}

}  // namespace

TEST_CASE("from_not_checked lets a commit in that is not current", "[defects]") {
  const bool on = GENERATE(false, true);
  const Defect defect(on ? "from_not_checked" : "");
  const auto expected = on ? CommitOutcome::Kind::committed : CommitOutcome::Kind::refused;
  Machine machine;
  CHECK(commit_from_a_wrong_place(machine.open()) == expected);
  CHECK(commit_from_a_wrong_place(make_fixture("memory")->log()) == expected);
}

TEST_CASE("ack_before_sync loses what it acknowledged", "[defects]") {
  const bool on = GENERATE(false, true);
  const Defect defect(on ? "ack_before_sync" : "");
  Machine machine;
  EmbeddedLog& log = machine.owned();
  const auto acknowledged = std::make_shared<std::promise<bool>>();
  REQUIRE(log.append({{batch(0, 1, "acknowledged")}, {}, Durability::durable},
                     [acknowledged](Result<void> done) { acknowledged->set_value(done.has_value()); }));
  REQUIRE(log.append({{batch(1, 1, "behind it")}, {}, Durability::durable}, [](Result<void>) {}));
  REQUIRE(acknowledged->get_future().get());
  SECTION("alone it is gone") {
    machine.crash(Survival::all);
    CHECK(ingest_texts(machine.open(), 0).size() == (on ? 0u : 1u));
  }
  SECTION("with a commit on it the next open finds the contradiction") {
    REQUIRE(commit(log, {{part(log, 0, 1, "committed")}}).kind == CommitOutcome::Kind::committed);
    machine.crash(Survival::all);
    const auto opened = machine.try_open();
    CHECK(opened.has_value() == !on);
    if (!opened) CHECK(opened.error().code == Errc::log_damaged);
  }
}

TEST_CASE("stale_frame_accepted brings back what a cut made void", "[defects]") {
  const bool on = GENERATE(false, true);
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(log, 0, 1, "before"));
  machine.crash(Survival::all);
  machine.open();
  // A frame that was in flight: written behind the end, never acknowledged, and cut.
  REQUIRE(append(*machine.log, 0, 1, "first"));
  const std::string path = machine.files("ingest/segment-").back();
  const std::string before = machine.disk.content(path);
  REQUIRE(append(*machine.log, 0, 1, "cut"));
  machine.crash(Survival::nothing);
  const std::string with_cut = machine.disk.content(path);
  machine.disk.set_content(path, before);
  REQUIRE(append(machine.open(), 0, 1, "instead"));
  machine.crash(Survival::nothing);
  machine.disk.set_content(path, with_cut);
  for (const std::string& index : machine.files("/index")) machine.disk.remove(index);
  const Defect defect(on ? "stale_frame_accepted" : "");
  const auto opened = machine.try_open();
  const std::vector<std::string> truth{"before", "first", "instead"};
  const bool kept = opened && ingest_texts(**opened, 0) == truth;
  CHECK(kept == !on);
}

TEST_CASE("the memory log loses what it acknowledged too early, too", "[defects]") {
  const bool on = GENERATE(false, true);
  const Defect defect(on ? "ack_before_sync" : "");
  SeededRng rng(1);
  const auto disk = std::make_shared<MemoryDisk>(1, rng);
  std::vector<std::function<void()>> tasks;
  const auto later = [&](std::function<void()> task) { tasks.push_back(std::move(task)); };
  const auto run = [&](std::size_t i) {
    const std::function<void()> task = tasks[i];  // a task may add tasks
    task();
  };
  std::size_t acknowledged = 0;
  {
    const auto log = open_memory_log(disk, later);
    REQUIRE(log->append({{batch(0, 1, "x")}, {}, Durability::durable},
                        [&](Result<void> done) { acknowledged += done ? 1 : 0; }));
    run(0);  // the write; with the defect it is answered before the sync
    if (on) run(1);
    log->faults().crash(false);
  }
  CHECK(acknowledged == (on ? 1 : 0));
  CHECK(open_memory_log(disk, later)->status(PartitionId{0}).ingest_durable == Offset{0});
}

TEST_CASE("the memory log brings back what a cut made void, too", "[defects]") {
  const bool on = GENERATE(false, true);
  SeededRng rng(1);
  const auto disk = std::make_shared<MemoryDisk>(1, rng);
  std::vector<std::function<void()>> tasks;
  {
    const auto log = open_memory_log(disk, [&](std::function<void()> task) { tasks.push_back(std::move(task)); });
    REQUIRE(log->append({{batch(0, 1, "cut")}, {}, Durability::durable}, [](Result<void>) {}));
    const std::function<void()> write = tasks[0];
    write();
    log->faults().crash(false);
  }
  REQUIRE(append(*open_memory_log(disk), 0, 1, "instead"));
  const Defect defect(on ? "stale_frame_accepted" : "");
  const auto log = open_memory_log(disk);
  CHECK((ingest_texts(*log, 0) == std::vector<std::string>{"instead"}) == !on);
}

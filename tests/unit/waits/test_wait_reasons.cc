// What a partition or an event waits for: every state names its reason, the one to look at first.
#include <set>

#include "cluster/api/wait_json.h"
#include "cluster/node/event_facts.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/engine/parked_state.h"
#include "runtime/engine/view_key.h"
#include "runtime/engine/view_value.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

constexpr std::int64_t kNow = 1'704'067'200'000'000;  // 2024-01-01T00:00:00Z
constexpr std::int64_t kSecond = 1'000'000;

/// Partition 3 at work, with nothing to do.
PartitionFacts calm() {
  PartitionFacts facts;
  facts.now = kNow;
  facts.report.partition = 3;
  facts.report.state = "running";
  facts.report.accepted = facts.reserved = facts.report.committed = 100;
  facts.report.sequence = 7;
  facts.committed_at = kNow - kSecond / 2;
  ActorLine itself;
  itself.actor = "pipeline/partition/3";
  itself.state = "running";
  ActorLine stage = itself;
  stage.actor = "pipeline/partition/3/validate";
  facts.actors = {itself, stage};
  facts.lookups = {{"country", 0, 0}};
  return facts;
}

std::vector<std::string> words(const std::vector<Wait>& waits) {
  std::vector<std::string> found;
  for (const Wait& wait : waits) found.push_back(wait.on);
  return found;
}
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a partition that has decided everything waits for nothing", "[waits]") {
  CHECK(partition_waits(calm()).empty());
  PartitionFacts facts = calm();
  facts.lookups[0].breakers_open = 1;  // nobody here wants to ask
  CHECK(partition_waits(facts).empty());
}

TEST_CASE("who waits for the answers of a plugin's stage learns which, and how many do", "[waits]") {
  PartitionFacts facts = calm();
  facts.pending = {{"score", 3, 0}, {"model", 64, 20}, {"idle", 0, 0}};
  CHECK(partition_waits(facts).empty());
  facts.report.accepted += 1;
  const auto waits = partition_waits(facts);
  REQUIRE(words(waits) == Words{"lookup", "lookup", "turn"});
  CHECK(waits[0].text == "stage score waits for its answers: 3 events of all partitions");
  CHECK(waits[1].text == "stage model waits for its answers: 64 events of all partitions, and 20 events for a place among its pending_max");
}

TEST_CASE("a partition that is not at work says only why", "[waits]") {
  PartitionFacts facts = calm();
  facts.report.accepted = 130;
  facts.report.state = "quarantined";
  facts.report.error = "log_damaged: ingest frame 12";
  auto waits = partition_waits(facts);
  REQUIRE(words(waits) == Words{"release"});
  CHECK(waits[0].text.ends_with("It died of: log_damaged: ingest frame 12"));
  CHECK(waits[0].remedy.ends_with("weir partition release 3"));
  facts.report.state = "opening";
  CHECK(words(partition_waits(facts)) == Words{"replay"});
  facts.actors[0].state = "backing_off";
  facts.actors[0].last_error = "internal: out of luck";
  facts.actors[0].died_at = kNow - 5;
  waits = partition_waits(facts);
  REQUIRE(words(waits) == Words{"restart"});
  CHECK(waits[0].text.ends_with("internal: out of luck"));
  CHECK(waits[0].since == kNow - 5);
  facts.report.state = "stopped";
  waits = partition_waits(facts);
  REQUIRE(words(waits) == Words{"start"});
  CHECK(waits[0].text == "no node runs on these data: 30 events accepted and not decided, 0 parked");
}

TEST_CASE("a stopped partition with nothing to decide waits for nobody to start it", "[waits]") {
  PartitionFacts facts = calm();
  facts.report.state = "stopped";
  CHECK(partition_waits(facts).empty());
  facts.parked = 1;
  CHECK(words(partition_waits(facts)) == Words{"start"});
}

TEST_CASE("everything that stands in the way of a partition is named, the cause before the queue", "[waits]") {
  PartitionFacts facts = calm();
  facts.report.accepted = 130;
  facts.reserved = 140;
  facts.in_flight = 20;
  CHECK(words(partition_waits(facts)) == Words{"sync", "turn"});
  facts.commit_out_since = kNow - kSecond + 1;
  CHECK(words(partition_waits(facts)) == Words{"sync", "turn"});  // not yet worth a word
  facts.commit_out_since = kNow - 3 * kSecond;
  facts.flush_waits = true;
  facts.parked = 5;
  facts.held_keys = 2;
  facts.next_due = kNow + 10 * kSecond;
  facts.parked_full = true;
  facts.lookups[0].breakers_open = 1;
  facts.actors[1].state = "backing_off";
  facts.actors[1].restarts = 2;
  facts.actors[1].last_error = "stage_failed: no";
  facts.actors[0].note = "waits: disk_full: no space";
  facts.pressure = Pressure::full;
  facts.pressure_why = "limits.disk_max";
  const auto waits = partition_waits(facts);
  CHECK(words(waits) == Words{"parked_full", "log", "stage", "lookup", "log", "store", "sync", "limits", "turn", "retry"});
  CHECK(waits[2].text == "its validate died 3 times, the last time of: stage_failed: no");
  CHECK(waits[4].text == "the log has not answered commit 8 for 3.0 s");
  CHECK(waits[8].text == "30 events accepted and not decided, 20 of them in work; the last commit was 0.5 s ago");
  CHECK(waits[9].until == facts.next_due);
  const std::set<std::string> all(wait_words().begin(), wait_words().end());
  for (const Wait& wait : waits) CHECK(all.contains(wait.on));
}

TEST_CASE("an event says what itself waits for, then what is in the way of its partition", "[waits]") {
  PartitionFacts facts = calm();
  EventFacts event;
  event.outcome = "served";
  CHECK(event_waits("e", event, facts).empty());

  event.outcome = "in_flight";
  event.offset = 140;
  event.accepted_at = kNow - 2 * kSecond;
  facts.report.accepted = 150;
  facts.flush_waits = true;
  auto waits = event_waits("e", event, facts);
  REQUIRE(words(waits) == Words{"turn", "store"});
  CHECK(waits[0].text == "it was accepted 2.0 s ago and is not decided yet; 40 events of its partition stand in front of it");
  CHECK(waits[1].text.starts_with("its partition, 3: the store has no space"));

  event.outcome = "retrying";
  event.attempts = 1;
  event.due_at = kNow + 90 * kSecond;
  event.stage = "enrich";
  event.reason = "timeout";
  facts = calm();
  waits = event_waits("e", event, facts);
  REQUIRE(words(waits) == Words{"retry_due"});
  CHECK(waits[0].text == "it is parked after 1 attempt, the last refused by stage enrich, reason timeout; the next is due in 90.0 s, at 2024-01-01T00:01:30Z");
  CHECK(waits[0].until == event.due_at);

  event.held = true;
  event.behind = "d";
  waits = event_waits("e", event, facts);
  REQUIRE(words(waits) == Words{"held"});
  CHECK(waits[0].remedy == "weir why-stuck d");

  event.outcome = "dead_lettered";
  event.decided_at = kNow;
  waits = event_waits("e", event, facts);
  REQUIRE(words(waits) == Words{"decided"});
  CHECK(waits[0].remedy.find("weir dlq redrive e") != std::string::npos);
  CHECK(event_waits_json("e", event, facts).find(R"("waits":[{"on":"decided",)") != std::string::npos);
}

TEST_CASE("a held event names the first parked one of its id or ordering key", "[waits]") {
  const ViewMerger merger;
  MemoryState store(std::make_shared<MemoryStateDisk>(), merger, [](const std::function<void()>& job) { job(); });
  std::vector<std::pair<std::string, std::string>> stored;
  const auto park = [&](std::uint64_t offset, const std::string& id, const std::string& key) {
    ParkedEvent event;
    event.offset = Offset{offset};
    event.id = id;
    event.key = key;
    event.held = offset != 1;
    stored.emplace_back(parked_key(event.offset), encode_parked(event));
  };
  park(1, "a", "k1");
  park(2, "b", "");
  park(3, "c", "k1");
  park(4, "b", "k2");
  park(5, "d", "k3");
  std::sort(stored.begin(), stored.end());
  store.flush({[&] {
                 std::vector<StateEntry> entries;
                 for (const auto& [key, value] : stored) entries.push_back({key, value});
                 return entries;
               },
               "at"},
              [](Result<void> done) { REQUIRE(done); });
  const auto picture = store.snapshot().value();
  const auto behind = [&](std::uint64_t offset) {
    Biography life;
    Attempt& attempt = life.attempts.emplace_back();
    attempt.offset = Offset{offset};
    attempt.outcome = "retrying";
    attempt.parked.push_back({kNow, CommitSequence{1}, true, 0, 0, {}, {}, {}});
    // A copy of it that came later is a repeat and waits for nothing.
    life.attempts.emplace_back().outcome = "duplicate";
    const auto facts = event_facts_of(life, picture.get());
    REQUIRE(facts);
    REQUIRE(facts->has_value());
    return (*facts)->behind.value_or("");
  };
  CHECK(behind(3) == "a");
  CHECK(behind(4) == "b");
  CHECK(behind(5).empty());
  CHECK(behind(9).empty());  // decided meanwhile
}

// The parked events of a partition against the plainest model, and the order of keys.
#include <fmt/format.h>

#include <map>
#include <random>
#include <set>

#include "runtime/engine/retry_set.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

struct Parked {
  std::string key;
  std::int64_t due_at = 0;
  bool held = false;
  std::uint32_t attempts = 0;
};

void park(OutcomeBatchBuilder& out, const Parked& event) {
  LetterView letter;
  letter.original = "bytes of " + event.key;
  const std::string original = "bytes of " + event.key;
  letter.original = original;
  letter.stage = event.held ? "" : "lookup";
  letter.reason = event.held ? "" : "timeout";
  letter.details = R"(["503"])";
  letter.door = "http";
  letter.attempts = event.attempts;
  out.park(letter, {1, event.due_at, event.key, event.held});
}

CommitBody body_of(OutcomeBatchBuilder& out) {
  CommitBody body;
  body.batches.push_back(out.finish());
  return body;
}

CommitBody fresh(std::uint64_t offset, const std::string& id, const Parked& event) {
  OutcomeBatchBuilder out{Offset{offset}};
  out.add({id, {offset, 1}, 5}, Outcome::retrying);
  park(out, event);
  return body_of(out);
}

CommitBody again(std::uint64_t offset, const std::string& id, Outcome outcome, const Parked& event = {}) {
  OutcomeBatchBuilder out{Offset{0}};
  out.next_is(Offset{offset});
  out.add({id, {offset, 1}, 5}, outcome);
  if (outcome == Outcome::retrying) park(out, event);
  return body_of(out);
}

std::vector<std::uint64_t> due(const RetrySet& set, std::int64_t now, std::size_t count = 100) {
  std::vector<std::uint64_t> offsets;
  for (const Offset offset : set.due(now, count)) offsets.push_back(offset.value);
  return offsets;
}

}  // namespace

TEST_CASE("only the first event of a key is due, and the next one as soon as that is decided", "[retry]") {
  RetrySet set;
  CHECK_FALSE(set.next_due());
  REQUIRE(set.apply(fresh(1, "a", {"k", 100, false, 1})));
  REQUIRE(set.apply(fresh(2, "b", {"k", 50, true, 0})));
  REQUIRE(set.apply(fresh(3, "c", {"other", 200, false, 1})));
  CHECK(set.next_due() == 100);
  CHECK(due(set, 99).empty());
  CHECK(due(set, 100) == std::vector<std::uint64_t>{1});
  CHECK(due(set, 1'000) == std::vector<std::uint64_t>{1, 3});
  CHECK(due(set, 1'000, 1) == std::vector<std::uint64_t>{1});
  // In vain once more: still in front of its key.
  REQUIRE(set.apply(again(1, "a", Outcome::retrying, {"k", 300, false, 2})));
  CHECK(set.find(Offset{1})->attempts == 2);
  CHECK(due(set, 299) == std::vector<std::uint64_t>{3});
  REQUIRE(set.apply(again(1, "a", Outcome::served)));
  CHECK(set.find(Offset{1}) == nullptr);
  CHECK(due(set, 0) == std::vector<std::uint64_t>{2});
  CHECK(set.holds_key("k"));
  REQUIRE(set.apply(again(2, "b", Outcome::filtered)));
  CHECK_FALSE(set.holds_key("k"));
  CHECK_FALSE(set.holds_id("b"));
  CHECK(set.size() == 1);
}

TEST_CASE("an event waits for those of its id as well as for those of its key", "[retry]") {
  RetrySet set;
  REQUIRE(set.apply(fresh(1, "a", {"red", 100, false, 1})));
  REQUIRE(set.apply(fresh(2, "b", {"blue", 100, false, 1})));
  REQUIRE(set.apply(fresh(3, "a", {"blue", 0, true, 0})));  // behind both
  REQUIRE(set.apply(fresh(4, "c", {"", 50, false, 1})));    // behind nobody
  REQUIRE(set.apply(fresh(5, "a", {"", 0, true, 0})));      // its key is not known yet
  CHECK(due(set, 1'000) == std::vector<std::uint64_t>{4, 1, 2});
  REQUIRE(set.apply(again(1, "a", Outcome::served)));
  CHECK(due(set, 1'000) == std::vector<std::uint64_t>{4, 2});
  REQUIRE(set.apply(again(2, "b", Outcome::served)));
  CHECK(due(set, 1'000) == std::vector<std::uint64_t>{3, 4});
  REQUIRE(set.apply(again(3, "a", Outcome::filtered)));
  CHECK(due(set, 1'000) == std::vector<std::uint64_t>{5, 4});
  // In its old place again, in front of who came meanwhile.
  REQUIRE(set.apply(again(5, "a", Outcome::retrying, {"blue", 500, false, 1})));
  REQUIRE(set.apply(fresh(6, "d", {"blue", 0, true, 0})));
  CHECK(due(set, 499) == std::vector<std::uint64_t>{4});
  CHECK(set.next_due() == 50);
}

TEST_CASE("of an id the last parked event is found", "[retry]") {
  RetrySet set;
  REQUIRE(set.apply(fresh(1, "a", {"a", 100, false, 1})));
  REQUIRE(set.apply(fresh(2, "a", {"a", 100, true, 0})));
  REQUIRE(set.last("a") != nullptr);
  CHECK(set.last("a")->offset == Offset{2});
  CHECK(set.last("b") == nullptr);
  REQUIRE(set.apply(again(2, "a", Outcome::served)));
  CHECK(set.last("a")->offset == Offset{1});
}

TEST_CASE("commits that contradict the set are damage", "[retry]") {
  RetrySet set;
  REQUIRE(set.apply(fresh(1, "a", {"a", 100, false, 1})));
  CHECK(set.apply(fresh(1, "a", {"a", 100, false, 1})).error().code == Errc::log_damaged);
  CHECK(set.apply(again(2, "b", Outcome::retrying, {"b", 1, false, 1})).error().code == Errc::log_damaged);
  CHECK(set.add(*set.find(Offset{1})).error().code == Errc::state_damaged);
}

TEST_CASE("the set is what a plain model says, and the same when it is made again from its events", "[retry]") {
  constexpr std::uint64_t kSeed = 20'261'127;
  for (std::uint64_t round = 0; round < 20; ++round) {
    INFO("seed " << kSeed + round);
    std::mt19937_64 random(kSeed + round);
    RetrySet set;
    std::map<std::uint64_t, Parked> model;
    std::map<std::uint64_t, std::string> ids;
    std::int64_t now = 0;
    for (std::uint64_t step = 0; step < 600; ++step) {
      now += static_cast<std::int64_t>(random() % 20);
      const std::string key = random() % 4 == 0 ? "" : "k" + std::to_string(random() % 8);
      const std::string id = "id" + std::to_string(random() % 40);
      const bool first = std::none_of(model.begin(), model.end(), [&](const auto& known) {
        return (!key.empty() && known.second.key == key) || ids[known.first] == id;
      });
      const auto ready = set.due(now, 1);
      if (random() % 2 == 0 || ready.empty()) {
        const Parked event{key, now + static_cast<std::int64_t>(random() % 100), !first, first ? 1u : 0u};
        ids[step] = id;
        REQUIRE(set.apply(fresh(step, ids[step], event)));
        model[step] = event;
      } else if (random() % 3 == 0) {
        Parked& event = model.at(ready[0].value);
        event = {event.key, now + static_cast<std::int64_t>(random() % 100), false, event.attempts + 1};
        REQUIRE(set.apply(again(ready[0].value, ids[ready[0].value], Outcome::retrying, event)));
      } else {
        REQUIRE(set.apply(again(ready[0].value, ids[ready[0].value], random() % 2 == 0 ? Outcome::served : Outcome::filtered)));
        model.erase(ready[0].value);
      }
      // Nobody of its key or id in front of it; longest due first.
      std::set<std::string> keys, seen_ids;
      std::vector<std::pair<std::int64_t, std::uint64_t>> wanted;
      for (const auto& [offset, event] : model) {
        const bool behind_key = !event.key.empty() && !keys.insert(event.key).second;
        const bool behind_id = !seen_ids.insert(ids[offset]).second;
        if (behind_key || behind_id) continue;
        if (event.held || event.due_at <= now) wanted.emplace_back(event.held ? INT64_MIN : event.due_at, offset);
      }
      std::sort(wanted.begin(), wanted.end());
      std::vector<std::uint64_t> offsets;
      for (const auto& [at, offset] : wanted) offsets.push_back(offset);
      REQUIRE(due(set, now) == offsets);
      REQUIRE(set.size() == model.size());
      REQUIRE(set.keys() == keys.size());
      REQUIRE(set.ids() == seen_ids.size());
    }
    RetrySet twin;
    for (const auto& [offset, event] : set.events()) REQUIRE(twin.add(event));
    CHECK(due(twin, now) == due(set, now));
    CHECK(twin.bytes() == set.bytes());
    for (const auto& [offset, event] : model) REQUIRE(set.apply(again(offset, ids[offset], Outcome::served)));
    CHECK(set.bytes() == 0);
    CHECK(set.size() == 0);
  }
}

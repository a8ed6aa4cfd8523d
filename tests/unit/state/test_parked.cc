// Parked events in the state: what commits park and decide, through flushes, is the retry set that the same commits make.
#include <random>

#include "runtime/engine/parked_state.h"
#include "tests/unit/state/scene.h"

using namespace weir;
using namespace weir::test;

namespace {

ParkedEvent sample() {
  ParkedEvent event;
  event.offset = Offset{42};
  event.id = "order 7";
  event.digest = {1, 2};
  event.accepted_at = -5;
  event.original = std::string("{\"a\":\0}", 7);
  event.csv_header = "a,b";
  event.door = "http";
  event.format = 3;
  event.frame_flags = 9;
  event.line = 77;
  event.attempts = 4;
  event.stage = "lookup";
  event.reason = "timeout";
  event.details = R"(["503"])";
  event.first_at = 1'000;
  event.due_at = INT64_MAX;
  event.key = "customer 9";
  event.held = true;
  return event;
}

}  // namespace

TEST_CASE("a parked event is read as it was stored, and refused when it is cut, longer or newer", "[parked]") {
  const ParkedEvent event = sample();
  const std::string bytes = encode_parked(event);
  const auto read = decode_parked(Offset{42}, bytes);
  REQUIRE(read);
  CHECK(encode_parked(*read) == bytes);
  CHECK(read->offset == event.offset);
  CHECK(read->original == event.original);
  CHECK(read->key == event.key);
  CHECK(read->due_at == event.due_at);
  CHECK(read->accepted_at == event.accepted_at);
  CHECK(read->digest == event.digest);
  CHECK(read->held);
  CHECK(read->attempts == 4);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(decode_parked(Offset{42}, bytes.substr(0, size)).error().code == Errc::state_damaged);
  CHECK(decode_parked(Offset{42}, bytes + "x").error().code == Errc::state_damaged);
  CHECK(decode_parked(Offset{42}, "\x02" + bytes.substr(1)).error().code == Errc::format_newer);
}

TEST_CASE("through flushes and crashes the state has parked what the same commits make of a retry set", "[parked]") {
  static const ViewSet views = ViewSet::compile({}).value();
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    TestLog log;
    Partition partition(0, views, log);
    Partition calm(1, views, log);
    RetrySet set;
    std::uint64_t flushed_with_some = 0;
    for (int step = 0; step < 300; ++step) {
      std::vector<Decided> events;
      std::uint64_t next = log.end().value;
      for (std::uint64_t i = random() % 4; i-- > 0; ++next) {
        Decided event = decided("id" + std::to_string(random() % 12), random() % 2 == 0 ? Outcome::retrying : Outcome::served);
        if (event.outcome == Outcome::retrying) event.original = "original " + std::to_string(next);
        event.attempts = set.holds_id(event.id) ? 0 : 1;
        event.due_at = static_cast<std::int64_t>(random() % 100);
        events.push_back(event);
      }
      if (const auto due = set.due(INT64_MAX, 1); !due.empty() && random() % 2 == 0) {
        const ParkedEvent& parked = *set.find(due[0]);
        Decided again = decided(parked.id, random() % 3 == 0 ? Outcome::retrying : random() % 2 == 0 ? Outcome::served : Outcome::dead_lettered);
        again.at = due[0].value;
        again.attempts = parked.attempts + 1;
        again.original = parked.original;
        events.push_back(again);
      }
      log.commit(events);
      REQUIRE(set.apply(CommitBody::decode(log.commits().back().body).value()));
      if (random() % 3 == 0) partition.apply();
      if (random() % 9 == 0) {
        partition.apply();
        partition.flush();
        RetrySet stored;
        REQUIRE(read_parked(*partition.store().snapshot().value(), stored));
        REQUIRE(stored.size() == set.size());
        auto theirs = stored.events().begin();
        for (const auto& [offset, event] : set.events()) REQUIRE(encode_parked(event) == encode_parked((theirs++)->second));
        flushed_with_some += set.size() > 2 ? 1 : 0;
      }
      if (random() % 20 == 0) partition.crash();
    }
    CHECK(flushed_with_some > 5);
    partition.apply();
    calm.apply();
    CHECK(partition.state().state_digest().value() == calm.state().state_digest().value());
  }
}

TEST_CASE("the state digest sees what is parked", "[parked]") {
  static const ViewSet views = ViewSet::compile({}).value();
  const auto digest_with = [&](std::int64_t due_at) {
    TestLog log;
    Decided event = decided("a", Outcome::retrying);
    event.due_at = due_at;
    log.commit({event});
    Partition partition(0, views, log);
    partition.apply();
    return partition.state().state_digest().value();
  };
  CHECK(digest_with(1) == digest_with(1));
  CHECK(digest_with(1) != digest_with(2));
}

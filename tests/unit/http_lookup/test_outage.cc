// A lookup through outage and recovery, in virtual time: every call, transition and hit is counted.
#include "tests/support/catch.h"
#include "tests/unit/http_lookup/lookup_world.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

using Kind = LookupReply::Kind;
using State = BreakerState;
using Cause = BreakerCause;

MemoryHttpAnswer good(const std::string& path) {
  MemoryHttpAnswer answer = answers(200, fmt::format(R"({{"name":"{}"}})", path.substr(4)));
  answer.delay = 10ms;
  return answer;
}

/// `bad` from `from` on and before `to`, else good.
LookupWorld::Server outage(TimePoint from, TimePoint to, const MemoryHttpAnswer& bad) {
  return [=](const std::string& path, TimePoint now) {
    if (now >= from && now < to) return bad;
    return good(path);
  };
}

}  // namespace

TEST_CASE("the breaker leaves a server that is down to a few probes, and everybody has his answer in the end",
          "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.breaker.failures_in_a_row_max = 5;
  config.breaker.open_min = 1s;
  config.breaker.open_max = 8s;
  config.breaker.probes_max = 1;
  LookupWorld world(config, outage(10s, 20s, fails(MemoryHttpAnswer::Fault::refused)));
  // A new key ten times a second for half a minute, and one that is asked for all the time.
  for (int i = 0; i < 300; ++i) {
    world.event("key" + std::to_string(i), i * 100ms);
    world.event("known", i * 100ms);
  }
  world.run_to(60s);

  // Down: five failures open it, then one probe each when its time is over: after 1, 2, 4 and, the limit of 8 s halved
  // by chance, 4 s more.
  using Transitions = std::vector<std::pair<TimePoint, BreakerTransition>>;
  const auto closed_open = [](TimePoint until) {
    return BreakerTransition{State::closed, State::open, Cause::failures_in_a_row, until};
  };
  const auto probed = BreakerTransition{State::open, State::half_open, Cause::time_over, {}};
  const auto failed = [](TimePoint until) {
    return BreakerTransition{State::half_open, State::open, Cause::probe_failed, until};
  };
  const auto closed = BreakerTransition{State::half_open, State::closed, Cause::probes_succeeded, {}};
  CHECK(world.transitions == Transitions{{10'200ms, closed_open(11'200ms)},
                                         {11'200ms, probed},
                                         {11'200ms, failed(13'200ms)},
                                         {13'200ms, probed},
                                         {13'200ms, failed(17'200ms)},
                                         {17'200ms, probed},
                                         {17'200ms, failed(21'200ms)},
                                         {21'200ms, probed},
                                         {21'210ms, closed}});
  CHECK(world.requests_between(10s, 20s) == 5 + 3);
  CHECK(world.requests_between(0s, 10s) == 100 + 1);
  CHECK(world.requests_between(10'300ms, 11'200ms) == 0);
  CHECK(world.requests_between(13'201ms, 17'200ms) == 0);

  // Nobody is lost: 300 keys and the one known, each answered by one good call.
  CHECK(world.answered(Kind::found) == 600);
  CHECK(world.requests.size() == 301 + 8);
  for (std::size_t i = 0; i < 600; i += 2) CHECK(world.name_of(i) == world.events[i].key);
  // The half-open breaker sent the others away for open_min; then all came.
  for (const auto& event : world.events) CHECK(event.answered - event.first < 12'400ms);

  const HttpLookupCounts& counts = world.lookup->counts();
  CHECK(counts.calls == 309);
  CHECK(counts.calls_failed == 8);
  CHECK(counts.temporary == 8);
  CHECK(counts.exhausted == 0);
  CHECK(counts.pending == 0);
  CHECK(counts.found == 600);
  CHECK(counts.asked == counts.found + counts.put_off + counts.temporary);
  // The known key was asked for 300 times: once of the server.
  CHECK(world.lookup->cache().counts().hits == 299);
  CHECK(world.lookup->breaker().counts(60s).opened == 4);
}

TEST_CASE("with the breaker out of the way the budget alone keeps retries from multiplying an outage",
          "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.retry.attempts_max = 1'000;
  config.budget = {.retries_percent = 20, .retries_per_second_min = 1, .burst_max = 5};
  LookupWorld world(config, outage(10s, 40s, answers(503)));
  for (int i = 0; i < 500; ++i) world.event("key" + std::to_string(i), i * 100ms);
  world.run_to(10min);  // when nothing new comes, those that are left go one a second
  CHECK(world.answered(Kind::found) == 500);
  // 300 first tries fail in half a minute. Retries: a fifth of them, one a second, and the five that were saved up.
  const std::size_t in_outage = world.requests_between(10s, 40s);
  // The last of them is not whole when the server comes back.
  CHECK(in_outage == 300 + 60 + 30 + 5 - 1);
  CHECK(world.lookup->counts().calls_failed == in_outage);
  CHECK(world.lookup->counts().calls == 500 + in_outage);
  CHECK(world.lookup->counts().calls_retried == in_outage);
  CHECK(world.lookup->counts().exhausted == 0);
  // Without a budget they are many times as many: what it is for.
  config.budget = plain_config().budget;
  config.retry.backoff_max = 400ms;
  LookupWorld unbounded(config, outage(10s, 40s, answers(503)));
  for (int i = 0; i < 500; ++i) unbounded.event("key" + std::to_string(i), i * 100ms);
  unbounded.run_to(5min);
  CHECK(unbounded.answered(Kind::found) == 500);
  CHECK(unbounded.requests_between(10s, 40s) > 20 * in_outage);
}

TEST_CASE("a server that gets slow opens the breaker, and one that is quick again closes it", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.breaker.calls_min = 10;
  config.breaker.failures_percent_max = 50;
  config.breaker.slow_after = 200ms;
  config.breaker.probes_max = 2;
  LookupWorld world(config, [](const std::string& path, TimePoint now) {
    MemoryHttpAnswer answer = good(path);
    if (now >= 10s && now < 20s) answer.delay = 300ms;
    return answer;
  });
  for (int i = 0; i < 400; ++i) world.event("key" + std::to_string(i), i * 100ms);
  world.run_to(2min);
  CHECK(world.answered(Kind::found) == 400);
  // A slow answer is an answer: nobody asks twice.
  CHECK(world.requests.size() == 400);
  REQUIRE(world.transitions.size() > 2);
  CHECK(world.transitions.front().second.cause == Cause::failure_rate);
  CHECK(world.transitions.back().second.to == State::closed);
  CHECK(world.transitions.back().first > 20s);
  CHECK(world.lookup->counts().temporary == 0);
  CHECK(world.lookup->counts().put_off > 0);
}

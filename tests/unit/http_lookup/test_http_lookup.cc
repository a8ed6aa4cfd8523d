#include "actors/enrich/http_lookup.h"

#include "runtime/engine/retry_after.h"
#include "runtime/base/invariant.h"
#include "tests/support/catch.h"
#include "tests/unit/http_lookup/lookup_world.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

using Kind = LookupReply::Kind;
using Trouble = LookupTrouble;
using Fault = MemoryHttpAnswer::Fault;

/// What one event is told at once, and after its only call.
LookupReply one_reply(const MemoryHttpAnswer& answer, HttpLookupConfig config = plain_config()) {
  LookupWorld world(std::move(config), [&](const std::string&, TimePoint) { return answer; });
  world.event("x", 0s);
  world.run_to(50ms);
  // Deadlines take longer; a retry would come after 100 ms.
  if (world.events[0].last.kind == Kind::pending) world.run_to(1s);
  REQUIRE(world.requests.size() == 1);
  return world.events[0].last;
}

}  // namespace

TEST_CASE("fields of the answer come by path, of every kind, and what is not there is missing", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.url = kServer + "/v1/{country}/{city}?full=1&of={country}";
  config.answer = {
      {{"name"}, "name"}, {{"at", "lat"}, "at.lat"}, {{"tags"}, "tags"}, {{"none"}, "none"}, {{"no"}, "no"}};
  auto lookup = HttpLookup::make(config, {}, 1);
  REQUIRE(lookup);
  CHECK((*lookup)->key_names() == std::vector<std::string>{"country", "city"});
  const std::vector<std::string_view> key{"c\xc3\xb4te/d", "a b?"};
  const auto asked = (*lookup)->ask({.key = key}, 1s);
  REQUIRE(asked.call);
  CHECK(asked.reply.kind == Kind::pending);
  CHECK(asked.call->request.url == "http://geo.example/v1/c%C3%B4te%2Fd/a%20b%3F?full=1&of=c%C3%B4te%2Fd");
  LowestRng rng;
  const HttpAnswer answer{
      200, {}, R"( {"no": null, "at": {"lat": -1.50, "lon": 2}, "tags": [1, "a"], "name": "A\"b"} )"};
  const auto ended = (*lookup)->ended(asked.call->id, answer, 2s, 0, rng);
  REQUIRE(ended.replies.size() == 1);
  CHECK(ended.replies[0].first == asked.reply.ticket);
  REQUIRE(ended.replies[0].second.kind == Kind::found);
  const LookupRow& row = *ended.replies[0].second.row;
  REQUIRE(row.size() == 5);
  CHECK(row.value(0).span() == R"(A\"b)");
  CHECK(row.value(1).span() == "-1.50");
  CHECK(row.value(1).kind == ValueKind::number);
  CHECK(row.value(2).span() == R"([1,"a"])");
  CHECK(row.value(3).kind == ValueKind::missing);
  CHECK(row.value(4).kind == ValueKind::null);
  // From now on known.
  const auto again = (*lookup)->ask({.key = key}, 3s);
  CHECK(again.reply.kind == Kind::found);
  CHECK_FALSE(again.call);
}

TEST_CASE("what an answer means: the table", "[http_lookup]") {
  const auto check = [](const MemoryHttpAnswer& answer, Kind kind, Trouble trouble) {
    INFO("status " << answer.status << " body " << answer.body << " fault " << static_cast<int>(answer.fault));
    const LookupReply reply = one_reply(answer);
    CHECK(reply.kind == kind);
    CHECK(reply.trouble == trouble);
    CHECK(reply.attempted == (kind == Kind::temporary));
    if (trouble != Trouble::none) CHECK(reply.detail.find("geo.example") != std::string::npos);
  };
  check(answers(200, R"({"name":"A"})"), Kind::found, Trouble::none);
  check(answers(200, R"({})"), Kind::found, Trouble::none);
  check(answers(404, "nothing here"), Kind::missing, Trouble::none);
  for (const int status : {408, 429, 500, 502, 503, 504, 599})
    check(answers(status), Kind::temporary, Trouble::overloaded);
  for (const int status : {400, 401, 403, 405, 410, 422, 451}) check(answers(status), Kind::invalid, Trouble::refused);
  for (const int status : {201, 204, 301, 302, 307, 600}) check(answers(status), Kind::temporary, Trouble::bad_answer);
  for (const std::string body : {"", "null", "[1]", R"({"name":)", "<html>", R"({"a":1,"a":2})", "{} {}", "\xff"})
    check(answers(200, body), Kind::temporary, Trouble::bad_answer);
  for (const Fault fault : {Fault::refused, Fault::reset, Fault::cut, Fault::not_http, Fault::silent})
    check(fails(fault), Kind::temporary, Trouble::unreachable);
  check(answers(200, std::string(64 * 1024 + 1, ' ')), Kind::invalid, Trouble::too_large);
  HttpLookupConfig config = plain_config();
  config.temporary_statuses = {401};
  CHECK(one_reply(answers(401), config).kind == Kind::temporary);
  CHECK(one_reply(answers(408), config).kind == Kind::invalid);
}

TEST_CASE("a key is asked for once, however many ask, and what is missing is known as well", "[http_lookup]") {
  LookupWorld world(plain_config(), [](const std::string& path, TimePoint) {
    MemoryHttpAnswer answer = path == "/v1/none" ? answers(404) : answers(200, R"({"name":"A"})");
    answer.delay = 40ms;
    return answer;
  });
  for (int i = 0; i < 10; ++i) {
    world.event("here", i * 10ms);
    world.event("none", i * 10ms);
  }
  world.event("", 5ms);
  world.run_to(1s);
  CHECK(world.requests.size() == 2);
  CHECK(world.answered(Kind::found) == 10);
  CHECK(world.answered(Kind::missing) == 11);
  CHECK(world.name_of(0) == "A");
  // Those of the first 40 ms waited for the one call, in the order they asked.
  CHECK(world.events[6].answered == 40ms);
  CHECK(world.events[8].answered == 40ms);
  CHECK(world.events[10].answered == 50ms);
  CHECK(world.lookup->counts() == HttpLookupCounts{.asked = 21, .found = 10, .missing = 11, .calls = 2});
  CHECK(world.lookup->cache().counts() == LookupCounts{.hits = 12, .missing_hits = 6, .fetches = 2, .joins = 6});
}

TEST_CASE("attempts end: after attempts_max of them, or with retry_age_max", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.retry.attempts_max = 4;
  LookupWorld world(config, [](const std::string&, TimePoint) { return answers(500); });
  world.event("a", 0s);
  world.run_to(1min);
  CHECK(world.events[0].last.kind == Kind::exhausted);
  CHECK(world.events[0].last.trouble == Trouble::overloaded);
  CHECK(world.events[0].last.detail == "http://geo.example answered 500");
  CHECK(world.requests.size() == 4);
  CHECK(world.requests[3].first == 100ms + 200ms + 400ms);
  config.retry.attempts_max = 1'000;
  config.retry.retry_age_max = 2s;
  LookupWorld impatient(config, [](const std::string&, TimePoint) { return answers(500); });
  impatient.event("a", 0s);
  impatient.run_to(1min);
  CHECK(impatient.events[0].last.kind == Kind::exhausted);
  CHECK(impatient.events[0].answered == 2s);
  CHECK(impatient.requests.size() == 6);  // at 0, 0.1, 0.3, 0.7, 1.5 and, the last chance, 2 s
}

TEST_CASE("a question that must not call is answered with what is known, joins who asks already, and else is as if it had not been", "[http_lookup]") {
  LookupWorld world(plain_config(), [](const std::string&, TimePoint) { return MemoryHttpAnswer(); });
  const auto ask = [&](std::string_view key, bool may_call) {
    return world.lookup->ask({.key = std::span(&key, 1), .may_call = may_call}, 0s);
  };
  CHECK(ask("a", false).reply.kind == Kind::busy);
  CHECK(world.lookup->counts() == HttpLookupCounts{});
  CHECK(world.lookup->cache().waiting() == 0);
  const auto first = ask("a", true);
  REQUIRE(first.call);
  CHECK(ask("a", false).reply.kind == Kind::pending);
  CHECK(ask("b", false).reply.kind == Kind::busy);
  CHECK(ask("", false).reply.kind == Kind::missing);
  LowestRng rng;
  CHECK(world.lookup->ended(first.call->id, HttpAnswer{200, {}, R"({"name":"A"})"}, 0s, kWallStart, rng).replies.size() == 2);
  CHECK(ask("a", false).reply.kind == Kind::found);
  CHECK(world.lookup->counts() == HttpLookupCounts{.asked = 4, .found = 3, .missing = 1, .calls = 1});
}

TEST_CASE("a server that says when to come back is left alone until then, by everybody, within retry_after_max",
          "[http_lookup]") {
  const auto [header, until] = GENERATE(table<std::string, TimePoint>({
      {"7", 7s},
      {"0", 100ms},  // the pause that it would be anyway
      {"3600", 60s},
      {"99999999999999999999", 60s},
      {"Fri, 27 Nov 2026 12:00:09 GMT", 9s},
      {"Fri, 27 Nov 2026 11:00:00 GMT", 100ms},
      {"soon", 100ms},
      {"", 100ms},
  }));
  INFO(header);
  HttpLookupConfig config = plain_config();
  config.retry_after_max = 60s;
  LookupWorld world(config, [&](const std::string&, TimePoint now) {
    return now < 50ms ? answers(503, "", {{"retry-after", header}}) : answers(200, R"({"name":"A"})");
  });
  world.event("a", 0s);
  world.event("b", 60ms);
  world.run_to(2min);
  CHECK(world.events[0].answered == until);
  CHECK(world.events[0].attempt == 2);
  const bool held = until > 100ms;
  CHECK(world.events[1].answered == (held ? until : TimePoint(60ms)));
  CHECK(world.events[1].attempt == 1);
  CHECK(world.events[1].troubles == std::vector<Trouble>(held ? 1 : 0, Trouble::asked_to_wait));
  CHECK(world.requests.size() == 3);
}

TEST_CASE("an older answer serves while there is no new one, where stale_max allows it", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.cache.age_max = 10s;
  config.cache.stale_max = 60s;
  config.breaker.failures_in_a_row_max = 1;
  LookupWorld world(config, [](const std::string&, TimePoint now) {
    return now < 5s ? answers(200, R"({"name":"old"})") : now < 30s ? answers(500) : answers(200, R"({"name":"new"})");
  });
  world.event("a", 0s);
  world.event("a", 11s);       // too old: asked for, in vain
  world.event("a", 11'500ms);  // not asked: the breaker is open
  world.event("b", 11'600ms);  // never known
  world.event("a", 45s);
  world.run_to(45s);
  for (const std::size_t number : {1, 2}) {
    CHECK(world.events[number].last.kind == Kind::found);
    CHECK(world.events[number].last.stale);
    CHECK(world.name_of(number) == "old");
  }
  CHECK(world.events[1].last.trouble == Trouble::overloaded);
  CHECK(world.events[2].last.trouble == Trouble::breaker_open);
  CHECK(world.name_of(3) == "new");
  CHECK(world.name_of(4) == "new");
  CHECK_FALSE(world.events[4].last.stale);
  CHECK(world.lookup->counts().stale == 2);
}

TEST_CASE("a call that the fetcher does not take costs nobody an attempt", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.breaker.failures_in_a_row_max = 1;
  LookupWorld world(config,
                    [](const std::string&, TimePoint) {
                      MemoryHttpAnswer answer = answers(200, R"({"name":"A"})");
                      answer.delay = 150ms;
                      return answer;
                    },
                    {.calls_outstanding_max = 1});
  world.event("a", 0s);
  world.event("b", 10ms);
  world.run_to(1s);
  CHECK(world.answered(Kind::found) == 2);
  // Tried at 10 and 110 ms, when a was still out, then at 210 ms.
  CHECK(world.events[1].troubles == std::vector<Trouble>(2, Trouble::too_many));
  CHECK(world.events[1].attempt == 1);
  CHECK(world.events[1].answered == 360ms);
  CHECK(world.lookup->breaker().state() == BreakerState::closed);
  CHECK(world.transitions.empty());
  CHECK(world.lookup->counts() == HttpLookupCounts{.asked = 4, .found = 2, .put_off = 2, .calls = 4});
  // Nor does it when there is no room to wait in.
  config.cache.waiters_max = 1;
  LookupWorld narrow(config, [](const std::string&, TimePoint) {
    MemoryHttpAnswer answer = answers(200, R"({"name":"A"})");
    answer.delay = 50ms;
    return answer;
  });
  narrow.event("a", 0s);
  narrow.event("a", 10ms);
  narrow.run_to(1s);
  CHECK(narrow.events[1].troubles == std::vector<Trouble>(1, Trouble::too_many));
  CHECK(narrow.events[1].answered == 110ms);
  CHECK(narrow.requests.size() == 1);
}

TEST_CASE("what was not asked takes nothing from the budget and no probe's place", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.budget = {.retries_percent = 0, .retries_per_second_min = 1, .burst_max = 2};
  config.breaker.failures_in_a_row_max = 1;
  config.breaker.open_min = 1s;
  config.breaker.probes_max = 1;
  auto made = HttpLookup::make(config, {}, 1);
  REQUIRE(made);
  HttpLookup& lookup = **made;
  LowestRng rng;
  const auto ask = [&](std::string_view key, std::uint32_t attempt, TimePoint now) {
    return lookup.ask({.key = std::span(&key, 1), .attempt = attempt}, now);
  };
  const auto failed = ask("a", 1, 0s);
  REQUIRE(failed.call);
  const auto told = lookup.ended(failed.call->id, HttpAnswer{500, {}, ""}, 10s, 0, rng);
  REQUIRE(told.transition);
  CHECK(told.transition->open_until == 11s);
  // A pause of 100 ms would lead to a breaker that is open still.
  CHECK(told.replies.front().second.retry_at == 11s);
  // The breaker refuses: the retry is not spent.
  CHECK(ask("a", 2, 10s).reply.trouble == Trouble::breaker_open);
  CHECK(lookup.budget().balance() == 2);
  // The fetcher refuses: neither that nor the one probe.
  for (int i = 0; i < 3; ++i) {
    const auto probe = ask("a", 2, 11s);
    REQUIRE(probe.call);
    CHECK(lookup.budget().balance() == 1);
    CHECK(ask("b", 1, 11s).reply.trouble == Trouble::breaker_open);
    const auto not_started = lookup.not_started(probe.call->id, Error{Errc::limit_reached, "full"}, 11s);
    REQUIRE(not_started.replies.size() == 1);
    CHECK(not_started.replies.front().second.trouble == Trouble::too_many);
    CHECK(not_started.replies.front().second.retry_at == 11'100ms);
    CHECK(lookup.budget().balance() == 2);
  }
  // A retry is spent where somebody was asked; with none left, the next is put off.
  for (const std::string_view key : {"c", "d"}) {
    const auto probe = ask(key, 2, 11s);
    REQUIRE(probe.call);
    static_cast<void>(lookup.ended(probe.call->id, HttpAnswer{404, {}, ""}, 11s, 0, rng));
  }
  const auto spent = ask("e", 2, 11s);
  CHECK(spent.reply.trouble == Trouble::budget_spent);
  CHECK(spent.reply.retry_at == 12s);
  CHECK_FALSE(spent.reply.attempted);
  CHECK(ask("f", 1, 11s).call);
}

TEST_CASE("when the node stops every question has an end, and it is no failure of the server", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.breaker.failures_in_a_row_max = 1;
  LookupWorld world(config, [](const std::string&, TimePoint) { return fails(Fault::silent); });
  world.event("a", 0s);
  world.event("a", 1ms);
  world.run_to(2ms);
  CHECK(world.lookup->counts().pending == 2);
  world.close();
  for (const auto& event : world.events) {
    CHECK(event.last.kind == Kind::temporary);
    CHECK(event.last.trouble == Trouble::stopping);
    CHECK_FALSE(event.last.attempted);
  }
  CHECK(world.lookup->breaker().state() == BreakerState::closed);
  CHECK(world.lookup->counts().pending == 0);
}

TEST_CASE("who is forgotten gets no reply, the others do", "[http_lookup]") {
  auto lookup = HttpLookup::make(plain_config(), {}, 1);
  REQUIRE(lookup);
  const std::string_view key = "a";
  const auto one = (*lookup)->ask({.key = std::span(&key, 1)}, 0s);
  const auto other = (*lookup)->ask({.key = std::span(&key, 1)}, 0s);
  CHECK_FALSE(other.call);
  (*lookup)->forget(one.reply.ticket);
  (*lookup)->forget(one.reply.ticket);
  LowestRng rng;
  const auto ended = (*lookup)->ended(one.call->id, HttpAnswer{404, {}, ""}, 1s, 0, rng);
  REQUIRE(ended.replies.size() == 1);
  CHECK(ended.replies[0].first == other.reply.ticket);
  CHECK((*lookup)->counts() == HttpLookupCounts{.asked = 2, .missing = 1, .forgotten = 1, .calls = 1});
  CHECK_THROWS_AS((*lookup)->ended(one.call->id, HttpAnswer{404, {}, ""}, 1s, 0, rng), InvariantError);
}

TEST_CASE("keys that lead elsewhere or nowhere are invalid and nobody is asked", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.url = kServer + "/v1/{place}/x?q={place}";
  auto lookup = HttpLookup::make(config, {}, 1);
  REQUIRE(lookup);
  for (const std::string& key :
       {std::string("."), std::string(".."), std::string(9'000, 'x'), std::string(3'000, '/')}) {
    const std::string_view view = key;
    const auto asked = (*lookup)->ask({.key = std::span(&view, 1)}, 0s);
    CHECK(asked.reply.kind == Kind::invalid);
    CHECK(asked.reply.trouble == Trouble::bad_key);
    CHECK_FALSE(asked.call);
  }
  const std::string_view dots = "...";
  CHECK((*lookup)->ask({.key = std::span(&dots, 1)}, 0s).call->request.url == "http://geo.example/v1/.../x?q=...");
}

TEST_CASE("headers come from the file or the config, and secrets stay out of every message", "[http_lookup]") {
  HttpLookupConfig config = plain_config();
  config.headers = {{"Authorization", "", "token"}, {"X-Plain", "one", ""}};
  std::string file = "Bearer hunter2\r\n";
  const ReadFile read = [&](const std::string& name) -> Result<std::string> {
    if (name != "token") return fail(Errc::input_unreadable, "no such file: {}", name);
    return file;
  };
  auto lookup = HttpLookup::make(config, read, 1);
  REQUIRE(lookup);
  const std::string_view key = "a";
  const auto asked = (*lookup)->ask({.key = std::span(&key, 1)}, 0s);
  using Headers = std::vector<std::pair<std::string, std::string>>;
  CHECK(asked.call->request.headers == Headers{{"Authorization", "Bearer hunter2"}, {"X-Plain", "one"}});
  const auto refused = [&] {
    const auto made = HttpLookup::make(config, read, 1);
    REQUIRE_FALSE(made);
    CHECK(made.error().context.find("hunter2") == std::string::npos);
    return made.error().context;
  };
  file = "hunter2\r\nX-Evil: 1\n";
  CHECK(refused().find("Authorization") != std::string::npos);
  file = "\n";
  CHECK(refused() == "headers: Authorization: token is empty");
  file = "x";
  config.headers[0].value = "y";
  CHECK(refused() == "headers: Authorization has a value and a file; leave one of them out");
  config.headers[0] = {"Authorization", "", "elsewhere"};
  CHECK(refused() == "no such file: elsewhere");
}

TEST_CASE("a config that cannot work is refused, with the key that is wrong", "[http_lookup]") {
  const auto refused = [](const std::function<void(HttpLookupConfig&)>& change) {
    HttpLookupConfig config = plain_config();
    change(config);
    const auto made = HttpLookup::make(config, {}, 1);
    if (made) return std::string("valid");
    CHECK(made.error().code == Errc::config_invalid);
    return made.error().context;
  };
  const auto url = [&](const std::string& text) {
    return refused([&](HttpLookupConfig& config) { config.url = text; });
  };
  CHECK(url("http://geo.example/{a}") == "valid");
  CHECK(url(kServer + "?k={a}") == "valid");
  CHECK(url("").find("no {FIELD}") != std::string::npos);
  CHECK(url("http://geo.example/v1").find("no {FIELD}") != std::string::npos);
  CHECK(url("http://{a}.example/x").find("the server's name") != std::string::npos);
  CHECK(url("http://geo.example:{a}/x").find("the server's name") != std::string::npos);
  CHECK(url("http://geo.example/{a").find("write a field as {NAME}") != std::string::npos);
  CHECK(url("http://geo.example/{}").find("write a field as {NAME}") != std::string::npos);
  CHECK(url("http://geo.example/{a{b}}").find("write a field as {NAME}") != std::string::npos);
  CHECK(url("http://geo.example/a}/{b}").find("'}' without its '{'") != std::string::npos);
  CHECK(url("http://geo.example/{a}#top").find("'#'") != std::string::npos);
  CHECK(url("ftp://geo.example/{a}").find("is not a server") != std::string::npos);
  CHECK(url("http://geo.example/a b/{a}").find("percent-encoded") != std::string::npos);
  CHECK(url("http://geo.example/../{a}").find("'..'") != std::string::npos);
  CHECK(refused([](HttpLookupConfig& c) { c.answer.clear(); }) == "answer: 0 fields are not between 1 and 256");
  CHECK(refused([](HttpLookupConfig& c) {
          c.answer = {{{"id"}, "@id"}};
        }) == "answer: '@id' is not a path in the answer");
  CHECK(refused([](HttpLookupConfig& c) { c.answer_bytes_max = 0; }).find("answer_bytes_max: 0") == 0);
  CHECK(refused([](HttpLookupConfig& c) { c.retry_after_max = 2h; }).find("retry_after_max: 7200000 ms") == 0);
  CHECK(refused([](HttpLookupConfig& c) { c.temporary_statuses = {404}; }).find("temporary_statuses: 404") == 0);
  CHECK(refused([](HttpLookupConfig& c) { c.deadline = 0ms; }).find("deadline 0 ms") != std::string::npos);
  CHECK(refused([](HttpLookupConfig& c) { c.retry.attempts_max = 0; }).find("retry.attempts_max: 0") == 0);
  CHECK(refused([](HttpLookupConfig& c) { c.budget.burst_max = 0; }).find("budget.burst_max: 0") == 0);
  CHECK(refused([](HttpLookupConfig& c) { c.breaker.probes_max = 0; }).find("breaker.probes_max: 0") == 0);
  CHECK(refused([](HttpLookupConfig& c) { c.cache.entries_max = 0; }).find("cache.entries_max: 0") == 0);
}

TEST_CASE("Retry-After is seconds or a date, and nothing else", "[http_lookup]") {
  CHECK(parse_retry_after("0", 0) == 0ms);
  CHECK(parse_retry_after("120", 0) == 120s);
  CHECK(parse_retry_after("18446744073709551617", 0) == 366 * 24h);
  constexpr UnixMicros k1994 = 784'111'777'000'000;  // RFC 9110's example
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", k1994 - 2'000'001) == 2'001ms);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", k1994 + 1) == 0ms);
  CHECK(parse_retry_after("Sat, 06 Nov 2094 08:49:37 GMT", k1994) == 366 * 24h);
  for (const std::string value : {"", "-1", "1.5", "1 ", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
                                  "Sunday, 06-Nov-94 08:49:37 GMT"})
    CHECK_FALSE(parse_retry_after(value, 0));
  CHECK(to_string(Trouble::breaker_open) == "breaker_open");
}

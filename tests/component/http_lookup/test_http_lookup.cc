// A lookup with libcurl behind it, in front of a real server that answers slowly, wrongly, not at all, and recovers.
// The network takes its own time; the lookup's is moved by hand.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "actors/enrich/http_lookup.h"
#include "runtime/adapters/curl/curl_fetcher.h"
#include "tests/support/catch.h"
#include "tests/support/script_server.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

using Kind = LookupReply::Kind;
using Trouble = LookupTrouble;
using Then = ScriptReply::Then;

class LowestRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return 0; }
};

HttpLookupConfig config_for(const std::string& server) {
  HttpLookupConfig config;
  config.url = server + "/v1/{place}";
  config.answer = {{{"name"}, "name"}};
  config.deadline = 20s;
  config.retry.jitter = RetryJitter::none;
  config.retry.backoff_min = 100ms;
  config.budget = {.retries_percent = 100, .retries_per_second_min = 10, .burst_max = 10};
  config.breaker.failures_in_a_row_max = 3;
  config.breaker.probes_max = 2;
  return config;
}

/// The shell, as far as a test needs one: ends come from the fetcher's thread and are taken here.
class Shell {
 public:
  explicit Shell(const HttpLookupConfig& config) {
    auto made = HttpLookup::make(config, {}, 1);
    REQUIRE(made);
    lookup = std::move(*made);
    auto fetcher = make_curl_fetcher({.connections_per_host_max = 2});
    REQUIRE(fetcher);
    fetch = std::move(*fetcher);
  }
  ~Shell() { fetch->close(); }

  /// Asks, and starts the call if there is one.
  LookupReply ask(std::string_view key, std::uint32_t attempt = 1, TimePoint first = {}) {
    auto asked = lookup->ask({.key = std::span(&key, 1), .attempt = attempt, .first = first}, now);
    if (asked.call) {
      const LookupCallId id = asked.call->id;
      REQUIRE(fetch->start(std::move(asked.call->request), [this, id](Result<HttpAnswer> result) {
        const std::scoped_lock lock(mutex_);
        ends_.emplace_back(id, std::move(result));
        came_.notify_all();
      }));
    }
    return asked.reply;
  }
  /// The next call that ends; what it tells whom.
  std::vector<std::pair<LookupTicket, LookupReply>> next_end() {
    std::unique_lock lock(mutex_);
    REQUIRE(came_.wait_for(lock, 20s, [this] { return !ends_.empty(); }));
    const auto [id, result] = ends_.front();
    ends_.erase(ends_.begin());
    return lookup->ended(id, result, now, 0, rng_).replies;
  }
  /// Asks and waits for the end.
  LookupReply reply(std::string_view key, std::uint32_t attempt = 1, TimePoint first = {}) {
    const LookupReply at_once = ask(key, attempt, first);
    if (at_once.kind != Kind::pending) return at_once;
    const auto replies = next_end();
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].first == at_once.ticket);
    return replies[0].second;
  }

  TimePoint now{};
  std::unique_ptr<HttpLookup> lookup;
  std::unique_ptr<HttpFetch> fetch;

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::pair<LookupCallId, Result<HttpAnswer>>> ends_;
  LowestRng rng_;
};

}  // namespace

TEST_CASE("nothing blocks while a server is slow: others are answered, the same key is asked for once",
          "[http_lookup]") {
  ScriptServer server([](const ScriptRequest& request) {
    return ScriptReply{http_bytes(200, R"({"name":"A"})"), request.target == "/v1/slow" ? Then::hold : Then::keep};
  });
  Shell shell(config_for(server.url()));
  const LookupReply slow = shell.ask("slow"), again = shell.ask("slow");
  CHECK(slow.kind == Kind::pending);
  CHECK(again.kind == Kind::pending);
  REQUIRE(server.wait_for_requests(1));
  for (int i = 0; i < 20; ++i) CHECK(shell.reply("quick" + std::to_string(i)).kind == Kind::found);
  server.release();
  const auto replies = shell.next_end();
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].first == slow.ticket);
  CHECK(replies[1].first == again.ticket);
  CHECK(replies[1].second.row->value(0).span() == "A");
  CHECK(shell.ask("slow").kind == Kind::found);
  CHECK(server.counts().requests == 21);
  CHECK(server.counts().connections == 2);
}

TEST_CASE("what a real server can do wrong has its class", "[http_lookup]") {
  struct Case {
    ScriptReply reply;
    Kind kind;
    Trouble trouble;
  };
  const std::vector<Case> cases{
      {{http_bytes(404, ""), Then::keep}, Kind::missing, Trouble::none},
      {{http_bytes(422, ""), Then::keep}, Kind::invalid, Trouble::refused},
      {{http_bytes(200, R"({"name":)"), Then::keep}, Kind::temporary, Trouble::bad_answer},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"name\":1}", Then::close}, Kind::temporary, Trouble::bad_answer},
      {{"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"name\":1}", Then::close},
       Kind::temporary,
       Trouble::unreachable},
      {{http_bytes(200, std::string(101, ' ')), Then::keep}, Kind::invalid, Trouble::too_large},
      {{"HELLO\r\n\r\n", Then::close}, Kind::temporary, Trouble::unreachable},
      {{"", Then::close}, Kind::temporary, Trouble::unreachable},
      {{"", Then::reset}, Kind::temporary, Trouble::unreachable},
      {{http_bytes(302, "", "Location: /v1/other\r\n"), Then::keep}, Kind::temporary, Trouble::bad_answer},
      {{http_bytes(500, ""), Then::keep}, Kind::temporary, Trouble::overloaded},
      {{http_bytes(503, "", "Retry-After: 30\r\n"), Then::keep}, Kind::temporary, Trouble::overloaded},
  };
  std::atomic<std::size_t> next{0};
  ScriptServer server([&](const ScriptRequest&) {
    const std::size_t number = next++;
    if (number < cases.size()) return cases[number].reply;
    return ScriptReply{http_bytes(200, R"({"name":"A"})"), Then::keep};
  });
  HttpLookupConfig config = config_for(server.url());
  config.breaker.failures_in_a_row_max = 0;
  config.answer_bytes_max = 100;
  Shell shell(config);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    INFO(cases[i].reply.bytes);
    const LookupReply told = shell.reply("key" + std::to_string(i));
    CHECK(told.kind == cases[i].kind);
    CHECK(told.trouble == cases[i].trouble);
  }
  const LookupReply held = shell.ask("later");
  CHECK(held.trouble == Trouble::asked_to_wait);
  CHECK(held.retry_at == 30s);
  shell.now = 30s;
  CHECK(shell.reply("later").kind == Kind::found);
  CHECK(server.counts().requests == cases.size() + 1);
}

TEST_CASE("a server that goes away and comes back: the breaker opens, probes, closes, and every call is counted",
          "[http_lookup]") {
  const auto good = [](const ScriptRequest&) { return ScriptReply{http_bytes(200, R"({"name":"A"})"), Then::keep}; };
  auto server = std::make_unique<ScriptServer>(good);
  const std::uint16_t port = server->port();
  Shell shell(config_for(server->url()));
  CHECK(shell.reply("a").kind == Kind::found);
  server.reset();
  LookupReply down;
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    down = shell.reply("b", attempt);
    CHECK(down.kind == Kind::temporary);
    CHECK(down.trouble == Trouble::unreachable);
    CHECK(down.attempted);
    shell.now = down.retry_at;
  }
  // The third failure opened it: who failed is not to come back before it lets him.
  CHECK(shell.lookup->breaker().state() == BreakerState::open);
  CHECK(down.retry_at == shell.lookup->breaker().open_until());
  shell.now -= 1ms;
  const LookupReply refused = shell.ask("b", 4);
  CHECK(refused.trouble == Trouble::breaker_open);
  CHECK_FALSE(refused.attempted);
  CHECK(refused.retry_at == down.retry_at);
  CHECK(shell.ask("a").kind == Kind::found);  // known

  server = std::make_unique<ScriptServer>(good, port);
  shell.now = refused.retry_at;
  const LookupReply probe = shell.ask("b", 4), other = shell.ask("c"), third = shell.ask("d");
  CHECK(shell.lookup->breaker().state() == BreakerState::half_open);
  CHECK(probe.kind == Kind::pending);
  CHECK(other.kind == Kind::pending);
  CHECK(third.trouble == Trouble::breaker_open);
  for (int i = 0; i < 2; ++i) CHECK(shell.next_end().front().second.kind == Kind::found);
  CHECK(shell.lookup->breaker().state() == BreakerState::closed);
  CHECK(shell.reply("d").kind == Kind::found);
  CHECK(server->counts().requests == 3);
  CHECK(shell.lookup->counts().calls == 1 + 3 + 3);
  CHECK(shell.lookup->counts().calls_failed == 3);
  CHECK(shell.lookup->counts().calls_retried == 3);
}

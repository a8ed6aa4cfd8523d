// A lookup, the fetcher in memory behind it, a server that is a function, and events that ask until they have an
// answer: all on one thread, in time that nobody waits for.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "actors/enrich/http_lookup.h"
#include "runtime/adapters/memory/memory_http_fetch.h"
#include "tests/support/catch.h"

namespace weir::test {

inline const std::string kServer = "http://geo.example";
/// 2026-11-27T12:00:00Z, when time is 0.
inline constexpr UnixMicros kWallStart = 1'795'780'800'000'000;

/// The lowest number every time: the shortest of all pauses.
class LowestRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return 0; }
};

/// One key part `place`, one answer field `name`; jitter, the breaker's rate and its row are off.
[[nodiscard]] inline HttpLookupConfig plain_config() {
  HttpLookupConfig config;
  config.url = kServer + "/v1/{place}";
  config.answer = {{{"name"}, "name"}};
  config.deadline = std::chrono::seconds(1);
  config.retry = {.attempts_max = 20,
                  .retry_age_max = std::chrono::hours(1),
                  .backoff_min = std::chrono::milliseconds(100),
                  .backoff_max = std::chrono::seconds(10),
                  .jitter = RetryJitter::none};
  config.budget = {.retries_percent = 1'000, .retries_per_second_min = 1'000, .burst_max = 1'000'000};
  config.breaker.calls_min = 1'000'000;
  config.breaker.failures_in_a_row_max = 0;
  config.cache.age_max = std::chrono::hours(1);
  config.cache.missing_age_max = std::chrono::hours(1);
  return config;
}

class LookupWorld {
 public:
  using Server = std::function<MemoryHttpAnswer(const std::string& path, TimePoint now)>;

  LookupWorld(HttpLookupConfig config, Server server, HttpFetchConfig fetch_config = {})
      : server_(std::move(server)),
        fetch(
            fetch_config,
            [this](const HttpFetchRequest& request) {
              requests.push_back({time_of_request(), request});
              return server_(request.url.substr(kServer.size()), time_of_request());
            },
            [this](std::function<void()> task) { tasks_.push_back(std::move(task)); }) {
    auto made = HttpLookup::make(std::move(config), {}, 7);
    REQUIRE(made);
    lookup = std::move(*made);
  }

  struct Event {
    std::string key;
    TimePoint first{};
    std::uint32_t attempt = 1;
    LookupReply last{};                     // of kind pending: none yet
    TimePoint answered{};                   // when `last` came
    std::vector<LookupTrouble> troubles{};  // of all its temporary replies
  };

  /// The number of an event that asks for `key` from `at` on, again and again while it is told to.
  std::size_t event(std::string key, TimePoint at) {
    events.push_back({.key = std::move(key), .first = at});
    due_.emplace(at, events.size() - 1);
    return events.size() - 1;
  }
  /// Everything that happens up to and at `until`.
  void run_to(TimePoint until) {
    for (;;) {
      const std::optional<TimePoint> network = fetch.next_at();
      TimePoint next = due_.empty() ? TimePoint::max() : due_.top().first;
      if (network) next = std::min(next, *network);
      if (next > until) break;
      now = std::max(now, next);
      fetch.advance_to(now);
      run_tasks();
      while (!due_.empty() && due_.top().first <= now) {
        const std::size_t number = due_.top().second;
        due_.pop();
        ask(number);
        run_tasks();
      }
    }
    now = until;
    fetch.advance_to(now);
  }
  [[nodiscard]] std::size_t answered(LookupReply::Kind kind) const {
    std::size_t count = 0;
    for (const Event& event : events) count += event.last.kind == kind ? 1 : 0;
    return count;
  }
  /// Requests that the server saw from `from` on and before `to`.
  [[nodiscard]] std::size_t requests_between(TimePoint from, TimePoint to) const {
    std::size_t count = 0;
    for (const auto& [at, request] : requests) count += at >= from && at < to ? 1 : 0;
    return count;
  }
  [[nodiscard]] UnixMicros wall() const {
    return kWallStart + std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  }
  void close() {
    fetch.close();
    run_tasks();
  }
  [[nodiscard]] std::string name_of(std::size_t number) const {
    const LookupReply& reply = events[number].last;
    return reply.row ? std::string(reply.row->value(0).span()) : "none";
  }

 private:
  Server server_;
  std::deque<std::function<void()>> tasks_;
  // The next to ask first; of the same time the one that came first.
  std::priority_queue<std::pair<TimePoint, std::size_t>, std::vector<std::pair<TimePoint, std::size_t>>, std::greater<>>
      due_;
  std::map<LookupTicket, std::size_t> waiting_;
  LowestRng rng_;

 public:
  TimePoint now{};
  MemoryHttpFetch fetch;
  std::unique_ptr<HttpLookup> lookup;
  std::vector<Event> events;
  std::vector<std::pair<TimePoint, HttpFetchRequest>> requests;
  std::vector<std::pair<TimePoint, BreakerTransition>> transitions;

 private:
  /// Requests get their connection when they are started or when another one ends: both are now.
  [[nodiscard]] TimePoint time_of_request() const { return now; }
  void run_tasks() {
    while (!tasks_.empty()) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  void note(const std::optional<BreakerTransition>& transition) {
    if (transition) transitions.emplace_back(now, *transition);
  }
  void ask(std::size_t number) {
    Event& event = events[number];
    const std::string_view key = event.key;
    auto asked = lookup->ask({.key = std::span(&key, 1), .attempt = event.attempt, .first = event.first}, now);
    note(asked.transition);
    if (asked.reply.kind != LookupReply::Kind::pending) return told(number, asked.reply);
    event.last = asked.reply;
    waiting_[asked.reply.ticket] = number;
    if (!asked.call) return;
    const LookupCallId id = asked.call->id;
    const auto started = fetch.start(std::move(asked.call->request), [this, id](const Result<HttpAnswer>& result) {
      land(lookup->ended(id, result, now, wall(), rng_));
    });
    if (!started) land(lookup->not_started(id, started.error(), now));
  }
  void land(const HttpLookup::Ended& ended) {
    note(ended.transition);
    for (const auto& [ticket, reply] : ended.replies) {
      const std::size_t number = waiting_.at(ticket);
      waiting_.erase(ticket);
      told(number, reply);
    }
  }
  void told(std::size_t number, const LookupReply& reply) {
    Event& event = events[number];
    event.last = reply;
    event.answered = now;
    if (reply.kind != LookupReply::Kind::temporary) return;
    REQUIRE(reply.retry_at >= now);
    event.troubles.push_back(reply.trouble);
    event.attempt += reply.attempted ? 1 : 0;
    due_.emplace(reply.retry_at, number);
  }
};

[[nodiscard]] inline MemoryHttpAnswer answers(int status, std::string body = {},
                                              std::vector<std::pair<std::string, std::string>> headers = {}) {
  MemoryHttpAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  answer.headers = std::move(headers);
  return answer;
}
[[nodiscard]] inline MemoryHttpAnswer fails(MemoryHttpAnswer::Fault fault) {
  MemoryHttpAnswer answer;
  answer.fault = fault;
  return answer;
}

}  // namespace weir::test

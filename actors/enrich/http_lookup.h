// Looks keys up at an HTTP server, without I/O of its own: what to ask, whom to tell, and when not to ask. A decider:
// the shell around it has the clock, the chance and an HttpFetch.
//
//   ask() ── known ──> found, missing
//     │──── to be asked for ──> pending; the shell starts `call` ── HttpFetch ──> ended() ──> replies by ticket
//     └──── not to be asked now ──> temporary: the breaker is open, the retry budget is spent, the server said when
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/base/secret.h"
#include "runtime/engine/circuit_breaker.h"
#include "runtime/engine/lookup_cache.h"
#include "runtime/engine/reference_table.h"
#include "runtime/engine/retry_budget.h"
#include "runtime/engine/retry_policy.h"
#include "runtime/event/document_parser.h"
#include "runtime/ports/http_fetch.h"
#include "runtime/ports/http_lookup_config.h"
#include "runtime/ports/rng.h"
#include "runtime/ports/url_template.h"

namespace weir {

/// Who waits for a reply. Never used twice by one lookup.
using LookupTicket = std::uint64_t;
/// A call that was to be started. Never used twice by one lookup.
using LookupCallId = std::uint64_t;

/// Why a reply is not an answer. For labels: to_string().
enum class LookupTrouble : std::uint8_t {
  none,
  bad_key,        // the key cannot be asked for
  unreachable,    // no answer: not there, broken off, too late
  overloaded,     // 429, 5xx, temporary_statuses
  bad_answer,     // 200 with something else than a JSON object, or a status that is none of ours
  refused,        // any other 4xx
  too_large,      // the answer is larger than answer_bytes_max
  breaker_open,   // not asked: it failed too often lately
  budget_spent,   // not asked: enough is retried already
  asked_to_wait,  // not asked: its Retry-After is not over
  too_many,       // not asked: cache.waiters_max, or the fetcher's limit
  stopping,       // the node stops
};
[[nodiscard]] std::string_view to_string(LookupTrouble trouble) noexcept;

struct LookupReply {
  enum class Kind : std::uint8_t {
    found,      // `row`
    missing,    // the server has no such key, or a part of the key is empty
    pending,    // a reply will come for `ticket`
    busy,       // it takes a call, which the question was not to make: nothing was asked
    temporary,  // ask again at `retry_at`; with attempt + 1 where `attempted`, else with the same
    exhausted,  // temporary for too long: dead letter, `detail` says of what
    invalid,    // never to be asked again: dead letter
  };
  Kind kind = Kind::missing;
  std::shared_ptr<const LookupRow> row{};
  bool stale = false;  // found, missing: an older answer, because a new one is not to be had
  LookupTicket ticket = 0;
  TimePoint retry_at{};
  bool attempted = false;
  LookupTrouble trouble = LookupTrouble::none;
  std::string detail{};  // for people: server, status, limit; never a key or a secret
};

struct LookupQuestion {
  std::span<const std::string_view> key;  // one part for each of key_names()
  std::uint32_t attempt = 1;              // 1 + the attempts that failed; at least 1 (asserted)
  TimePoint first{};                      // when it was asked the first time; before 0: by a process before this one
  bool may_call = true;                   // false: only what is known, or asked for already
};

/// So far, of every ask() the one thing that became of it at once, and of every pending one what became of it later.
struct HttpLookupCounts {
  std::uint64_t asked = 0;
  std::uint64_t found = 0;
  std::uint64_t missing = 0;
  std::uint64_t stale = 0;      // of found and missing
  std::uint64_t put_off = 0;    // temporary, not attempted
  std::uint64_t temporary = 0;  // attempted
  std::uint64_t exhausted = 0;
  std::uint64_t invalid = 0;
  std::uint64_t pending = 0;  // now
  std::uint64_t forgotten = 0;
  std::uint64_t calls = 0;          // given out
  std::uint64_t calls_retried = 0;  // of these, for attempts after the first
  std::uint64_t calls_failed = 0;   // ended and were failures to the breaker
  friend bool operator==(const HttpLookupCounts&, const HttpLookupCounts&) = default;
};

/// One stage's lookup in one partition. Not thread-safe; `now` never goes backwards (asserted). Memory: the cache's
/// limits, and for each of cache.waiters_max who wait a ticket and at most one address of UrlTemplate::kUrlBytesMax.
class HttpLookup {
 public:
  /// `read` reads header files; `seed` is chance. Errors: config_invalid (names the key), of reading a file.
  [[nodiscard]] static Result<std::unique_ptr<HttpLookup>> make(HttpLookupConfig config, const ReadFile& read,
                                                                std::uint64_t seed);

  /// The fields of the event that make the key.
  [[nodiscard]] const std::vector<std::string>& key_names() const noexcept { return url_.names(); }

  struct Call {
    LookupCallId id = 0;
    HttpFetchRequest request;  // its headers may hold secrets
  };
  struct Asked {
    LookupReply reply;
    std::optional<Call> call;                     // reply pending: start it, then ended() or not_started() exactly once
    std::optional<BreakerTransition> transition;  // for the log
  };
  [[nodiscard]] Asked ask(const LookupQuestion& question, TimePoint now);

  struct Ended {
    std::vector<std::pair<LookupTicket, LookupReply>> replies;  // none of them pending
    std::optional<BreakerTransition> transition;                // for the log
  };
  /// A call ended as the fetcher said. `wall` is for dates in Retry-After, `rng` for pauses.
  [[nodiscard]] Ended ended(LookupCallId id, const Result<HttpAnswer>& result, TimePoint now, UnixMicros wall,
                            Rng& rng);
  /// The fetcher did not take the call: nobody was asked, nobody made an attempt.
  [[nodiscard]] Ended not_started(LookupCallId id, const Error& why, TimePoint now);
  /// Nobody waits for it any more: no reply comes. Its place among cache.waiters_max is free when its call ends.
  void forget(LookupTicket ticket);

  [[nodiscard]] const HttpLookupCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] const LookupCache& cache() const noexcept { return cache_; }
  [[nodiscard]] const CircuitBreaker& breaker() const noexcept { return breaker_; }
  [[nodiscard]] const RetryBudget& budget() const noexcept { return budget_; }

 private:
  struct Waiter {
    std::uint32_t attempt;
    TimePoint first;
  };
  struct Flight {
    std::string key;
    CircuitBreaker::Permit permit;
    bool retry = false;
  };
  /// What an answer means, for everybody who waits for it.
  struct Verdict {
    enum class Kind : std::uint8_t { found, missing, temporary, invalid, not_asked };
    Kind kind = Kind::missing;
    std::shared_ptr<const LookupRow> row{};
    LookupTrouble trouble = LookupTrouble::none;
    std::string detail{};
    TimePoint not_before{};
  };

  HttpLookup(HttpLookupConfig config, UrlTemplate url, std::uint64_t seed);
  [[nodiscard]] Result<void> read_headers(const ReadFile& read);
  [[nodiscard]] HttpFetchRequest request_for(std::string url) const;
  [[nodiscard]] Asked begin_call(const Waiter& waiter, std::string url, std::string key, LookupTicket ticket,
                                 TimePoint now);
  void wait(LookupTicket ticket, const Waiter& waiter);
  [[nodiscard]] Verdict judge(const Result<HttpAnswer>& result, TimePoint now, UnixMicros wall);
  [[nodiscard]] Verdict judge_status(const HttpAnswer& answer, TimePoint now, UnixMicros wall);
  [[nodiscard]] Verdict read_row(const HttpAnswer& answer);
  [[nodiscard]] Flight take_flight(LookupCallId id);
  [[nodiscard]] Ended land(const Flight& flight, const Verdict& verdict, TimePoint now, Rng* rng);
  [[nodiscard]] LookupReply reply_to(const Waiter& waiter, std::string_view key, const Verdict& verdict, TimePoint now,
                                     Rng* rng);
  /// Of every reply that is not pending.
  [[nodiscard]] LookupReply counted(LookupReply reply);

  HttpLookupConfig config_;
  UrlTemplate url_;
  std::vector<std::pair<std::string, Secret>> headers_;
  FieldPlan plan_;
  std::vector<Slot> slots_;  // of config_.answer
  std::unique_ptr<DocumentParser> parser_;
  ChainArena arena_;
  RetryPolicy policy_;
  RetryBudget budget_;
  CircuitBreaker breaker_;
  LookupCache cache_;
  TimePoint held_until_{};  // a Retry-After
  std::unordered_map<LookupTicket, Waiter> waiters_;
  std::unordered_map<LookupCallId, Flight> flights_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t last_call_ = 0;
  HttpLookupCounts counts_;
};

}  // namespace weir

#include "actors/enrich/http_lookup.h"

#include <algorithm>

#include "runtime/engine/retry_after.h"
#include "runtime/base/invariant.h"
#include "runtime/base/backoff.h"

namespace weir {

using Kind = LookupReply::Kind;
using Trouble = LookupTrouble;

std::string_view to_string(LookupTrouble trouble) noexcept {
  switch (trouble) {
    case Trouble::none:
      return "none";
    case Trouble::bad_key:
      return "bad_key";
    case Trouble::unreachable:
      return "unreachable";
    case Trouble::overloaded:
      return "overloaded";
    case Trouble::bad_answer:
      return "bad_answer";
    case Trouble::refused:
      return "refused";
    case Trouble::too_large:
      return "too_large";
    case Trouble::breaker_open:
      return "breaker_open";
    case Trouble::budget_spent:
      return "budget_spent";
    case Trouble::asked_to_wait:
      return "asked_to_wait";
    case Trouble::too_many:
      return "too_many";
    case Trouble::stopping:
      break;
  }
  return "stopping";
}

Result<std::unique_ptr<HttpLookup>> HttpLookup::make(HttpLookupConfig config, const ReadFile& read,
                                                     std::uint64_t seed) {
  WEIR_TRY(config.validate());
  WEIR_ASSIGN(UrlTemplate url, UrlTemplate::compile(config.url));
  std::unique_ptr<HttpLookup> made(new HttpLookup(std::move(config), std::move(url), seed));
  WEIR_TRY(made->read_headers(read));
  // The first request there could be, so that the last one cannot be refused for how it is written.
  const std::vector<std::string_view> key(made->key_names().size(), "x");
  const Result<std::string> filled = made->url_.fill(key);
  const Result<void> checked = filled ? made->request_for(*filled).validate() : Result<void>(fail(filled.error()));
  if (!checked) return fail(Errc::config_invalid, "url, headers or times: {}", checked.error().context);
  return made;
}

HttpLookup::HttpLookup(HttpLookupConfig config, UrlTemplate url, std::uint64_t seed)
    : config_(std::move(config)),
      url_(std::move(url)),
      policy_(config_.retry),
      budget_(config_.budget),
      breaker_(config_.breaker),
      cache_(config_.cache, seed) {
  for (const FieldPath& path : config_.answer) slots_.push_back(plan_.want(path.parts));
  parser_ = std::make_unique<DocumentParser>(plan_);
}

Result<void> HttpLookup::read_headers(const ReadFile& read) {
  for (const HttpLookupHeader& header : config_.headers) {
    if (header.value_file.empty()) {
      headers_.emplace_back(header.name, Secret(header.value));
      continue;
    }
    if (!header.value.empty())
      return fail(Errc::config_invalid, "headers: {} has a value and a file; leave one of them out", header.name);
    WEIR_ASSIGN(std::string text, read(header.value_file));
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    if (text.empty()) return fail(Errc::config_invalid, "headers: {}: {} is empty", header.name, header.value_file);
    headers_.emplace_back(header.name, Secret(std::move(text)));
  }
  return {};
}

HttpFetchRequest HttpLookup::request_for(std::string url) const {
  HttpFetchRequest request;
  request.url = std::move(url);
  for (const auto& [name, value] : headers_) request.headers.emplace_back(name, value.reveal());
  request.connect_timeout = std::min(config_.connect_timeout, config_.deadline);
  request.deadline = config_.deadline;
  request.answer_bytes_max = config_.answer_bytes_max;
  return request;
}

HttpLookup::Asked HttpLookup::ask(const LookupQuestion& question, TimePoint now) {
  INVARIANT(question.attempt >= 1, "attempts count from one");
  Asked asked;
  if (std::ranges::any_of(question.key, [](std::string_view part) { return part.empty(); })) {
    ++counts_.asked;
    asked.reply = counted({.kind = Kind::missing});
    return asked;
  }
  const Waiter waiter{question.attempt, question.first};
  Result<std::string> url = url_.fill(question.key);
  if (!url) {
    Verdict bad{.kind = Verdict::Kind::invalid, .trouble = Trouble::bad_key};
    bad.detail = std::move(url.error().context);
    ++counts_.asked;
    asked.reply = reply_to(waiter, {}, bad, now, nullptr);
    return asked;
  }
  std::string key = url->substr(url_.constant_prefix());
  if (!question.may_call && cache_.would_fetch(key, now)) {
    asked.reply.kind = Kind::busy;
    return asked;
  }
  ++counts_.asked;
  const LookupTicket ticket = ++last_ticket_;
  const LookupCache::Asked known = cache_.ask(key, ticket, now);
  switch (known.kind) {
    case LookupCache::Kind::hit:
      asked.reply = counted({.kind = known.hit.row ? Kind::found : Kind::missing, .row = known.hit.row});
      return asked;
    case LookupCache::Kind::full: {
      Verdict full{.kind = Verdict::Kind::not_asked, .trouble = Trouble::too_many};
      full.detail = fmt::format("{} questions wait already (cache.waiters_max)", config_.cache.waiters_max);
      full.not_before = later(now, config_.retry.backoff_min);
      asked.reply = reply_to(waiter, key, full, now, nullptr);
      return asked;
    }
    case LookupCache::Kind::fetch:
      return begin_call(waiter, std::move(*url), std::move(key), ticket, now);
    case LookupCache::Kind::join:
      break;
  }
  wait(ticket, waiter);
  asked.reply = {.kind = Kind::pending, .ticket = ticket};
  return asked;
}

void HttpLookup::wait(LookupTicket ticket, const Waiter& waiter) {
  waiters_.emplace(ticket, waiter);
  ++counts_.pending;
}

HttpLookup::Asked HttpLookup::begin_call(const Waiter& waiter, std::string url, std::string key, LookupTicket ticket,
                                         TimePoint now) {
  Asked asked;
  Verdict why{.kind = Verdict::Kind::not_asked};
  const bool retry = waiter.attempt > 1;
  RetryBudget::Grant grant{.granted = !retry};
  if (now < held_until_) {
    why.trouble = Trouble::asked_to_wait;
    why.detail = fmt::format("{} asked to be left alone", url_.server());
    why.not_before = held_until_;
  } else if (retry && !(grant = budget_.withdraw(now)).granted) {
    why.trouble = Trouble::budget_spent;
    why.detail = fmt::format("enough is retried at {} already", url_.server());
    why.not_before = grant.ask_again;
  } else {
    CircuitBreaker::Answer answer = breaker_.ask(now);
    asked.transition = answer.transition;
    if (answer.permit) {
      if (!retry) budget_.first_try(now);
      const LookupCallId id = ++last_call_;
      flights_.emplace(id, Flight{std::move(key), *answer.permit, retry});
      wait(ticket, waiter);
      ++counts_.calls;
      counts_.calls_retried += retry ? 1 : 0;
      asked.reply = {.kind = Kind::pending, .ticket = ticket};
      asked.call = Call{id, request_for(std::move(url))};
      return asked;
    }
    if (retry) budget_.give_back();
    why.trouble = Trouble::breaker_open;
    why.detail = fmt::format("{} failed too often and is left alone", url_.server());
    why.not_before = answer.not_before;
  }
  static_cast<void>(cache_.abandon(key));
  asked.reply = reply_to(waiter, key, why, now, nullptr);
  return asked;
}

HttpLookup::Flight HttpLookup::take_flight(LookupCallId id) {
  auto flight = flights_.extract(id);
  INVARIANT(!flight.empty(), "a call ends once");
  return std::move(flight.mapped());
}

HttpLookup::Ended HttpLookup::ended(LookupCallId id, const Result<HttpAnswer>& result, TimePoint now, UnixMicros wall,
                                    Rng& rng) {
  const Flight flight = take_flight(id);
  const Verdict verdict = judge(result, now, wall);
  CallOutcome outcome = CallOutcome::success;  // who says no is there
  if (verdict.kind == Verdict::Kind::temporary) outcome = CallOutcome::failure;
  if (verdict.kind == Verdict::Kind::not_asked) outcome = CallOutcome::cancelled;
  counts_.calls_failed += outcome == CallOutcome::failure ? 1 : 0;
  // First: whoever has to come again learns when the breaker lets him.
  const auto transition = breaker_.done(flight.permit, outcome, now, rng.next());
  Ended ended = land(flight, verdict, now, &rng);
  ended.transition = transition;
  return ended;
}

HttpLookup::Ended HttpLookup::not_started(LookupCallId id, const Error& why, TimePoint now) {
  const Flight flight = take_flight(id);
  if (flight.retry) budget_.give_back();
  breaker_.done(flight.permit, CallOutcome::cancelled, now, 0);
  Verdict verdict{.kind = Verdict::Kind::not_asked, .trouble = Trouble::too_many, .detail = why.context};
  verdict.not_before = later(now, config_.retry.backoff_min);
  if (why.code == Errc::cancelled) verdict.trouble = Trouble::stopping;
  return land(flight, verdict, now, nullptr);
}

void HttpLookup::forget(LookupTicket ticket) {
  if (waiters_.erase(ticket) == 0) return;
  --counts_.pending;
  ++counts_.forgotten;
}

HttpLookup::Ended HttpLookup::land(const Flight& flight, const Verdict& verdict, TimePoint now, Rng* rng) {
  const bool known = verdict.kind == Verdict::Kind::found || verdict.kind == Verdict::Kind::missing;
  const std::vector<LookupTicket> tickets =
      known ? cache_.complete(flight.key, verdict.row, now) : cache_.abandon(flight.key);
  Ended ended;
  for (const LookupTicket ticket : tickets) {
    const auto waiter = waiters_.extract(ticket);
    if (waiter.empty()) continue;  // forgotten
    --counts_.pending;
    ended.replies.emplace_back(ticket, reply_to(waiter.mapped(), flight.key, verdict, now, rng));
  }
  return ended;
}

LookupReply HttpLookup::reply_to(const Waiter& waiter, std::string_view key, const Verdict& verdict, TimePoint now,
                                 Rng* rng) {
  LookupReply reply{.trouble = verdict.trouble, .detail = verdict.detail};
  RetryDecision again;
  switch (verdict.kind) {
    case Verdict::Kind::found:
      reply.kind = Kind::found;
      reply.row = verdict.row;
      return counted(std::move(reply));
    case Verdict::Kind::missing:
      return counted(std::move(reply));
    case Verdict::Kind::invalid:
      reply.kind = Kind::invalid;
      return counted(std::move(reply));
    case Verdict::Kind::temporary:
    case Verdict::Kind::not_asked:
      break;
  }
  if (const std::optional<LookupHit> last = cache_.last_known(key, now)) {
    reply.kind = last->row ? Kind::found : Kind::missing;
    reply.row = last->row;
    reply.stale = last->stale;
    return counted(std::move(reply));
  }
  reply.attempted = verdict.kind == Verdict::Kind::temporary;
  if (reply.attempted) {
    again = policy_.after({.attempts = waiter.attempt,
                           .first = waiter.first,
                           .now = now,
                           .not_before = std::max(verdict.not_before, breaker_.open_until()),
                           .random = rng->next()});
  } else {
    again = policy_.put_off(waiter.first, verdict.not_before);
  }
  // Also where it was one too many: whoever keeps the event decides by the same rules, and is to see the same time.
  reply.retry_at = again.kind == RetryDecision::Kind::retry ? again.at : std::max(now, verdict.not_before);
  reply.kind = again.kind == RetryDecision::Kind::retry ? Kind::temporary : Kind::exhausted;
  return counted(std::move(reply));
}

LookupReply HttpLookup::counted(LookupReply reply) {
  counts_.stale += reply.stale ? 1 : 0;
  switch (reply.kind) {
    case Kind::found:
      ++counts_.found;
      break;
    case Kind::missing:
      ++counts_.missing;
      break;
    case Kind::temporary:
      ++(reply.attempted ? counts_.temporary : counts_.put_off);
      break;
    case Kind::exhausted:
      ++counts_.exhausted;
      break;
    case Kind::invalid:
      ++counts_.invalid;
      break;
    case Kind::pending:
    case Kind::busy:
      INVARIANT(false, "who waits has no reply yet");
  }
  return reply;
}

}  // namespace weir

#include "actors/enrich/lookup_work.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

using Kind = LookupReply::Kind;

std::uint64_t LookupWork::Chance::next() {
  ++drawn_;
  return xxh3_64({reinterpret_cast<const char*>(&drawn_), sizeof drawn_}, seed_);
}

LookupWork::LookupWork(const LookupRules& rules, std::unique_ptr<HttpLookup> lookup, std::uint64_t seed, const StagePorts& ports,
                       StageWorkHost host)
    : rules_(rules), lookup_(std::move(lookup)), chance_(seed), ports_(ports), host_(std::move(host)) {
  INVARIANT(ports_.clock != nullptr, "a lookup needs a clock");
  INVARIANT(ports_.logbook != nullptr, "a lookup says when a breaker opens");
  INVARIANT(ports_.fetch != nullptr, "a lookup needs somebody who asks");
  INVARIANT(ports_.lookups != nullptr, "a lookup is counted");
  gauges_ = ports_.lookups->of(rules_.name);
  gauges_->breakers[static_cast<std::size_t>(told_.breaker)].fetch_add(1);
}

LookupWork::~LookupWork() {
  gauges_->pending.fetch_sub(told_.pending);
  gauges_->calls_out.fetch_sub(told_.calls_out);
  gauges_->cache_entries.fetch_sub(told_.cache_entries);
  gauges_->cache_bytes.fetch_sub(told_.cache_bytes);
  gauges_->breakers[static_cast<std::size_t>(told_.breaker)].fetch_sub(1);
}

bool LookupWork::begin(ChainBatch& batch, RoundNumber number, StageScratch& scratch) {
  Round& round = rounds_[number];
  round.batch = &batch;
  for (std::uint32_t i = 0; i < batch.events().size(); ++i) {
    const ChainEvent& event = batch.events()[i];
    if (event.verdict == Verdict::pass && rules_.when.holds(event, batch)) round.questions.push_back({.event = i});
  }
  round.waits = round.questions.size();
  pending_ += round.waits;
  beginning_ = number;
  for (std::uint32_t i = 0; i < round.questions.size(); ++i)
    if (!ask({number, i})) waiting_.push_back({number, i});
  beginning_ = 0;
  const bool decided = round.waits == 0;
  if (decided) finish(batch, number, scratch);
  publish();
  return decided;
}

/// False: it takes a call, and as many as there may be are out.
bool LookupWork::ask(Place place) {
  Round& round = rounds_.at(place.round);
  ChainBatch& batch = *round.batch;
  Question& question = round.questions[place.question];
  key_.clear();
  for (const FieldRef& field : rules_.key) key_.push_back(key_part(field, batch.events()[question.event], batch));
  HttpLookup::Asked asked = lookup_->ask({.key = key_,
                                          .attempt = batch.history().attempts + 1,
                                          .first = first_asked(batch.history()),
                                          .may_call = calls_out_ < rules_.calls_max},
                                         ports_.clock->now());
  note(asked.transition);
  if (asked.reply.kind == Kind::busy) return false;
  if (asked.reply.kind != Kind::pending) {
    answer(place, std::move(asked.reply));
    return true;
  }
  question.ticket = asked.reply.ticket;
  tickets_.emplace(question.ticket, place);
  if (asked.call) start(std::move(*asked.call));
  return true;
}

/// On this process' clock; of an event that was tried before by another process before its beginning.
TimePoint LookupWork::first_asked(const RetryHistory& history) const {
  const TimePoint now = ports_.clock->now();
  if (history.attempts == 0) return now;
  return now - std::chrono::microseconds(std::max<std::int64_t>(0, ports_.clock->wall() - history.first_at));
}

void LookupWork::start(HttpLookup::Call call) {
  ++calls_out_;
  const auto fetched = [post = host_.post, this, id = call.id](Result<HttpAnswer> result) {
    // `this` is looked at where the work is, or nowhere any more.
    post([this, id, result = std::make_shared<const Result<HttpAnswer>>(std::move(result))] { on_ended(id, *result); });
  };
  if (const auto started = ports_.fetch->start(std::move(call.request), fetched); !started) {
    --calls_out_;
    land(lookup_->not_started(call.id, started.error(), ports_.clock->now()));
  }
}

void LookupWork::on_ended(LookupCallId id, const Result<HttpAnswer>& result) {
  --calls_out_;
  land(lookup_->ended(id, result, ports_.clock->now(), ports_.clock->wall(), chance_));
  ask_those_who_wait();
  publish();
}

void LookupWork::land(HttpLookup::Ended ended) {
  note(ended.transition);
  for (auto& [ticket, reply] : ended.replies) {
    const auto place = tickets_.extract(ticket);
    INVARIANT(!place.empty(), "replies come for those who wait");
    answer(place.mapped(), std::move(reply));
  }
}

void LookupWork::answer(Place place, LookupReply reply) {
  Round& round = rounds_.at(place.round);
  Question& question = round.questions[place.question];
  question.ticket = 0;
  question.reply = std::move(reply);
  --pending_;
  if (--round.waits == 0 && place.round != beginning_) host_.ready(place.round);
}

void LookupWork::ask_those_who_wait() {
  for (; !waiting_.empty(); waiting_.pop_front())
    if (rounds_.contains(waiting_.front().round) && !ask(waiting_.front())) return;
}

void LookupWork::finish(ChainBatch& batch, RoundNumber number, StageScratch& scratch) {
  const auto round = rounds_.extract(number);
  INVARIANT(!round.empty(), "a round that was begun ends once");
  for (const Question& question : round.mapped().questions) {
    ChainEvent& event = batch.events()[question.event];
    scratch.inside(batch, event);
    decide(batch, event, question.reply);
  }
  scratch.inside_all(batch);
}

void LookupWork::decide(ChainBatch& batch, ChainEvent& event, const LookupReply& reply) const {
  switch (reply.kind) {
    case Kind::found:
      batch.keep(reply.row);
      for (std::size_t i = 0; i < rules_.add.size(); ++i) event.document.set(rules_.add[i], reply.row->value(i));
      return;
    case Kind::missing:
      return rules_.missing.apply(batch, event, rules_.name, rules_.key, "is not known to " + rules_.server);
    case Kind::temporary:
    case Kind::exhausted:
      return put_off(batch, event, reply);
    case Kind::invalid:
      return batch.reject(event, rules_.name, "stage:lookup", fmt::format("{}: {}", to_string(reply.trouble), reply.detail));
    case Kind::pending:
    case Kind::busy:
      break;
  }
  INVARIANT(false, "a round ends when all of its questions are answered");
}

/// Whether it is tried again is for whoever keeps it to say, by the same rules.
void LookupWork::put_off(ChainBatch& batch, ChainEvent& event, const LookupReply& reply) const {
  const TimePoint pause = std::max(TimePoint(0), reply.retry_at - ports_.clock->now());
  const RetryHint hint{ports_.clock->wall() + std::chrono::ceil<std::chrono::microseconds>(pause).count(), reply.attempted};
  batch.retry(event, rules_.name, "lookup", fmt::format("{}: {}", to_string(reply.trouble), reply.detail), hint);
}

void LookupWork::forget(RoundNumber number) noexcept {
  const auto round = rounds_.extract(number);
  if (round.empty()) return;
  for (const Question& question : round.mapped().questions) {
    if (question.ticket == 0) continue;
    lookup_->forget(question.ticket);
    tickets_.erase(question.ticket);
  }
  pending_ -= round.mapped().waits;
  publish();
}

void LookupWork::note(const std::optional<BreakerTransition>& transition) {
  if (!transition) return;
  const bool opened = transition->to == BreakerState::open;
  std::string text = fmt::format("breaker of {}: {} -> {} ({})", rules_.server, to_string(transition->from), to_string(transition->to),
                                 to_string(transition->cause));
  if (opened) {
    const auto pause = std::max(TimePoint(0), transition->open_until - ports_.clock->now());
    text += fmt::format("; nobody asks it for {} ms", std::chrono::ceil<std::chrono::milliseconds>(pause).count());
  }
  host_.note(transition->to == BreakerState::closed ? std::string_view() : std::string_view(text));
  ports_.logbook->write(opened ? LogLevel::warn : LogLevel::info, fmt::format("{}/{}", rules_.name, ports_.partition.value), text);
}

void LookupWork::publish() {
  Told now{lookup_->counts(), lookup_->breaker().counts(ports_.clock->now()).opened, pending_,          calls_out_,
           lookup_->cache().entries(), lookup_->cache().bytes(),                     lookup_->breaker().state()};
  const auto grown = [&](std::atomic<std::uint64_t>& to, std::uint64_t before, std::uint64_t after) {
    if (before != after) to.fetch_add(after - before);  // modulo 2^64, so that gauges may fall
  };
  const HttpLookupCounts &a = told_.counts, &b = now.counts;
  grown(gauges_->asked, a.asked, b.asked);
  grown(gauges_->found, a.found, b.found);
  grown(gauges_->missing, a.missing, b.missing);
  grown(gauges_->stale, a.stale, b.stale);
  grown(gauges_->temporary, a.temporary, b.temporary);
  grown(gauges_->exhausted, a.exhausted, b.exhausted);
  grown(gauges_->put_off, a.put_off, b.put_off);
  grown(gauges_->invalid, a.invalid, b.invalid);
  grown(gauges_->calls, a.calls, b.calls);
  grown(gauges_->calls_retried, a.calls_retried, b.calls_retried);
  grown(gauges_->calls_failed, a.calls_failed, b.calls_failed);
  grown(gauges_->breaker_opened, told_.opened, now.opened);
  grown(gauges_->pending, told_.pending, now.pending);
  grown(gauges_->calls_out, told_.calls_out, now.calls_out);
  grown(gauges_->cache_entries, told_.cache_entries, now.cache_entries);
  grown(gauges_->cache_bytes, told_.cache_bytes, now.cache_bytes);
  if (told_.breaker != now.breaker) {
    gauges_->breakers[static_cast<std::size_t>(told_.breaker)].fetch_sub(1);
    gauges_->breakers[static_cast<std::size_t>(now.breaker)].fetch_add(1);
  }
  told_ = now;
}

}  // namespace weir

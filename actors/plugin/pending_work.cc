#include "actors/plugin/pending_work.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/invariant.h"
#include "runtime/base/units.h"

namespace weir {

using Kind = PendingMail::Letter::Kind;

namespace {
constexpr std::size_t kSpareMax = 4;  // rounds that wait at once are few; their memory is kept for the next ones
}  // namespace

PendingWork::PendingWork(const PluginCalls& calls, PendingLimits limits, const StagePorts& ports, StageWorkHost host)
    : calls_(calls), limits_(limits), ports_(ports), host_(std::move(host)) {
  INVARIANT(ports_.clock != nullptr, "a deadline needs a clock");
  INVARIANT(ports_.pending != nullptr, "what waits is counted");
  gauges_ = ports_.pending->of(calls_.name());
  // `this` is looked at where the work is, or nowhere any more.
  std::function<void()> wake = [post = host_.post, this] { post([this] { take_letters(); }); };
  if (ports_.from_outside) wake = [outside = ports_.from_outside, inner = std::move(wake)] { outside(inner); };
  mail_ = std::make_shared<PendingMail>(gauges_, std::move(wake));
}

PendingWork::~PendingWork() {
  mail_->close();
  gauges_->pending.fetch_sub(told_pending_);
  gauges_->turn.fetch_sub(told_turn_);
}

bool PendingWork::begin(ChainBatch& batch, RoundNumber number, StageScratch& scratch) {
  scratch_ = &scratch;
  Round& round = rounds_[number];
  round.batch = &batch;
  if (spare_.empty()) spare_.push_back(std::make_unique<PluginPlaces>());
  round.places = std::move(spare_.back());
  spare_.pop_back();
  round.places->clear();
  for (std::size_t i = 0; i < batch.events().size(); ++i) {
    if (!calls_.gets(batch.events()[i], batch)) continue;
    PluginPlace& place = calls_.place(batch, i, *round.places);
    place.raw.mail = &mail_;
    place.raw.ticket = ++last_ticket_;
  }
  round.waits = round.places->size();
  turn_events_ += round.waits;
  decide_some(number, round);
  if (round.next < round.places->size()) turn_.push_back(number);
  const bool decided = round.waits == 0;
  if (decided) finish(batch, number, scratch);
  arm();
  publish();
  return decided;
}

/// As many as may be pending, and those between that are decided at once.
void PendingWork::decide_some(RoundNumber number, Round& round) {
  while (round.next < round.places->size() && pending_.size() < limits_.pending_max) {
    const std::size_t first = round.next;
    const std::size_t room = limits_.pending_max - pending_.size();
    const std::size_t count = calls_.in_batches() ? std::min(round.places->size() - first, room) : 1;
    if (calls_.in_batches()) {
      decide_several(round, count);
    } else {
      decide_one(round, (*round.places)[first]);
    }
    round.next += count;
    turn_events_ -= count;
    for (std::size_t at = first; at < round.next; ++at) took(number, round, at);
  }
  scratch_->inside_all(*round.batch);
}

void PendingWork::decide_one(Round& round, PluginPlace& place) {
  scratch_->inside(*round.batch, round.batch->events()[place.event]);
  calls_.decide(place, message_);
}

void PendingWork::decide_several(Round& round, std::size_t count) {
  several_.clear();
  for (std::size_t at = round.next; at < round.next + count; ++at) several_.push_back(&(*round.places)[at].raw);
  calls_.decide_batch(several_, message_);
}

void PendingWork::took(RoundNumber number, Round& round, std::size_t at) {
  PluginPlace& place = (*round.places)[at];
  if (calls_.take(*round.batch, place)) {
    pending_.emplace(place.raw.ticket, Place{number, at});
    due_.push_back({ports_.clock->now() + limits_.deadline, place.raw.ticket});
    // One that waits long must not pile up all that came behind it and are answered.
    if (due_.size() > 2 * std::size_t{limits_.pending_max}) std::erase_if(due_, [this](const Due& due) { return !pending_.contains(due.ticket); });
    return;
  }
  if (place.raw.completing) mail_->forget(place.raw.ticket);  // it took a completion and did not need it
  --round.waits;
}

void PendingWork::read_mail() {
  for (const PendingMail::Letter& letter : mail_->take()) {
    const auto found = pending_.extract(letter.ticket);
    if (found.empty()) {
      gauges_->unwanted.fetch_add(1);  // given up while the letter lay there
      continue;
    }
    take_letter(found.mapped(), letter);
  }
}

void PendingWork::take_letters() {
  read_mail();
  while (!due_.empty() && !pending_.contains(due_.front().ticket)) due_.pop_front();
  decide_those_who_wait();
  arm();
  publish();
}

void PendingWork::take_letter(Place at, const PendingMail::Letter& letter) {
  Round& round = rounds_.at(at.round);
  PluginPlace& place = (*round.places)[at.place];
  ChainEvent& event = round.batch->events()[place.event];
  switch (letter.kind) {
    case Kind::answered:
      host_.inside(at.round, [&] {
        scratch_->inside(*round.batch, event);
        calls_.resume(place, letter.text, message_);
        static_cast<void>(calls_.take(*round.batch, place));  // pending again is a crash
        scratch_->inside_all(*round.batch);
      });
      gauges_->answered.fetch_add(1);
      break;
    case Kind::too_large:
      round.batch->reject(event, calls_.name(), "stage:answer_too_large", fmt::format("the answer has more than {}", format_size(kPendingAnswerBytesMax)));
      gauges_->answered.fetch_add(1);
      break;
    case Kind::failed:
    case Kind::dropped:
      calls_.put_off(*round.batch, event, "stage:failed", letter.kind == Kind::dropped ? "its completion was dropped without an answer" : letter.text);
      gauges_->failed.fetch_add(1);
      break;
  }
  decided(at);
}

void PendingWork::decided(Place at) {
  if (--rounds_.at(at.round).waits == 0) host_.ready(at.round);
}

void PendingWork::decide_those_who_wait() {
  while (!turn_.empty() && pending_.size() < limits_.pending_max) {
    const RoundNumber number = turn_.front();
    const auto found = rounds_.find(number);
    if (found != rounds_.end()) {
      Round& round = found->second;
      host_.inside(number, [&] { decide_some(number, round); });
      if (round.next < round.places->size()) return;
      if (round.waits == 0) host_.ready(number);
    }
    turn_.pop_front();
  }
}

void PendingWork::look_at_deadlines() {
  armed_ = false;
  read_mail();  // an answer that is there counts, also where nobody could be woken for it
  const TimePoint now = ports_.clock->now();
  for (; !due_.empty() && due_.front().at <= now; due_.pop_front()) {
    const auto found = pending_.extract(due_.front().ticket);
    if (found.empty()) continue;
    mail_->forget(due_.front().ticket);
    const Place at = found.mapped();
    Round& round = rounds_.at(at.round);
    calls_.put_off(*round.batch, round.batch->events()[(*round.places)[at.place].event], "stage:deadline",
                   fmt::format("no answer within {} (deadline)", format_duration(std::chrono::duration_cast<std::chrono::microseconds>(limits_.deadline))));
    gauges_->late.fetch_add(1);
    decided(at);
  }
  decide_those_who_wait();
  arm();
  publish();
}

/// One timer at a time: for whoever waits longest.
void PendingWork::arm() {
  if (armed_ || due_.empty()) return;
  armed_ = true;
  // The clock of timers and ours may differ by a little: never at once again.
  const auto pause = std::max<std::chrono::nanoseconds>(due_.front().at - ports_.clock->now(), std::chrono::milliseconds(1));
  host_.after(pause, [this] { look_at_deadlines(); });
}

void PendingWork::finish(ChainBatch& batch, RoundNumber number, StageScratch&) {
  auto round = rounds_.extract(number);
  INVARIANT(!round.empty(), "a round that was begun ends once");
  std::unique_ptr<PluginPlaces> places = std::move(round.mapped().places);
  if (calls_.splits()) calls_.split(batch, *places);
  if (spare_.size() < kSpareMax) spare_.push_back(std::move(places));
}

void PendingWork::forget(RoundNumber number) noexcept {
  const auto found = rounds_.extract(number);
  if (found.empty()) return;
  const Round& round = found.mapped();
  for (std::size_t at = 0; at < round.next; ++at) {
    const std::uint64_t ticket = (*round.places)[at].raw.ticket;
    if (pending_.erase(ticket) != 0) mail_->forget(ticket);
  }
  turn_events_ -= round.places->size() - round.next;
  publish();
}

void PendingWork::publish() {
  gauges_->pending.fetch_add(pending_.size() - told_pending_);  // modulo 2^64, so that gauges may fall
  gauges_->turn.fetch_add(turn_events_ - told_turn_);
  told_pending_ = pending_.size();
  told_turn_ = turn_events_;
}

}  // namespace weir

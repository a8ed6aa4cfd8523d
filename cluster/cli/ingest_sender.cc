#include "cluster/cli/ingest_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cluster/cli/node_client.h"

namespace weir::cli {

namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLook{100};  // how often `stop` is looked at
constexpr milliseconds kRetryAfterMax{60'000};

milliseconds retry_after_of(const HttpAnswer& answer) {
  const auto text = answer.header("retry-after");
  if (!text || text->empty() || text->size() > 6 || text->find_first_not_of("0123456789") != std::string_view::npos)
    return milliseconds{0};
  return std::min(milliseconds{1000 * std::stoll(std::string(*text))}, kRetryAfterMax);
}

/// splitmix64: spreads the tries of many clients, no more.
std::uint64_t mixed(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

}  // namespace

IngestVerdict judge_answer(const Result<HttpAnswer>& answer, std::size_t events) {
  using Kind = IngestVerdict::Kind;
  if (!answer) {
    const bool temporary = answer.error().code == Errc::not_ready;
    return {temporary ? Kind::again : Kind::refused, milliseconds{0}, answer.error()};
  }
  if (answer->status == 202) {
    const auto json = nlohmann::json::parse(answer->body, nullptr, false);
    const bool counted = json.is_object() && json.contains("accepted") && json["accepted"] == events;
    if (counted) return {Kind::acknowledged, milliseconds{0}, {Errc::internal, {}}};
    return {Kind::refused,
            milliseconds{0},
            {Errc::internal,
             fmt::format(
                 "{} events were sent and the node answered {}: it frames them differently; are both of one version?",
                 events, answer->body.substr(0, 200))}};
  }
  Error error = error_of_answer(*answer, "the node refused a batch");
  if (answer->status == 400) error.code = Errc::input_unreadable;
  if (answer->status == 413) return {Kind::split, milliseconds{0}, std::move(error)};
  if (answer->status == 408 || answer->status == 429 || answer->status >= 500)
    return {Kind::again, retry_after_of(*answer), std::move(error)};
  return {Kind::refused, milliseconds{0}, std::move(error)};
}

milliseconds retry_wait(std::uint32_t attempt, milliseconds backoff_min, milliseconds backoff_max,
                        milliseconds retry_after, std::uint64_t chance) {
  const milliseconds doubled =
      backoff_min * (std::int64_t{1} << std::min<std::uint32_t>(std::max(attempt, 1u) - 1, 20));
  const std::int64_t most = std::min(doubled, backoff_max).count();
  const milliseconds wait{most / 2 +
                          static_cast<std::int64_t>(chance % static_cast<std::uint64_t>(most - most / 2 + 1))};
  return std::max(wait, std::min(retry_after, kRetryAfterMax));
}

std::optional<milliseconds> wait_within(milliseconds wait, std::chrono::nanoseconds tried,
                                        std::chrono::microseconds give_up_after) {
  const auto left = std::chrono::duration_cast<milliseconds>(give_up_after - tried);
  if (left <= milliseconds{0}) return std::nullopt;
  return std::min(left, wait);
}

milliseconds try_timeout(std::chrono::nanoseconds tried, std::chrono::microseconds give_up_after) {
  constexpr milliseconds kLeast{1'000};  // an answer under load takes some of it; arbitrary
  const auto left = std::chrono::duration_cast<milliseconds>(give_up_after - tried);
  return std::clamp(left, kLeast, HttpCall{}.timeout);
}

IngestSender::IngestSender(IngestSenderConfig config, const Clock& clock, Rng& rng, const std::atomic<int>& stop)
    : config_(std::move(config)), clock_(clock), stop_(stop), lanes_(config_.lanes) {
  for (Lane& lane : lanes_) lane.chance = rng.next();
  for (Lane& lane : lanes_) lane.thread = std::thread([this, &lane] { run(lane); });
}

IngestSender::~IngestSender() {
  fail_all({Errc::cancelled, "nobody waited for the rest"});
  for (Lane& lane : lanes_)
    if (lane.thread.joinable()) lane.thread.join();
}

bool IngestSender::give(std::uint32_t number, IngestRequest request) {
  std::unique_lock lock(mutex_);
  Lane& lane = lanes_[number];
  while (!over() && lane.waiting.size() >= config_.queue_max) changed_.wait_for(lock, kLook);
  if (over()) return false;
  lane.waiting.push_back(std::move(request));
  changed_.notify_all();
  return true;
}

Result<void> IngestSender::finish() {
  {
    const std::scoped_lock lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }
  for (Lane& lane : lanes_)
    if (lane.thread.joinable()) lane.thread.join();
  const std::scoped_lock lock(mutex_);
  if (failure_) return fail(*failure_);
  if (stop_ != 0) return fail(Errc::cancelled, "stopped before everything was sent");
  return {};
}

IngestTotals IngestSender::totals() const {
  const std::scoped_lock lock(mutex_);
  return totals_;
}

void IngestSender::fail_all(Error error) {
  const std::scoped_lock lock(mutex_);
  if (!failure_) failure_ = std::move(error);
  changed_.notify_all();
}

bool IngestSender::wait(milliseconds time) {
  std::unique_lock lock(mutex_);
  const TimePoint until = clock_.now() + time;
  while (!over() && clock_.now() < until)
    changed_.wait_for(lock, std::min<std::chrono::nanoseconds>(kLook, until - clock_.now()));
  return !over();
}

void IngestSender::note_away(const Error& error) {
  const std::scoped_lock lock(mutex_);
  ++totals_.retries;
  if (away_since_) return;
  away_since_ = clock_.now();
  if (config_.note) config_.note(fmt::format("{}; trying again", error.context));
}

void IngestSender::note_back() {
  const std::scoped_lock lock(mutex_);
  if (!away_since_) return;
  const double seconds = std::chrono::duration<double>(clock_.now() - *away_since_).count();
  away_since_.reset();
  if (config_.note) config_.note(fmt::format("going on after {:.1f} s", seconds));
}

void IngestSender::run(Lane& lane) {
  auto client = config_.client();
  if (!client) return fail_all(client.error());
  for (;;) {
    IngestRequest request;
    {
      std::unique_lock lock(mutex_);
      while (!over() && lane.waiting.empty() && !finished_) changed_.wait_for(lock, kLook);
      if (over() || lane.waiting.empty()) return;
      request = std::move(lane.waiting.front());
      lane.waiting.pop_front();
      changed_.notify_all();
    }
    send(lane, **client, request);
  }
}

void IngestSender::send(Lane& lane, HttpClient& client, const IngestRequest& request) {
  HttpCall call;
  call.method = "POST";
  call.url = config_.url + "/v1/events";
  call.headers = {{"Content-Type", request.content_type}};
  call.body = request.body();
  const TimePoint begin = clock_.now();
  for (std::uint32_t attempt = 1;; ++attempt) {
    call.timeout = try_timeout(clock_.now() - begin, config_.give_up_after);
    IngestVerdict verdict = judge_answer(client.call(call), request.events.size());
    switch (verdict.kind) {
      case IngestVerdict::Kind::acknowledged: {
        note_back();
        const std::scoped_lock lock(mutex_);
        totals_.events += request.events.size();
        ++totals_.requests;
        if (auto told = config_.acknowledged(request); !told && !failure_) failure_ = std::move(told.error());
        return;
      }
      case IngestVerdict::Kind::split: {
        if (request.events.size() == 1) return fail_all(verdict.error);
        const auto [first, second] = request.halves();
        send(lane, client, first);
        const bool go_on = wait(milliseconds{0});
        return go_on ? send(lane, client, second) : void();
      }
      case IngestVerdict::Kind::refused:
        if (!request.input.empty()) verdict.error.context = fmt::format("input {}: {}", request.input, verdict.error.context);
        return fail_all(verdict.error);
      case IngestVerdict::Kind::again:
        break;
    }
    const milliseconds wanted =
        retry_wait(attempt, config_.backoff_min, config_.backoff_max, verdict.retry_after, mixed(lane.chance));
    const auto pause = wait_within(wanted, clock_.now() - begin, config_.give_up_after);
    if (!pause) {
      return fail_all(
          {Errc::not_ready,
           fmt::format("{}; given up after {} s of trying, what was acknowledged is kept", verdict.error.context,
                       std::chrono::duration_cast<std::chrono::seconds>(config_.give_up_after).count())});
    }
    note_away(verdict.error);
    if (!wait(*pause)) return;
  }
}

}  // namespace weir::cli

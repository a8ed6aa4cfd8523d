#include "runtime/engine/sink_flow.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/backoff.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/base/units.h"

namespace weir {

namespace {

/// How much of the log may be held beside a batch, so that few records among many do not hold all of it.
constexpr std::uint64_t kFeedBytes = std::uint64_t{1} << 20;
/// How long it may pass over what is not for this sink before the cursor says so: what is passed over again after a death costs reading.
constexpr std::chrono::milliseconds kPassedStore{1'000};

RetryPolicy retry_policy(const SinkFlowConfig& config) {
  RetryConfig retry;
  retry.attempts_max = 1'000;
  retry.backoff_min = config.backoff_min;
  retry.backoff_max = config.backoff_max;
  retry.retry_age_max = std::chrono::hours(7 * 24);
  return RetryPolicy(retry);
}

}  // namespace

SinkFlowConfig flow_config(const SinkConfig& sink) {
  SinkFlowConfig config;
  config.begin_now = sink.begin == SinkBegin::now;
  config.backoff_min = sink.backoff_min;
  config.backoff_max = sink.backoff_max;
  config.lag_age_max = sink.lag_age_max;
  config.lag_bytes_max = sink.lag_bytes_max;
  if (const auto* files = std::get_if<FilesSinkConfig>(&sink.body)) {
    config.hides = true;
    config.prepare_bytes_max = files->file_bytes_max;
    config.prepare_age_max = files->file_age_max;
    config.bytes_max = std::min(config.bytes_max, files->file_bytes_max);
  } else if (const auto* http = std::get_if<HttpSinkConfig>(&sink.body)) {
    config.events_max = http->batch_events_max;
    config.bytes_max = http->batch_bytes_max;
    config.batch_age_max = http->batch_age_max;
    config.on_refused = http->on_refused;
    config.breaker = http->breaker;
  } else if (const auto* plugin = std::get_if<PluginSinkConfig>(&sink.body)) {
    config.events_max = plugin->batch_events_max;
    config.bytes_max = plugin->batch_bytes_max;
    config.batch_age_max = plugin->batch_age_max;
    config.on_refused = plugin->on_refused;
  }
  return config;
}

SinkFlow::SinkFlow(const SinkConfig& sink, const PipelineConfig& pipeline, PartitionId partition)
    : config_(flow_config(sink)), name_(sink.name), partition_(partition), feed_(sink, pipeline, partition), retry_(retry_policy(config_)) {
  if (config_.breaker) breaker_.emplace(*config_.breaker);
}

SinkFlow::Step SinkFlow::act(Do what) {
  busy_ = true;
  Step step;
  step.what = what;
  return step;
}

SinkFlow::Step SinkFlow::next(TimePoint now, UnixMicros wall, std::uint64_t random) {
  now_ = now;
  wall_ = wall;
  random_ = random;
  if (busy_) return {};
  if (loaded_ && !error_) look_at_lag();
  if (error_) return {Do::give_up, TimePoint::max(), {}, {}};
  if (now_ < not_before_) {
    // Whoever stops does not wait for something that fails: the next start tries it again.
    if (finish_ == Finish::soon) return {Do::stop, TimePoint::max(), {}, {}};
    return {Do::wait, not_before_, {}, {}};
  }
  return work();
}

SinkFlow::Step SinkFlow::work() {
  if (!loaded_) return act(Do::load);
  if (storing_) return act(Do::store);
  if (!opened_) {
    // First a piece of the log: then it is known how old the oldest of it is, also while the target cannot be opened.
    if (finish_ != Finish::soon && feed_.end() == sent_.through && feed_.end() < newest_) {
      Step step = act(Do::read);
      step.after = feed_.end();
      return step;
    }
    if (finish_ == Finish::soon) return end();
    return act(Do::open);
  }
  if (publishing_) return act(Do::publish);
  if (config_.hides && staged_since_) {
    const bool due = prepare_now_ || staged_bytes_ >= config_.prepare_bytes_max || now_ - *staged_since_ >= config_.prepare_age_max;
    if (due) return act(Do::prepare);
  }
  if (finish_ == Finish::soon) return end();
  if (!batch_) make_batch();
  if (auto step = send_or_wait()) return *step;
  if (feed_.end() < newest_) {
    Step step = act(Do::read);
    step.after = feed_.end();
    return step;
  }
  if (finish_ && !batch_) return end();
  if (idle_store_due()) {
    begin_store();
    return act(Do::store);
  }
  Step step;
  if (staged_since_ && config_.hides) step.until = later(*staged_since_, config_.prepare_age_max);
  if (waiting_since_) step.until = std::min(step.until, later(*waiting_since_, config_.batch_age_max));
  if (passed_since_) step.until = std::min(step.until, later(*passed_since_, kPassedStore));
  return step;
}

bool SinkFlow::idle_store_due() const noexcept { return passed_since_ && !staged_since_ && now_ - *passed_since_ >= kPassedStore; }

SinkFlow::Step SinkFlow::end() {
  if (staged_since_ && config_.hides) return act(Do::prepare);
  if (sent_ != cursor_.position && opened_) {
    begin_store();
    return act(Do::store);
  }
  return {Do::stop, TimePoint::max(), {}, {}};
}

void SinkFlow::make_batch() {
  SinkFeed::Bounds bounds{config_.events_max, config_.bytes_max, {}};
  if (cap_ != 0) {
    bounds.events_max = cap_;
    bounds.until = cap_until_;
  }
  SinkFeed::Made made = feed_.batch(sent_, bounds);
  if (made.batch->items.empty()) {
    if (made.batch->to != sent_) move_to(*made.batch, false);
    waiting_since_.reset();
    return;
  }
  const bool more = feed_.end() < newest_ && feed_.bytes() < config_.bytes_max + kFeedBytes;
  if (!made.full && cap_ == 0 && !config_.hides) {
    if (more) return;  // it is read first
    const bool waits = feed_.end() == newest_ && !finish_ && config_.batch_age_max.count() > 0;
    if (waits && !waiting_since_) waiting_since_ = now_;
    if (waits && now_ - *waiting_since_ < config_.batch_age_max) return;
  }
  waiting_since_.reset();
  batch_ = std::move(made.batch);
}

std::optional<SinkFlow::Step> SinkFlow::send_or_wait() {
  if (!batch_) return std::nullopt;
  if (breaker_) {
    const CircuitBreaker::Answer answer = breaker_->ask(now_);
    if (!answer.permit) {
      not_before_ = std::max(answer.not_before, now_ + std::chrono::milliseconds(1));
      return Step{Do::wait, not_before_, {}, {}};
    }
    permit_ = answer.permit;
  }
  Step step = act(Do::send);
  step.batch = batch_;
  return step;
}

void SinkFlow::look_at_lag() {
  if (!lagging()) {
    lag_since_ = 0;
    lag_exact_ = false;
    grace_taken_ = true;
    lag_grace_ = {};
    return;
  }
  if (lag_since_ == 0) lag_since_ = wall_;
  if (!lag_exact_ && sent_ == cursor_.position) {
    if (const auto at = feed_.committed_at(sent_)) {
      lag_since_ = *at;
      lag_exact_ = true;
    }
  }
  const std::chrono::microseconds age(std::max<std::int64_t>(wall_ - lag_since_, 0));
  if (age <= config_.lag_age_max) lag_grace_ = {};
  // A sink that is started again so late gets the same time once more.
  if (lag_exact_ && !std::exchange(grace_taken_, true) && age > config_.lag_age_max) lag_grace_ = age;
  if (config_.lag_bytes_max) {
    if (lag_bytes_ <= *config_.lag_bytes_max) lag_bytes_grace_ = 0;
    if (lag_bytes_ > *config_.lag_bytes_max + lag_bytes_grace_)
      return broken(Errc::limit_reached, fmt::format("sink {}, partition {}: it lags {} behind, more than sink_lag_max.bytes ({}){}{}; it stands at commit {} of {}", name_, partition_.value,
                                                     format_size(lag_bytes_), format_size(*config_.lag_bytes_max), failing_.empty() ? "" : "; what fails: ", failing_,
                                                     cursor_.position.through.value, newest_.value));
  }
  if (age > config_.lag_age_max + lag_grace_)
    broken(Errc::limit_reached, fmt::format("sink {}, partition {}: it lags {} s behind, longer than sink_lag_max.age ({}){}{}; it stands at commit {} of {}", name_, partition_.value,
                                            age.count() / 1'000'000, format_duration(config_.lag_age_max), failing_.empty() ? "" : "; what fails: ", failing_,
                                            cursor_.position.through.value, newest_.value));
}

void SinkFlow::failed(const std::string& what, std::chrono::milliseconds pause) {
  ++counts_.failures;
  failures_ = std::min<std::uint32_t>(failures_ + 1, 900);
  if (failing_.empty()) notes_.push_back({true, fmt::format("{}; it is tried again", what)});
  failing_ = what;
  FailedAttempt attempt;
  attempt.attempts = failures_;
  attempt.first = attempt.now = now_;
  attempt.not_before = later(now_, pause);
  attempt.random = random_;
  not_before_ = retry_.after(attempt).at;
}

void SinkFlow::went_well() {
  if (!failing_.empty()) notes_.push_back({false, "it goes on"});
  failing_.clear();
  failures_ = 0;
  not_before_ = {};
}

void SinkFlow::loaded(Result<std::optional<SinkCursor>> cursor, const PartitionStatus& log, const Digest128& log_id) {
  busy_ = false;
  newest_ = std::max(newest_, log.position.sequence);
  if (!cursor) {
    if (cursor.error().code == Errc::io_failed) return failed(cursor.error().context);
    return broken(cursor.error().code, fmt::format("sink {}, partition {}: {}; weir sink drop {} begins it anew", name_, partition_.value, cursor.error().context, name_));
  }
  went_well();
  loaded_ = true;
  if (!*cursor) {
    cursor_ = {};
    cursor_.log_id = log_id;
    cursor_.position = {config_.begin_now ? log.position.sequence : log.output_begin, 0};
    sent_ = cursor_.position;
    feed_.begin(sent_, {});
    if (log.output_begin.value != 0 && !config_.begin_now)
      notes_.push_back({false, fmt::format("it begins with commit {}: the log has none before it any more", log.output_begin.value + 1)});
    begin_store();  // so that its beginning stays where it is, whatever happens
    return;
  }
  cursor_ = std::move(**cursor);
  sent_ = cursor_.position;
  feed_.begin(sent_, cursor_.columns);
  publishing_ = false;  // opening does it
  const std::string where = fmt::format("sink {}, partition {}: its cursor stands at commit {}", name_, partition_.value, cursor_.position.through.value);
  if (cursor_.log_id != log_id)
    return broken(Errc::state_damaged, fmt::format("{} of another log ({}; this one is {}); weir sink drop {} begins it anew", where, to_hex(cursor_.log_id), to_hex(log_id), name_));
  const bool behind_a_part = cursor_.position.taken != 0;
  if (cursor_.position.through.value + (behind_a_part ? 1 : 0) > log.position.sequence.value)
    return broken(Errc::state_damaged, fmt::format("{}, and the log ends at {}: one of the two was put back from a copy; weir sink drop {} begins it anew", where, log.position.sequence.value, name_));
  if (cursor_.position.through < log.output_begin)
    broken(Errc::below_horizon, fmt::format("{}, and the log begins behind {}: what lies between is lost to it; weir sink drop {} begins it anew", where, log.output_begin.value, name_));
}

void SinkFlow::was_read(Result<std::vector<CommitRecord>> records) {
  busy_ = false;
  auto added = records ? feed_.add(std::move(*records)) : Result<void>(fail(records.error()));
  if (added) return;
  const Errc code = added.error().code;
  if (code == Errc::io_failed || disposition(code) == Disposition::retry || code == Errc::cancelled || code == Errc::log_closed) return failed("the log cannot be read: " + added.error().context);
  broken(code, fmt::format("sink {}, partition {}: the log cannot be read: {}", name_, partition_.value, added.error().context));
}

void SinkFlow::opened(Result<void> result) {
  busy_ = false;
  if (!result) {
    if (disposition(result.error().code) == Disposition::restore_older) return broken(result.error().code, fmt::format("sink {}, partition {}: {}", name_, partition_.value, result.error().context));
    return failed(result.error().context);
  }
  went_well();
  opened_ = true;
  publishing_ = false;
}

void SinkFlow::move_to(const SinkBatch& batch, bool taken) {
  sent_ = batch.to;
  feed_.forget(sent_);
  if (cap_ != 0 && sent_ >= cap_until_) cap_ = 0;
  if (taken) {
    staged_records_ += batch.items.size();
    staged_bytes_ += batch.bytes;
    counts_.bytes += batch.bytes;
    ++counts_.batches;
    if (!staged_since_) staged_since_ = now_;
  } else if (!passed_since_) {
    passed_since_ = now_;
  }
}

void SinkFlow::begin_store() {
  next_cursor_ = cursor_;
  next_cursor_.position = sent_;
  next_cursor_.records += staged_records_;
  next_cursor_.skipped += staged_skipped_;
  next_cursor_.log_records = feed_.log_records().value_or(cursor_.log_records);
  next_cursor_.columns = feed_.columns();
  storing_ = true;
}

void SinkFlow::sent(SinkAnswer answer) {
  busy_ = false;
  if (permit_) {
    const bool fault = answer.kind == SinkAnswer::Kind::failed;
    breaker_->done(*std::exchange(permit_, std::nullopt), fault ? CallOutcome::failure : CallOutcome::success, now_, random_);
  }
  switch (answer.kind) {
    case SinkAnswer::Kind::taken:
    case SinkAnswer::Kind::full:
      went_well();
      prepare_now_ = prepare_now_ || answer.kind == SinkAnswer::Kind::full;
      move_to(*std::exchange(batch_, nullptr), true);
      if (!config_.hides) begin_store();
      return;
    case SinkAnswer::Kind::failed:
      return failed(answer.reason, answer.pause);
    case SinkAnswer::Kind::refused:
      return refused(answer.reason);
    case SinkAnswer::Kind::unusable:
      return broken(Errc::not_ready, fmt::format("sink {}, partition {}: {}; when that is mended: weir sink release {}", name_, partition_.value, answer.reason, name_));
  }
}

/// Which of the records it is, is looked for by halves.
void SinkFlow::refused(const std::string& reason) {
  went_well();
  const std::shared_ptr<const SinkBatch> batch = std::exchange(batch_, nullptr);
  if (batch->items.size() > 1) {
    if (cap_ == 0) cap_until_ = batch->to;
    cap_ = static_cast<std::uint32_t>(batch->items.size() / 2);
    return;
  }
  const std::string which = fmt::format("the record {} is refused: {}", batch->items.front().id, reason);
  if (config_.on_refused == OnRefused::stop)
    return broken(Errc::invalid_argument, fmt::format("sink {}, partition {}: {}; with on_refused: skip it would be passed over. weir sink release {} tries it again", name_, partition_.value, which, name_));
  notes_.push_back({true, which + "; it is skipped"});
  ++staged_skipped_;
  move_to(*batch, false);
  begin_store();
}

void SinkFlow::prepared(Result<std::string> state) {
  busy_ = false;
  if (state) {
    begin_store();
    next_cursor_.state = std::move(*state);
    return;
  }
  // What it was sent may be there or not: from the cursor on it is sent again.
  failed(state.error().context);
  opened_ = false;
  if (!WEIR_DEFECT("sink_forgets_staged")) sent_ = cursor_.position;
  feed_.begin(sent_, cursor_.columns);
  batch_ = nullptr;
  cap_ = 0;
  staged_records_ = staged_skipped_ = staged_bytes_ = 0;
  staged_since_.reset();
  passed_since_.reset();
  prepare_now_ = false;
}

void SinkFlow::stored(Result<void> result) {
  busy_ = false;
  if (!result) return failed(result.error().context);
  went_well();
  storing_ = false;
  publishing_ = config_.hides && next_cursor_.state != cursor_.state;
  cursor_ = next_cursor_;
  staged_records_ = staged_skipped_ = staged_bytes_ = 0;
  staged_since_.reset();
  passed_since_.reset();
  prepare_now_ = false;
  lag_since_ = 0;
  lag_exact_ = false;
}

void SinkFlow::published(Result<void> result) {
  busy_ = false;
  if (!result) return failed(result.error().context);
  went_well();
  publishing_ = false;
}

}  // namespace weir

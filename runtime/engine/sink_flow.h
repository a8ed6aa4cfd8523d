// What one sink does next in one partition. A decider: what became of the last thing comes in, the next one goes out; one at a time.
//
//   load cursor ─▶ read a piece of the log ─▶ open target ─▶ ( send ─▶ … ─▶ prepare ─▶ store cursor ─▶ publish ) again and again
//
// A target that hides (files) is sent many batches before they are prepared, stored with the cursor, and published. Any other shows at
// once what it is sent, and the cursor is stored behind every batch. The cursor never lies before what is taken for good: so nothing is
// lost, whatever dies.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/circuit_breaker.h"
#include "runtime/engine/retry_policy.h"
#include "runtime/engine/sink_feed.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"

namespace weir {

struct SinkFlowConfig {
  bool hides = false;
  std::uint32_t events_max = 1'000;                       // of a batch
  std::uint64_t bytes_max = std::uint64_t{1} << 20;
  std::chrono::milliseconds batch_age_max{0};             // of one that is not full
  std::uint64_t prepare_bytes_max = std::uint64_t{1} << 62;  // of a target that hides
  std::chrono::microseconds prepare_age_max = std::chrono::hours(24);
  OnRefused on_refused = OnRefused::stop;
  bool begin_now = false;
  std::chrono::milliseconds backoff_min{200};
  std::chrono::milliseconds backoff_max{60'000};
  std::optional<BreakerConfig> breaker = {};
  std::chrono::microseconds lag_age_max = std::chrono::hours(24 * 7);
  std::optional<std::uint64_t> lag_bytes_max = {};
};
[[nodiscard]] SinkFlowConfig flow_config(const SinkConfig& sink);

/// Not thread-safe. `sink` and `pipeline` must outlive it.
class SinkFlow {
 public:
  SinkFlow(const SinkConfig& sink, const PipelineConfig& pipeline, PartitionId partition);

  enum class Do : std::uint8_t {
    wait,     // until `until`, or until something happens
    load,     // the cursor
    read,     // commits behind `after`
    open,     // the target, with `cursor`.state
    send,     // `batch`
    prepare,  // the target
    store,    // `cursor`
    publish,  // the target, with `cursor`.state
    stop,     // it is at its end: everything that was wanted is done, or left to the next start
    give_up,  // it is broken, for error()
  };
  struct Step {
    Do what = Do::wait;
    TimePoint until = TimePoint::max();
    CommitSequence after;
    std::shared_ptr<const SinkBatch> batch;
  };
  /// The next thing to be done. Everything but wait, stop and give_up is answered by its function below before anything else is given.
  /// `wall` in microseconds since 1970, `random` uniform.
  [[nodiscard]] Step next(TimePoint now, UnixMicros wall, std::uint64_t random);

  // What became of it.
  void loaded(Result<std::optional<SinkCursor>> cursor, const PartitionStatus& log, const Digest128& log_id);
  void was_read(Result<std::vector<CommitRecord>> records);
  void opened(Result<void> result);
  void sent(SinkAnswer answer);
  void prepared(Result<std::string> state);
  void stored(Result<void> result);
  void published(Result<void> result);

  /// The log has grown.
  void log_grew(CommitSequence newest) noexcept { newest_ = std::max(newest_, newest); }
  /// Bytes of the commits it has not taken; asked for where lag_bytes_max is set.
  void lag_bytes(std::uint64_t bytes) noexcept { lag_bytes_ = bytes; }
  [[nodiscard]] bool wants_lag_bytes() const noexcept { return config_.lag_bytes_max.has_value(); }

  enum class Finish : std::uint8_t {
    everything,  // up to `newest`, then stop: a run that has come to its end
    soon,        // what is taken is brought to its end, then stop: a node that stops
  };
  void finish(Finish how) noexcept { finish_ = std::max(finish_.value_or(how), how); }

  [[nodiscard]] const Error& error() const noexcept { return *error_; }
  /// Durable.
  [[nodiscard]] const SinkCursor& cursor() const noexcept { return cursor_; }
  [[nodiscard]] bool knows_cursor() const noexcept { return loaded_; }
  /// To be stored.
  [[nodiscard]] const SinkCursor& next_cursor() const noexcept { return next_cursor_; }
  [[nodiscard]] CommitSequence newest() const noexcept { return newest_; }
  /// Wall time of the oldest commit it has not taken; 0: there is none.
  [[nodiscard]] UnixMicros lag_since() const noexcept { return lagging() ? lag_since_ : 0; }
  struct Counts {
    std::uint64_t batches = 0;
    std::uint64_t bytes = 0;
    std::uint64_t failures = 0;
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  /// What a person should know, each once: a record that was skipped, a failure when it begins, the end of one.
  struct Note {
    bool warn = false;
    std::string text;
  };
  [[nodiscard]] std::vector<Note> take_notes() { return std::exchange(notes_, {}); }
  /// What failed last, while it fails.
  [[nodiscard]] const std::string& failing() const noexcept { return failing_; }

 private:
  [[nodiscard]] bool lagging() const noexcept { return loaded_ && cursor_.position.through < newest_; }
  [[nodiscard]] Step act(Do what);
  [[nodiscard]] Step work();
  [[nodiscard]] Step end();
  [[nodiscard]] std::optional<Step> send_or_wait();
  [[nodiscard]] bool idle_store_due() const noexcept;
  void make_batch();
  void look_at_lag();
  void failed(const std::string& what, std::chrono::milliseconds pause = {});
  void went_well();
  void refused(const std::string& reason);
  void move_to(const SinkBatch& batch, bool taken);
  void begin_store();
  void broken(Errc code, std::string why) { error_ = Error{code, std::move(why)}; }

  SinkFlowConfig config_;
  std::string name_;
  PartitionId partition_;
  SinkFeed feed_;
  RetryPolicy retry_;
  std::optional<CircuitBreaker> breaker_;
  std::optional<CircuitBreaker::Permit> permit_;
  std::optional<Error> error_;
  std::optional<Finish> finish_;

  TimePoint now_{};
  UnixMicros wall_ = 0;
  std::uint64_t random_ = 0;

  bool busy_ = false;
  bool loaded_ = false;
  bool opened_ = false;
  bool storing_ = false;      // next_cursor_ is to be stored
  bool publishing_ = false;   // cursor_.state is to be published
  bool prepare_now_ = false;  // the target can hold no more
  SinkCursor cursor_;
  SinkCursor next_cursor_;
  SinkPosition sent_;                        // the target has taken everything up to here
  std::uint64_t staged_records_ = 0;         // sent and not in cursor_
  std::uint64_t staged_skipped_ = 0;
  std::uint64_t staged_bytes_ = 0;
  std::optional<TimePoint> staged_since_;
  std::shared_ptr<const SinkBatch> batch_;   // made, and not taken
  std::optional<TimePoint> waiting_since_;   // a batch that is not full
  std::uint32_t cap_ = 0;                    // events of a batch, while one that was refused is looked for
  SinkPosition cap_until_;
  std::optional<TimePoint> passed_since_;    // moved over what is not for this sink, and not stored
  CommitSequence newest_;
  std::uint32_t failures_ = 0;               // in a row
  TimePoint not_before_{};
  std::string failing_;
  UnixMicros lag_since_ = 0;
  bool lag_exact_ = false;                   // lag_since_ is a commit's own time
  std::chrono::microseconds lag_grace_{0};   // it began so far behind
  bool grace_taken_ = false;
  std::uint64_t lag_bytes_ = 0;
  std::uint64_t lag_bytes_grace_ = 0;
  Counts counts_;
  std::vector<Note> notes_;
};

}  // namespace weir

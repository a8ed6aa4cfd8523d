// Sends requests to a node until they are acknowledged: several lanes at once, in order within a lane. What is
// temporary (the node is away, overloaded, its answer was lost) is tried again with growing waits; sending twice is
// harmless, since the node knows an event by its id.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cluster/cli/ingest_requests.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/http_client.h"
#include "runtime/ports/rng.h"

namespace weir::cli {

/// What an answer to POST /v1/events means for its request.
struct IngestVerdict {
  enum class Kind : std::uint8_t { acknowledged, again, split, refused };
  Kind kind = Kind::refused;
  std::chrono::milliseconds retry_after{0};  // of `again`: what the node asked for
  Error error{Errc::internal, {}};           // of all but `acknowledged`
};
/// 202 for as many events as were sent: acknowledged. 408, 429, 5xx and no answer: again. 413: split. Others: refused;
/// of 400 the error is input_unreadable, for what was sent is what the file holds.
[[nodiscard]] IngestVerdict judge_answer(const Result<HttpAnswer>& answer, std::size_t events);

/// How long to wait before try `attempt` (1, 2, …): doubles from backoff_min to backoff_max, half of it by chance, and
/// never less than the node asked for (at most a minute of that).
[[nodiscard]] std::chrono::milliseconds retry_wait(std::uint32_t attempt, std::chrono::milliseconds backoff_min,
                                                   std::chrono::milliseconds backoff_max,
                                                   std::chrono::milliseconds retry_after, std::uint64_t chance);

/// What is left of the time in which a request is tried: the next wait is not longer than that, whatever the node asks for,
/// so that it is tried once more at the end of it. None: time is up.
[[nodiscard]] std::optional<std::chrono::milliseconds> wait_within(std::chrono::milliseconds wait,
                                                                   std::chrono::nanoseconds tried,
                                                                   std::chrono::microseconds give_up_after);
/// How long one try may take: as a call is given by default, but near the end of the time not much beyond it.
[[nodiscard]] std::chrono::milliseconds try_timeout(std::chrono::nanoseconds tried,
                                                    std::chrono::microseconds give_up_after);

struct IngestSenderConfig {
  std::string url;  // of the node
  std::uint32_t lanes = 4;
  std::size_t queue_max = 2;  // requests of a lane that wait
  std::chrono::milliseconds backoff_min{100};
  std::chrono::milliseconds backoff_max{5'000};
  std::chrono::microseconds give_up_after = std::chrono::minutes(10);  // without an answer that helps
  std::function<Result<std::unique_ptr<HttpClient>>()> client;         // one for each lane
  /// After the acknowledgement; one call at a time, from any lane.
  std::function<Result<void>(const IngestRequest&)> acknowledged;
  std::function<void(const std::string&)> note;  // for a person: the node is away, is back
};

struct IngestTotals {
  std::uint64_t events = 0, requests = 0, retries = 0;
};

class IngestSender {
 public:
  /// `clock` and `stop` must outlive it; `stop` is looked at ten times a second.
  IngestSender(IngestSenderConfig config, const Clock& clock, Rng& rng, const std::atomic<int>& stop);
  IngestSender(const IngestSender&) = delete;
  IngestSender& operator=(const IngestSender&) = delete;
  ~IngestSender();
  /// Waits for room. False: nothing will be sent any more.
  bool give(std::uint32_t lane, IngestRequest request);
  /// Waits until everything is acknowledged. Errors: what the node refused (not as temporary), not_ready (it gave up),
  /// cancelled (`stop`), what `acknowledged` said.
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] IngestTotals totals() const;

 private:
  struct Lane {
    std::deque<IngestRequest> waiting;
    std::uint64_t chance = 0;  // moves with every use
    std::thread thread;
  };
  void run(Lane& lane);
  void send(Lane& lane, HttpClient& client, const IngestRequest& request);
  void fail_all(Error error);
  void note_away(const Error& error);
  void note_back();
  /// False: over before the time was.
  [[nodiscard]] bool wait(std::chrono::milliseconds time);
  /// Under the mutex.
  [[nodiscard]] bool over() const { return failure_.has_value() || stop_ != 0; }

  const IngestSenderConfig config_;
  const Clock& clock_;
  const std::atomic<int>& stop_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Lane> lanes_;
  bool finished_ = false;
  std::optional<Error> failure_;
  IngestTotals totals_;
  std::optional<TimePoint> away_since_;
};

}  // namespace weir::cli

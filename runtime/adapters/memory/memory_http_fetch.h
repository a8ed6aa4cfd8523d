// HTTP calls without a network: a script answers, in time that a test moves by hand.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/http_fetch.h"

namespace weir {

/// What becomes of one request.
struct MemoryHttpAnswer {
  enum class Fault : std::uint8_t {
    none,
    refused,   // nobody listens
    silent,    // taken, never answered
    reset,     // the connection breaks instead of an answer
    cut,       // it breaks within the answer
    not_http,  // what comes is not HTTP
    held,      // not answered before release()
  };
  Fault fault = Fault::none;
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::chrono::nanoseconds delay{0};  // from when the request has a connection
};

/// Keeps the port's promises. Connections are counted as a network has them: a call takes one that is open to its
/// server, opens one within the limits (closing one that nobody uses, if need be), or waits; a fault closes it. The TLS
/// of `https` and connect_timeout are not played. Thread-safe.
class MemoryHttpFetch final : public HttpFetch {
 public:
  /// Called when a request gets its connection, one at a time; must not call the fetcher.
  using Script = std::function<MemoryHttpAnswer(const HttpFetchRequest&)>;
  /// `config` is taken as it is. Completions are tasks of `executor`, each its own; empty: a thread of its own. With an
  /// executor of the caller, close() does not wait: run the executor until it is empty. Time begins at 0.
  MemoryHttpFetch(HttpFetchConfig config, Script script, Executor executor = {});
  MemoryHttpFetch(const MemoryHttpFetch&) = delete;
  MemoryHttpFetch& operator=(const MemoryHttpFetch&) = delete;
  ~MemoryHttpFetch() override;

  [[nodiscard]] Result<void> start(HttpFetchRequest request, HttpFetched fetched) override;
  void close() override;
  [[nodiscard]] HttpFetchStatus status() const override;

  /// Moves time on, through everything that happens until then, in its order. Never back (asserted).
  void advance_to(TimePoint now);
  [[nodiscard]] TimePoint now() const;
  /// When something happens next by itself.
  [[nodiscard]] std::optional<TimePoint> next_at() const;
  /// Answers what is held, as it was to be answered.
  void release();

 private:
  struct State;
  std::shared_ptr<State> state_;  // tasks of the executor may outlive the fetcher
  std::unique_ptr<class TaskThread> own_;
};

}  // namespace weir

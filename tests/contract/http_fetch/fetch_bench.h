// Both fetchers in front of the same servers: libcurl against sockets, the twin against its script.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/adapters/memory/memory_http_fetch.h"
#include "runtime/ports/http_fetch.h"
#include "tests/support/script_server.h"

namespace weir::test {

/// Completions as they come, with the threads they came on. Thread-safe.
class Answers {
 public:
  /// For start(): what ends `number`.
  [[nodiscard]] HttpFetched take(std::size_t number);
  /// Whether `count` calls have ended, or end within 20 s.
  [[nodiscard]] bool wait(std::size_t count);
  /// The one end of `number`. There is exactly one (required).
  [[nodiscard]] const Result<HttpAnswer>& of(std::size_t number);
  [[nodiscard]] std::size_t ended() const;
  /// How often each of 0..calls-1 ended.
  [[nodiscard]] std::vector<int> times(std::size_t calls) const;
  [[nodiscard]] bool on_thread(std::thread::id thread) const;

 private:
  struct End {
    std::size_t number;
    Result<HttpAnswer> result;
    std::thread::id thread;
  };
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::unique_ptr<End>> ends_;
};

/// A fetcher and two servers that do the same, by the path asked for:
///   /echo?N  what came          /status/N  that status, with Location and Retry-After      /bytes/N  a body of N bytes
///   /held    waits for release  /silent    nothing        /reset  a reset    /cut  half an answer   /nonsense  no HTTP
/// and `nobody`, an address where nobody listens.
struct Subject {
  std::string name;
  std::unique_ptr<HttpFetch> fetch;
  std::string url, other_url, nobody;
  std::function<void()> release;                         // says what is held, on both servers
  std::function<void(std::chrono::milliseconds)> pass;   // time; the real one passes by itself
  std::function<bool(std::uint64_t)> wait_for_requests;  // both servers together
  std::function<std::uint64_t()> requests;
  std::function<std::uint64_t()> connections_most;  // to one server
  Answers answers;

  /// Starts a call; the end has `number`.
  Result<void> start(std::size_t number, const std::string& path_or_url,
                     std::chrono::milliseconds deadline = std::chrono::seconds(60));
};

/// Runs `check` on a subject of each kind.
void on_both(const HttpFetchConfig& config, const std::function<void(Subject&)>& check);

/// What the servers do with a request.
[[nodiscard]] ScriptReply say(const ScriptRequest& request);

}  // namespace weir::test

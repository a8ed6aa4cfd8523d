// Who may ask a node: the tokens that count now, and what those are told who may not.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/ports/access.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/http_server.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// Requests that were refused so far, by the reason.
struct AccessCounters {
  std::atomic<std::uint64_t> no_token{0};       // none, or not as RFC 6750 has it
  std::atomic<std::uint64_t> unknown_token{0};  // one that is none of the node's
  std::atomic<std::uint64_t> role{0};           // a good one, for something else
  std::atomic<std::uint64_t> host{0};           // without tokens: a name or an origin that is not this machine
};

/// Thread-safe. `clock` and `logbook` must outlive it.
class AccessGate {
 public:
  /// Refusals are logged at once, and then at most so often; the next line counts those in between.
  static constexpr std::chrono::seconds kLogEvery{10};

  AccessGate(const Clock& clock, Logbook& logbook) : clock_(clock), logbook_(logbook) {}

  /// From now on these tokens count, for requests that begin now. Null, as at the start: none are configured; then
  /// everybody on this machine may do everything, and a browser that was lured here under another name nothing.
  void use(std::shared_ptr<const AccessTokens> tokens);

  /// Finds out who asks (request.principal) and whether they may do what needs `need`; an answer says why not, and what
  /// to do:
  ///  - 401 with WWW-Authenticate: no token, or one that nobody has. Only the header Authorization is looked at.
  ///  - 403: another role is needed.
  ///  - without tokens, 421 and 403: the header Host or Origin names another machine (DNS rebinding, another site's
  ///  script).
  /// What needs nothing is open to everybody under any name.
  [[nodiscard]] std::optional<HttpResponse> check(HttpRequest& request, Need need);

  [[nodiscard]] const AccessCounters& counters() const noexcept { return counters_; }

 private:
  [[nodiscard]] std::optional<HttpResponse> check_place(const HttpRequest& request);
  [[nodiscard]] std::optional<HttpResponse> check_token(const AccessTokens& tokens, HttpRequest& request, Need need);
  [[nodiscard]] HttpResponse refuse(std::atomic<std::uint64_t>& counter, const HttpRequest& request, int status,
                                    const std::string& detail, const std::string& log);

  const Clock& clock_;
  Logbook& logbook_;
  AccessCounters counters_;
  std::mutex mutex_;
  std::shared_ptr<const AccessTokens> tokens_;  // under mutex_
  std::optional<TimePoint> logged_;             // under mutex_
  std::uint64_t silent_ = 0;                    // under mutex_: refusals since then
};

}  // namespace weir

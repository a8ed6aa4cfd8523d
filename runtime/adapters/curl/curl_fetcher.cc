#include "runtime/adapters/curl/curl_fetcher.h"

#include <signal.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include "runtime/adapters/curl/curl_call.h"

namespace weir {

namespace {

using Clock = std::chrono::steady_clock;

class CurlFetcher final : public HttpFetch {
 public:
  CurlFetcher(HttpFetchConfig config, MultiHandle multi) : config_(std::move(config)), multi_(std::move(multi)) {
    CURLM* handle = multi_.get();
    curl_multi_setopt(handle, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(config_.connections_per_host_max));
    curl_multi_setopt(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(config_.connections_max));
    curl_multi_setopt(handle, CURLMOPT_MAXCONNECTS, static_cast<long>(config_.connections_max));  // kept open
    curl_multi_setopt(handle, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    thread_ = std::thread([this] { run(); });
  }
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;
  ~CurlFetcher() override { CurlFetcher::close(); }

  [[nodiscard]] Result<void> start(HttpFetchRequest request, HttpFetched fetched) override {
    WEIR_TRY(request.validate());
    auto call = std::make_unique<CurlCall>(std::move(request), std::move(fetched));
    {
      const std::scoped_lock lock(mutex_);
      if (closing_) return fail(Errc::cancelled, "no more is asked: the node stops");
      if (status_.outstanding >= config_.calls_outstanding_max) {
        ++status_.refused;
        return fail(Errc::limit_reached, "calls_outstanding_max: {} calls are under way", status_.outstanding);
      }
      ++status_.outstanding;
      ++status_.started;
      inbox_.push_back(std::move(call));
    }
    curl_multi_wakeup(multi_.get());
    return {};
  }

  void close() override {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    curl_multi_wakeup(multi_.get());
    // Whoever comes second waits for the first.
    const std::scoped_lock lock(closer_);
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] HttpFetchStatus status() const override {
    const std::scoped_lock lock(mutex_);
    return status_;
  }

 private:
  void run() {
    // libcurl leaves signals alone when told to (NOSIGNAL); a write to a connection that is gone must not end the
    // process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    while (take_inbox()) {
      int running = 0;
      if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) return give_up();
      collect();
      expire();
      if (curl_multi_poll(multi_.get(), nullptr, 0, wait_ms(), nullptr) != CURLM_OK) return give_up();
    }
    end_all([](CurlCall& call) { return call.closed(); });
  }

  /// libcurl's own bookkeeping failed: nobody is left waiting, nobody is taken any more.
  void give_up() {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    static_cast<void>(take_inbox());
    end_all([](CurlCall&) -> Result<HttpAnswer> { return fail(Errc::internal, "libcurl has no memory left"); });
  }

  /// Begins what was started. False: closing.
  [[nodiscard]] bool take_inbox() {
    std::vector<std::unique_ptr<CurlCall>> started;
    bool closing = false;
    {
      const std::scoped_lock lock(mutex_);
      started.swap(inbox_);
      closing = closing_;
    }
    for (auto& one : started) {
      CurlCall& call = *one;
      deadlines_.emplace(call.deadline(), &call);
      calls_.emplace(&call, std::move(one));
      if (closing) continue;
      CURL* easy = call.begin(config_);
      if (easy == nullptr || curl_multi_add_handle(multi_.get(), easy) != CURLM_OK)
        end(call, fail(Errc::internal, "libcurl has no memory left"));
    }
    return !closing;
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CurlCall& call = *CurlCall::of(message->easy_handle);
      end(call, call.result(message->data.result));  // `message` is void from here on
    }
  }

  void expire() {
    const Clock::time_point now = Clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      CurlCall& call = *deadlines_.begin()->second;
      end(call, call.timed_out());
    }
  }

  void end_all(Result<HttpAnswer> (*why)(CurlCall&)) {
    while (!calls_.empty()) {
      CurlCall& call = *calls_.begin()->first;
      end(call, why(call));
    }
  }

  /// Removing a handle in the middle of its answer closes its connection, and those who wait for one get on.
  void end(CurlCall& call, Result<HttpAnswer> result) {
    if (call.handle() != nullptr) curl_multi_remove_handle(multi_.get(), call.handle());
    deadlines_.erase({call.deadline(), &call});
    const auto ended = calls_.extract(&call);
    {
      const std::scoped_lock lock(mutex_);
      --status_.outstanding;
      status_.connections_opened += call.connections_opened();
    }
    ended.mapped()->tell(std::move(result));
  }

  /// Until the next deadline; libcurl looks at its own times by itself.
  [[nodiscard]] int wait_ms() const {
    constexpr std::chrono::milliseconds kLong{60'000};
    if (deadlines_.empty()) return static_cast<int>(kLong.count());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadlines_.begin()->first - Clock::now());
    return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kLong).count());
  }

  const HttpFetchConfig config_;
  MultiHandle multi_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<CurlCall>> inbox_;
  HttpFetchStatus status_;
  bool closing_ = false;
  // Of the thread alone.
  std::unordered_map<CurlCall*, std::unique_ptr<CurlCall>> calls_;
  std::set<std::pair<Clock::time_point, CurlCall*>> deadlines_;
  std::mutex closer_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpFetch>> make_curl_fetcher(HttpFetchConfig config) {
  WEIR_TRY(config.validate());
  WEIR_TRY(make_curl_ready());
  MultiHandle multi(curl_multi_init());
  if (!multi) return fail(Errc::internal, "libcurl gives out no handle");
  return std::make_unique<CurlFetcher>(std::move(config), std::move(multi));
}

}  // namespace weir

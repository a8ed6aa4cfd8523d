#include "runtime/adapters/memory/memory_http_server.h"

#include <fmt/format.h>

#include <set>

namespace weir {

struct MemoryHttpServer::State {
  mutable std::mutex mutex;
  std::condition_variable answered;
  bool closed = false;
  HttpServerStatus status;
  std::set<Slot*> waiting;  // handed over and not answered
};

/// The one answer of a request.
class MemoryHttpServer::Slot {
 public:
  Slot(std::shared_ptr<State> state, bool head_only) : state_(std::move(state)), head_only_(head_only) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    answer(problem(500, "the node dropped this request without an answer; whether it took effect is not known"));
  }

  void answer(HttpResponse response) {
    const std::scoped_lock lock(state_->mutex);
    finish(std::move(response));
  }
  /// Under the mutex.
  void finish(HttpResponse response) {
    if (state_->waiting.erase(this) == 0) return;
    --state_->status.requests_in_flight;
    if (head_only_) response.body.clear();
    promise_.set_value(std::move(response));
    state_->answered.notify_all();
  }
  std::future<HttpResponse> future() { return promise_.get_future(); }

 private:
  std::shared_ptr<State> state_;
  const bool head_only_;
  std::promise<HttpResponse> promise_;
};

MemoryHttpServer::MemoryHttpServer(HttpServerConfig config, HttpHandler handler, HttpGate gate)
    : config_(std::move(config)), handler_(std::move(handler)), gate_(std::move(gate)), state_(std::make_shared<State>()) {}

MemoryHttpServer::~MemoryHttpServer() {
  MemoryHttpServer::close(std::chrono::milliseconds{0});
}

std::future<HttpResponse> MemoryHttpServer::ask(std::string_view method, std::string_view target, Headers headers,
                                                std::string_view body) {
  HttpRequest request;
  request.method = method;
  request.headers = std::move(headers);
  request.peer = "127.0.0.1:1";
  const auto refuse_with = [this, method](HttpResponse response) {
    ++state_->status.refused;
    if (method == "HEAD") response.body.clear();
    std::promise<HttpResponse> promise;
    promise.set_value(std::move(response));
    return promise.get_future();
  };
  const auto refuse = [&](int status, std::string_view detail) {
    HttpResponse response = problem(status, detail);
    if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
    return refuse_with(std::move(response));
  };
  std::unique_lock lock(state_->mutex);
  if (state_->closed) return refuse(503, "the server is closed");
  if (const auto read = read_target(target, request); !read) return refuse(400, read.error().context);
  if (gate_)
    if (auto denied = gate_(request)) return refuse_with(std::move(*denied));
  if (body.size() > config_.body_max)
    return refuse(413, fmt::format("at most {} bytes are taken (http.body_max)", config_.body_max));
  if (state_->status.bodies_bytes + body.size() > config_.bodies_bytes_max)
    return refuse(429, "the bodies of other requests fill the bytes kept for them; send this one again");
  if (!body.empty()) {
    state_->status.bodies_bytes += body.size();
    const SharedBytes copy = SharedBytes::copy_of(body);
    request.body =
        SharedBytes(copy.view(), std::shared_ptr<const void>(copy.data(), [copy, state = state_](const void*) {
                      const std::scoped_lock guard(state->mutex);
                      state->status.bodies_bytes -= copy.size();
                    }));
  }
  auto slot = std::make_shared<Slot>(state_, method == "HEAD");
  auto future = slot->future();
  state_->waiting.insert(slot.get());
  ++state_->status.requests;
  ++state_->status.requests_in_flight;
  lock.unlock();
  std::weak_ptr<Slot> watched = slot;
  HttpReply reply = [held = std::move(slot)](HttpResponse response) { held->answer(std::move(response)); };
  try {
    handler_(std::move(request), std::move(reply));
  } catch (const std::exception&) {
    if (const auto held = watched.lock())
      held->answer(problem(500, "the node failed on this request; its log says why"));
  }
  return future;
}

std::string MemoryHttpServer::address() const {
  return fmt::format("{}:{}", config_.address, config_.port);
}

HttpServerStatus MemoryHttpServer::status() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->status;
}

void MemoryHttpServer::close(std::chrono::milliseconds patience) {
  std::unique_lock lock(state_->mutex);
  if (std::exchange(state_->closed, true)) return;
  state_->answered.wait_for(lock, patience, [this] { return state_->waiting.empty(); });
  while (!state_->waiting.empty())
    (*state_->waiting.begin())->finish(problem(503, "the server closed before the answer came"));
}

}  // namespace weir

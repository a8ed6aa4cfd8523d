#include "runtime/adapters/memory/memory_http_fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "runtime/adapters/memory/task_thread.h"
#include "runtime/base/invariant.h"

namespace weir {

using Fault = MemoryHttpAnswer::Fault;

struct MemoryHttpFetch::State : std::enable_shared_from_this<State> {
  struct Call {
    HttpFetchRequest request;
    HttpFetched fetched;
    TimePoint deadline{};
    std::optional<MemoryHttpAnswer> answer;  // from when it has a connection
    TimePoint due = TimePoint::max();
  };
  struct Server {
    std::uint32_t busy = 0;
    std::uint32_t idle = 0;
  };

  State(HttpFetchConfig config_, Script script_) : config(std::move(config_)), script(std::move(script_)) {}

  const HttpFetchConfig config;
  const Script script;
  Executor executor;
  mutable std::mutex mutex;
  HttpFetchStatus status;
  bool closed = false;
  TimePoint now{};
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, Call> calls;
  std::deque<std::uint64_t> waiting;  // for a connection
  std::set<std::pair<TimePoint, std::uint64_t>> times;
  std::map<std::string, Server, std::less<>> servers;

  // All of the following: under the mutex.

  [[nodiscard]] std::uint32_t connections() const {
    std::uint32_t sum = 0;
    for (const auto& [name, server] : servers) sum += server.busy + server.idle;
    return sum;
  }

  [[nodiscard]] bool connect(std::string_view name) {
    Server& server = servers.try_emplace(std::string(name)).first->second;
    if (server.idle > 0) {
      --server.idle;
    } else {
      if (server.busy >= config.connections_per_host_max) return false;
      if (connections() >= config.connections_max) {
        const auto unused = std::ranges::find_if(servers, [](const auto& one) { return one.second.idle > 0; });
        if (unused == servers.end()) return false;
        --unused->second.idle;
      }
      ++status.connections_opened;
    }
    ++server.busy;
    return true;
  }

  void connect_waiting() {
    for (auto at = waiting.begin(); at != waiting.end();) {
      Call& call = calls.at(*at);
      if (!connect(server_of_url(call.request.url))) {
        ++at;
        continue;
      }
      call.answer = script(call.request);
      const Fault fault = call.answer->fault;
      if (fault != Fault::silent && fault != Fault::held) set_due(*at, call, now + call.answer->delay);
      at = waiting.erase(at);
    }
  }

  void set_due(std::uint64_t id, Call& call, TimePoint due) {
    times.erase({std::min(call.due, call.deadline), id});
    call.due = due;
    times.emplace(std::min(call.due, call.deadline), id);
  }

  /// Everything that happens up to and at `until`.
  void pass(TimePoint until) {
    for (connect_waiting(); !times.empty() && times.begin()->first <= until; connect_waiting()) {
      const auto [at, id] = *times.begin();
      now = std::max(now, at);
      Call& call = calls.at(id);
      const bool late = call.due > call.deadline || !call.answer;
      end(id, late ? timed_out(call) : result_of(call));
    }
    now = std::max(now, until);
  }

  /// Its completion becomes a task.
  void end(std::uint64_t id, Result<HttpAnswer> result) {
    auto ended = calls.extract(id);
    Call& call = ended.mapped();
    times.erase({std::min(call.due, call.deadline), id});
    if (call.answer) {
      Server& server = servers.find(server_of_url(call.request.url))->second;
      --server.busy;
      if (result && call.answer->fault != Fault::silent) ++server.idle;
    } else {
      std::erase(waiting, id);
    }
    executor([state = shared_from_this(), fetched = std::move(call.fetched), result = std::move(result)]() mutable {
      {
        const std::scoped_lock lock(state->mutex);
        --state->status.outstanding;
      }
      fetched(std::move(result));
    });
  }

  [[nodiscard]] static Result<HttpAnswer> timed_out(const Call& call) {
    return fail(Errc::not_ready, "{} did not answer within {} ms", server_of_url(call.request.url),
                call.request.deadline.count());
  }

  [[nodiscard]] static Result<HttpAnswer> result_of(const Call& call) {
    const std::string_view server = server_of_url(call.request.url);
    const MemoryHttpAnswer& scripted = *call.answer;
    switch (scripted.fault) {
      case Fault::refused:
        return fail(Errc::not_ready, "nobody listens at {}", server);
      case Fault::reset:
      case Fault::cut:
        return fail(Errc::not_ready, "the connection to {} broke before the answer was whole", server);
      case Fault::not_http:
        return fail(Errc::not_ready, "what {} answers is not HTTP", server);
      case Fault::none:
      case Fault::silent:
      case Fault::held:
        break;
    }
    std::uint64_t head = 0;
    for (const auto& [name, value] : scripted.headers) head += name.size() + value.size() + 4;
    const bool bodiless = call.request.method == "HEAD";
    if ((!bodiless && scripted.body.size() > call.request.answer_bytes_max) || head > kAnswerHeadBytesMax)
      return fail(Errc::limit_reached, "the answer of {} has more than {} bytes, or headers of more than {}", server,
                  call.request.answer_bytes_max, kAnswerHeadBytesMax);
    return HttpAnswer{scripted.status, scripted.headers, bodiless ? std::string() : scripted.body};
  }
};

MemoryHttpFetch::MemoryHttpFetch(HttpFetchConfig config, Script script, Executor executor)
    : state_(std::make_shared<State>(std::move(config), std::move(script))) {
  if (!executor) {
    own_ = std::make_unique<TaskThread>();
    executor = [tasks = own_.get()](std::function<void()> task) { tasks->push(std::move(task)); };
  }
  state_->executor = std::move(executor);
}

MemoryHttpFetch::~MemoryHttpFetch() {
  MemoryHttpFetch::close();
}

Result<void> MemoryHttpFetch::start(HttpFetchRequest request, HttpFetched fetched) {
  WEIR_TRY(request.validate());
  const std::scoped_lock lock(state_->mutex);
  State& state = *state_;
  if (state.closed) return fail(Errc::cancelled, "no more is asked: the node stops");
  if (state.status.outstanding >= state.config.calls_outstanding_max) {
    ++state.status.refused;
    return fail(Errc::limit_reached, "calls_outstanding_max: {} calls are under way", state.status.outstanding);
  }
  ++state.status.outstanding;
  ++state.status.started;
  const std::uint64_t id = ++state.last_id;
  const TimePoint deadline = state.now + request.deadline;
  state.calls.emplace(id, State::Call{std::move(request), std::move(fetched), deadline, {}, TimePoint::max()});
  state.times.emplace(deadline, id);
  state.waiting.push_back(id);
  state.pass(state.now);
  return {};
}

void MemoryHttpFetch::close() {
  std::unique_ptr<TaskThread> own;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->closed = true;
    while (!state_->calls.empty()) {
      const auto& [id, call] = *state_->calls.begin();
      state_->end(id, fail(Errc::cancelled, "asking {} was given up: the node stops", server_of_url(call.request.url)));
    }
    own = std::move(own_);
  }
  own.reset();  // runs what is left
}

HttpFetchStatus MemoryHttpFetch::status() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->status;
}

void MemoryHttpFetch::advance_to(TimePoint now) {
  const std::scoped_lock lock(state_->mutex);
  INVARIANT(now >= state_->now, "time does not go backwards");
  state_->pass(now);
}

TimePoint MemoryHttpFetch::now() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->now;
}

std::optional<TimePoint> MemoryHttpFetch::next_at() const {
  const std::scoped_lock lock(state_->mutex);
  if (state_->times.empty()) return std::nullopt;
  return state_->times.begin()->first;
}

void MemoryHttpFetch::release() {
  const std::scoped_lock lock(state_->mutex);
  for (auto& [id, call] : state_->calls)
    if (call.answer && call.answer->fault == Fault::held) state_->set_due(id, call, state_->now);
  state_->pass(state_->now);
}

}  // namespace weir

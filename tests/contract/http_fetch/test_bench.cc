#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "runtime/adapters/curl/curl_fetcher.h"
#include "tests/contract/http_fetch/fetch_bench.h"
#include "tests/support/catch.h"
#include "tests/support/http_socket.h"

namespace weir::test {

HttpFetched Answers::take(std::size_t number) {
  return [this, number](Result<HttpAnswer> result) {
    const std::scoped_lock lock(mutex_);
    ends_.push_back(std::make_unique<End>(End{number, std::move(result), std::this_thread::get_id()}));
    came_.notify_all();
  };
}

bool Answers::wait(std::size_t count) {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, std::chrono::seconds(20), [&] { return ends_.size() >= count; });
}

const Result<HttpAnswer>& Answers::of(std::size_t number) {
  const std::scoped_lock lock(mutex_);
  const End* found = nullptr;
  for (const auto& end : ends_) {
    if (end->number != number) continue;
    REQUIRE(found == nullptr);
    found = end.get();
  }
  REQUIRE(found != nullptr);
  return found->result;
}

std::size_t Answers::ended() const {
  const std::scoped_lock lock(mutex_);
  return ends_.size();
}

std::vector<int> Answers::times(std::size_t calls) const {
  const std::scoped_lock lock(mutex_);
  std::vector<int> times(calls, 0);
  for (const auto& end : ends_) ++times.at(end->number);
  return times;
}

bool Answers::on_thread(std::thread::id thread) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::any_of(ends_, [&](const auto& end) { return end->thread == thread; });
}

Result<void> Subject::start(std::size_t number, const std::string& path_or_url, std::chrono::milliseconds deadline) {
  HttpFetchRequest request;
  request.url = path_or_url.starts_with('/') ? url + path_or_url : path_or_url;
  request.deadline = deadline;
  return fetch->start(std::move(request), answers.take(number));
}

namespace {

std::string echo(std::string_view method, std::string_view target, std::string_view a, std::string_view body) {
  return fmt::format("{} {} {} {}", method, target, a, body);
}

MemoryHttpAnswer play(const HttpFetchRequest& request) {
  using Fault = MemoryHttpAnswer::Fault;
  const std::string_view server = server_of_url(request.url);
  const std::string target = request.url.substr(server.size());
  const auto fault = [](Fault what) {
    MemoryHttpAnswer answer;
    answer.fault = what;
    return answer;
  };
  if (server == "http://nobody.example") return fault(Fault::refused);
  if (target == "/silent") return fault(Fault::silent);
  if (target == "/reset") return fault(Fault::reset);
  if (target == "/cut") return fault(Fault::cut);
  if (target == "/nonsense") return fault(Fault::not_http);
  MemoryHttpAnswer answer;
  if (target == "/held") answer.fault = Fault::held;
  if (target.starts_with("/status/")) {
    answer.status = std::stoi(target.substr(8));
    answer.headers = {{"location", "/echo"}, {"retry-after", "7"}, {"x-place", "here"}, {"x-place", "there"}};
  } else if (target.starts_with("/bytes/")) {
    answer.body = std::string(std::stoul(target.substr(7)), 'x');
  } else {
    std::string a = "-";
    for (const auto& [name, value] : request.headers)
      if (name == "X-A") a = value;
    const bool bodiless = request.method == "GET" || request.method == "HEAD";
    answer.body = echo(request.method, target, a, bodiless ? "" : request.body);
  }
  return answer;
}

}  // namespace

ScriptReply say(const ScriptRequest& request) {
  using Then = ScriptReply::Then;
  RawAnswer reader;
  reader.head = request.head;
  const std::string a = reader.header("x-a");
  if (request.target == "/silent") return {"", Then::hang};
  if (request.target == "/reset") return {"", Then::reset};
  if (request.target == "/cut") return {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Then::close};
  if (request.target == "/nonsense") return {"I do not speak that\r\n\r\n", Then::close};
  if (request.target.starts_with("/status/")) {
    return {http_bytes(std::stoi(request.target.substr(8)), "",
                       "Location: /echo\r\nRetry-After: 7\r\nX-Place: here\r\nX-Place: there\r\n"),
            Then::keep};
  }
  if (request.target.starts_with("/bytes/"))
    return {http_bytes(200, std::string(std::stoul(request.target.substr(7)), 'x')), Then::keep};
  std::string bytes = http_bytes(200, echo(request.method, request.target, a.empty() ? "-" : a, request.body));
  if (request.method == "HEAD") bytes.resize(bytes.find("\r\n\r\n") + 4);
  return {std::move(bytes), request.target == "/held" ? Then::hold : Then::keep};
}

namespace {

/// A port that was free a moment ago: what listened there is gone.
std::string closed_address() {
  return ScriptServer(say).url();
}

}  // namespace

void on_both(const HttpFetchConfig& config, const std::function<void(Subject&)>& check) {
  {
    ScriptServer server(say), other(say);
    Subject subject;
    subject.name = "curl";
    subject.url = server.url(), subject.other_url = other.url(), subject.nobody = closed_address();
    subject.release = [&] { server.release(), other.release(); };
    subject.pass = [](std::chrono::milliseconds) {};
    subject.wait_for_requests = [&](std::uint64_t count) {
      return server.wait_for_requests(count - other.counts().requests);
    };
    subject.requests = [&] { return server.counts().requests + other.counts().requests; };
    subject.connections_most = [&] {
      return std::max(server.counts().connections_most, other.counts().connections_most);
    };
    auto fetch = make_curl_fetcher(config);
    REQUIRE(fetch);
    subject.fetch = std::move(*fetch);
    INFO("fetcher: curl");
    check(subject);
    subject.fetch->close();
  }
  std::atomic<std::uint64_t> requests{0};
  Subject subject;
  subject.name = "memory";
  subject.url = "http://one.example", subject.other_url = "http://other.example:81";
  subject.nobody = "http://nobody.example";
  auto twin = std::make_unique<MemoryHttpFetch>(config, [&](const HttpFetchRequest& request) {
    requests += request.url.starts_with("http://nobody.example") ? 0 : 1;
    return play(request);
  });
  MemoryHttpFetch& memory = *twin;
  subject.fetch = std::move(twin);
  subject.release = [&] { memory.release(); };
  subject.pass = [&](std::chrono::milliseconds time) { memory.advance_to(memory.now() + time); };
  subject.wait_for_requests = [&](std::uint64_t count) { return requests >= count; };
  subject.requests = [&] { return requests.load(); };
  subject.connections_most = [&] { return memory.status().connections_opened; };
  INFO("fetcher: memory");
  check(subject);
  subject.fetch->close();
}

}  // namespace weir::test

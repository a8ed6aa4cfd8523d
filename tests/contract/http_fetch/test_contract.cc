// What every fetcher promises.
#include <fmt/format.h>

#include <array>
#include <atomic>

#include "tests/contract/http_fetch/fetch_bench.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

Errc code_of(const Result<HttpAnswer>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

}  // namespace

TEST_CASE("a call arrives as it was made, and any status is an answer", "[http_fetch]") {
  on_both({}, [](Subject& subject) {
    const auto ask = [&](std::string method, const std::string& path, std::string body = {}) {
      static std::size_t number = 0;
      HttpFetchRequest request;
      request.method = std::move(method);
      request.url = subject.url + path;
      request.headers = {{"X-A", "one, two"}};
      request.body = std::move(body);
      const std::size_t before = subject.answers.ended();
      REQUIRE(subject.fetch->start(request, subject.answers.take(++number)));
      REQUIRE(subject.answers.wait(before + 1));
      const auto& answer = subject.answers.of(number);
      REQUIRE(answer);
      return *answer;
    };
    CHECK(ask("GET", "/echo/a%2Fb/../c?x=1&y=%20").body == "GET /echo/a%2Fb/../c?x=1&y=%20 one, two ");
    CHECK(ask("POST", "/echo", std::string("a\0b", 3)).body == std::string("POST /echo one, two a\0b", 23));
    CHECK(ask("PUT", "/echo", "").body == "PUT /echo one, two ");
    CHECK(ask("DELETE", "/echo", "x").body == "DELETE /echo one, two x");
    CHECK(ask("HEAD", "/echo").body.empty());
    for (const int status : {201, 301, 302, 404, 429, 500, 503}) {
      const HttpAnswer answer = ask("GET", "/status/" + std::to_string(status));
      CHECK(answer.status == status);
      CHECK(answer.header("retry-after") == "7");
      CHECK(answer.header("x-place") == "here");
      CHECK_FALSE(answer.header("x-none"));
    }
    // Where a redirect leads nobody went.
    CHECK(subject.requests() == 12);
    const HttpFetchStatus status = subject.fetch->status();
    CHECK(status.started == 12);
    CHECK(status.outstanding == 0);
    CHECK(status.connections_opened == 1);
  });
}

TEST_CASE("completions come on a thread of the fetcher, never within start()", "[http_fetch]") {
  on_both({}, [](Subject& subject) {
    for (std::size_t i = 0; i < 100; ++i) REQUIRE(subject.start(i, i % 2 == 0 ? "/echo" : subject.nobody + "/"));
    REQUIRE(subject.answers.wait(100));
    CHECK_FALSE(subject.answers.on_thread(std::this_thread::get_id()));
    CHECK(subject.answers.times(100) == std::vector<int>(100, 1));
  });
}

TEST_CASE("a server that is silent costs its call the deadline, and the others nothing", "[http_fetch]") {
  on_both({}, [](Subject& subject) {
    REQUIRE(subject.start(0, "/silent", 50ms));
    REQUIRE(subject.start(1, "/echo"));
    REQUIRE(subject.start(2, subject.other_url + "/echo"));
    subject.pass(50ms);
    REQUIRE(subject.answers.wait(3));
    CHECK(code_of(subject.answers.of(0)) == Errc::not_ready);
    CHECK(subject.answers.of(0).error().context == subject.url + " did not answer within 50 ms");
    CHECK(subject.answers.of(1));
    CHECK(subject.answers.of(2));
    // The connection on which an answer may still come is not used for another question.
    REQUIRE(subject.start(3, "/echo"));
    REQUIRE(subject.answers.wait(4));
    CHECK(subject.answers.of(3)->body == "GET /echo - ");
  });
}

TEST_CASE("an answer that comes late, and before the deadline, is an answer", "[http_fetch]") {
  on_both({}, [](Subject& subject) {
    REQUIRE(subject.start(0, "/held"));
    REQUIRE(subject.start(1, "/echo"));
    REQUIRE(subject.answers.wait(1));
    CHECK(subject.answers.of(1));
    REQUIRE(subject.wait_for_requests(2));
    CHECK(subject.fetch->status().outstanding == 1);
    subject.release();
    REQUIRE(subject.answers.wait(2));
    CHECK(subject.answers.of(0)->body == "GET /held - ");
  });
}

TEST_CASE("an answer that is too large is an error, one byte less is not", "[http_fetch]") {
  on_both({}, [](Subject& subject) {
    HttpFetchRequest request;
    request.url = subject.url + "/bytes/1000";
    request.answer_bytes_max = 1'000;
    REQUIRE(subject.fetch->start(request, subject.answers.take(0)));
    request.answer_bytes_max = 999;
    REQUIRE(subject.fetch->start(request, subject.answers.take(1)));
    REQUIRE(subject.answers.wait(2));
    CHECK(subject.answers.of(0)->body == std::string(1'000, 'x'));
    CHECK(code_of(subject.answers.of(1)) == Errc::limit_reached);
    CHECK(subject.answers.of(1).error().context.find("more than 999 bytes") != std::string::npos);
  });
}

TEST_CASE("servers that are away, break off or talk nonsense are not_ready, and the next call is as good as ever",
          "[http_fetch]") {
  on_both({}, [](Subject& subject) {
    const std::array<std::string, 4> broken{"/reset", "/cut", "/nonsense", subject.nobody + "/echo"};
    std::size_t number = 0;
    for (int round = 0; round < 3; ++round) {
      for (const std::string& one : broken) {
        REQUIRE(subject.start(number, one));
        REQUIRE(subject.answers.wait(number + 1));
        INFO(one);
        CHECK(code_of(subject.answers.of(number)) == Errc::not_ready);
        const std::string server = one.starts_with('/') ? subject.url : subject.nobody;
        CHECK(subject.answers.of(number).error().context.find(server) != std::string::npos);
        ++number;
      }
      REQUIRE(subject.start(number, "/echo"));
      REQUIRE(subject.answers.wait(number + 1));
      CHECK(subject.answers.of(number)->status == 200);
      ++number;
    }
  });
}

TEST_CASE("beyond calls_outstanding_max calls are refused at once, and an end makes room for the next",
          "[http_fetch]") {
  on_both({.calls_outstanding_max = 2}, [](Subject& subject) {
    REQUIRE(subject.start(0, "/held"));
    REQUIRE(subject.start(1, "/held"));
    const auto refused = subject.start(2, "/echo");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::limit_reached);
    CHECK(refused.error().context.find("calls_outstanding_max") != std::string::npos);
    CHECK(subject.fetch->status().refused == 1);
    REQUIRE(subject.wait_for_requests(2));
    subject.release();
    REQUIRE(subject.answers.wait(2));
    // Each from within the end of the one before.
    std::atomic<int> refusals{0};
    std::function<void(std::size_t)> next = [&](std::size_t number) {
      HttpFetchRequest request;
      request.url = subject.url + "/echo";
      const auto started = subject.fetch->start(request, [&, number](Result<HttpAnswer> result) {
        if (number < 100) next(number + 1);
        subject.answers.take(number)(std::move(result));
      });
      refusals += started ? 0 : 1;
    };
    next(3);
    REQUIRE(subject.answers.wait(2 + 98));
    CHECK(refusals == 0);
    CHECK(subject.answers.times(101)[2] == 0);
  });
}

TEST_CASE("calls wait for a connection within connections_per_host_max, and use each again", "[http_fetch]") {
  on_both({.connections_per_host_max = 3}, [](Subject& subject) {
    for (std::size_t i = 0; i < 60; ++i) REQUIRE(subject.start(i, "/held"));
    // Three at a time get through.
    for (std::uint64_t arrived = 3; arrived <= 60; arrived += 3) {
      REQUIRE(subject.wait_for_requests(arrived));
      CHECK(subject.requests() == arrived);
      subject.release();
      REQUIRE(subject.answers.wait(arrived));
    }
    CHECK(subject.answers.times(60) == std::vector<int>(60, 1));
    CHECK(subject.connections_most() == 3);
    CHECK(subject.fetch->status().connections_opened == 3);
  });
}

TEST_CASE("connections_max holds for all servers together: one that nobody uses makes room for another's",
          "[http_fetch]") {
  on_both({.connections_per_host_max = 2, .connections_max = 2}, [](Subject& subject) {
    REQUIRE(subject.start(0, "/held"));
    REQUIRE(subject.start(1, "/held"));
    REQUIRE(subject.wait_for_requests(2));
    REQUIRE(subject.start(2, subject.other_url + "/echo"));
    REQUIRE(subject.start(3, "/echo", 30ms));
    // A call that waits for a connection is over at its deadline as well.
    subject.pass(30ms);
    REQUIRE(subject.answers.wait(1));
    CHECK(code_of(subject.answers.of(3)) == Errc::not_ready);
    CHECK(subject.requests() == 2);
    subject.release();
    REQUIRE(subject.answers.wait(4));
    CHECK(subject.answers.of(2)->status == 200);
    CHECK(subject.fetch->status().connections_opened == 3);
  });
}

TEST_CASE("close ends every call with cancelled before it returns, and nothing is taken any more", "[http_fetch]") {
  on_both({.connections_per_host_max = 2}, [](Subject& subject) {
    REQUIRE(subject.start(0, "/held"));
    REQUIRE(subject.start(1, "/silent"));
    for (std::size_t i = 2; i < 10; ++i) REQUIRE(subject.start(i, "/echo"));
    subject.fetch->close();
    CHECK(subject.answers.times(10) == std::vector<int>(10, 1));
    for (std::size_t i = 0; i < 10; ++i) CHECK(code_of(subject.answers.of(i)) == Errc::cancelled);
    CHECK(subject.fetch->status().outstanding == 0);
    const auto late = subject.start(10, "/echo");
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::cancelled);
    subject.fetch->close();
    CHECK(subject.answers.ended() == 10);
  });
}

TEST_CASE("a fetcher that is closed in the middle of everything has told everybody once", "[http_fetch]") {
  on_both({.connections_per_host_max = 4, .connections_max = 6, .calls_outstanding_max = 300}, [](Subject& subject) {
    const std::array<std::string, 7> paths{"/echo", "/reset", "/silent", "/cut", "/bytes/70000", "/nonsense", "/held"};
    // Two threads start while a third closes.
    std::array<std::vector<std::size_t>, 2> started;
    const auto storm = [&](std::size_t thread) {
      for (std::size_t i = 0; i < 400; ++i) {
        const std::size_t number = 2 * i + thread;
        const std::string& path = paths[i % paths.size()];
        const auto deadline = i % 5 == 0 ? 1ms : 60'000ms;
        if (subject.start(number, i % 3 == 0 ? subject.other_url + path : path, deadline))
          started[thread].push_back(number);
      }
    };
    std::thread one(storm, 0), other(storm, 1);
    const bool some = subject.answers.wait(5);
    subject.pass(5ms);
    subject.fetch->close();
    one.join();
    other.join();
    CHECK(some);
    std::vector<int> expected(800, 0);
    for (const auto& numbers : started)
      for (const std::size_t number : numbers) expected[number] = 1;
    CHECK(subject.answers.times(800) == expected);
    CHECK(subject.fetch->status().outstanding == 0);
  });
}

TEST_CASE("requests that could not be sent as they are are refused at once, with nothing secret in the words",
          "[http_fetch]") {
  on_both({}, [](Subject& subject) {
    const auto refused = [&](const std::function<void(HttpFetchRequest&)>& change) {
      HttpFetchRequest request;
      request.url = subject.url + "/echo";
      change(request);
      const auto started = subject.fetch->start(request, subject.answers.take(0));
      REQUIRE_FALSE(started);
      CHECK(started.error().code == Errc::invalid_argument);
      CHECK(started.error().context.find("hunter2") == std::string::npos);
      return started.error().context;
    };
    const auto no_server = [&](const std::string& url) {
      return refused([&](HttpFetchRequest& request) { request.url = url; }).find("write the address like") !=
             std::string::npos;
    };
    for (const std::string url : {"", "ftp://a.example/", "a.example/x", "file:///x"}) CHECK(no_server(url));
    for (const std::string rest :
         {"", "/x", "a.example:0/", "a.example:99999/", "a.example:12x/", "a b.example/", "[::1/", "[]/", "[x]/"})
      CHECK(no_server("http://" + rest));
    CHECK(refused([](HttpFetchRequest& request) { request.url = "http://me:hunter2@a.example/"; }) ==
          "'a.example' is not a server; write the address like https://geo.example:8443/path");
    CHECK(refused([](HttpFetchRequest& request) { request.url += "?a=b c"; }).find("0x20") != std::string::npos);
    CHECK(refused([](HttpFetchRequest& request) { request.url += "\xc3\xa9"; }).find("0xc3") != std::string::npos);
    CHECK(refused([](HttpFetchRequest& request) { request.method = "GE T"; }).find("GE T") != std::string::npos);
    CHECK(refused([](HttpFetchRequest& request) {
            request.headers = {{"Authorization", "hunter2\r\nX-Evil: 1"}};
          }).find("the header Authorization") != std::string::npos);
    refused([](HttpFetchRequest& request) { request.headers = {{"X A", "1"}}; });
    refused([](HttpFetchRequest& request) { request.deadline = 0ms; });
    refused([](HttpFetchRequest& request) { request.connect_timeout = 11min; });
    CHECK(subject.fetch->status().started == 0);
  });
}

TEST_CASE("limits of a fetcher outside their range are refused by name", "[http_fetch]") {
  const auto refused = [](const HttpFetchConfig& config) {
    const auto checked = config.validate();
    return checked ? std::string("valid") : checked.error().context;
  };
  CHECK(refused({}) == "valid");
  CHECK(refused({.connections_per_host_max = 0}) == "connections_per_host_max: 0 is not between 1 and 1000");
  CHECK(refused({.connections_max = 10'001}) == "connections_max: 10001 is not between 1 and 10000");
  CHECK(refused({.calls_outstanding_max = 0}) == "calls_outstanding_max: 0 is not between 1 and 100000");
  CHECK(refused({.idle_max = 0s}) == "idle_max (s): 0 is not between 1 and 3600");
}

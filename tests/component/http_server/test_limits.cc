// Clients that take too much: connections, bytes, time. Each costs itself only.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "tests/component/http_server/http_bench.h"

using namespace weir;
using namespace weir::test;

namespace {

HttpServerConfig quick() {
  HttpServerConfig config;
  config.greeting_timeout = 1'000ms;  // the clients of these tests greet late, and under load slowly
  config.header_timeout = 80ms;
  config.idle_timeout = 80ms;
  config.body_stall_timeout = 80ms;
  config.write_timeout = 80ms;
  return config;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

}  // namespace

TEST_CASE("slow and silent clients are told 408 or closed, in time", "[http_server]") {
  Bench bench(quick());
  HttpSocket silent(bench.port), header(bench.port), body(bench.port), chunks(bench.port), idle(bench.port),
      trickle(bench.port);
  REQUIRE(header.send("GET / HTTP/1.1\r\nHos"));
  REQUIRE(body.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc"));
  REQUIRE(chunks.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"));
  REQUIRE(idle.ask("GET", "/"));
  CHECK(header.answer()->status == 408);
  CHECK(body.answer()->status == 408);
  CHECK(chunks.answer()->status == 408);
  CHECK(silent.closed());
  CHECK(idle.closed());
  header.finish();
  body.finish();
  chunks.finish();
  CHECK(comes_true([&] { return bench.server->status().connections == 0; }));
  bench.expect_idle();
}

TEST_CASE("a whole body has a time limit too, however steadily it trickles", "[http_server]") {
  HttpServerConfig config = quick();
  config.body_stall_timeout = 10s;
  config.body_timeout = 100ms;
  Bench bench(config);
  HttpSocket socket(bench.port);
  REQUIRE(socket.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n"));
  std::optional<RawAnswer> answer;
  for (int i = 0; i < 10'000 && !answer; ++i) {
    static_cast<void>(socket.send_some("x"));
    answer = socket.answer(false, 5ms);
  }
  REQUIRE(answer);
  CHECK(answer->status == 408);
  CHECK(answer->body.find("100 ms") != std::string::npos);
}

TEST_CASE("a client that never reads is reset, its answers are bounded, and others are served", "[http_server]") {
  HttpServerConfig config;
  config.write_timeout = 1'500ms;
  config.answers_bytes_max = 16'000'000;
  Bench bench(config);
  std::vector<HttpSocket> deaf;
  for (int i = 0; i < 40; ++i) {
    deaf.emplace_back(bench.port);
    REQUIRE(deaf.back().send("GET /big?7000000 HTTP/1.1\r\nHost: test\r\n\r\n"));
  }
  HttpSocket other(bench.port);
  for (int i = 0; i < 200; ++i) {
    REQUIRE(other.ask("GET", "/alive")->body == "/alive");
    CHECK(bench.server->status().answers_bytes <= config.answers_bytes_max);
  }
  // Two hold the room; the others were told so, unless the two took nothing for a second and were reset for a later
  // one.
  CHECK(comes_true([&] { return bench.server->status().requests == 240; }));
  const std::uint64_t refused = bench.server->status().refused;
  CHECK(refused > 0);
  CHECK(refused <= 38);
  std::uint64_t told = 0;
  for (HttpSocket& socket : deaf) {
    const auto answer = socket.answer(false, 100ms);
    if (!answer || answer->status != 503) continue;
    ++told;
    CHECK(answer->header("retry-after") == "1");
  }
  CHECK(told == refused);
  // Room comes back when they took nothing for a second, or at the latest with write_timeout.
  std::optional<RawAnswer> big;
  CHECK(comes_true([&] {
    big = other.ask("GET", "/big?7000000");
    return big && big->status == 200;
  }));
  CHECK(big->body.size() == 7'000'000);
  CHECK(comes_true([&] { return bench.server->status().answers_bytes == 0; }));
  bench.expect_idle();
}

TEST_CASE("a body waits for its part of bodies_bytes_max unread, in order, and not for ever", "[http_server]") {
  HttpServerConfig config;
  config.body_max = 100'000;
  config.bodies_bytes_max = 100'000;
  config.bodies_wait = 20s;
  Bench bench(config);
  const std::string most(90'000, 'a'), small(20'000, 'b');
  HttpSocket first(bench.port), second(bench.port), third(bench.port);
  const auto post = [](HttpSocket& socket, std::string_view path, std::string_view body) {
    REQUIRE(socket.send(fmt::format(
        "POST {} HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n", path, body.size())));
  };
  post(first, "/hold", most);
  CHECK(first.answer()->status == 100);
  REQUIRE(first.send(most));
  auto held = bench.next_held();
  post(second, "/size", most);
  post(third, "/size", small);  // would not fit either
  CHECK_FALSE(second.answer(false, 50ms));
  CHECK_FALSE(third.answer(false, 1ms));
  CHECK(bench.server->status().bodies_bytes == 90'000);
  held.request = {};
  CHECK(second.answer()->status == 100);
  CHECK(bench.server->status().bodies_bytes == 90'000);
  REQUIRE(second.send(most));
  CHECK(second.answer()->body == "90000");
  CHECK(third.answer()->status == 100);
  REQUIRE(third.send(small));
  CHECK(third.answer()->body == "20000");
  held.reply({});
  CHECK(first.answer()->status == 200);
  bench.expect_idle();
}

TEST_CASE("a body that finds no room in time is 429, and leaves the line", "[http_server]") {
  HttpServerConfig config;
  config.body_max = 100'000;
  config.bodies_bytes_max = 100'000;
  config.bodies_wait = 60ms;
  Bench bench(config);
  HttpSocket first(bench.port), second(bench.port), third(bench.port);
  REQUIRE(first.send(
      fmt::format("POST /hold HTTP/1.1\r\nHost: test\r\nContent-Length: 50000\r\n\r\n{}", std::string(50'000, 'x'))));
  auto held = bench.next_held();
  REQUIRE(second.send("POST /size HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n"));
  const auto refused = second.answer();
  REQUIRE(refused);
  CHECK(refused->status == 429);
  CHECK(refused->header("retry-after") == "1");
  // Were the second one still in line, this one would wait behind it.
  CHECK(third.ask("POST", "/size", "", std::string(50'000, 'x'))->body == "50000");
  // A body in chunks takes its room piece by piece, and gives it back when there is no more.
  HttpSocket chunks(bench.port);
  REQUIRE(chunks.send("POST /size HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"));
  CHECK(chunks.answer()->status == 429);
  CHECK(bench.server->status().bodies_bytes == 50'000);
}

TEST_CASE("100 MB are refused by their length before they are read, or while they come", "[http_server]") {
  Bench bench;
  const std::string part(1'000'000, 'x');
  HttpSocket announced(bench.port);
  REQUIRE(announced.send("POST /size HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\r\n"));
  CHECK(announced.answer()->status == 413);
  HttpSocket chunks(bench.port);
  REQUIRE(chunks.send("POST /size HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::uint64_t most = 0;
  for (int i = 0; i < 100 && chunks.send(fmt::format("{:x}\r\n{}\r\n", part.size(), part)); ++i)
    most = std::max(most, bench.server->status().bodies_bytes);
  const auto answer = chunks.answer();
  REQUIRE(answer);
  CHECK(answer->status == 413);
  CHECK(most > 0);
  CHECK(most <= HttpServerConfig{}.body_max);
  // Many at once: together within bodies_bytes_max, all answered.
  std::vector<std::thread> clients;
  std::atomic<int> served{0}, busy{0};
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back([&] {
      HttpSocket socket(bench.port);
      const auto got = socket.ask("POST", "/size", "", std::string(10'000'000, 'y'));
      if (got && got->status == 200 && got->body == "10000000") ++served;
      if (got && got->status == 429) ++busy;
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(served + busy == 20);
  CHECK(served >= 6);
  CHECK(comes_true([&] { return bench.server->status().bodies_bytes == 0; }));
}

TEST_CASE("connections beyond connections_max are told 503 and closed; one that ends makes room", "[http_server]") {
  HttpServerConfig config;
  config.connections_max = 2;
  Bench bench(config);
  std::optional<HttpSocket> first(bench.port), second(bench.port);
  REQUIRE(first->ask("GET", "/1"));
  REQUIRE(second->ask("GET", "/2"));
  HttpSocket third(bench.port);
  const auto refused = third.answer();
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->header("retry-after") == "1");
  CHECK(third.closed());
  CHECK(bench.server->status().connections_refused == 1);
  CHECK(bench.server->status().connections == 2);
  first.reset();
  CHECK(comes_true([&] { return bench.server->status().connections == 1; }));
  HttpSocket fourth(bench.port);
  CHECK(fourth.ask("GET", "/4")->body == "/4");
}

TEST_CASE("2,000 connections are served at once", "[http_server]") {
  HttpServerConfig config;
  config.connections_max = 2'000;
  config.threads = 2;
  config.greeting_timeout = 120s;  // inside TLS the last of them greets long after it has connected
  rlimit files{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 4'500) {
    WARN("the system allows " << files.rlim_cur << " open files; 4,500 are needed: not run");
    return;
  }
  Bench bench(config);
  std::vector<HttpSocket> sockets;
  sockets.reserve(2'000);
  for (int i = 0; i < 2'000; ++i) REQUIRE(sockets.emplace_back(bench.port).connected());
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < sockets.size(); ++i)
      REQUIRE(sockets[i].send(fmt::format("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n{:05}", i)));
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      const auto answer = sockets[i].answer();
      REQUIRE(answer);
      REQUIRE(answer->body == fmt::format("{:05}", i));
    }
  }
  CHECK(bench.server->status().connections == 2'000);
  HttpSocket over(bench.port);
  CHECK(over.answer()->status == 503);
  sockets.clear();
  CHECK(comes_true([&] { return bench.server->status().connections == 0; }));
  bench.expect_idle();
}

TEST_CASE("without free file numbers the server waits instead of spinning, and goes on by itself", "[http_server]") {
  Bench bench;
  std::vector<HttpSocket> made(20);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 3;  // every number above is in use
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (HttpSocket& socket : made) socket.connect(bench.port);
  const bool warned = comes_true([&] { return bench.logbook.count(LogLevel::warn) != 0; });
  const double begin = cpu_seconds();
  const bool silent = !made.front().answer(false, 500ms);
  const double spent = cpu_seconds() - begin;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(warned);
  CHECK(silent);
  CHECK(spent < 0.1);
  CHECK(bench.logbook.count(LogLevel::warn) == 1);
  for (HttpSocket& socket : made) CHECK(socket.ask("GET", "/late")->body == "/late");
}

TEST_CASE("clients that break off at any point leave nothing behind", "[http_server]") {
  Bench bench;
  const std::string request = "POST /hold HTTP/1.1\r\nHost: test\r\nContent-Length: 30\r\n\r\n" + std::string(30, 'x');
  for (std::size_t cut = 0; cut <= request.size(); ++cut) {
    HttpSocket socket(bench.port);
    REQUIRE(socket.send(std::string_view(request).substr(0, cut)));
    if (cut == request.size()) {
      auto held = bench.next_held();
      socket.reset();
      std::thread([&] { held.reply({}); }).join();
    } else if (cut % 2 == 0) {
      socket.reset();
    }
  }
  CHECK(comes_true([&] { return bench.server->status().connections == 0; }));
  CHECK(comes_true([&] { return bench.server->status().bodies_bytes == 0; }));
  bench.expect_idle();
}

TEST_CASE("close answers what was handed over, and drops what was not", "[http_server]") {
  Bench bench;
  HttpSocket handed(bench.port), reading(bench.port), idle(bench.port);
  REQUIRE(idle.ask("GET", "/"));
  REQUIRE(reading.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nabc"));
  REQUIRE(handed.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\nGET /next HTTP/1.1\r\nHost: test\r\n\r\n"));
  auto held = bench.next_held();
  std::thread closer([&] { bench.server->close(20s); });
  CHECK(idle.closed());
  CHECK(reading.closed());
  held.reply({});
  const auto answer = handed.answer();
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->header("connection") == "close");
  CHECK(handed.closed());
  closer.join();
  CHECK_FALSE(HttpSocket(bench.port).connected());
  CHECK(bench.server->status().requests == 2);
  bench.expect_idle();
}

TEST_CASE("settings and addresses that cannot be are named", "[http_server]") {
  Bench bench;
  RecordingLogbook logbook;
  const auto error = [&](const std::function<void(HttpServerConfig&)>& change) {
    HttpServerConfig config;
    config.port = 0;
    change(config);
    const auto started = start_http_server(
        config, [](const HttpRequest&, const HttpReply& reply) { reply({}); }, logbook);
    return started ? std::string("started") : started.error().context;
  };
  CHECK(error([](auto&) {}) == "started");
  CHECK(error([&](auto& config) { config.port = bench.port; }).find("is in use by another process") !=
        std::string::npos);
  CHECK(error([](auto& config) { config.address = "localhorst"; }) ==
        "http.listen: 'localhorst' is not an IPv4 or IPv6 address");
  CHECK(error([](auto& config) { config.address = "192.0.2.1"; }) ==
        "http.listen: 192.0.2.1 is not an address of this machine");
  CHECK(error([](auto& config) { config.threads = 17; }) == "HTTP server: threads is 17; allowed is 1 to 16");
  CHECK(error([](auto& config) { config.connections_max = 0; }).find("connections_max is 0") != std::string::npos);
  CHECK(error([](auto& config) { config.bodies_bytes_max = config.body_max - 1; }).find("bodies_bytes_max") !=
        std::string::npos);
  CHECK(error([](auto& config) { config.header_timeout = -1ms; }).find("header_timeout (ms) is 0") !=
        std::string::npos);
}

// What services may ask of a node becomes requests of its API, with no more rights than they need.
#include "cluster/node/node_services.h"
#include "tests/component/services/services_world.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;

namespace {

struct Answered {
  std::vector<std::string> answers;
  ServiceAnswer take() {
    return [this](std::uint32_t status, std::string_view text) { answers.push_back(std::to_string(status) + " " + std::string(text)); };
  }
};

}  // namespace

TEST_CASE("rows are a request of somebody who may read, events one of somebody who may send", "[services]") {
  LevelLines lines;
  std::vector<HttpRequest> requests;
  NodeDesk desk(
      [&requests](HttpRequest request, const HttpReply& reply) {
        requests.push_back(std::move(request));
        HttpResponse response;
        response.body = "{}";
        reply(std::move(response));
      },
      lines, 1'000);
  Answered answered;
  desk.rows({"alarm", "by day", {"EU", "a/b"}, {{"where.x", "1"}}}, answered.take());
  desk.put({"alarm", "{\"id\": 1}", "application/json", {{"wait", "1s"}}}, answered.take());
  CHECK(answered.answers == std::vector<std::string>{"200 {}", "200 {}"});
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].method == "GET");
  CHECK(requests[0].segments == std::vector<std::string>{"v1", "views", "by day", "EU", "a/b"});
  CHECK(requests[0].parameter("where.x") == "1");
  CHECK(requests[0].principal.name == "service/alarm");
  CHECK(requests[0].principal.may(Need::read));
  CHECK(!requests[0].principal.may(Need::operate));
  CHECK(!requests[0].principal.may(Need::ingest));
  CHECK(requests[1].method == "POST");
  CHECK(requests[1].segments == std::vector<std::string>{"v1", "events"});
  CHECK(requests[1].header("content-type") == "application/json");
  CHECK(requests[1].body.view() == "{\"id\": 1}");
  CHECK(requests[1].principal.may(Need::ingest));
  CHECK(!requests[1].principal.may(Need::read));
}

TEST_CASE("a refusal is what it says, an answer that never comes is one, and behind the end there is none", "[services]") {
  LevelLines lines;
  bool drop = false;
  NodeDesk desk(
      [&drop](const HttpRequest&, const HttpReply& reply) {
        if (!drop) reply(problem(404, "there is no view 'x'"));
      },
      lines, 1'000);
  Answered answered;
  desk.rows({"alarm", "x", {}, {}}, answered.take());
  drop = true;
  desk.rows({"alarm", "x", {}, {}}, answered.take());
  desk.log(LogLevel::warn, "service/alarm", "a line");
  desk.close();
  desk.log(LogLevel::warn, "service/alarm", "too late");
  desk.put({"alarm", "{}", "application/json", {}}, answered.take());
  REQUIRE(answered.answers.size() == 3);
  CHECK(answered.answers[0] == "404 there is no view 'x'");
  CHECK(answered.answers[1].starts_with("503 "));
  CHECK(answered.answers[2] == "503 the node is stopping");
  CHECK(lines.lines == std::vector<std::string>{"warn service/alarm: a line"});
}

TEST_CASE("a put that is too long, and puts that nobody waits for, are refused", "[services]") {
  Answered answered;
  LevelLines lines;
  std::vector<HttpReply> waiting;
  NodeDesk desk([&waiting](const HttpRequest&, const HttpReply& reply) { waiting.push_back(reply); }, lines, 100);
  const auto put = [&](std::size_t bytes) { desk.put({"alarm", std::string(bytes, 'x'), "application/json", {}}, answered.take()); };
  put(101);
  CHECK(answered.answers == std::vector<std::string>{"413 101 bytes of events; one put has at most 100 (http.body_max): put them in parts"});
  put(60);
  put(41);
  CHECK(answered.answers.back() == "429 more than 100 bytes of puts wait for their answers (http.body_max): wait for some of them first");
  put(40);
  CHECK(waiting.size() == 2);
  waiting[0](HttpResponse{});
  put(60);
  CHECK(waiting.size() == 3);
  CHECK(answered.answers.size() == 3);
}

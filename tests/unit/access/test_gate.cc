// Every call of the API by every role, from the table of calls itself, and what those are told who may not.
#include <set>

#include "cluster/api/http_api.h"
#include "cluster/api/wait_reasons.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

class HandClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  UnixMicros wall() const override { return 0; }
  void pass(std::chrono::seconds time) { now_ += time; }

 private:
  TimePoint now_{0};
};

class Lines final : public Logbook {
 public:
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override {
    CHECK(level == LogLevel::warn);
    CHECK(who == "http");
    lines.emplace_back(text);
  }
  std::vector<std::string> lines;
};

const char* const kFile =
    "ingest till token-of-the-till\nread dashboard token-of-the-dashboard\noperate anna token-of-anna-1234\nadmin root "
    "token-of-root-1234\n";

struct Door {
  Door() = default;
  explicit Door(const char* tokens) {
    auto read = AccessTokens::parse(tokens, "tokens");
    REQUIRE(read);
    gate.use(std::make_shared<const AccessTokens>(std::move(*read)));
  }
  struct Told {
    int status = 0;  // 0: it may
    std::string detail;
    std::string challenge;
    Principal principal;
  };
  Told ask(Need need, std::vector<std::pair<std::string, std::string>> headers = {}) {
    HttpRequest request;
    request.peer = "192.0.2.7:4711";
    request.headers = std::move(headers);
    const auto refused = gate.check(request, need);
    Told told;
    told.principal = request.principal;
    if (!refused) return told;
    told.status = refused->status;
    told.detail = refused->body;
    for (const auto& [name, value] : refused->headers)
      if (name == "WWW-Authenticate") told.challenge = value;
    return told;
  }
  Told ask_with(Need need, const std::string& token) { return ask(need, {{"authorization", "Bearer " + token}}); }

  HandClock clock;
  Lines logbook;
  AccessGate gate{clock, logbook};
};

/// Reached only if somebody may; then the call is not asked for.
class NoNode final : public NodeAccess {
 public:
  const std::string& node() const override { throw std::logic_error("asked"); }
  const PipelineConfig& pipeline() const override { throw std::logic_error("asked"); }
  const ViewSet& views() const override { throw std::logic_error("asked"); }
  Digest128 rules_hash() const override { throw std::logic_error("asked"); }
  Digest128 log_id() const override { throw std::logic_error("asked"); }
  Readiness readiness() const override { throw std::logic_error("asked"); }
  LedgerReport ledger() const override { throw std::logic_error("asked"); }
  std::vector<PartitionReport> partitions() const override { throw std::logic_error("asked"); }
  std::vector<SinkReport> sinks() const override { throw std::logic_error("asked"); }
  void release_sink(const std::string&, std::function<void(std::optional<std::size_t>)>) override { throw std::logic_error("asked"); }
  std::vector<ActorLine> tree() const override { throw std::logic_error("asked"); }
  void release(PartitionId, std::function<void(bool)>) override { throw std::logic_error("asked"); }
  void past(const AsOf&, Pictures) override { throw std::logic_error("asked"); }
  Result<SnapshotList> snapshots() override { throw std::logic_error("asked"); }
  void make_snapshots(std::function<void(Result<std::vector<SnapshotFate>>)>) override { throw std::logic_error("asked"); }
  void verify_snapshots(const std::string&, std::function<void(Result<std::vector<TrialFate>>)>) override { throw std::logic_error("asked"); }
  void change_letters(PartitionId, LetterOrder, std::string, std::function<void(Result<std::vector<LetterFate>>)>) override {
    throw std::logic_error("asked");
  }
  std::string metrics(bool) const override { throw std::logic_error("asked"); }
  void ingest(HttpRequest, HttpReply) override { throw std::logic_error("asked"); }
  void pictures(Ranges, const std::optional<ReadToken>&, std::chrono::milliseconds, Pictures) override {
    throw std::logic_error("asked");
  }
  void state_digests(std::function<void(Result<std::vector<Digest128>>)>) override { throw std::logic_error("asked"); }
  bool work(std::function<void()>) override { throw std::logic_error("asked"); }
  void biography(const std::string&, std::function<void(Result<EventLife>)>) override { throw std::logic_error("asked"); }
  Result<TapAnswer> tap(const TapRequest&) override { throw std::logic_error("asked"); }
  PartitionFacts partition_facts(PartitionId) const override { throw std::logic_error("asked"); }
  void event_facts(const std::string&, std::function<void(Result<std::optional<EventFacts>>)>) override { throw std::logic_error("asked"); }
  Result<SearchSlice> search(const std::vector<std::pair<std::string, std::string>>&, const SearchPlace&,
                             const std::function<bool(const FoundEvent&)>&) override {
    throw std::logic_error("asked");
  }
};

int admitted(const HttpApi& api, std::string_view method, std::string path, const std::string& token) {
  for (std::size_t at = 0; (at = path.find('*')) != std::string::npos;)
    path.replace(at, path.find("**", at) == at ? 2 : 1, "x");
  HttpRequest request;
  request.method = method;
  if (!token.empty()) request.headers = {{"authorization", "Bearer " + token}};
  REQUIRE(read_target(path, request));
  const auto refused = api.admit(request);
  return refused ? refused->status : 0;
}

}  // namespace

TEST_CASE("every call of the table may be made by the roles that its need allows, and by nobody else", "[access]") {
  Door door(kFile);
  NoNode node;
  const HttpApi api(node, door.gate);
  const std::vector<std::pair<Role, std::string>> tokens = {{Role::ingest, "token-of-the-till"},
                                                            {Role::read, "token-of-the-dashboard"},
                                                            {Role::operate, "token-of-anna-1234"},
                                                            {Role::admin, "token-of-root-1234"}};
  std::set<std::string> open, ingest, any;
  for (const ApiRoute& route : api_routes()) {
    CAPTURE(route.method, route.path);
    const bool is_open = route.need == Need::nothing;
    if (is_open) open.insert(route.path);
    if (route.need == Need::any_role) any.insert(route.path);
    if (route.need == Need::ingest) ingest.insert(route.path);
    for (const auto& [role, token] : tokens)
      CHECK(admitted(api, route.method, route.path, token) == (allows(role, route.need) ? 0 : 403));
    CHECK(admitted(api, route.method, route.path, "") == (is_open ? 0 : 401));
    CHECK(admitted(api, route.method, route.path, "token-of-nobody") == (is_open ? 0 : 401));
    if (route.method == "GET")
      CHECK(admitted(api, "HEAD", route.path, "token-of-the-till") == (allows(Role::ingest, route.need) ? 0 : 403));
    CHECK(admitted(api, "BREW", route.path, "") == (is_open ? 0 : 401));
    CHECK(admitted(api, "BREW", route.path, "token-of-the-till") == 0);  // told 405
  }
  CHECK(open == std::set<std::string>{"/healthz", "/readyz", "/openapi.json"});
  CHECK(ingest == std::set<std::string>{"/v1/events"});
  CHECK(any == std::set<std::string>{"/v1/pipeline"});
  for (const char* path : {"/", "/v1", "/v1/nothing", "/metrics/x"}) {
    CHECK(admitted(api, "GET", path, "") == 401);
    CHECK(admitted(api, "GET", path, "token-of-the-till") == 0);  // told 404
  }
}

TEST_CASE("a request that no gate has looked at is refused by the API itself", "[access]") {
  Door door;
  NoNode node;
  const HttpApi api(node, door.gate);
  for (const ApiRoute& route : api_routes()) {
    if (route.need == Need::nothing) continue;
    HttpRequest request;
    request.method = route.method;
    REQUIRE(read_target(route.path, request));
    int status = 0;
    api(std::move(request), [&status](const HttpResponse& response) { status = response.status; });
    CHECK(status == 403);
  }
}

TEST_CASE("a token comes in the header Authorization as RFC 6750 has it, once, and nowhere else", "[access]") {
  Door door(kFile);
  const auto told = door.ask_with(Need::read, "token-of-the-dashboard");
  CHECK(told.status == 0);
  CHECK(told.principal.name == "dashboard");
  CHECK(told.principal.role == Role::read);
  CHECK(door.ask(Need::read, {{"authorization", "bEARER   token-of-the-dashboard"}}).status == 0);
  const std::vector<std::vector<std::pair<std::string, std::string>>> none = {
      {},
      {{"authorization", ""}},
      {{"authorization", "Bearer"}},
      {{"authorization", "Bearer "}},
      {{"authorization", "token-of-the-dashboard"}},
      {{"authorization", "Basic token-of-the-dashboard"}},
      {{"authorization", "Bearertoken-of-the-dashboard"}},
      {{"authorization", "Bearer token-of-the-dashboard extra"}},
      {{"authorization", "Bearer token-of-the-dashboard"}, {"authorization", "Bearer token-of-root-1234"}},
      {{"x-authorization", "Bearer token-of-the-dashboard"}},
      {{"cookie", "token=token-of-the-dashboard"}},
  };
  for (const auto& headers : none) {
    const auto refused = door.ask(Need::read, headers);
    CHECK(refused.status == 401);
    CHECK(refused.challenge == "Bearer");
    CHECK(refused.detail.find("Authorization: Bearer TOKEN") != std::string::npos);
    CHECK_FALSE(refused.principal.role);
  }
  const auto unknown = door.ask_with(Need::read, "token-of-the-dashboarD");
  CHECK(unknown.status == 401);
  CHECK(unknown.challenge == R"(Bearer error="invalid_token")");
  CHECK(door.gate.counters().no_token == none.size());
  CHECK(door.gate.counters().unknown_token == 1);
  CHECK(door.gate.counters().role == 0);
}

TEST_CASE("403 names the role that is needed and the one that was given; nothing that is said has a token in it",
          "[access]") {
  Door door(kFile);
  const auto refused = door.ask_with(Need::ingest, "token-of-the-dashboard");
  CHECK(refused.status == 403);
  CHECK(refused.detail.find("this call needs the role ingest, and the token of 'dashboard' has the role read") !=
        std::string::npos);
  CHECK(refused.challenge.empty());
  door.clock.pass(std::chrono::seconds(11));
  const auto unknown = door.ask_with(Need::ingest, "canary-token-0123456789");
  CHECK(unknown.detail.find("canary") == std::string::npos);
  REQUIRE(door.logbook.lines.size() == 2);
  CHECK(door.logbook.lines[0] ==
        "a request from 192.0.2.7:4711 was refused with 403: 'dashboard' has the role read and needs ingest");
  CHECK(door.logbook.lines[1] == "a request from 192.0.2.7:4711 was refused with 401: an unknown token");
}

TEST_CASE("refusals are logged at once, then once in ten seconds with the number of those in between", "[access]") {
  Door door(kFile);
  for (int i = 0; i < 1'000; ++i) CHECK(door.ask(Need::read).status == 401);
  CHECK(door.logbook.lines == std::vector<std::string>{"a request from 192.0.2.7:4711 was refused with 401: no token"});
  door.clock.pass(std::chrono::seconds(10));
  for (int i = 0; i < 1'000; ++i) CHECK(door.ask_with(Need::read, "token-of-nobody").status == 401);
  REQUIRE(door.logbook.lines.size() == 2);
  CHECK(door.logbook.lines[1] ==
        "a request from 192.0.2.7:4711 was refused with 401: an unknown token; 999 more since the last such line");
  CHECK(door.gate.counters().no_token == 1'000);
  CHECK(door.gate.counters().unknown_token == 1'000);
}

TEST_CASE("other tokens count at once, and what is open needs none", "[access]") {
  Door door(kFile);
  CHECK(door.ask_with(Need::admin, "token-of-root-1234").status == 0);
  auto next = AccessTokens::parse("admin root another-token-of-root", "tokens");
  door.gate.use(std::make_shared<const AccessTokens>(std::move(*next)));
  CHECK(door.ask_with(Need::admin, "token-of-root-1234").status == 401);
  CHECK(door.ask_with(Need::admin, "another-token-of-root").status == 0);
  const auto open = door.ask(Need::nothing, {{"host", "evil.example"}});
  CHECK(open.status == 0);
  CHECK(open.principal.name == "anonymous");
  CHECK_FALSE(open.principal.role);
}

TEST_CASE("without tokens whoever is on this machine may do everything, and nobody who was lured here", "[access]") {
  Door door;
  for (const std::string host :
       {"127.0.0.1", "127.0.0.1:7070", "127.1.2.3:80", "localhost", "LOCALHOST:7070", "[::1]", "[::1]:7070"}) {
    const auto told = door.ask(Need::admin, {{"host", host}});
    CHECK(told.status == 0);
    CHECK(told.principal.name == "anonymous");
    CHECK(told.principal.role == Role::admin);
  }
  CHECK(door.ask(Need::admin).status == 0);  // HTTP/1.0
  for (const std::string host :
       {"evil.example", "evil.example:7070", "localhost.evil.example", "127.0.0.1.evil.example", "127.evil.example",
        "128.0.0.1", "[::1].evil.example", "[::2]", "::1", "", "0.0.0.0", "local\"host"}) {
    CAPTURE(host);
    CHECK(door.ask(Need::read, {{"host", host}}).status == 421);
  }
  CHECK(door.ask(Need::read, {{"host", "localhost"}, {"origin", "http://127.0.0.1:3000"}}).status == 0);
  for (const std::string origin : {"http://evil.example", "null", "", "https://localhost.evil.example"})
    CHECK(door.ask(Need::read, {{"host", "localhost"}, {"origin", origin}}).status == 403);
  CHECK(door.gate.counters().host == 16);
  const auto far = door.ask(Need::read, {{"host", std::string(5'000, 'x')}});
  CHECK(far.status == 421);
  CHECK(far.detail.size() < 500);
  // With tokens a name is a name.
  auto tokens = AccessTokens::parse(kFile, "tokens");
  door.gate.use(std::make_shared<const AccessTokens>(std::move(*tokens)));
  CHECK(door.ask(Need::read, {{"host", "node.example"}, {"authorization", "Bearer token-of-anna-1234"}}).status == 0);
}

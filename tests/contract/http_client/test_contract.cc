// What every HTTP client promises, on libcurl against the real server, plain and inside TLS, and on the twin against the server in memory.
#include <fmt/format.h>

#include <atomic>
#include <functional>

#include "runtime/adapters/curl/curl_client.h"
#include "runtime/adapters/http/http_server.h"
#include "runtime/adapters/memory/memory_http_client.h"
#include "tests/support/catch.h"
#include "tests/support/http_socket.h"
#include "tests/support/script_server.h"
#include "tests/support/test_identity.h"
#include "tests/unit/data_directory/scratch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

class NoLogbook final : public Logbook {
 public:
  void write(LogLevel, std::string_view, std::string_view) noexcept override {}
};
NoLogbook no_logbook;
const std::atomic<MemoryNetwork> kWhole{MemoryNetwork::whole};

struct Subject {
  std::string name;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
  std::string url;
};

Subject real(HttpHandler handler) {
  HttpServerConfig config;
  config.port = 0;
  auto server = start_http_server(config, std::move(handler), no_logbook);
  REQUIRE(server);
  auto client = make_curl_client();
  REQUIRE(client);
  std::string url = "http://" + (*server)->address();
  return {"curl", std::move(*server), std::move(*client), std::move(url)};
}

UnixMicros hence(std::chrono::hours time) {
  return std::chrono::duration_cast<std::chrono::microseconds>((std::chrono::system_clock::now() + time).time_since_epoch()).count();
}

std::shared_ptr<const TlsIdentity> identity_of(const test::TestIdentity& made, UnixMicros when) {
  auto identity = TlsIdentity::make(made.certificate, Secret(made.key), when);
  if (!identity) FAIL(identity.error().what);
  return *identity;
}

/// A server inside TLS, and the authority that signed for it.
struct SecureServer {
  explicit SecureServer(HttpHandler handler) {
    test::write(ca_file, authority.certificate());
    HttpServerConfig config;
    config.port = 0;
    auto started = start_http_server(config, std::move(handler), no_logbook, {}, identities);
    REQUIRE(started);
    server = std::move(*started);
  }
  [[nodiscard]] std::string url(const std::string& host = "localhost") const { return fmt::format("https://{}:{}", host, server->port()); }
  [[nodiscard]] Result<HttpAnswer> ask(const std::string& whole_url, CurlSettings settings) const {
    auto client = make_curl_client(std::move(settings));
    REQUIRE(client);
    HttpCall call;
    call.url = whole_url;
    return (*client)->call(call);
  }
  /// Of an error, all of it not_ready.
  [[nodiscard]] std::string refusal(const std::string& whole_url, CurlSettings settings) const {
    const auto answer = ask(whole_url, std::move(settings));
    if (answer) return fmt::format("answered {}", answer->status);
    CHECK(answer.error().code == Errc::not_ready);
    return answer.error().context;
  }
  /// `when`: a moment at which it is good, so that the server takes it.
  void show(const test::TestIdentity& made, UnixMicros when) { identities->use(identity_of(made, when)); }

  test::Scratch folder;
  std::string ca_file = folder / "ca.pem";
  test::TestAuthority authority;
  std::shared_ptr<TlsIdentities> identities = std::make_shared<TlsIdentities>(identity_of(authority.make(), hence(std::chrono::hours(0))));
  std::unique_ptr<HttpServer> server;
};

Subject real_tls(HttpHandler handler) {
  const auto secure = std::make_shared<SecureServer>(std::move(handler));
  auto client = make_curl_client({Secret(), secure->ca_file});
  REQUIRE(client);
  // The folder of the authority's certificate lives as long as the client.
  class Holding final : public HttpClient {
   public:
    Holding(std::unique_ptr<HttpClient> held, std::shared_ptr<const void> with) : held_(std::move(held)), with_(std::move(with)) {}
    Result<HttpAnswer> call(const HttpCall& call) override { return held_->call(call); }

   private:
    std::unique_ptr<HttpClient> held_;
    std::shared_ptr<const void> with_;
  };
  std::string url = secure->url();
  auto server = std::move(secure->server);
  return {"curl, TLS", std::move(server), std::make_unique<Holding>(std::move(*client), secure), std::move(url)};
}

Subject in_memory(HttpHandler handler) {
  auto server = std::make_unique<MemoryHttpServer>(HttpServerConfig{}, std::move(handler));
  auto client = std::make_unique<MemoryHttpClient>(*server, kWhole);
  return {"memory", std::move(server), std::move(client), "http://127.0.0.1:7070"};
}

void on_all(const HttpHandler& handler, const std::function<void(Subject&)>& check) {
  for (auto* make : {&real, &real_tls, &in_memory}) {
    Subject subject = make(handler);
    INFO("client: " << subject.name);
    check(subject);
  }
}

void mirror(const HttpRequest& request, const HttpReply& reply) {
  HttpResponse response;
  response.status = request.parameter("status") ? std::stoi(std::string(*request.parameter("status"))) : 200;
  response.content_type = "text/plain";
  response.headers.emplace_back("X-Place", "here");
  response.headers.emplace_back("X-Place", "there");
  response.body = fmt::format("{} {} {} {}", request.method, fmt::join(request.segments, "|"),
                              request.header("x-a").value_or("-"), request.body.view());
  reply(std::move(response));
}

}  // namespace

TEST_CASE("a call arrives as it was made, and any status is an answer", "[http_client]") {
  on_all(mirror, [](Subject& subject) {
    HttpCall call;
    call.url = subject.url + "/v1/" + percent_encoded("a/b c%\xc3\xa9");
    call.headers = {{"X-A", "1"}};
    auto answer = subject.client->call(call);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "GET v1|a/b c%\xc3\xa9 1 ");
    CHECK(answer->header("content-type") == "text/plain");
    CHECK(answer->header("x-place") == "here");
    CHECK_FALSE(answer->header("x-none"));
    call.method = "POST";
    call.body = std::string("a\0b", 3);
    call.url = subject.url + "/x?status=429";
    answer = subject.client->call(call);
    REQUIRE(answer);
    CHECK(answer->status == 429);
    CHECK(answer->body == std::string("POST x 1 a\0b", 12));
    call.method = "PUT";
    CHECK(subject.client->call(call)->body == std::string("PUT x 1 a\0b", 11));
    call.method = "HEAD";
    CHECK(subject.client->call(call)->body.empty());
    call.method = "GET";  // nothing of the call before is left
    call.headers.clear();
    CHECK(subject.client->call(call)->body == "GET x - ");
  });
}

TEST_CASE("an answer that is too large is an error, one byte less is not", "[http_client]") {
  on_all(mirror, [](Subject& subject) {
    HttpCall call;
    call.url = subject.url + "/0123456789";
    call.answer_bytes_max = 17;
    REQUIRE(subject.client->call(call));
    call.answer_bytes_max = 16;
    const auto answer = subject.client->call(call);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::limit_reached);
    CHECK(answer.error().context.find("16 bytes") != std::string::npos);
  });
}

TEST_CASE("an answer that does not come in time is not_ready", "[http_client]") {
  HttpReply kept;
  on_all([&kept](const HttpRequest&, HttpReply reply) { kept = std::move(reply); },
          [](Subject& subject) {
            HttpCall call;
            call.url = subject.url + "/";
            call.timeout = 50ms;
            const auto answer = subject.client->call(call);
            REQUIRE_FALSE(answer);
            CHECK(answer.error().code == Errc::not_ready);
            CHECK(answer.error().context.find(subject.url + " did not answer within 50 ms") != std::string::npos);
          });
}

TEST_CASE("a URL that is none is invalid_argument", "[http_client]") {
  on_all(mirror, [](Subject& subject) {
    for (const std::string url : {"ftp://127.0.0.1/", "localhost:7070", ""}) {
      HttpCall call;
      call.url = url;
      const auto answer = subject.client->call(call);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().code == Errc::invalid_argument);
    }
  });
}

TEST_CASE("nobody there is not_ready and says how to start a node; connections are used again", "[http_client]") {
  HttpCall call;
  {
    Subject subject = real(mirror);
    call.url = subject.url + "/";
    for (int i = 0; i < 5; ++i) CHECK(subject.client->call(call)->status == 200);
    CHECK(subject.server->status().connections == 1);
  }
  const auto client = make_curl_client();
  const auto answer = (*client)->call(call);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::not_ready);
  CHECK(answer.error().context.find("weir up PIPELINE.yaml") != std::string::npos);
  // A server that closes without an answer.
  Subject subject = real([](const HttpRequest&, const HttpReply&) {});
  call.url = subject.url + "/";
  CHECK((*client)->call(call)->status == 500);
  // In memory: the switch.
  std::atomic<MemoryNetwork> network{MemoryNetwork::unreachable};
  MemoryHttpServer server({}, mirror);
  MemoryHttpClient asking(server, network);
  CHECK(asking.call(call).error().code == Errc::not_ready);
  CHECK(server.status().requests == 0);
  network = MemoryNetwork::loses_reply;
  CHECK(asking.call(call).error().code == Errc::not_ready);
  CHECK(server.status().requests == 1);
}

TEST_CASE("an answer that breaks off anywhere is not_ready", "[http_client]") {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
  std::atomic<std::size_t> length{0};
  test::ScriptServer server([&](const test::ScriptRequest&) {
    return test::ScriptReply{whole.substr(0, length), test::ScriptReply::Then::close};
  });
  const auto client = make_curl_client();
  HttpCall call;
  call.url = server.url() + "/";
  for (; length < whole.size(); ++length) {
    INFO(whole.substr(0, length));
    const auto answer = (*client)->call(call);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::not_ready);
  }
  CHECK((*client)->call(call)->body == "body");
}

TEST_CASE("a server whose certificate is not to be trusted is not asked, and the message says why", "[http_client]") {
  std::atomic<int> calls{0};
  SecureServer secure([&calls](const HttpRequest&, const HttpReply& reply) {
    ++calls;
    reply({});
  });
  const CurlSettings trusting{Secret("token-of-the-test"), secure.ca_file};
  CHECK(secure.refusal(secure.url(), trusting) == "answered 200");
  CHECK(secure.refusal(secure.url("127.0.0.1"), trusting) == "answered 200");
  CHECK(calls == 2);
  const std::string of = "the certificate of " + secure.url() + " ";
  CHECK(secure.refusal(secure.url(), {}) == of + "is signed by nobody this machine trusts; --ca-file or WEIR_CA_FILE names the certificate of the one that signed it");
  test::write(secure.folder / "other.pem", test::TestAuthority().certificate());
  const std::string other = secure.refusal(secure.url(), {Secret(), secure.folder / "other.pem"});
  CHECK(other.ends_with("is its certificate of an authority that is called like the one of --ca-file, and is another?"));
  secure.show(secure.authority.make({.names = {"DNS:node.example"}}), hence(std::chrono::hours(0)));
  CHECK(secure.refusal(secure.url(), trusting) == of + "is for other names; ask the node under a name that stands in it");
  secure.show(secure.authority.make({.begins = std::chrono::hours(-9), .ends = std::chrono::hours(-1)}), hence(std::chrono::hours(-2)));
  CHECK(secure.refusal(secure.url(), trusting) == of + "has ended; the node needs a renewed one (http.tls of its node file)");
  secure.show(secure.authority.make({.begins = std::chrono::hours(1)}), hence(std::chrono::hours(2)));
  CHECK(secure.refusal(secure.url(), trusting) == of + "is not good yet; is the clock of this machine right?");
  CHECK(calls == 2);
  const auto missing = secure.ask(secure.url(), {Secret(), secure.folder / "none.pem"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::invalid_argument);
  CHECK(missing.error().context.ends_with("none.pem cannot be read, or holds no certificate in PEM; check --ca-file or WEIR_CA_FILE"));
}

TEST_CASE("plain and secure ports that are mixed up say so", "[http_client]") {
  SecureServer secure(mirror);
  const auto told = secure.ask(fmt::format("http://localhost:{}/", secure.server->port()), {});
  REQUIRE(told);
  CHECK(told->status == 400);
  CHECK(told->body.find("write https:// in front") != std::string::npos);
  Subject plain = real(mirror);
  const std::string said = secure.refusal(fmt::format("https://localhost:{}/", plain.server->port()), {});
  CHECK(said.find("came to nothing") != std::string::npos);
  CHECK(said.find("is it http:// there") != std::string::npos);
}

TEST_CASE("a token goes with every call, in plain HTTP only where it stays on this machine", "[http_client]") {
  const HttpHandler tell = [](const HttpRequest& request, const HttpReply& reply) {
    HttpResponse response;
    response.body = request.header("authorization").value_or("none");
    reply(std::move(response));
  };
  SecureServer secure(tell);
  CHECK(secure.ask(secure.url(), {Secret("token-of-the-test"), secure.ca_file})->body == "Bearer token-of-the-test");
  CHECK(secure.ask(secure.url(), {Secret(), secure.ca_file})->body == "none");
  Subject plain = real(tell);
  for (const char* host : {"127.0.0.1", "localhost"})
    CHECK(secure.ask(fmt::format("http://{}:{}/a", host, plain.server->port()), {Secret("token-of-the-test"), {}})->body == "Bearer token-of-the-test");
  for (const char* host : {"node.example", "192.0.2.7:7070", "127.0.0.1@node.example", "127.0.0.1.node.example:80", "localhost.example", "[2001:db8::7]:80"}) {
    const auto refused = secure.ask(fmt::format("http://{}/v1/ledger", host), {Secret("token-of-the-test"), {}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK(refused.error().context.find("in plain HTTP, where anybody on the way could read it") != std::string::npos);
    CHECK(refused.error().context.find("token-of-the-test") == std::string::npos);
  }
}

// TLS around the server: greetings that come to nothing, and identities that are exchanged. What holds for every
// request is tested inside TLS by the other files of this folder.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/component/http_server/http_bench.h"

using namespace weir;
using namespace weir::test;

namespace {

/// A server that speaks TLS, whatever the other tests do.
struct SecureBench {
  explicit SecureBench(HttpServerConfig config = {}) {
    config.port = 0;
    HttpSocket::speak_tls(false);
    auto started = start_http_server(
        config,
        [](const HttpRequest& request, const HttpReply& reply) {
          HttpResponse response;
          response.body = request.path;
          reply(std::move(response));
        },
        logbook, {}, identities);
    if (!started) FAIL(started.error().context);
    server = std::move(*started);
    port = server->port();
  }
  [[nodiscard]] bool failed(std::uint64_t count) const {
    return comes_true([&] { return server->status().greetings_failed == count && server->status().connections == 0; });
  }

  TestAuthority authority;
  std::shared_ptr<TlsIdentities> identities = std::make_shared<TlsIdentities>(sound(authority.make()));
  RecordingLogbook logbook;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

int connected(const SecureBench& bench) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(bench.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

struct Greeting {
  bool done = false;
  std::string version, cipher;
  long verified = -1;
  std::string serial;  // of the certificate that was shown
};

/// One whole handshake, as `set` wishes it.
Greeting greet(const SecureBench& bench, const std::function<void(SSL_CTX*)>& set = {},
               const char* name = "localhost") {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new_mem_buf(bench.authority.certificate().data(), -1),
                                                      &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> authority(PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr),
                                                              &X509_free);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
  if (set) set(context.get());
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
  SSL_set1_host(tls.get(), name);
  const int fd = connected(bench);
  SSL_set_fd(tls.get(), fd);
  Greeting greeting;
  greeting.done = SSL_connect(tls.get()) == 1;
  if (greeting.done) {
    greeting.version = SSL_get_version(tls.get());
    greeting.cipher = SSL_get_cipher_name(tls.get());
    greeting.verified = SSL_get_verify_result(tls.get());
    const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(tls.get()), &X509_free);
    greeting.serial = std::to_string(ASN1_INTEGER_get(X509_get_serialNumber(shown.get())));
  }
  ERR_clear_error();
  ::close(fd);
  return greeting;
}

void only(SSL_CTX* context, int version) {
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
}

std::string refused(const TestIdentity& identity, UnixMicros now = 0) {
  if (now == 0)
    now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
              .count();
  const auto made = TlsIdentity::make(identity.certificate, Secret(identity.key), now);
  if (made) return "taken: " + (*made)->names();
  return (made.error().part == TlsIdentity::Part::key ? "key: " : "certificate: ") + made.error().what;
}

}  // namespace

TEST_CASE("TLS 1.2 and 1.3 are spoken, with forward secrecy; nothing older, nothing weaker", "[http_tls]") {
  SecureBench bench;
  const Greeting newest = greet(bench);
  CHECK(newest.done);
  CHECK(newest.version == "TLSv1.3");
  CHECK(newest.verified == X509_V_OK);
  const Greeting older = greet(bench, [](SSL_CTX* context) { only(context, TLS1_2_VERSION); });
  CHECK(older.done);
  CHECK(older.version == "TLSv1.2");
  CHECK(older.cipher.starts_with("ECDHE-"));
  CHECK_FALSE(greet(bench, [](SSL_CTX* context) { only(context, TLS1_1_VERSION); }).done);
  CHECK_FALSE(greet(bench, [](SSL_CTX* context) { only(context, TLS1_VERSION); }).done);
  for (const char* weak :
       {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "aNULL", "NULL"}) {
    CAPTURE(weak);
    CHECK_FALSE(greet(bench, [weak](SSL_CTX* context) {
                  only(context, TLS1_2_VERSION);
                  SSL_CTX_set_cipher_list(context, weak);
                }).done);
  }
  CHECK(bench.failed(7));
  CHECK(greet(bench, {}, "elsewhere.example").verified == X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST_CASE("what is no TLS is told so in plain HTTP, or closed, and harms nobody", "[http_tls]") {
  SecureBench bench;
  {
    HttpSocket socket(bench.port);
    const auto answer = socket.ask("GET", "/v1/ledger");
    REQUIRE(answer);
    CHECK(answer->status == 400);
    CHECK(answer->header("content-type") == "application/problem+json");
    CHECK(answer->body.find("https://") != std::string::npos);
    CHECK(socket.closed());
  }
  std::vector<std::string> others{"\r\n", "SSH-2.0-OpenSSH_9.2\r\n", std::string(300, '\0')};
  others.push_back("\x16\x03\x01\x01\x28\x01" + std::string(300, 'x'));  // a greeting by its first bytes only
  others.push_back("\x16\x03\x01\xff\xff" + std::string(70'000, 'x'));   // longer than any record may be
  others.push_back("\x80\x2e\x01\x03\x01" + std::string(100, 'x'));      // as SSL 2 greeted
  for (const std::string& bytes : others) {
    HttpSocket socket(bench.port);
    REQUIRE(socket.send(bytes));
    socket.finish();
    static_cast<void>(socket.answer());  // an alert, or nothing at all
  }
  CHECK(bench.failed(7));
  CHECK(greet(bench).done);
  CHECK(bench.server->status().requests == 0);
  CHECK(bench.logbook.count(LogLevel::warn) == 0);
}

TEST_CASE("a greeting that breaks off at any byte, or never ends, costs its own connection only", "[http_tls]") {
  HttpServerConfig config;
  config.greeting_timeout = 1'000ms;
  SecureBench bench(config);
  // What a client says first, as OpenSSL writes it.
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(tls.get(), BIO_new(BIO_s_mem()), out);
  static_cast<void>(SSL_connect(tls.get()));
  char* data = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(out, &data));
  const std::string whole(data, size);
  REQUIRE(whole.size() > 200);
  ERR_clear_error();
  std::uint64_t count = 0;
  for (std::size_t cut = 0; cut <= whole.size(); cut += 7, ++count) {
    HttpSocket socket(bench.port);
    REQUIRE(socket.send(std::string_view(whole).substr(0, cut)));
    socket.finish();
  }
  CHECK(bench.failed(count));
  for (std::size_t cut = 0; cut <= whole.size(); cut += 7) {
    HttpSocket socket(bench.port);
    REQUIRE(socket.send(std::string_view(whole).substr(0, cut)));
    socket.reset();
  }
  CHECK(greet(bench).done);
  CHECK(comes_true([&] { return bench.server->status().connections == 0; }));
  count = bench.server->status().greetings_failed;  // who is gone before it is accepted does not count
  HttpSocket silent(bench.port), half(bench.port);
  REQUIRE(half.send(std::string_view(whole).substr(0, 20)));
  CHECK(silent.closed());
  CHECK(half.closed());
  CHECK(bench.failed(count + 2));
}

TEST_CASE("greetings count as connections", "[http_tls]") {
  HttpServerConfig config;
  config.connections_max = 2;
  SecureBench bench(config);
  std::optional<HttpSocket> first(bench.port), second(bench.port);
  CHECK(comes_true([&] { return bench.server->status().connections == 2; }));
  HttpSocket::speak_tls(true);
  HttpSocket third(bench.port);
  const auto turned_away = third.answer();
  REQUIRE(turned_away);
  CHECK(turned_away->status == 503);
  CHECK(bench.server->status().connections_refused == 1);
  first.reset();
  second.reset();
  CHECK(comes_true([&] { return bench.server->status().connections == 0; }));
  CHECK(HttpSocket(bench.port).ask("GET", "/a")->body == "/a");
  HttpSocket::speak_tls(false);
}

TEST_CASE("the end of a connection is said in TLS, whoever ends it", "[http_tls]") {
  HttpServerConfig config;
  config.idle_timeout = 50ms;
  SecureBench bench(config);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  for (const std::string& request : {std::string("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
                                     std::string("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")}) {
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
    const int fd = connected(bench);
    SSL_set_fd(tls.get(), fd);
    REQUIRE(SSL_connect(tls.get()) == 1);
    REQUIRE(SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) == static_cast<int>(request.size()));
    char bytes[4096];
    int got = 0;
    while ((got = SSL_read(tls.get(), bytes, sizeof bytes)) > 0) {
    }
    // Without a word it would be SSL_ERROR_SSL, as if somebody on the way had cut it.
    CHECK(SSL_get_error(tls.get(), got) == SSL_ERROR_ZERO_RETURN);
    ERR_clear_error();
    ::close(fd);
  }
}

TEST_CASE("another identity counts for new connections; those that are there keep theirs", "[http_tls]") {
  SecureBench bench;
  HttpSocket::speak_tls(true);
  HttpSocket old(bench.port);
  HttpSocket::speak_tls(false);
  REQUIRE(old.ask("GET", "/1")->body == "/1");
  const std::string first = greet(bench).serial;
  bench.identities->use(sound(bench.authority.make({.rsa_bits = 2048})));
  const Greeting next = greet(bench);
  CHECK(next.done);
  CHECK(next.verified == X509_V_OK);
  CHECK(next.serial != first);
  CHECK(old.ask("GET", "/2")->body == "/2");
}

TEST_CASE("a certificate and a key that cannot be used together are refused with the reason", "[http_tls]") {
  const TestAuthority authority;
  const TestIdentity good = authority.make({.names = {"DNS:node.example", "IP:127.0.0.1", "IP:::1"}}),
                     other = authority.make();
  CHECK(refused(good) == "taken: node.example, 127.0.0.1, ::1");
  CHECK(refused(authority.make({.names = {}})) == "taken: ");
  CHECK(refused({good.certificate + authority.certificate(), "a comment in front\n" + good.key}) ==
        "taken: node.example, 127.0.0.1, ::1");
  CHECK(refused({"", good.key}).starts_with("certificate: it has no certificate in PEM"));
  CHECK(refused({good.key, good.key}).starts_with("certificate: it has no certificate in PEM"));
  CHECK(refused({good.certificate, ""}).starts_with("key: it has no private key in PEM"));
  CHECK(refused({good.certificate, good.certificate}).starts_with("key: it has no private key in PEM"));
  CHECK(refused({good.certificate, other.key}) ==
        "key: this key is not that of the certificate; both come from the same request");
  CHECK(refused({good.certificate, authority.make({.rsa_bits = 2048}).key}) ==
        "key: this key is not that of the certificate; both come from the same request");
  CHECK(refused(authority.make({.begins = std::chrono::hours(-48), .ends = std::chrono::hours(-1)}))
            .starts_with("certificate: the certificate ended at 20"));
  CHECK(refused(authority.make({.begins = std::chrono::hours(1)}))
            .starts_with("certificate: the certificate begins at 20"));
  CHECK(refused(authority.make({.rsa_bits = 1024}))
            .starts_with("certificate: the certificate cannot be used: ee key too small"));
  CHECK(refused({good.certificate.substr(0, good.certificate.size() / 2), good.key})
            .starts_with("certificate: it has no certificate"));
  CHECK(refused({good.certificate + good.certificate.substr(0, good.certificate.size() / 2), good.key})
            .starts_with("certificate: what stands behind the first certificate is damaged"));
  const std::string locked =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi5rRgkYqAJWAICCAAw\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  CHECK(refused({good.certificate, locked}).starts_with("key: "));
  for (const std::string& text :
       {refused({good.certificate, other.key}), refused({good.certificate, good.key.substr(0, 100)})})
    CHECK(text.find(good.key.substr(30, 30)) == std::string::npos);
}

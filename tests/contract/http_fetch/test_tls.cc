// Certificates of `https` servers: one that is not trusted, or is another server's, gets no question.
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>

#include "runtime/adapters/curl/curl_fetcher.h"
#include "tests/contract/http_fetch/fetch_bench.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;

namespace {

/// A key and a certificate for `name`, signed by itself; the certificate also as a file.
class Identity {
 public:
  explicit Identity(const std::string& name) : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3'600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* subject = X509_get_subject_name(certificate_);
    const auto* text = reinterpret_cast<const unsigned char*>("test");
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate_, subject);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
    X509_add_ext(certificate_, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate_, key_, EVP_sha256());
    file_ = std::filesystem::temp_directory_path() / fmt::format("weir-tls-{}-{}.pem", ::getpid(), number_++);
    std::FILE* out = std::fopen(file_.c_str(), "w");
    REQUIRE(out != nullptr);
    PEM_write_X509(out, certificate_);
    std::fclose(out);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  ~Identity() {
    std::filesystem::remove(file_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  void use_in(SSL_CTX* context) const {
    REQUIRE(SSL_CTX_use_certificate(context, certificate_) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context, key_) == 1);
  }
  [[nodiscard]] std::string file() const { return file_; }

 private:
  static inline int number_ = 0;
  EVP_PKEY* key_;
  X509* certificate_;
  std::filesystem::path file_;
};

/// Takes one connection after the other, shakes hands, answers one request with "secret".
class TlsServer {
 public:
  TlsServer(const Identity& identity, int newest_version) : context_(SSL_CTX_new(TLS_server_method())) {
    identity.use_in(context_);
    SSL_CTX_set_max_proto_version(context_, newest_version);
    SSL_CTX_set_security_level(context_, 0);
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listening_, 8) == 0);
    REQUIRE(::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    SSL_CTX_free(context_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int requests() const { return requests_; }

 private:
  void run() {
    sigset_t pipe;  // of a client that hangs up
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (int fd; (fd = ::accept(listening_, nullptr, nullptr)) >= 0; ::close(fd)) {
      SSL* ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd);
      char bytes[4'096];
      if (SSL_accept(ssl) == 1 && SSL_read(ssl, bytes, sizeof bytes) > 0) {
        ++requests_;
        const std::string answer = http_bytes(200, "secret", "Connection: close\r\n");
        SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
      }
      SSL_free(ssl);
    }
  }
  SSL_CTX* context_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> requests_{0};
  std::thread thread_;
};

Result<HttpAnswer> ask(const std::string& url, const std::string& ca_file) {
  HttpFetchConfig config;
  config.ca_file = ca_file;
  auto fetch = make_curl_fetcher(config);
  REQUIRE(fetch);
  Answers answers;
  HttpFetchRequest request;
  request.url = url;
  REQUIRE((*fetch)->start(std::move(request), answers.take(1)));
  REQUIRE(answers.wait(1));
  (*fetch)->close();
  return answers.of(1);
}

}  // namespace

TEST_CASE("an https server is asked only when its certificate is trusted, its own, and new enough", "[http_fetch]") {
  const Identity right("IP:127.0.0.1"), another("DNS:another.example"), stranger("IP:127.0.0.1");
  {
    TlsServer server(right, TLS1_3_VERSION);
    const std::string url = fmt::format("https://127.0.0.1:{}/", server.port());
    const auto trusted = ask(url, right.file());
    REQUIRE(trusted);
    CHECK(trusted->body == "secret");
    CHECK(server.requests() == 1);
    for (const std::string& ca_file : {std::string(), stranger.file()}) {
      const auto untrusted = ask(url, ca_file);
      REQUIRE_FALSE(untrusted);
      CHECK(untrusted.error().code == Errc::not_ready);
      CHECK(untrusted.error().context.find("no trusted connection to https://127.0.0.1") == 0);
    }
    CHECK(server.requests() == 1);
    const auto no_file = ask(url, right.file() + ".none");
    REQUIRE_FALSE(no_file);
    CHECK(no_file.error().code == Errc::internal);
  }
  {
    TlsServer server(another, TLS1_3_VERSION);
    const auto misnamed = ask(fmt::format("https://127.0.0.1:{}/", server.port()), another.file());
    REQUIRE_FALSE(misnamed);
    CHECK(misnamed.error().code == Errc::not_ready);
    CHECK(server.requests() == 0);
  }
  TlsServer server(right, TLS1_1_VERSION);
  const auto old = ask(fmt::format("https://127.0.0.1:{}/", server.port()), right.file());
  REQUIRE_FALSE(old);
  CHECK(old.error().code == Errc::not_ready);
  CHECK(server.requests() == 0);
}

TEST_CASE("a server that does not speak TLS is no https server", "[http_fetch]") {
  ScriptServer server(say);
  const auto answer = ask(fmt::format("https://127.0.0.1:{}/echo", server.port()), "");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::not_ready);
  CHECK(server.counts().requests == 0);
}

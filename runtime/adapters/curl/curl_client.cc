#include "runtime/adapters/curl/curl_client.h"

#include <array>
#include <limits>

#include "runtime/adapters/curl/curl_handles.h"
#include "runtime/adapters/curl/receiving.h"

namespace weir {

namespace {

/// Whether what is sent there stays on this machine.
bool stays_here(std::string_view server) {
  std::string_view host = server.substr(std::min(server.find("://") + 3, server.size()));
  if (host.find('@') != std::string_view::npos) return false;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) host = host.substr(0, colon);
  const bool v4 = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
  return v4 || host == "[::1]" || host == "localhost";
}

/// What OpenSSL has against a certificate; its numbers are part of its interface (x509_vfy.h).
std::string certificate_fault(long verified, const char* detail) {
  switch (verified) {
    case 9: return "is not good yet; is the clock of this machine right?";
    case 10: return "has ended; the node needs a renewed one (http.tls of its node file)";
    case 18:
    case 19:
    case 20:
    case 21:
      return "is signed by nobody this machine trusts; --ca-file or WEIR_CA_FILE names the certificate of the one that "
             "signed it";
    case 0:
    case 1:  // libcurl compares the name first, and leaves this where it stopped there
      return "is for other names; ask the node under a name that stands in it";
    default: return fmt::format("is not to be trusted: {}", detail);
  }
}

Error error_of(CURLcode code, const HttpCall& call, const CurlSettings& settings, long verified, const char* detail) {
  const std::string_view server = server_of_url(call.url);
  const auto text = [&](Errc errc, std::string what) { return Error{errc, std::move(what)}; };
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return text(Errc::invalid_argument,
                  fmt::format("'{}' is not the address of a node; write it like http://127.0.0.1:7070", server));
    case CURLE_COULDNT_CONNECT:
      return text(Errc::not_ready,
                  fmt::format("nobody listens at {}: is a node running there? `weir up PIPELINE.yaml` starts one, "
                              "--node names another",
                              server));
    case CURLE_COULDNT_RESOLVE_HOST:
      return text(Errc::not_ready,
                  fmt::format("the name in {} is not known to this machine; check --node or WEIR_NODE", server));
    case CURLE_OPERATION_TIMEDOUT:
      return text(Errc::not_ready, fmt::format("{} did not answer within {} ms; is it overloaded, or stopped?", server,
                                               call.timeout.count()));
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return text(Errc::not_ready,
                  fmt::format("the connection to {} broke before the answer was whole; was the node stopped?", server));
    case CURLE_PEER_FAILED_VERIFICATION:
      return text(Errc::not_ready,
                  fmt::format("the certificate of {} {}", server, certificate_fault(verified, detail)));
    case CURLE_SSL_CACERT_BADFILE:
      return text(Errc::invalid_argument,
                  fmt::format("{} cannot be read, or holds no certificate in PEM; check --ca-file or WEIR_CA_FILE",
                              settings.ca_file));
    case CURLE_SSL_CONNECT_ERROR:
      return text(Errc::not_ready,
                  fmt::format("TLS with {} came to nothing ({}): is it http:// there, or is its certificate of an "
                              "authority that is called like the one of --ca-file, and is another?",
                              server, detail[0] != 0 ? detail : curl_easy_strerror(code)));
    default:  // an enum of the library: its other codes have no advice of ours
      break;
  }
  return text(Errc::not_ready,
              fmt::format("asking {} failed: {}", server, detail[0] != 0 ? detail : curl_easy_strerror(code)));
}

class CurlClient final : public HttpClient {
 public:
  CurlClient(EasyHandle handle, CurlSettings settings) : handle_(std::move(handle)), settings_(std::move(settings)) {}

  [[nodiscard]] Result<HttpAnswer> call(const HttpCall& call) override {
    CURL* curl = handle_.get();
    // libcurl would guess a protocol.
    const bool plain = call.url.starts_with("http://");
    if (!plain && !call.url.starts_with("https://"))
      return fail(error_of(CURLE_UNSUPPORTED_PROTOCOL, call, settings_, 0, ""));
    if (plain && !settings_.token.empty() && !stays_here(server_of_url(call.url)))
      return fail(Errc::invalid_argument,
                  "the token is not sent to {} in plain HTTP, where anybody on the way could read it; ask the node as "
                  "https://",
                  server_of_url(call.url));
    curl_easy_reset(curl);  // connections stay
    Receiving to;
    to.body_bytes_max = call.answer_bytes_max;
    to.head_bytes_max = std::numeric_limits<std::uint64_t>::max();  // of nodes, which are trusted so far
    std::array<char, CURL_ERROR_SIZE> detail{};
    HeaderLines headers;
    for (const auto& [name, value] : call.headers) headers.add(name, value);
    if (!settings_.token.empty()) headers.add("Authorization", "Bearer " + settings_.token.reveal());
    headers.leave_out("Expect");  // a second round trip before each body is not worth it
    const bool bodiless = call.method == "GET" || call.method == "HEAD";
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
    curl_easy_setopt(curl, CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!settings_.ca_file.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, settings_.ca_file.c_str());
      curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);  // those alone
    }
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "weir");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connect_timeout.count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &to);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &to);
    if (call.method == "HEAD") {
      curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (!bodiless) {
      curl_easy_setopt(curl, CURLOPT_POST, 1L);
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    const CURLcode code = curl_easy_perform(curl);
    if (to.too_large) {
      return fail(Errc::limit_reached, "the answer of {} has more than {} bytes; ask for less with --limit",
                  server_of_url(call.url), call.answer_bytes_max);
    }
    long verified = 0;
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verified);
    if (code != CURLE_OK) return fail(error_of(code, call, settings_, verified, detail.data()));
    if (!to.head_complete) return fail(error_of(CURLE_PARTIAL_FILE, call, settings_, 0, ""));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    to.answer.status = static_cast<int>(status);
    return std::move(to.answer);
  }

 private:
  EasyHandle handle_;
  const CurlSettings settings_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> make_curl_client(CurlSettings settings) {
  WEIR_TRY(make_curl_ready());
  EasyHandle handle(curl_easy_init());
  if (!handle) return fail(Errc::internal, "libcurl gives out no handle");
  return std::make_unique<CurlClient>(std::move(handle), std::move(settings));
}

}  // namespace weir

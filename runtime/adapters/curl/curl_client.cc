#include "runtime/adapters/curl/curl_client.h"

#include <array>
#include <limits>

#include "runtime/adapters/curl/curl_handles.h"
#include "runtime/adapters/curl/receiving.h"

namespace weir {

namespace {

Error error_of(CURLcode code, const HttpCall& call, const char* detail) {
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
    default:  // an enum of the library: its other codes have no advice of ours
      break;
  }
  return text(Errc::not_ready,
              fmt::format("asking {} failed: {}", server, detail[0] != 0 ? detail : curl_easy_strerror(code)));
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(EasyHandle handle) : handle_(std::move(handle)) {}

  [[nodiscard]] Result<HttpAnswer> call(const HttpCall& call) override {
    CURL* curl = handle_.get();
    // libcurl would guess a protocol.
    if (!call.url.starts_with("http://")) return fail(error_of(CURLE_UNSUPPORTED_PROTOCOL, call, ""));
    curl_easy_reset(curl);  // connections stay
    Receiving to;
    to.body_bytes_max = call.answer_bytes_max;
    to.head_bytes_max = std::numeric_limits<std::uint64_t>::max();  // of nodes, which are trusted so far
    std::array<char, CURL_ERROR_SIZE> detail{};
    HeaderLines headers;
    for (const auto& [name, value] : call.headers) headers.add(name, value);
    headers.leave_out("Expect");  // a second round trip before each body is not worth it
    const bool bodiless = call.method == "GET" || call.method == "HEAD";
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
    curl_easy_setopt(curl, CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
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
    if (code != CURLE_OK) return fail(error_of(code, call, detail.data()));
    if (!to.head_complete) return fail(error_of(CURLE_PARTIAL_FILE, call, ""));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    to.answer.status = static_cast<int>(status);
    return std::move(to.answer);
  }

 private:
  EasyHandle handle_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> make_curl_client() {
  WEIR_TRY(make_curl_ready());
  EasyHandle handle(curl_easy_init());
  if (!handle) return fail(Errc::internal, "libcurl gives out no handle");
  return std::make_unique<CurlClient>(std::move(handle));
}

}  // namespace weir

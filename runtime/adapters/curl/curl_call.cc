#include "runtime/adapters/curl/curl_call.h"

namespace weir {

CURL* CurlCall::begin(const HttpFetchConfig& config) {
  easy_.reset(curl_easy_init());
  CURL* curl = easy_.get();
  if (curl == nullptr) return nullptr;
  receiving_.body_bytes_max = request_.answer_bytes_max;
  receiving_.head_bytes_max = kAnswerHeadBytesMax;
  set_transport(curl, config);
  set_request(curl);
  return curl;
}

void CurlCall::set_transport(CURL* curl, const HttpFetchConfig& config) const {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);    // a thread among others
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // a call that is given up does not wait for its name to be resolved
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!config.ca_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, config.ca_file.c_str());
    curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  // The deadline is the fetcher's: libcurl's does not run while a call waits for a connection.
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 0L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 0L);
  curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 0L);
  curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, static_cast<long>(config.idle_max.count()));
  curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, 0L);
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 0L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 0L);
  curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, 60L);  // seconds; libcurl's default
  curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 0L);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 16'384L);  // each connection's; libcurl's default
}

void CurlCall::set_request(CURL* curl) {
  const bool bodiless = request_.method == "GET" || request_.method == "HEAD";
  for (const auto& [name, value] : request_.headers) headers_.add(name, value);
  headers_.leave_out("Expect");  // a second round trip before each body is not worth it
  curl_easy_setopt(curl, CURLOPT_PRIVATE, this);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail_.data());
  curl_easy_setopt(curl, CURLOPT_URL, request_.url.c_str());
  // What it asks for is what the caller wrote: "/a/../b" goes to the server as it is.
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "weir");
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, nullptr);  // what is small on the wire is small here
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.answer_bytes_max));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiving_);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiving_);
  if (request_.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (bodiless) {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
}

CurlCall* CurlCall::of(CURL* handle) noexcept {
  char* place = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &place);
  return reinterpret_cast<CurlCall*>(place);
}

std::uint64_t CurlCall::connections_opened() const noexcept {
  long count = 0;
  if (easy_) curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &count);
  return count > 0 ? static_cast<std::uint64_t>(count) : 0;
}

Result<HttpAnswer> CurlCall::result(CURLcode code) {
  const std::string_view server = server_of_url(request_.url);
  if (receiving_.too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return fail(Errc::limit_reached, "the answer of {} has more than {} bytes, or headers of more than {}", server,
                request_.answer_bytes_max, kAnswerHeadBytesMax);
  }
  if (code != CURLE_OK) return fail(error_of(code));
  if (!receiving_.head_complete) return fail(error_of(CURLE_PARTIAL_FILE));
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  receiving_.answer.status = static_cast<int>(status);
  return std::move(receiving_.answer);
}

Result<HttpAnswer> CurlCall::timed_out() const {
  return fail(Errc::not_ready, "{} did not answer within {} ms", server_of_url(request_.url),
              request_.deadline.count());
}

Result<HttpAnswer> CurlCall::closed() const {
  return fail(Errc::cancelled, "asking {} was given up: the node stops", server_of_url(request_.url));
}

Error CurlCall::error_of(CURLcode code) const {
  const std::string_view server = server_of_url(request_.url);
  const char* detail = detail_[0] != 0 ? detail_.data() : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
      return {Errc::invalid_argument, fmt::format("'{}' is not a server: {}", server, detail)};
    case CURLE_UNSUPPORTED_PROTOCOL:  // the address was looked at before: what has no protocol is the answer
    case CURLE_WEIRD_SERVER_REPLY:
      return {Errc::not_ready, fmt::format("what {} answers is not HTTP: {}", server, detail)};
    case CURLE_COULDNT_CONNECT:
      return {Errc::not_ready, fmt::format("nobody listens at {}: {}", server, detail)};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Errc::not_ready, fmt::format("the name in {} is not known to this machine: {}", server, detail)};
    case CURLE_OPERATION_TIMEDOUT:
      return {Errc::not_ready,
              fmt::format("{} took no connection within {} ms", server, request_.connect_timeout.count())};
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return {Errc::not_ready,
              fmt::format("the connection to {} broke before the answer was whole: {}", server, detail)};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
      return {Errc::not_ready, fmt::format("no trusted connection to {}: {}", server, detail)};
    case CURLE_OUT_OF_MEMORY:
    case CURLE_SSL_CACERT_BADFILE:
      return {Errc::internal, fmt::format("asking {} failed: {}", server, detail)};
    default:  // an enum of the library: its other codes say no more than their text
      break;
  }
  return {Errc::not_ready, fmt::format("asking {} failed: {}", server, detail)};
}

}  // namespace weir

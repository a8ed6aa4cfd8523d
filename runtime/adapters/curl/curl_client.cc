#include "runtime/adapters/curl/curl_client.h"

#include <curl/curl.h>

#include <array>

namespace weir {

namespace {

struct EasyCloser {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct ListCloser {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

struct Receiving {
  HttpAnswer answer;
  std::uint64_t bytes_max = 0;
  bool too_large = false;
};

std::size_t take_body(char* bytes, std::size_t one, std::size_t count, void* user) {
  auto& to = *static_cast<Receiving*>(user);
  const std::size_t size = one * count;
  if (to.answer.body.size() + size > to.bytes_max) {
    to.too_large = true;
    return 0;
  }
  to.answer.body.append(bytes, size);
  return size;
}

std::size_t take_header(char* bytes, std::size_t one, std::size_t count, void* user) {
  auto& to = *static_cast<Receiving*>(user);
  std::string_view line(bytes, one * count);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  // A new first line: what came before was 100 Continue.
  if (line.starts_with("HTTP/")) to.answer.headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return one * count;
  std::string name(line.substr(0, colon));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  to.answer.headers.emplace_back(std::move(name), value);
  return one * count;
}

/// "http://127.0.0.1:7070" of a URL.
std::string server_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  return std::string(url.substr(0, scheme == std::string_view::npos ? scheme : url.find('/', scheme + 3)));
}

Error error_of(CURLcode code, const HttpCall& call, const char* detail) {
  const std::string server = server_of(call.url);
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
  explicit CurlClient(CURL* handle) : handle_(handle) {}

  [[nodiscard]] Result<HttpAnswer> call(const HttpCall& call) override {
    CURL* curl = handle_.get();
    // libcurl would guess a protocol.
    if (!call.url.starts_with("http://")) return fail(error_of(CURLE_UNSUPPORTED_PROTOCOL, call, ""));
    curl_easy_reset(curl);  // connections stay
    Receiving to;
    to.bytes_max = call.answer_bytes_max;
    std::array<char, CURL_ERROR_SIZE> detail{};
    std::unique_ptr<curl_slist, ListCloser> headers;
    const auto add = [&headers](const std::string& line) {
      curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
      if (longer != nullptr) static_cast<void>(headers.release()), headers.reset(longer);
    };
    for (const auto& [name, value] : call.headers) add(fmt::format("{}: {}", name, value));
    add("Expect:");  // a second round trip before each body is not worth it
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
                  server_of(call.url), call.answer_bytes_max);
    }
    if (code != CURLE_OK) return fail(error_of(code, call, detail.data()));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    to.answer.status = static_cast<int>(status);
    return std::move(to.answer);
  }

 private:
  std::unique_ptr<CURL, EasyCloser> handle_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> make_curl_client() {
  // Once per process, before the first handle.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* handle = ready == CURLE_OK ? curl_easy_init() : nullptr;
  if (handle == nullptr) return fail(Errc::internal, "libcurl cannot be set up: {}", curl_easy_strerror(ready));
  return std::make_unique<CurlClient>(handle);
}

}  // namespace weir

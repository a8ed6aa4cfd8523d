// One call of a fetcher: the request as libcurl wants it, the answer as the port promises it.
#pragma once
#include <array>
#include <chrono>

#include "runtime/adapters/curl/curl_handles.h"
#include "runtime/adapters/curl/receiving.h"
#include "runtime/ports/http_fetch.h"

namespace weir {

/// Its place must not change from begin() on. Not thread-safe.
class CurlCall {
 public:
  using Time = std::chrono::steady_clock::time_point;
  CurlCall(HttpFetchRequest request, HttpFetched fetched)
      : request_(std::move(request)),
        fetched_(std::move(fetched)),
        deadline_(std::chrono::steady_clock::now() + request_.deadline) {}
  CurlCall(const CurlCall&) = delete;
  CurlCall& operator=(const CurlCall&) = delete;

  /// Makes the handle and sets every option that matters, whatever libcurl's defaults are. Null: there is no memory.
  [[nodiscard]] CURL* begin(const HttpFetchConfig& config);
  [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }
  [[nodiscard]] static CurlCall* of(CURL* handle) noexcept;
  [[nodiscard]] Time deadline() const noexcept { return deadline_; }
  /// Connections it opened.
  [[nodiscard]] std::uint64_t connections_opened() const noexcept;

  /// libcurl is done with it.
  [[nodiscard]] Result<HttpAnswer> result(CURLcode code);
  [[nodiscard]] Result<HttpAnswer> timed_out() const;
  [[nodiscard]] Result<HttpAnswer> closed() const;
  /// Once.
  void tell(Result<HttpAnswer> result) const { fetched_(std::move(result)); }

 private:
  void set_request(CURL* curl);
  void set_transport(CURL* curl, const HttpFetchConfig& config) const;
  [[nodiscard]] Error error_of(CURLcode code) const;

  HttpFetchRequest request_;
  HttpFetched fetched_;
  Time deadline_;
  HeaderLines headers_;
  Receiving receiving_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  EasyHandle easy_;  // before what it points to is gone
};

}  // namespace weir

// What libcurl gives out, owned; and the library made ready, once.
#pragma once
#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace weir {

struct EasyCloser {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyCloser>;

struct MultiCloser {
  void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
using MultiHandle = std::unique_ptr<CURLM, MultiCloser>;

/// Header lines of a request.
class HeaderLines {
 public:
  void add(std::string_view name, std::string_view value);
  /// Of the lines that libcurl would add by itself.
  void leave_out(std::string_view name);
  [[nodiscard]] curl_slist* get() const noexcept { return list_.get(); }

 private:
  struct Closer {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };
  void append(const std::string& line);
  std::unique_ptr<curl_slist, Closer> list_;
};

/// Once per process, before the first handle; calling it again is free. Thread-safe. Error internal.
[[nodiscard]] Result<void> make_curl_ready();

}  // namespace weir

#include "runtime/adapters/curl/curl_handles.h"

namespace weir {

// "Name:" would mean that libcurl leaves its own header of that name out; "Name;" is one with nothing in it.
void HeaderLines::add(std::string_view name, std::string_view value) {
  append(value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value));
}

void HeaderLines::leave_out(std::string_view name) {
  append(fmt::format("{}:", name));
}

void HeaderLines::append(const std::string& line) {
  curl_slist* longer = curl_slist_append(list_.get(), line.c_str());
  if (longer != nullptr) static_cast<void>(list_.release()), list_.reset(longer);
}

Result<void> make_curl_ready() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return fail(Errc::internal, "libcurl cannot be set up: {}", curl_easy_strerror(ready));
  return {};
}

}  // namespace weir

// An answer while it arrives.
#pragma once
#include <cstddef>
#include <cstdint>

#include "runtime/ports/http_client.h"

namespace weir {

/// Where libcurl's callbacks put what comes. Its place must not change while a transfer runs.
struct Receiving {
  HttpAnswer answer;
  std::uint64_t body_bytes_max = 0;
  std::uint64_t head_bytes_max = 0;
  std::uint64_t head_bytes = 0;  // so far, of this answer
  bool head_complete = false;    // its empty line came: libcurl takes a connection that ends before it for an answer
  bool too_large = false;
};

/// CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION; `user` is a Receiving. 0, which ends the transfer: too large.
std::size_t take_body(char* bytes, std::size_t one, std::size_t count, void* user);
std::size_t take_header(char* bytes, std::size_t one, std::size_t count, void* user);

}  // namespace weir

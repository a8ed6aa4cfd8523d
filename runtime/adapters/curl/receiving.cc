#include "runtime/adapters/curl/receiving.h"

#include <string>
#include <string_view>
#include <utility>

namespace weir {

std::size_t take_body(char* bytes, std::size_t one, std::size_t count, void* user) {
  auto& to = *static_cast<Receiving*>(user);
  const std::size_t size = one * count;
  if (to.answer.body.size() + size > to.body_bytes_max) {
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
  if (line.starts_with("HTTP/")) to.answer.headers.clear(), to.head_complete = false;
  if (line.empty()) to.head_complete = true;
  to.head_bytes += one * count;
  if (to.head_bytes > to.head_bytes_max) {
    to.too_large = true;
    return 0;
  }
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

}  // namespace weir

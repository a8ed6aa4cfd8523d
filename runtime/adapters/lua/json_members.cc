#include "runtime/adapters/lua/json_members.h"

namespace weir::lua {

void JsonMembers::white() noexcept {
  while (at_ < end_ && static_cast<unsigned char>(*at_) <= ' ') ++at_;
}

/// At an opening quote; goes behind the closing one.
std::string_view JsonMembers::string(bool& escapes) noexcept {
  const char* const start = ++at_;
  for (;;) {
    while (*at_ != '"' && *at_ != '\\') ++at_;
    if (*at_ == '"') break;
    escapes = true;
    at_ += 2;
  }
  return {start, static_cast<std::size_t>(at_++ - start)};
}

void JsonMembers::compound(Value& value) noexcept {
  const char* const start = at_;
  bool spaced = false;
  for (int depth = 0;;) {
    if (*at_ == '"') {
      bool escapes = false;
      (void)string(escapes);
      continue;
    }
    if (*at_ == '{' || *at_ == '[') ++depth;
    if (*at_ == '}' || *at_ == ']') --depth;
    if (static_cast<unsigned char>(*at_) <= ' ') spaced = true;
    ++at_;
    if (depth == 0) break;
  }
  value = make_value(*start == '{' ? ValueKind::object : ValueKind::array,
                     {start, static_cast<std::size_t>(at_ - start)}, spaced ? value_flag::spaced : std::uint8_t{0});
}

void JsonMembers::value(Value& value) noexcept {
  if (*at_ == '"') {
    bool escapes = false;
    const std::string_view inside = string(escapes);
    value = make_value(ValueKind::string, inside, escapes ? value_flag::escapes : std::uint8_t{0});
    return;
  }
  if (*at_ == '{' || *at_ == '[') {
    compound(value);
    return;
  }
  const char* const start = at_;
  while (at_ < end_ && *at_ != ',' && *at_ != '}' && *at_ != ']' && static_cast<unsigned char>(*at_) > ' ') ++at_;
  const ValueKind kind = *start == 'n'                    ? ValueKind::null
                         : *start == 't' || *start == 'f' ? ValueKind::boolean
                                                          : ValueKind::number;
  value = make_value(kind, {start, static_cast<std::size_t>(at_ - start)});
}

bool JsonMembers::next(bool object, std::string_view& key, Value& found) noexcept {
  white();
  if (*at_ == ',') ++at_;
  white();
  if (*at_ == '}' || *at_ == ']') return false;
  if (object) {
    bool escapes = false;
    key = string(escapes);
    white();
    ++at_;  // ':'
    white();
  }
  value(found);
  return true;
}

}  // namespace weir::lua

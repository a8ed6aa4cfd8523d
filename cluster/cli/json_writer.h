// JSON written token by token, so that decimals leave as they are spelled: a value tree would make them binary numbers.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/json_text.h"

namespace weir::cli {

/// Sets the commas; whoever writes sees to the rest (a key before each value of an object, open and close in pairs).
class JsonWriter {
 public:
  JsonWriter& key(std::string_view name) {
    comma();
    append_json_string(text_, name);
    text_ += ':';
    after_key_ = true;
    return *this;
  }
  JsonWriter& string(std::string_view value) {
    // Bytes that are no text would make the whole answer unreadable.
    return raw(is_valid_utf8(value) ? to_json_string(value) : "null");
  }
  JsonWriter& number(std::uint64_t value) { return raw(std::to_string(value)); }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  /// One JSON value as it stands; nothing is written as null.
  JsonWriter& raw(std::string_view token) {
    comma();
    text_ += token.empty() ? "null" : token;
    return *this;
  }
  JsonWriter& open(char bracket) {
    comma();
    text_ += bracket;
    return *this;
  }
  JsonWriter& close(char bracket) {
    text_ += bracket;
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void comma() {
    const bool first = text_.empty() || text_.back() == '{' || text_.back() == '[';
    if (!first && !after_key_) text_ += ',';
    after_key_ = false;
  }
  std::string text_;
  bool after_key_ = false;
};

}  // namespace weir::cli

// Walks the members of JSON that was checked before: nothing is verified again.
#pragma once
#include <string_view>

#include "runtime/event/document.h"

namespace weir::lua {

/// The members of one object, or the items of one array.
class JsonMembers {
 public:
  /// `json` is the raw text of an object or array.
  explicit JsonMembers(std::string_view json) noexcept : at_(json.data() + 1), end_(json.data() + json.size()) {}

  /// False at the end. `key` is the inside of the key's string, as it is spelled (empty in an array).
  bool next(bool object, std::string_view& key, Value& value) noexcept;

 private:
  void white() noexcept;
  std::string_view string(bool& escapes) noexcept;
  void value(Value& value) noexcept;
  void compound(Value& value) noexcept;

  const char* at_;
  const char* end_;
};

}  // namespace weir::lua

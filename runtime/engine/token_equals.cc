#include "runtime/engine/token_equals.h"

#include <string>

#include "runtime/base/decimal.h"
#include "runtime/base/json_text.h"

namespace weir {

bool token_equals(std::string_view token, const Constant& constant) {
  switch (constant.kind) {
    case Constant::Kind::null:
      return token.empty() || token == "null";
    case Constant::Kind::boolean:
      return token == constant.text;
    case Constant::Kind::number: {
      if (token.empty() || token.front() == '"') return false;
      const auto a = Decimal::parse(token);
      const auto b = Decimal::parse(constant.text);
      return a && b ? *a == *b : token == constant.text;
    }
    case Constant::Kind::string: {
      if (token.size() < 2 || token.front() != '"') return false;
      const std::string_view inside = token.substr(1, token.size() - 2);
      if (inside == constant.text) return inside.find('\\') == std::string_view::npos;
      if (inside.find('\\') == std::string_view::npos) return false;
      std::string text;
      return append_unescaped(text, inside) && text == constant.text;
    }
  }
  return false;
}

}  // namespace weir

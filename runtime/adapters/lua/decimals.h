// Exact decimals in scripts: a userdata with + - * and comparisons, also with whole numbers of Lua. Nothing here ever
// goes through binary floating point unless the script asks for it with a scale.
#pragma once
#include <cstring>
#include <optional>

#include <lua.hpp>

#include "runtime/base/decimal.h"

namespace weir::lua {

/// Its size tells this userdata from every other one a script can get hold of.
struct DecimalBox {
  char bytes[sizeof(Decimal)];  // Lua's memory is aligned to 8 bytes only
};

/// Registers the metatable and leaves the constructor `decimal` on the stack.
void push_decimal_constructor(lua_State* state);
void push_decimal(lua_State* state, const Decimal& value);
[[nodiscard]] std::optional<Decimal> to_decimal(lua_State* state, int index) noexcept;

/// An int64 where the decimal is a whole number without digits behind the point, else a decimal.
void push_number(lua_State* state, const Decimal& value);

}  // namespace weir::lua

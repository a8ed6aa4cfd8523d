#include "runtime/adapters/lua/decimals.h"

#include <cmath>
#include <cstdio>
#include <string>

namespace weir::lua {
namespace {

constexpr char kMetatable = 0;  // its address is the key in the registry

/// The operand at `index` as a decimal; what is none is an error that says what to write.
Decimal operand(lua_State* state, int index) {
  if (const auto value = to_decimal(state, index)) return *value;
  if (lua_type(state, index) == LUA_TNUMBER) {
    int whole = 0;
    const lua_Integer integer = lua_tointegerx(state, index, &whole);
    if (whole != 0) return Decimal(integer);
    luaL_error(state, "%f is a binary fraction and not exact; write decimal(\"0.1\") for a constant",
               lua_tonumber(state, index));
  }
  if (lua_type(state, index) == LUA_TSTRING)
    luaL_error(state, "a text in arithmetic; write decimal(text) where it holds a number");
  luaL_error(state, "a decimal cannot be combined with a %s value", luaL_typename(state, index));
  return {};
}

int give(lua_State* state, const DecimalResult<Decimal>& result) {
  if (!result) {
    return luaL_error(state, "%s",
                      result.error() == DecimalFault::divided_by_zero ? "division by zero"
                      : result.error() == DecimalFault::syntax
                          ? "the text is no number"
                          : "the number has more than 38 digits or 18 behind the point");
  }
  push_decimal(state, *result);
  return 1;
}

std::uint32_t scale_argument(lua_State* state, int index) {
  const lua_Integer scale = luaL_checkinteger(state, index);
  luaL_argcheck(state, scale >= 0 && scale <= static_cast<lua_Integer>(kDecimalScaleMax), index,
                "a scale is 0 to 18 digits behind the point");
  return static_cast<std::uint32_t>(scale);
}

int add(lua_State* state) {
  return give(state, Decimal::add(operand(state, 1), operand(state, 2)));
}
int subtract(lua_State* state) {
  return give(state, Decimal::subtract(operand(state, 1), operand(state, 2)));
}
int multiply(lua_State* state) {
  return give(state, Decimal::multiply(operand(state, 1), operand(state, 2)));
}
int negate(lua_State* state) {
  return give(state, operand(state, 1).negated());
}
int equal(lua_State* state) {
  const auto a = to_decimal(state, 1);
  const auto b = to_decimal(state, 2);
  lua_pushboolean(state, a && b && *a == *b);
  return 1;
}
int less(lua_State* state) {
  lua_pushboolean(state, operand(state, 1) < operand(state, 2));
  return 1;
}
int less_or_equal(lua_State* state) {
  lua_pushboolean(state, operand(state, 1) <= operand(state, 2));
  return 1;
}
int no_division(lua_State* state) {
  return luaL_error(state, "a quotient of decimals needs a scale; write a:div(b, 2) for two digits behind the point");
}
int divide(lua_State* state) {
  return give(state, Decimal::divide(operand(state, 1), operand(state, 2), scale_argument(state, 3)));
}
int round(lua_State* state) {
  return give(state, operand(state, 1).round(scale_argument(state, 2)));
}
int absolute(lua_State* state) {
  const Decimal value = operand(state, 1);
  return give(state, value.negative() ? value.negated() : value);
}
int scale(lua_State* state) {
  lua_pushinteger(state, operand(state, 1).scale());
  return 1;
}
int integer(lua_State* state) {
  if (const auto whole = operand(state, 1).to_int64()) {
    lua_pushinteger(state, *whole);
  } else {
    lua_pushnil(state);
  }
  return 1;
}
void push_text(lua_State* state, const Decimal& value) {
  char text[Decimal::kTextMax];
  lua_pushlstring(state, text, value.write_text(text));
}
int to_text(lua_State* state) {
  push_text(state, operand(state, 1));
  return 1;
}
int concatenate(lua_State* state) {
  for (const int index : {1, 2}) {
    if (const auto value = to_decimal(state, index)) {
      push_text(state, *value);
    } else if (lua_type(state, index) == LUA_TSTRING || lua_type(state, index) == LUA_TNUMBER) {
      lua_pushvalue(state, index);
    } else {
      return luaL_error(state, "attempt to concatenate a %s value", luaL_typename(state, index));
    }
  }
  lua_concat(state, 2);
  return 1;
}

/// A binary fraction, rounded half to even from its exact value.
int from_fraction(lua_State* state) {
  const double value = lua_tonumber(state, 1);
  if (lua_isnoneornil(state, 2))
    return luaL_error(state, "%f is a binary fraction and not exact; write decimal(\"0.1\"), or decimal(x, 2) to round",
                      value);
  const std::uint32_t digits = scale_argument(state, 2);
  char text[400];
  if (!std::isfinite(value)) return luaL_error(state, "%f is no decimal", value);
  const int length = std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits), value);
  return give(state, Decimal::parse({text, static_cast<std::size_t>(length)}));
}

/// decimal(text | number | decimal [, scale])
int construct(lua_State* state) {
  const bool whole = lua_isinteger(state, 1) != 0;
  if (lua_type(state, 1) == LUA_TNUMBER && !whole) return from_fraction(state);
  DecimalResult<Decimal> value;
  if (lua_type(state, 1) == LUA_TSTRING) {
    std::size_t length = 0;
    const char* const text = lua_tolstring(state, 1, &length);
    value = Decimal::parse({text, length});
  } else if (whole || to_decimal(state, 1)) {
    value = operand(state, 1);
  } else {
    return luaL_error(state, "decimal() takes a text, a number or a decimal, not a %s value", luaL_typename(state, 1));
  }
  if (value && !lua_isnoneornil(state, 2)) value = value->round(scale_argument(state, 2));
  return give(state, value);
}

constexpr luaL_Reg kOperators[] = {{"__add", add},          {"__sub", subtract},       {"__mul", multiply},
                                   {"__unm", negate},       {"__div", no_division},    {"__idiv", no_division},
                                   {"__mod", no_division},  {"__eq", equal},           {"__lt", less},
                                   {"__le", less_or_equal}, {"__concat", concatenate}, {"__tostring", to_text},
                                   {nullptr, nullptr}};
constexpr luaL_Reg kMethods[] = {{"div", divide},  {"round", round},     {"abs", absolute},
                                 {"scale", scale}, {"integer", integer}, {nullptr, nullptr}};

}  // namespace

void push_decimal_constructor(lua_State* state) {
  luaL_newlib(state, kOperators);
  luaL_newlib(state, kMethods);
  lua_setfield(state, -2, "__index");
  lua_pushliteral(state, "decimal");
  lua_setfield(state, -2, "__name");
  lua_rawsetp(state, LUA_REGISTRYINDEX, &kMetatable);
  lua_pushcfunction(state, construct);
}

void push_decimal(lua_State* state, const Decimal& value) {
  static_assert(std::is_trivially_copyable_v<Decimal>);
  std::memcpy(lua_newuserdatauv(state, sizeof(DecimalBox), 0), static_cast<const void*>(&value), sizeof value);
  lua_rawgetp(state, LUA_REGISTRYINDEX, &kMetatable);
  lua_setmetatable(state, -2);
}

std::optional<Decimal> to_decimal(lua_State* state, int index) noexcept {
  if (lua_type(state, index) != LUA_TUSERDATA || lua_rawlen(state, index) != sizeof(DecimalBox)) return std::nullopt;
  Decimal value;
  std::memcpy(static_cast<void*>(&value), lua_touserdata(state, index), sizeof value);
  return value;
}

void push_number(lua_State* state, const Decimal& value) {
  const auto whole = value.scale() == 0 ? value.to_int64() : std::nullopt;
  if (whole) {
    lua_pushinteger(state, *whole);
  } else {
    push_decimal(state, value);
  }
}

}  // namespace weir::lua

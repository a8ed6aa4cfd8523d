#include "runtime/adapters/lua/text_functions.h"

#include <cstring>
#include <string_view>

#include "runtime/adapters/lua/decimals.h"
#include "runtime/adapters/lua/functions.h"
#include "runtime/adapters/lua/host.h"
#include "runtime/adapters/lua/values.h"
#include "runtime/base/json_text.h"

namespace weir::lua {
namespace {

/// A text argument, charged for being walked once.
std::string_view text(lua_State* state, int index) {
  std::size_t length = 0;
  const char* const bytes = luaL_checklstring(state, index, &length);
  Meter::of(state).charge_bytes(state, length);
  return {bytes, length};
}
void push(lua_State* state, std::string_view value) {
  lua_pushlstring(state, value.data(), value.size());
}

/// Linear, whatever the texts are (std::string_view::find is not).
std::size_t place_of(std::string_view part, std::string_view in) {
  if (part.empty()) return 0;
  if (in.empty()) return std::string_view::npos;
  const void* const at = memmem(in.data(), in.size(), part.data(), part.size());
  return at == nullptr ? std::string_view::npos : static_cast<std::size_t>(static_cast<const char*>(at) - in.data());
}

/// string.find(text, part [, from [, true]]): patterns are not there, and what looks like one is not taken for a text.
int find(lua_State* state) {
  const std::string_view in = text(state, 1);
  const std::string_view part = text(state, 2);
  if (lua_toboolean(state, 4) == 0 && part.find_first_of("^$*+?.([%-") != std::string_view::npos)
    return luaL_error(state, "patterns are not there; write find(text, part, 1, true) to look for the part as it is");
  lua_Integer from = luaL_optinteger(state, 3, 1);
  const auto length = static_cast<lua_Integer>(in.size());
  if (from < 0) from = length + from + 1;
  if (from < 1) from = 1;
  const auto skipped = static_cast<std::size_t>(from - 1);
  std::size_t at = from > length + 1 ? std::string_view::npos : place_of(part, in.substr(skipped));
  if (at == std::string_view::npos) {
    lua_pushnil(state);
    return 1;
  }
  at += skipped;
  lua_pushinteger(state, static_cast<lua_Integer>(at + 1));
  lua_pushinteger(state, static_cast<lua_Integer>(at + part.size()));
  return 2;
}

int starts_with(lua_State* state) {
  lua_pushboolean(state, text(state, 1).starts_with(text(state, 2)));
  return 1;
}
int ends_with(lua_State* state) {
  lua_pushboolean(state, text(state, 1).ends_with(text(state, 2)));
  return 1;
}

int trim(lua_State* state) {
  constexpr std::string_view kWhite = " \t\r\n\f\v";
  std::string_view value = text(state, 1);
  const std::size_t begin = value.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) {
    value = {};
  } else {
    value = value.substr(begin, value.find_last_not_of(kWhite) - begin + 1);
  }
  push(state, value);
  return 1;
}

/// string.split(text, separator): a list, never empty.
int split(lua_State* state) {
  std::string_view rest = text(state, 1);
  const std::string_view separator = text(state, 2);
  luaL_argcheck(state, !separator.empty(), 2, "a separator is not empty");
  lua_newtable(state);
  mark_array(state, -1);
  for (lua_Integer i = 1;; ++i) {
    const std::size_t at = place_of(separator, rest);
    push(state, rest.substr(0, at));
    lua_rawseti(state, -2, i);
    Meter::of(state).charge(state, 4);
    if (at == std::string_view::npos) return 1;
    rest.remove_prefix(at + separator.size());
  }
}

/// Characters, not bytes.
int characters(lua_State* state) {
  const std::string_view value = text(state, 1);
  if (is_valid_utf8(value)) {
    lua_pushinteger(state, static_cast<lua_Integer>(count_code_points(value)));
  } else {
    lua_pushnil(state);
  }
  return 1;
}

/// Lua's, without %p, and with the texts of tables and functions instead of their addresses.
int format(lua_State* state) {
  const std::string_view how = text(state, 1);
  for (std::size_t i = 0; i + 1 < how.size(); ++i) {
    if (how[i] != '%') continue;
    if (how[i + 1] == '%') {
      ++i;
      continue;
    }
    const std::size_t kind = how.find_first_not_of("-+ #0123456789.", i + 1);
    if (kind != std::string_view::npos && how[kind] == 'p')
      return luaL_error(state, "format has no %%p: an address is chance");
  }
  for (int i = 2; i <= lua_gettop(state); ++i) {
    const int type = lua_type(state, i);
    if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TLIGHTUSERDATA ||
        (type == LUA_TUSERDATA && !to_decimal(state, i))) {
      push_text_of(state, i);
      lua_replace(state, i);
    }
  }
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_insert(state, 1);
  lua_call(state, lua_gettop(state) - 1, 1);
  return 1;
}

}  // namespace

void push_text_functions(lua_State* state) {
  luaL_requiref(state, LUA_STRLIBNAME, luaopen_string, 0);
  lua_createtable(state, 0, 16);
  for (const char* name : {"byte", "char", "len", "lower", "reverse", "sub", "upper"}) {
    lua_getfield(state, -2, name);
    lua_setfield(state, -2, name);
  }
  lua_getfield(state, -2, "format");
  lua_pushcclosure(state, format, 1);
  lua_setfield(state, -2, "format");
  lua_remove(state, -2);
  constexpr luaL_Reg kFunctions[] = {
      {"find", find},   {"starts_with", starts_with}, {"ends_with", ends_with}, {"trim", trim},
      {"split", split}, {"characters", characters},   {nullptr, nullptr}};
  luaL_setfuncs(state, kFunctions, 0);
  // "x":upper() works; a text is never taken for a number.
  lua_pushliteral(state, "");
  lua_createtable(state, 0, 1);
  lua_pushvalue(state, -3);
  lua_setfield(state, -2, "__index");
  lua_setmetatable(state, -2);
  lua_pop(state, 1);
}

}  // namespace weir::lua

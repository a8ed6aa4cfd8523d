#include "runtime/adapters/lua/functions.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/lua/decimals.h"
#include "runtime/adapters/lua/event_view.h"
#include "runtime/adapters/lua/host.h"
#include "runtime/adapters/lua/text_functions.h"
#include "runtime/adapters/lua/values.h"
#include "runtime/event/document_parser.h"

namespace weir::lua {
namespace {

int type_name(lua_State* state) {
  luaL_checkany(state, 1);
  lua_pushstring(state, is_event(state, 1)     ? "table"
                        : to_decimal(state, 1) ? "decimal"
                        : is_null(state, 1)    ? "null"
                                               : luaL_typename(state, 1));
  return 1;
}

int to_text(lua_State* state) {
  luaL_checkany(state, 1);
  push_text_of(state, 1);
  return 1;
}

/// As Lua's, but what stops a script is not caught.
int protected_call(lua_State* state) {
  luaL_checkany(state, 1);
  lua_pushboolean(state, 1);
  lua_insert(state, 1);
  const int status = lua_pcall(state, lua_gettop(state) - 2, LUA_MULTRET, 0);
  if (status == LUA_OK) return lua_gettop(state);
  if (status == LUA_ERRMEM) Meter::of(state).out_of_memory();
  if (status != LUA_ERRRUN || Meter::of(state).over_budget()) return lua_error(state);
  lua_pushboolean(state, 0);
  lua_insert(state, -2);
  return 2;
}

int next_pair(lua_State* state) {
  const lua_Integer at = lua_tointeger(state, lua_upvalueindex(2)) + 1;
  lua_pushinteger(state, at);
  lua_replace(state, lua_upvalueindex(2));
  if (lua_rawgeti(state, lua_upvalueindex(1), at) == LUA_TNIL) return 1;
  lua_pushvalue(state, -1);
  lua_gettable(state, lua_upvalueindex(3));
  return 2;
}

int pairs(lua_State* state) {
  if (is_event(state, 1)) {
    push_event_names(state);
  } else {
    luaL_checktype(state, 1, LUA_TTABLE);
    push_sorted_keys(state, 1);
  }
  lua_pushinteger(state, 0);
  lua_pushvalue(state, 1);
  lua_pushcclosure(state, next_pair, 3);
  return 1;
}

int no_next(lua_State* state) {
  return luaL_error(state, "next is not there, because the order of a table is chance; use pairs, which sorts");
}

/// A copy that may be changed: of the event, a table of all its fields.
void copy_table(lua_State* state, int index, int depth) {
  if (depth > static_cast<int>(kDepthMax))
    luaL_error(state, "a table is nested deeper than %d, or holds itself", static_cast<int>(kDepthMax));
  luaL_checkstack(state, 8, "a table that deep");
  Meter::of(state).charge(state, 8);
  const bool array = marked_array(state, index);
  push_content(state, index);
  const int from = lua_gettop(state);
  lua_newtable(state);
  const int to = lua_gettop(state);
  for (lua_pushnil(state); lua_next(state, from) != 0;) {
    lua_pushvalue(state, -2);
    lua_insert(state, -2);
    if (lua_type(state, -1) == LUA_TTABLE) {
      copy_table(state, lua_gettop(state), depth + 1);
      lua_remove(state, -2);
    }
    lua_rawset(state, to);
    Meter::of(state).charge(state, 4);
  }
  if (array) mark_array(state, to);
  lua_remove(state, from);
}
int copy(lua_State* state) {
  if (is_event(state, 1)) {
    push_event_copy(state);
  } else {
    luaL_checktype(state, 1, LUA_TTABLE);
    copy_table(state, 1, 1);
  }
  return 1;
}

int array(lua_State* state) {
  if (lua_isnoneornil(state, 1)) {
    lua_settop(state, 0);
    lua_newtable(state);
  }
  luaL_checktype(state, 1, LUA_TTABLE);
  if (frozen(state, 1)) return luaL_error(state, "what the file defines is read-only; use array(copy(t))");
  mark_array(state, 1);
  lua_settop(state, 1);
  return 1;
}

/// Charges for the length of the list at argument 1, then calls the library's function (the upvalue).
int charged_list(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  Meter::of(state).charge(state, static_cast<std::uint64_t>(luaL_len(state, 1)) / 4 + 1);
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_insert(state, 1);
  lua_call(state, lua_gettop(state) - 1, LUA_MULTRET);
  return lua_gettop(state);
}

/// table.sort(list [, before]): stable, because Lua's own order of equal items is chance in long lists.
class Sorter {
 public:
  Sorter(lua_State* state, bool has_order) : state_(state), has_order_(has_order) {}
  /// The items stand in list 3; list 4 is room for as many.
  void sort(lua_Integer count) {
    for (lua_Integer width = 1; width < count; width *= 2) {
      for (lua_Integer begin = 1; begin <= count; begin += 2 * width)
        merge(begin, std::min(begin + width, count + 1), std::min(begin + 2 * width, count + 1));
      lua_insert(state_, 3);  // the lists change their roles
    }
  }

 private:
  bool before(lua_Integer a, lua_Integer b) {
    Meter& meter = Meter::of(state_);
    meter.charge(state_, 2 * meter.weight());
    if (has_order_) {
      lua_pushvalue(state_, 2);
      lua_rawgeti(state_, 3, a);
      lua_rawgeti(state_, 3, b);
      lua_call(state_, 2, 1);
    } else {
      lua_rawgeti(state_, 3, a);
      lua_rawgeti(state_, 3, b);
      lua_pushboolean(state_, lua_compare(state_, -2, -1, LUA_OPLT));
      lua_replace(state_, -3);
      lua_pop(state_, 1);
    }
    const bool is = lua_toboolean(state_, -1) != 0;
    lua_pop(state_, 1);
    return is;
  }
  void merge(lua_Integer left, lua_Integer middle, lua_Integer end) {
    lua_Integer right = middle;
    const lua_Integer left_end = middle;
    for (lua_Integer to = left; to < end; ++to) {
      const bool take_right = left >= left_end || (right < end && before(right, left));
      lua_rawgeti(state_, 3, take_right ? right++ : left++);
      lua_rawseti(state_, 4, to);
    }
  }
  lua_State* state_;
  bool has_order_;
};

int sort(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  const bool has_order = !lua_isnoneornil(state, 2);
  if (has_order) luaL_checktype(state, 2, LUA_TFUNCTION);
  lua_settop(state, 2);
  const lua_Integer count = luaL_len(state, 1);
  Meter::of(state).charge(state, static_cast<std::uint64_t>(count));
  lua_createtable(state, static_cast<int>(count), 0);
  lua_createtable(state, static_cast<int>(count), 0);
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_geti(state, 1, i);
    lua_rawseti(state, 3, i);
  }
  Sorter(state, has_order).sort(count);
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(state, 3, i);
    lua_seti(state, 1, i);
  }
  return 0;
}

/// Moves the named functions of the library table on top of the stack into a new table.
void pick(lua_State* state, const std::vector<const char*>& names) {
  lua_createtable(state, 0, static_cast<int>(names.size()) + 8);
  for (const char* name : names) {
    lua_getfield(state, -2, name);
    lua_setfield(state, -2, name);
  }
  lua_remove(state, -2);
}
void add(lua_State* state, const char* name, lua_CFunction function) {
  lua_pushcfunction(state, function);
  lua_setfield(state, -2, name);
}
/// Puts a wrapper around a function of the table on top of the stack.
void wrap(lua_State* state, const char* name, lua_CFunction wrapper) {
  lua_getfield(state, -1, name);
  lua_pushcclosure(state, wrapper, 1);
  lua_setfield(state, -2, name);
}

}  // namespace

void push_text_of(lua_State* state, int index) {
  if (is_event(state, index)) {
    lua_pushliteral(state, "event");
  } else if (is_null(state, index)) {
    lua_pushliteral(state, "null");
  } else if (to_decimal(state, index) || lua_type(state, index) <= LUA_TBOOLEAN ||
             lua_type(state, index) == LUA_TNUMBER || lua_type(state, index) == LUA_TSTRING) {
    luaL_tolstring(state, index, nullptr);
  } else {
    lua_pushstring(state, luaL_typename(state, index));
  }
}

void push_sorted_keys(lua_State* state, int index) {
  push_content(state, index);
  const int table = lua_gettop(state);
  std::vector<lua_Integer> numbers;
  std::vector<std::string_view> texts;
  for (lua_pushnil(state); lua_next(state, table) != 0; lua_pop(state, 1)) {
    if (lua_isinteger(state, -2) != 0) {
      numbers.push_back(lua_tointeger(state, -2));
    } else if (lua_type(state, -2) == LUA_TSTRING) {
      std::size_t length = 0;
      const char* const text = lua_tolstring(state, -2, &length);
      texts.emplace_back(text, length);
    } else {
      luaL_error(state, "pairs walks over whole numbers and texts; a key here is a %s value", luaL_typename(state, -2));
    }
  }
  const std::size_t count = numbers.size() + texts.size();
  Meter::of(state).charge(state, count * 4 + 1);
  std::sort(numbers.begin(), numbers.end());
  std::sort(texts.begin(), texts.end());
  lua_createtable(state, static_cast<int>(count), 0);
  lua_Integer place = 0;
  for (const lua_Integer number : numbers) {
    lua_pushinteger(state, number);
    lua_rawseti(state, -2, ++place);
  }
  for (const std::string_view text : texts) {
    lua_pushlstring(state, text.data(), text.size());
    lua_rawseti(state, -2, ++place);
  }
  lua_remove(state, table);
}

void push_functions(lua_State* state) {
  luaL_requiref(state, LUA_GNAME, luaopen_base, 0);
  pick(state, {"assert", "error", "ipairs", "select", "tonumber"});
  add(state, "type", type_name);
  add(state, "tostring", to_text);
  add(state, "pcall", protected_call);
  add(state, "pairs", pairs);
  add(state, "next", no_next);
  add(state, "copy", copy);
  add(state, "array", array);
  push_null(state);
  lua_setfield(state, -2, "null");
  push_decimal_constructor(state);
  lua_setfield(state, -2, "decimal");

  luaL_requiref(state, LUA_MATHLIBNAME, luaopen_math, 0);
  for (const char* chance : {"random", "randomseed"}) {
    lua_pushnil(state);
    lua_setfield(state, -2, chance);
  }
  lua_setfield(state, -2, LUA_MATHLIBNAME);

  luaL_requiref(state, LUA_TABLIBNAME, luaopen_table, 0);
  pick(state, {"concat", "insert", "remove", "unpack"});
  for (const char* name : {"concat", "insert", "remove", "unpack"}) wrap(state, name, charged_list);
  add(state, "sort", sort);
  lua_setfield(state, -2, LUA_TABLIBNAME);

  push_text_functions(state);
  lua_setfield(state, -2, LUA_STRLIBNAME);

  // Nothing of the library stays reachable beside what was picked.
  lua_pushnil(state);
  lua_setfield(state, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_newtable(state);
  lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

}  // namespace weir::lua

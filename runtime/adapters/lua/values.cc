#include "runtime/adapters/lua/values.h"

#include <cstdarg>

#include "runtime/adapters/lua/decimals.h"
#include "runtime/adapters/lua/json_members.h"
#include "runtime/base/json_text.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/json_parse.h"
#include "runtime/event/json_scan.h"

namespace weir::lua {
namespace {

constexpr char kNull = 0;       // its address is null
constexpr char kArrayMark = 0;  // these are keys in the registry

/// Walked and made into tables: some 5 ns a byte.
constexpr std::size_t kBytesPerInstruction = 8;

DecimalResult<Decimal> read_number(const Value& value) {
  json_scan::SmallNumber small;
  if (json_scan::small_number(value.data, value.length, small)) return Decimal::make(small.unscaled, small.scale);
  return Decimal::parse(value.span());
}

std::string_view plain(Host& host, const Value& value) {
  if (value.kind != ValueKind::string || !value.has(value_flag::escapes)) return value.span();
  if (host.scratch.size() < value.length) host.scratch.resize(value.length);
  return unescape_json(value.span(), host.scratch.data());
}

void push_compound(lua_State* state, const Value& value) {
  luaL_checkstack(state, 8, "an event that deep");
  Host& host = Host::of(state);
  const bool object = value.kind == ValueKind::object;
  JsonMembers members(value.span());
  std::string_view key;
  Value member;
  lua_newtable(state);
  if (!object) mark_array(state, -1);
  for (lua_Integer i = 1; members.next(object, key, member); ++i) {
    if (object) {
      const bool escapes = key.find('\\') != std::string_view::npos;
      const std::string_view text =
          plain(host, make_value(ValueKind::string, key, escapes ? value_flag::escapes : std::uint8_t{0}));
      lua_pushlstring(state, text.data(), text.size());
      push_value(state, member);
      lua_rawset(state, -3);
    } else {
      push_value(state, member);
      lua_rawseti(state, -2, i);
    }
  }
}

}  // namespace

void push_null(lua_State* state) {
  lua_pushlightuserdata(state, const_cast<char*>(&kNull));
}
bool is_null(lua_State* state, int index) noexcept {
  return lua_type(state, index) == LUA_TLIGHTUSERDATA && lua_touserdata(state, index) == &kNull;
}

void push_value(lua_State* state, const Value& value) {
  switch (value.kind) {
    case ValueKind::missing:
      lua_pushnil(state);
      return;
    case ValueKind::null:
      push_null(state);
      return;
    case ValueKind::boolean:
      lua_pushboolean(state, *value.data == 't');
      return;
    case ValueKind::number: {
      const auto number = read_number(value);
      if (!number) {
        const std::string_view shown = value.span().substr(0, 60);
        lua_pushlstring(state, shown.data(), shown.size());
        luaL_error(state, "the number %s has more than 38 digits or 18 behind the point", lua_tostring(state, -1));
      }
      push_number(state, *number);
      return;
    }
    case ValueKind::string:
    case ValueKind::text: {
      const std::string_view text = plain(Host::of(state), value);
      lua_pushlstring(state, text.data(), text.size());
      return;
    }
    case ValueKind::object:
    case ValueKind::array:
      Meter::of(state).charge(state, value.length / kBytesPerInstruction);
      push_compound(state, value);
      return;
  }
  lua_pushnil(state);
}

void open_values(lua_State* state) {
  lua_newtable(state);
  lua_rawsetp(state, LUA_REGISTRYINDEX, &kArrayMark);
}

void mark_array(lua_State* state, int index) {
  const int table = lua_absindex(state, index);
  lua_rawgetp(state, LUA_REGISTRYINDEX, &kArrayMark);
  lua_setmetatable(state, table);
}

bool marked_array(lua_State* state, int index) noexcept {
  if (lua_getmetatable(state, index) == 0) return false;
  lua_rawgetp(state, LUA_REGISTRYINDEX, &kArrayMark);
  bool marked = lua_rawequal(state, -1, -2) != 0;
  lua_pop(state, 1);
  if (!marked) {
    marked = lua_rawgeti(state, -1, 2) == LUA_TBOOLEAN;  // of a frozen one
    lua_pop(state, 1);
  }
  lua_pop(state, 1);
  return marked;
}

bool frozen(lua_State* state, int index) noexcept {
  if (lua_getmetatable(state, index) == 0) return false;
  const bool is = lua_rawgeti(state, -1, 1) == LUA_TTABLE;
  lua_pop(state, 2);
  return is;
}

void push_content(lua_State* state, int index) {
  const int table = lua_absindex(state, index);
  if (lua_getmetatable(state, table) != 0) {
    if (lua_rawgeti(state, -1, 1) == LUA_TTABLE) {
      lua_remove(state, -2);
      return;
    }
    lua_pop(state, 2);
  }
  lua_pushvalue(state, table);
}

namespace {
int refuse_write(lua_State* state) {
  return luaL_error(state,
                    "a script keeps nothing from one event to the next: what its file defines is read-only while "
                    "events are handled");
}
int frozen_length(lua_State* state) {
  push_content(state, 1);
  lua_pushinteger(state, static_cast<lua_Integer>(lua_rawlen(state, -1)));
  return 1;
}
}  // namespace

void freeze(lua_State* state, int index) {
  const int table = lua_absindex(state, index);
  const bool array = marked_array(state, table);
  lua_newtable(state);
  const int content = lua_gettop(state);
  for (lua_pushnil(state); lua_next(state, table) != 0;) {
    lua_pushvalue(state, -2);
    lua_insert(state, -2);
    lua_rawset(state, content);
    lua_pushvalue(state, -1);  // clearing a field is the one change that a walk allows
    lua_pushnil(state);
    lua_rawset(state, table);
  }
  lua_createtable(state, 2, 3);
  lua_pushvalue(state, content);
  lua_rawseti(state, -2, 1);
  if (array) {
    lua_pushboolean(state, 1);
    lua_rawseti(state, -2, 2);
  }
  lua_pushvalue(state, content);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, refuse_write);
  lua_setfield(state, -2, "__newindex");
  lua_pushcfunction(state, frozen_length);
  lua_setfield(state, -2, "__len");
  lua_setmetatable(state, table);
}

void refuse(lua_State* state, const char* format, ...) {
  const std::string& writing = Host::of(state).writing;
  luaL_where(state, 1);
  lua_pushfstring(state, "%s%s", writing.c_str(), writing.empty() ? "" : ": ");
  std::va_list arguments;
  va_start(arguments, format);
  lua_pushvfstring(state, format, arguments);
  va_end(arguments);
  lua_concat(state, 3);
  lua_error(state);
}

Value scalar_value(lua_State* state, int index) {
  Host& host = Host::of(state);
  if (is_null(state, index)) return make_value(ValueKind::null, host.keep(state, "null"));
  if (const auto number = to_decimal(state, index)) {
    char* const to = host.take(state, Decimal::kTextMax);
    return make_value(ValueKind::number, {to, number->write_text(to)});
  }
  switch (lua_type(state, index)) {
    case LUA_TBOOLEAN:
      return make_value(ValueKind::boolean, host.keep(state, lua_toboolean(state, index) != 0 ? "true" : "false"));
    case LUA_TNUMBER: {
      int whole = 0;
      const lua_Integer integer = lua_tointegerx(state, index, &whole);
      if (whole == 0) {
        refuse(state,
               "%f is a binary fraction and not exact; compute with decimals (decimal(\"0.1\"), a:div(b, 2)) or "
               "round with decimal(x, 2)",
               lua_tonumber(state, index));
      }
      char* const to = host.take(state, Decimal::kTextMax);
      return make_value(ValueKind::number, {to, Decimal(integer).write_text(to)});
    }
    case LUA_TSTRING: {
      std::size_t length = 0;
      const char* const text = lua_tolstring(state, index, &length);
      if (!is_valid_utf8({text, length})) refuse(state, "a text that is not valid UTF-8 cannot leave");
      host.charge_bytes(state, length);
      return make_text(host.keep(state, {text, length}));
    }
    default:
      refuse(state, "a field cannot hold a %s value", luaL_typename(state, index));
  }
  return {};
}

}  // namespace weir::lua

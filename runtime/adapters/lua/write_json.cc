// Tables of a script as JSON.
#include <algorithm>
#include <string>
#include <vector>

#include "runtime/adapters/lua/decimals.h"
#include "runtime/adapters/lua/json_members.h"
#include "runtime/adapters/lua/values.h"
#include "runtime/base/json_text.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/json_parse.h"
#include "runtime/event/splice.h"

namespace weir::lua {
namespace {

std::string plain_key(std::string_view spelled) {
  std::string text(spelled.size(), '\0');
  text.resize(unescape_json(spelled, text.data()).size());
  return text;
}

/// How many fields a table has, and whether it is a list: then they are 1 to `count`.
struct Shape {
  std::size_t count = 0;
  bool list = false;
};
Shape shape_of(lua_State* state, int table) {
  Shape shape;
  std::size_t numbered = 0;
  const auto length = static_cast<lua_Integer>(lua_rawlen(state, table));
  for (lua_pushnil(state); lua_next(state, table) != 0; lua_pop(state, 1)) {
    ++shape.count;
    if (lua_isinteger(state, -2) != 0) {
      const lua_Integer key = lua_tointeger(state, -2);
      if (key < 1 || key > length) refuse(state, "a list has a gap at %I; write null for what is not there", key);
      ++numbered;
    } else if (lua_type(state, -2) != LUA_TSTRING) {
      refuse(state, "a field's name must be a text, not a %s value", luaL_typename(state, -2));
    }
  }
  if (numbered != 0 && numbered != shape.count)
    refuse(state, "a table with numbered and named fields is neither a list nor an object");
  if (numbered != 0 && numbered != static_cast<std::size_t>(length))
    refuse(state, "a list has a gap; write null for what is not there");
  shape.list = numbered != 0;
  Meter::of(state).charge(state, shape.count);
  return shape;
}

class Writer {
 public:
  Writer(lua_State* state, ByteArena& out) : state_(state), out_(out), host_(Host::of(state)) {}

  bool value(int index, const Value& guide, int depth) {
    if (out_.size() > host_.arena_bytes_max())
      refuse(state_, "what the script makes of one event takes more than a quarter of memory_bytes_max, %I bytes",
             static_cast<lua_Integer>(host_.arena_bytes_max()));
    if (lua_type(state_, index) == LUA_TTABLE) return table(lua_absindex(state_, index), guide, depth);
    host_.charge(state_, 1);
    if (same_scalar(index, guide)) {
      encode_value(guide, out_);
      return true;
    }
    if (lua_type(state_, index) == LUA_TSTRING) {
      text(index);
    } else {
      encode_value(scalar_value(state_, index), out_);
    }
    return false;
  }

 private:
  void text(int index) {
    std::size_t length = 0;
    const char* const bytes = lua_tolstring(state_, index, &length);
    if (!is_valid_utf8({bytes, length})) refuse(state_, "a text that is not valid UTF-8 cannot leave");
    append_json_string(out_, {bytes, length});
  }

  /// Both sides as a script sees them.
  bool same_scalar(int index, const Value& guide) {
    switch (guide.kind) {
      case ValueKind::missing:
      case ValueKind::object:
      case ValueKind::array:
        return false;
      case ValueKind::null:
        return is_null(state_, index);
      case ValueKind::boolean:
        return lua_isboolean(state_, index) && (lua_toboolean(state_, index) != 0) == (*guide.data == 't');
      case ValueKind::number:
        if (lua_isinteger(state_, index) == 0 && !to_decimal(state_, index)) return false;
        break;
      case ValueKind::string:
      case ValueKind::text:
        if (lua_type(state_, index) != LUA_TSTRING) return false;
        break;
    }
    const int place = lua_absindex(state_, index);
    push_value(state_, guide);
    bool same = lua_rawequal(state_, -1, place) != 0;
    if (!same) {
      // 1.5 and 1.50 are equal numbers and different spellings.
      const auto a = to_decimal(state_, -1);
      const auto b = to_decimal(state_, place);
      same = a && b && *a == *b && a->scale() == b->scale();
    }
    lua_pop(state_, 1);
    return same;
  }

  bool table(int index, const Value& guide, int depth) {
    if (depth > static_cast<int>(kDepthMax))
      refuse(state_, "a table is nested deeper than %d, or holds itself", static_cast<int>(kDepthMax));
    luaL_checkstack(state_, 8, "a table that deep");
    const std::size_t start = out_.size();
    push_content(state_, index);
    const int content = lua_gettop(state_);
    const Shape shape = shape_of(state_, content);
    const bool list =
        shape.list || (shape.count == 0 && (marked_array(state_, index) || guide.kind == ValueKind::array));
    const bool same = list ? items(content, shape, guide, depth) : fields(content, shape, guide, depth);
    lua_settop(state_, content - 1);
    if (same) {  // white space apart, these are the bytes; but escapes and exponents keep their spelling
      out_.resize_down(start);
      encode_value(guide, out_);
    }
    host_.charge(state_, (out_.size() - start) / Meter::kBytesPerInstruction);
    return same;
  }

  bool items(int content, const Shape& shape, const Value& guide, int depth) {
    bool same = guide.kind == ValueKind::array;
    JsonMembers members(same ? guide.span() : std::string_view("[]"));
    std::string_view key;
    bool left = true;
    out_.append("[");
    for (std::size_t i = 1; i <= shape.count; ++i) {
      Value member;
      left = left && members.next(false, key, member);
      if (i > 1) out_.append(",");
      lua_rawgeti(state_, content, static_cast<lua_Integer>(i));
      const bool equal = value(-1, left ? member : Value{}, depth + 1);
      same = same && left && equal;
      lua_pop(state_, 1);
    }
    out_.append("]");
    Value member;
    return same && !members.next(false, key, member);
  }

  bool fields(int content, const Shape& shape, const Value& guide, int depth) {
    bool same = guide.kind == ValueKind::object;
    JsonMembers members(same ? guide.span() : std::string_view("{}"));
    std::vector<std::string> written;
    std::string_view key;
    Value member;
    const std::size_t empty = out_.size() + 1;
    out_.append("{");
    while (members.next(true, key, member)) {
      written.push_back(plain_key(key));
      lua_pushlstring(state_, written.back().data(), written.back().size());
      if (lua_rawget(state_, content) == LUA_TNIL) {
        same = false;
        written.pop_back();
      } else {
        out_.append(out_.size() == empty ? "\"" : ",\"");
        out_.append(key);
        out_.append("\":");
        const bool equal = value(-1, member, depth + 1);
        same = same && equal;
      }
      lua_pop(state_, 1);
    }
    if (written.size() == shape.count) {
      out_.append("}");
      return same;
    }
    others(content, written, empty, depth);
    out_.append("}");
    return false;
  }

  /// The fields that are not in `written`, by name: the order of a table is chance.
  void others(int content, std::vector<std::string>& written, std::size_t empty, int depth) {
    std::sort(written.begin(), written.end());
    std::vector<std::string> names;
    for (lua_pushnil(state_); lua_next(state_, content) != 0; lua_pop(state_, 1)) {
      std::size_t length = 0;
      const char* const name = lua_tolstring(state_, -2, &length);
      std::string text(name, length);
      if (!std::binary_search(written.begin(), written.end(), text)) names.push_back(std::move(text));
    }
    std::sort(names.begin(), names.end());
    host_.charge(state_, names.size() * 8);
    for (const std::string& name : names) {
      if (!is_valid_utf8(name)) refuse(state_, "a field's name that is not valid UTF-8 cannot leave");
      if (out_.size() != empty) out_.append(",");
      append_json_string(out_, name);
      out_.append(":");
      lua_pushlstring(state_, name.data(), name.size());
      lua_rawget(state_, content);
      (void)value(-1, Value{}, depth + 1);
      lua_pop(state_, 1);
    }
  }

  lua_State* state_;
  ByteArena& out_;
  Host& host_;
};

}  // namespace

bool write_json(lua_State* state, int index, const Value& guide, ByteArena& out, int depth) {
  return Writer(state, out).value(index, guide, depth);
}

}  // namespace weir::lua

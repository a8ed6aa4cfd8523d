#include "runtime/adapters/lua/answers.h"

#include <algorithm>
#include <optional>

#include "runtime/adapters/lua/event_view.h"
#include "runtime/adapters/lua/functions.h"
#include "runtime/adapters/lua/sandbox.h"
#include "runtime/adapters/lua/values.h"
#include "runtime/base/json_text.h"

namespace weir::lua {
namespace {

/// The upvalues: the script's function and the event.
void call(lua_State* state, int results) {
  lua_pushvalue(state, lua_upvalueindex(1));
  lua_pushvalue(state, lua_upvalueindex(2));
  lua_call(state, 1, results);
}

std::string_view text_at(lua_State* state, int index) {
  std::size_t length = 0;
  const char* const text = lua_tolstring(state, index, &length);
  return {text, length};
}

/// The table at `index` as a document in the event's place.
Document document_of(lua_State* state, TransformJob& job, int index, const Value& guide, std::string what) {
  Host& host = Host::of(state);
  host.writing = std::move(what);
  ByteArena text;
  if (is_event(state, index)) {
    text.append(guide.span());
  } else {
    if (lua_type(state, index) != LUA_TTABLE)
      refuse(state, "must be the event or a table, it is a %s value", luaL_typename(state, index));
    (void)write_json(state, index, guide, text);
    if (text.view().front() != '{') refuse(state, "is a list, not an object");
  }
  Document document;
  read_document(state, job.parser, host.keep(state, text.view()), document);
  host.writing.clear();
  return document;
}

/// Of the table at `index`: the number of items when it is a list, else -1.
lua_Integer list_length(lua_State* state, int index) {
  push_content(state, index);
  const auto length = static_cast<lua_Integer>(lua_rawlen(state, -1));
  lua_Integer count = 0;
  for (lua_pushnil(state); lua_next(state, -2) != 0; lua_pop(state, 1)) ++count;
  lua_pop(state, 1);
  if (length != 0 && length != count) luaL_error(state, "a list with gaps or names is neither a list nor an object");
  return count == 0 ? 0 : length > 0 ? length : -1;
}

void answer_table(lua_State* state, TransformJob& job, int index) {
  const lua_Integer length = list_length(state, index);
  if (length == 0) {
    job.answer.kind = ScriptAnswer::Kind::filter;
    return;
  }
  if (length > static_cast<lua_Integer>(kEventPartsMax))
    luaL_error(state, "transform returns a list of %I records, at most %d are allowed", length,
               static_cast<int>(kEventPartsMax));
  store_opened(state);
  const Value guide = make_value(ValueKind::object, event_text(state));
  if (length < 0) {
    job.event.document = document_of(state, job, index, guide, "what transform returns");
    return;
  }
  for (lua_Integer i = 1; i <= length; ++i) {
    lua_geti(state, index, i);
    job.answer.parts.push_back(document_of(state, job, -1, guide, "record " + std::to_string(i)));
    lua_pop(state, 1);
  }
  job.answer.kind = ScriptAnswer::Kind::split;
}

bool good_rule_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

/// Of the table at the top of the stack: complains of whatever is no part of a violation. The same complaint in every state,
/// whatever the order of its hash tables.
void check_parts(lua_State* state) {
  std::optional<std::string> unknown;
  bool list = false;
  for (lua_pushnil(state); lua_next(state, -2) != 0; lua_pop(state, 1)) {
    list = list || lua_type(state, -2) != LUA_TSTRING;
    if (list) continue;
    const std::string_view name = text_at(state, -2);
    if (name != "rule" && name != "field" && name != "message" && (!unknown || name < *unknown)) unknown = name;
  }
  if (list) luaL_error(state, "a violation is a text or {rule = …, field = …, message = …}, not a list");
  if (unknown)
    luaL_error(state, "a violation has rule, field and message, no '%s'", printable(*unknown).c_str());
}

/// The part `name` of the table at the top of the stack; "" where it has none.
std::string part(lua_State* state, const char* name) {
  std::string text;
  if (lua_getfield(state, -1, name) != LUA_TNIL) {
    push_text_of(state, -1);
    text = printable(text_at(state, -1));
    lua_pop(state, 1);
  }
  lua_pop(state, 1);
  return text;
}

/// The value at the top of the stack: a text, or {rule = …, field = …, message = …} with at least one of them.
ScriptViolation violation(lua_State* state) {
  if (lua_type(state, -1) == LUA_TSTRING) return {"", "", printable(text_at(state, -1))};
  if (lua_type(state, -1) != LUA_TTABLE)
    luaL_error(state, "a violation is a text or {rule = …, field = …, message = …}, not a %s value",
               luaL_typename(state, -1));
  push_content(state, -1);
  check_parts(state);
  if (const int type = lua_getfield(state, -1, "rule");
      type != LUA_TNIL && (type != LUA_TSTRING || !good_rule_name(text_at(state, -1))))
    luaL_error(state, "a violation's rule is named by 1 to 64 letters, digits, '_', '-' or '.'");
  lua_pop(state, 1);
  ScriptViolation found{part(state, "rule"), part(state, "field"), part(state, "message")};
  lua_pop(state, 1);
  if (found.rule.empty() && found.field.empty() && found.message.empty())
    luaL_error(state, "a violation says nothing; write a text or {rule = …, field = …, message = …}");
  return found;
}

}  // namespace

int run_transform(lua_State* state) {
  auto& job = *static_cast<TransformJob*>(lua_touserdata(state, 1));
  begin_event(state, job.batch, job.event, false);
  job.answer.kind = ScriptAnswer::Kind::keep;
  call(state, 2);
  const int result = lua_gettop(state) - 1;
  if (is_event(state, result)) [[likely]] {
    finish_event(state, job.parser);
    return 0;
  }
  switch (lua_type(state, result)) {
    case LUA_TNIL:
      if (lua_isnil(state, result + 1)) {
        job.answer.kind = ScriptAnswer::Kind::filter;
        return 0;
      }
      job.answer.kind = ScriptAnswer::Kind::reject;
      push_text_of(state, result + 1);
      job.answer.text = job.batch.arena().copy(printable(text_at(state, -1)));
      return 0;
    case LUA_TTABLE:
      answer_table(state, job, result);
      return 0;
    default:
      return luaL_error(state,
                        "transform returns a %s value; it returns e, a list of records, nil, or nil and a reason",
                        luaL_typename(state, result));
  }
}

int run_validate(lua_State* state) {
  auto& job = *static_cast<ValidateJob*>(lua_touserdata(state, 1));
  begin_event(state, job.batch, job.event, true);
  call(state, 1);
  const int result = lua_gettop(state);
  if (lua_isnil(state, result)) return 0;
  if (lua_type(state, result) != LUA_TTABLE)
    return luaL_error(state, "validate returns a %s value; it returns a list of violations",
                      luaL_typename(state, result));
  const lua_Integer length = list_length(state, result);
  if (length < 0) return luaL_error(state, "validate returns a table that is no list; write {{message = …}}");
  const auto count = std::min(length, static_cast<lua_Integer>(kScriptViolationsMax));
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_geti(state, result, i);
    job.violations.list.push_back(violation(state));
    lua_pop(state, 1);
  }
  job.violations.left_out = static_cast<std::uint64_t>(length - count);
  return 0;
}

std::string printable(std::string_view text) {
  std::size_t end = std::min(text.size(), kScriptTextMax);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  std::string out(text.substr(0, end));
  if (end < text.size()) out += "…";
  if (is_valid_utf8(out)) return out;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

}  // namespace weir::lua

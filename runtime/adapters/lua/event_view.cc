#include "runtime/adapters/lua/event_view.h"

#include <fmt/format.h>

#include "runtime/adapters/lua/json_members.h"
#include "runtime/adapters/lua/values.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/event/csv_parse.h"
#include "runtime/event/json_parse.h"
#include "runtime/event/splice.h"

namespace weir::lua {
namespace {

// Keys in the registry, by address.
constexpr char kOpened = 0;
constexpr char kSlots = 0;
constexpr char kMeta = 0;

struct EventBox {
  char is_event[1];  // its size tells it from a decimal
};
struct MetaBox {
  char is_meta[2];
};

constexpr lua_Integer kMetaSlot = -2;
constexpr lua_Integer kUnknownSlot = -1;

std::string_view name_argument(lua_State* state, int index) {
  if (lua_type(state, index) != LUA_TSTRING)
    luaL_error(state, "a field of the event is named by a text, not by a %s value", luaL_typename(state, index));
  std::size_t length = 0;
  const char* const name = lua_tolstring(state, index, &length);
  return {name, length};
}

/// The slot of the top-level field whose name is argument 2. Upvalue 1: the names that the plan knows.
lua_Integer slot_argument(lua_State* state) {
  lua_pushvalue(state, 2);
  const bool known = lua_rawget(state, lua_upvalueindex(1)) == LUA_TNUMBER;
  const lua_Integer slot = known ? lua_tointeger(state, -1) : kUnknownSlot;
  lua_pop(state, 1);
  if (!known) (void)name_argument(state, 2);
  return slot;
}

Host::Extra* find_extra(Host& host, std::string_view name) {
  for (Host::Extra& extra : host.extras) {
    if (extra.name == name) return &extra;
  }
  return nullptr;
}

/// A field the plan does not know, from the input's text.
Value input_value(lua_State* state, std::string_view name) {
  Host& host = Host::of(state);
  const Document& document = host.event->document;
  host.charge_bytes(state, static_cast<std::size_t>(document.end - document.begin));
  if (document.csv == nullptr) {
    const std::string part(name);
    return find_path({document.begin, static_cast<std::size_t>(document.end - document.begin)}, {&part, 1});
  }
  const std::string prefix = "," + to_json_string(name) + ":";
  for (const CsvShape::Column& column : document.csv->columns) {
    if (column.slot == kNoSlot && std::string_view(column.padded_prefix.data(), column.prefix_length) == prefix)
      return document.columns[column.column];
  }
  return {};
}

/// As it is now, with everything that scripts and stages changed inside.
Value value_now(lua_State* state, Slot slot, std::string_view name) {
  Host& host = Host::of(state);
  if (!host.extras.empty()) {
    host.charge(state, host.extras.size() / 4);
    if (const Host::Extra* extra = find_extra(host, name)) return extra->value;
  }
  if (slot == kNoSlot) return input_value(state, name);
  const Value& value = host.event->document.slots[slot];
  if (value.kind != ValueKind::object) [[likely]]
    return value;
  return current_value(host.event->document, host.plan, slot, host.batch->arena());
}

bool changeable(const Host& host, Slot slot) {
  return slot != kNoSlot && host.plan.field(slot).touch != kNoSlot;
}

void assign(lua_State* state, Slot slot, std::string_view name, Value value) {
  Host& host = Host::of(state);
  if (changeable(host, slot)) {
    host.event->document.set(slot, value);
  } else if (Host::Extra* extra = find_extra(host, name)) {
    extra->value = value;
  } else {
    host.charge(state, host.extras.size() / 4 + 1);
    host.extras.push_back({host.keep(state, name), value});
  }
}

bool same_field(const Host::Opened& opened, Slot slot, std::string_view name) {
  return !opened.dead && opened.slot == slot && (slot != kNoSlot || opened.name == name);
}

/// Remembers that the table on top of the stack is the field's value.
void open_field(lua_State* state, Slot slot, std::string_view name) {
  Host& host = Host::of(state);
  host.opened.push_back({slot, host.keep(state, name), false});
  lua_rawgetp(state, LUA_REGISTRYINDEX, &kOpened);
  lua_pushvalue(state, -2);
  lua_rawseti(state, -2, static_cast<lua_Integer>(host.opened.size()));
  lua_pop(state, 1);
}

/// Pushes the field's table and returns true when the script already has it.
bool push_opened(lua_State* state, Slot slot, std::string_view name) {
  Host& host = Host::of(state);
  host.charge(state, host.opened.size() / 4);
  for (std::size_t i = 0; i < host.opened.size(); ++i) {
    if (!same_field(host.opened[i], slot, name)) continue;
    lua_rawgetp(state, LUA_REGISTRYINDEX, &kOpened);
    lua_rawgeti(state, -1, static_cast<lua_Integer>(i + 1));
    lua_remove(state, -2);
    return true;
  }
  return false;
}

int event_index(lua_State* state) {
  const lua_Integer known = slot_argument(state);
  if (known == kMetaSlot) {
    lua_rawgetp(state, LUA_REGISTRYINDEX, &kMeta);
    return 1;
  }
  Host& host = Host::of(state);
  const Slot slot = known < 0 ? kNoSlot : static_cast<Slot>(known);
  const std::string_view name = name_argument(state, 2);
  if (!host.opened.empty() && push_opened(state, slot, name)) return 1;
  const Value value = value_now(state, slot, name);
  push_value(state, value);
  if (lua_type(state, -1) == LUA_TTABLE) open_field(state, slot, name);
  return 1;
}

Value table_value(lua_State* state, int index, const Value& guide) {
  Host& host = Host::of(state);
  ByteArena text;
  (void)write_json(state, index, guide, text);
  const std::string_view kept = host.keep(state, text.view());
  return make_value(kept.front() == '[' ? ValueKind::array : ValueKind::object, kept);
}

int event_newindex(lua_State* state) {
  const lua_Integer known = slot_argument(state);
  Host& host = Host::of(state);
  if (host.read_only) return luaL_error(state, "validate looks at the event and may not change it");
  if (known == kMetaSlot) return luaL_error(state, "e.meta is read-only");
  const Slot slot = known < 0 ? kNoSlot : static_cast<Slot>(known);
  const std::string_view name = name_argument(state, 2);
  host.charge(state, host.opened.size() / 4);
  if (known < 0 && !is_valid_utf8(name))
    return luaL_error(state, "a field's name that is not valid UTF-8 cannot leave");
  if (lua_type(state, 3) == LUA_TTABLE && !is_event(state, 3)) {
    const Value value = table_value(state, 3, value_now(state, slot, name));
    for (Host::Opened& opened : host.opened) opened.dead = opened.dead || same_field(opened, slot, name);
    assign(state, slot, name, value);
    lua_settop(state, 3);
    open_field(state, slot, name);
    return 0;
  }
  const Value value = lua_isnil(state, 3) ? Value{} : scalar_value(state, 3);
  for (Host::Opened& opened : host.opened) opened.dead = opened.dead || same_field(opened, slot, name);
  assign(state, slot, name, value);
  return 0;
}

int meta_index(lua_State* state) {
  const std::string_view name = name_argument(state, 2);
  const Host& host = Host::of(state);
  const auto push = [state](std::string_view text) { lua_pushlstring(state, text.data(), text.size()); };
  if (name == "id") {
    push(host.batch->raw(*host.event).id);
  } else if (name == "time") {
    char text[kRfc3339Max];
    push({text, write_rfc3339(host.event->event_time, text)});
  } else if (name == "type") {
    push(host.batch->type(*host.event));
  } else if (name == "source") {
    push(host.batch->source(*host.event));
  } else if (name == "partition") {
    lua_pushinteger(state, static_cast<lua_Integer>(host.batch->partition().value));
  } else {
    return luaL_error(state, "e.meta has id, time, type, source and partition, no %s", lua_tostring(state, 2));
  }
  return 1;
}

int meta_newindex(lua_State* state) {
  return luaL_error(state, "e.meta is read-only");
}
int no_length(lua_State* state) {
  return luaL_error(state, "the event has no length; it is no list");
}

}  // namespace

void Host::count_bytes(lua_State* state, std::size_t count) {
  arena_bytes += count;
  if (arena_bytes <= arena_bytes_max()) [[likely]]
    return;
  luaL_error(state, "what the script makes of one event takes more than a quarter of memory_bytes_max, %I bytes",
             static_cast<lua_Integer>(arena_bytes_max()));
}

char* Host::take(lua_State* state, std::size_t count) {
  count_bytes(state, count);
  return batch->arena().take(count);
}

std::string_view Host::keep(lua_State* state, std::string_view text) {
  char* const place = take(state, text.size());
  text.copy(place, text.size());
  return {place, text.size()};
}

void push_event(lua_State* state) {
  lua_newtable(state);
  lua_rawsetp(state, LUA_REGISTRYINDEX, &kOpened);
  lua_newuserdatauv(state, sizeof(MetaBox), 0);
  lua_createtable(state, 0, 2);
  lua_pushcfunction(state, meta_index);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, meta_newindex);
  lua_setfield(state, -2, "__newindex");
  lua_setmetatable(state, -2);
  lua_rawsetp(state, LUA_REGISTRYINDEX, &kMeta);

  lua_newuserdatauv(state, sizeof(EventBox), 0);
  lua_createtable(state, 0, 4);
  lua_newtable(state);  // the slots of names, shared by both functions
  const FieldPlan& plan = Host::of(state).plan;
  for (std::size_t slot = 0; slot < plan.size(); ++slot) {
    const FieldPlan::Field& field = plan.field(static_cast<Slot>(slot));
    if (field.parts.size() != 1) continue;
    lua_pushlstring(state, field.parts.front().data(), field.parts.front().size());
    lua_pushinteger(state, static_cast<lua_Integer>(slot));
    lua_rawset(state, -3);
  }
  lua_pushinteger(state, kMetaSlot);
  lua_setfield(state, -2, "meta");
  const auto accessor = [state](const char* name, lua_CFunction function) {
    lua_pushvalue(state, -1);
    lua_pushcclosure(state, function, 1);
    lua_setfield(state, -3, name);
  };
  accessor("__index", event_index);
  accessor("__newindex", event_newindex);
  lua_pop(state, 1);
  lua_pushcfunction(state, no_length);
  lua_setfield(state, -2, "__len");
  lua_setmetatable(state, -2);
}

bool is_event(lua_State* state, int index) noexcept {
  return lua_type(state, index) == LUA_TUSERDATA && lua_rawlen(state, index) == sizeof(EventBox);
}

void begin_event(lua_State* state, ChainBatch& batch, ChainEvent& event, bool read_only) {
  Host& host = Host::of(state);
  host.batch = &batch;
  host.event = &event;
  host.read_only = read_only;
  host.arena_bytes = 0;
  host.writing.clear();
  host.extras.clear();
  if (host.opened.empty()) [[likely]]
    return;
  host.opened.clear();
  lua_newtable(state);
  lua_rawsetp(state, LUA_REGISTRYINDEX, &kOpened);
}

void store_opened(lua_State* state) {
  Host& host = Host::of(state);
  for (std::size_t i = 0; i < host.opened.size(); ++i) {
    const Host::Opened opened = host.opened[i];
    if (opened.dead) continue;
    lua_rawgetp(state, LUA_REGISTRYINDEX, &kOpened);
    lua_rawgeti(state, -1, static_cast<lua_Integer>(i + 1));
    const Value before = value_now(state, opened.slot, opened.name);
    ByteArena text;
    host.writing = "field '" + std::string(opened.name) + "'";
    if (!write_json(state, -1, before, text)) {
      const std::string_view kept = host.keep(state, text.view());
      assign(state, opened.slot, opened.name,
             make_value(kept.front() == '[' ? ValueKind::array : ValueKind::object, kept));
    }
    host.writing.clear();
    lua_pop(state, 2);
  }
}

std::string_view event_text(lua_State* state) {
  Host& host = Host::of(state);
  ByteArena now;
  encode_document(host.event->document, host.plan, now);
  host.charge_bytes(state, now.size());
  if (host.extras.empty()) return host.keep(state, now.view());
  // The fields that are there, with the changes among them; then those that are new.
  ByteArena out;
  std::vector<bool> done(host.extras.size());
  JsonMembers members(now.view());
  std::string_view key;
  Value value;
  const auto put = [&](std::string_view spelled, const Value& member) {
    out.append(out.size() == 1 ? "\"" : ",\"");
    out.append(spelled);
    out.append("\":");
    encode_value(member, out);
  };
  out.append("{");
  while (members.next(true, key, value)) {
    std::string name(key.size(), '\0');
    name.resize(unescape_json(key, name.data()).size());
    const Host::Extra* const extra = find_extra(host, name);
    if (extra != nullptr) done[static_cast<std::size_t>(extra - host.extras.data())] = true;
    if (extra == nullptr) put(key, value);
    if (extra != nullptr && extra->value.kind != ValueKind::missing) put(key, extra->value);
  }
  for (std::size_t i = 0; i < host.extras.size(); ++i) {
    if (done[i] || host.extras[i].value.kind == ValueKind::missing) continue;
    const std::string quoted = to_json_string(host.extras[i].name);
    put(std::string_view(quoted).substr(1, quoted.size() - 2), host.extras[i].value);
  }
  out.append("}");
  return host.keep(state, out.view());
}

void read_document(lua_State* state, DocumentParser& parser, std::string_view text, Document& document) {
  Host& host = Host::of(state);
  host.charge_bytes(state, text.size());
  host.count_bytes(state,
                   host.plan.size() * sizeof(Value) + host.plan.touched().size() * sizeof(Origin) + sizeof(ChainEvent));
  ParseProblem problem;
  if (!parser.parse_json(text, host.batch->arena(), document, problem)) {
    luaL_error(state, "what the script gives back is no legal event: at byte %d: %s", static_cast<int>(problem.at),
               problem.what);
  }
  const Document& before = host.event->document;
  for (std::size_t slot = 0; slot < host.plan.size(); ++slot) {
    const Value& old = before.slots[slot];
    Value& value = document.slots[slot];
    if (!old.has(value_flag::tabular) || value.kind != ValueKind::string) continue;
    const std::string_view now =
        value.has(value_flag::escapes) ? unescaped_text(value, host.batch->arena()) : value.span();
    if (now == plain_text(old, host.batch->arena())) value.flags |= value_flag::tabular;
  }
}

void finish_event(lua_State* state, DocumentParser& parser) {
  store_opened(state);
  Host& host = Host::of(state);
  if (host.extras.empty()) [[likely]]
    return;
  Document document;
  read_document(state, parser, event_text(state), document);
  host.event->document = document;
  host.extras.clear();
}

void push_event_names(lua_State* state) {
  store_opened(state);
  JsonMembers members(event_text(state));
  std::string_view key;
  Value value;
  lua_newtable(state);
  for (lua_Integer i = 1; members.next(true, key, value); ++i) {
    std::string name(key.size(), '\0');
    name.resize(unescape_json(key, name.data()).size());
    lua_pushlstring(state, name.data(), name.size());
    lua_rawseti(state, -2, i);
    Host::of(state).charge(state, 4);
  }
}

void push_event_copy(lua_State* state) {
  store_opened(state);
  push_value(state, make_value(ValueKind::object, event_text(state)));
}

}  // namespace weir::lua

#include "runtime/adapters/lua/sandbox.h"

#include <new>
#include <stdexcept>

#include "runtime/adapters/lua/event_view.h"
#include "runtime/adapters/lua/functions.h"
#include "runtime/adapters/lua/values.h"

namespace weir::lua {
namespace {

int unknown_name(lua_State* state) {
  if (lua_type(state, 2) == LUA_TSTRING)
    return luaL_error(state, "there is no '%s' here; write local for a name of your own", lua_tostring(state, 2));
  return 0;
}
int refuse_global(lua_State* state) {
  lua_pushvalue(state, 2);
  push_text_of(state, -1);
  return luaL_error(state, "'%s' is set without local; a script keeps nothing from one event to the next",
                    lua_tostring(state, -1));
}

/// Goes through everything a script has defined: freezes tables, lists the locals that functions share.
class Freezer {
 public:
  /// Uses places of the stack from here on: visited, watch list.
  explicit Freezer(lua_State* state) : state_(state) {
    lua_newtable(state);
    visited_ = lua_gettop(state);
    lua_newtable(state);
    watch_ = lua_gettop(state);
  }
  void skip(int index) { (void)first_visit(lua_absindex(state_, index)); }
  [[nodiscard]] int watch() const { return watch_; }

  void visit(int index, int depth = 0) {
    const int place = lua_absindex(state_, index);
    const int type = lua_type(state_, place);
    if (type != LUA_TTABLE && type != LUA_TFUNCTION) return;
    if (!first_visit(place)) return;
    if (depth > kDepthMax) luaL_error(state_, "what the file defines is nested deeper than %d", kDepthMax);
    luaL_checkstack(state_, 12, "definitions that deep");
    if (type == LUA_TFUNCTION) {
      function(place, depth);
      return;
    }
    freeze(state_, place);
    for (lua_pushnil(state_); lua_next(state_, -2) != 0; lua_pop(state_, 1)) {
      visit(-1, depth + 1);
      visit(-2, depth + 1);
    }
    lua_pop(state_, 1);
  }

  /// The fields of a table that itself stays as it is.
  void visit_fields(int index) {
    const int place = lua_absindex(state_, index);
    skip(place);
    for (lua_pushnil(state_); lua_next(state_, place) != 0; lua_pop(state_, 1)) visit(-1);
  }

 private:
  static constexpr int kDepthMax = 100;

  bool first_visit(int place) {
    lua_pushvalue(state_, place);
    const bool first = lua_rawget(state_, visited_) == LUA_TNIL;
    lua_pop(state_, 1);
    if (!first) return false;
    lua_pushvalue(state_, place);
    lua_pushboolean(state_, 1);
    lua_rawset(state_, visited_);
    return true;
  }
  void function(int place, int depth) {
    if (lua_iscfunction(state_, place) != 0) return;  // ours
    for (int i = 1; lua_getupvalue(state_, place, i) != nullptr; ++i) {
      void* const id = lua_upvalueid(state_, place, i);
      if (lua_rawgetp(state_, visited_, id) == LUA_TNIL) {
        lua_pushboolean(state_, 1);
        lua_rawsetp(state_, visited_, id);
        watch(place, i);
      }
      lua_pop(state_, 1);
      visit(-1, depth + 1);
      lua_pop(state_, 1);
    }
  }
  /// Three items each: a function that has the local, its number there, and the value on top of the stack but one.
  void watch(int place, int number) {
    lua_pushvalue(state_, place);
    lua_rawseti(state_, watch_, ++watched_);
    lua_pushinteger(state_, number);
    lua_rawseti(state_, watch_, ++watched_);
    lua_pushvalue(state_, -2);
    lua_rawseti(state_, watch_, ++watched_);
  }

  lua_State* state_;
  int visited_ = 0;
  int watch_ = 0;
  lua_Integer watched_ = 0;
};

struct Setup {
  const SandboxSource* source;
  lua_CFunction job;
};

void set_function(lua_State* state, int table, const char* field, lua_CFunction function) {
  lua_pushcfunction(state, function);
  lua_setfield(state, table, field);
}

/// Runs protected: argument 1 is a Setup. Gives back what belongs to the places of the stack.
int set_up(lua_State* state) {
  const auto& setup = *static_cast<const Setup*>(lua_touserdata(state, 1));
  const SandboxSource& source = *setup.source;
  open_values(state);
  push_event(state);
  const int event = lua_gettop(state);
  push_functions(state);
  const int globals = lua_gettop(state);
  // What a script calls its globals is an empty table in front of the real one, so that every change is seen.
  lua_newtable(state);
  const int front = lua_gettop(state);
  lua_newtable(state);
  const int front_rules = lua_gettop(state);
  lua_pushvalue(state, globals);
  lua_setfield(state, front_rules, "__index");
  lua_pushvalue(state, globals);
  lua_setfield(state, front_rules, "__newindex");
  lua_pushvalue(state, front_rules);
  lua_setmetatable(state, front);
  lua_newtable(state);
  set_function(state, lua_gettop(state), "__index", unknown_name);
  lua_setmetatable(state, globals);

  Meter::of(state).begin(state, kLoadInstructionsMax, "the limit for reading a script");
  if (luaL_loadbufferx(state, source.text.data(), source.text.size(), ("=" + source.name).c_str(), "t") != LUA_OK)
    return lua_error(state);
  lua_pushvalue(state, front);
  if (lua_setupvalue(state, -2, 1) == nullptr) lua_pop(state, 1);
  lua_call(state, 0, 0);

  lua_pushstring(state, source.function.c_str());
  if (lua_rawget(state, globals) != LUA_TFUNCTION) {
    lua_pushfstring(state, "%s:1: the file does not define function %s(e)", source.name.c_str(),
                    source.function.c_str());
    return lua_error(state);
  }
  const int function = lua_gettop(state);
  Freezer freezer(state);
  freezer.skip(front);
  freezer.visit_fields(globals);
  set_function(state, front_rules, "__newindex", refuse_global);
  lua_pushvalue(state, freezer.watch());
  lua_pushvalue(state, function);
  lua_pushvalue(state, event);
  lua_pushcclosure(state, setup.job, 2);
  return 2;
}

std::string error_text(lua_State* state) {
  if (lua_type(state, -1) != LUA_TSTRING) {
    return std::string("an error that is a ") + luaL_typename(state, -1) + " value";
  }
  std::size_t length = 0;
  const char* const text = lua_tolstring(state, -1, &length);
  return {text, length};
}

}  // namespace

Sandbox::Sandbox(const SandboxSource& source, const FieldPlan& plan, std::size_t memory_bytes_max, lua_CFunction job,
                 std::string& problem)
    : host_(plan, memory_bytes_max), state_(lua_newstate(Meter::allocate, static_cast<Meter*>(&host_))) {
  if (state_ == nullptr) throw std::bad_alloc();
  *static_cast<Meter**>(lua_getextraspace(state_)) = &host_;
  problem.clear();
  Setup setup{&source, job};
  lua_pushcfunction(state_, set_up);  // neither this nor the next allocates
  lua_pushlightuserdata(state_, &setup);
  const int status = lua_pcall(state_, 1, 2, 0);
  if (status == LUA_OK) {
    // What reading left behind must not make a fresh state the fuller one. A collection gives back half of the room for
    // calls that is not in use, so more than one is needed.
    for (std::size_t before = host_.bytes() + 1; host_.bytes() < before;) {
      before = host_.bytes();
      lua_gc(state_, LUA_GCCOLLECT);
    }
    return;
  }
  if (status == LUA_ERRMEM) {
    problem = source.name + ":1: reading the file takes more than memory_bytes_max, " +
              std::to_string(memory_bytes_max) + " bytes";
  } else if (status == LUA_ERRRUN || status == LUA_ERRSYNTAX || status == LUA_ERRERR) {
    problem = error_text(state_);
    if (!problem.starts_with(source.name + ":")) problem.insert(0, source.name + ":1: ");
  } else {
    lua_close(state_);
    throw std::runtime_error("an exception went through the reading of a script");
  }
}

Sandbox::~Sandbox() {
  lua_close(state_);
}

Sandbox::Outcome Sandbox::run(void* argument, std::uint64_t instructions, std::string& message) {
  host_.begin(state_, instructions);
  lua_pushvalue(state_, kJobPlace);
  lua_pushlightuserdata(state_, argument);
  const int status = lua_pcall(state_, 1, 0, 0);
  if (status == LUA_OK) [[likely]]
    return locals_kept(message) ? Outcome::done : Outcome::failed;
  if (status == LUA_ERRMEM || host_.was_out_of_memory()) {
    message = "more than memory_bytes_max, " + std::to_string(host_.bytes_max()) + " bytes";
    return Outcome::memory;
  }
  if (status != LUA_ERRRUN && status != LUA_ERRERR) throw std::runtime_error("an exception went through a script");
  message = error_text(state_);
  lua_settop(state_, kJobPlace);
  std::string ignored;
  (void)locals_kept(ignored);
  return Outcome::failed;
}

bool Sandbox::locals_kept(std::string& message) {
  bool kept = true;
  for (lua_Integer i = 1; lua_rawgeti(state_, kWatchPlace, i) != LUA_TNIL; i += 3) {
    lua_rawgeti(state_, kWatchPlace, i + 1);
    const int number = static_cast<int>(lua_tointeger(state_, -1));
    lua_rawgeti(state_, kWatchPlace, i + 2);
    const char* const name = lua_getupvalue(state_, -3, number);
    if (lua_rawequal(state_, -1, -2) == 0) {
      message = std::string("the function changes '") + name +
                "', a local of the file; a script keeps nothing from one event to the next";
      kept = false;
      lua_pop(state_, 1);
      lua_setupvalue(state_, -3, number);
      lua_pop(state_, 2);
    } else {
      lua_pop(state_, 4);
    }
  }
  lua_pop(state_, 1);
  return kept;
}

}  // namespace weir::lua

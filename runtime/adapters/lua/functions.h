// The functions a script may call: what of Lua's library is harmless, the rest replaced or left out. Left out are the
// world (os, io, require, print), code from text (load), other threads of control (coroutine), metatables, patterns
// (they run in C, where nothing stops them) and everything whose answer is chance (random, addresses, the order of a
// table).
#pragma once
#include <lua.hpp>

namespace weir::lua {

/// Leaves a table with them on the stack. The state's own globals are empty afterwards.
void push_functions(lua_State* state);

/// What `pairs` walks over: pushes the list of the names or numbers of the table at `index`, numbers first, in their
/// order, then texts by their bytes.
void push_sorted_keys(lua_State* state, int index);

/// The text of a value without its address, which is chance: pushes it.
void push_text_of(lua_State* state, int index);

}  // namespace weir::lua

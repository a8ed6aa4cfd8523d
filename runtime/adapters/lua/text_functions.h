// The table `string` of scripts: Lua's functions without patterns, and what is mostly done with patterns, plainly.
#pragma once
#include <lua.hpp>

namespace weir::lua {

/// Leaves the table on the stack and makes it the methods of texts.
void push_text_functions(lua_State* state);

}  // namespace weir::lua

// Values of events as Lua values and back. JSON numbers are whole numbers or decimals, null is a value of its own,
// objects and arrays are tables; a table is written in the order and spelling of what it was read from.
#pragma once
#include <lua.hpp>

#include "runtime/adapters/lua/host.h"
#include "runtime/base/bytes.h"
#include "runtime/event/document.h"

namespace weir::lua {

void push_null(lua_State* state);
[[nodiscard]] bool is_null(lua_State* state, int index) noexcept;

/// Missing is nil. Raises an error for a number of more than 38 digits.
void push_value(lua_State* state, const Value& value);

/// A table that is written as an array, also when it is empty.
void mark_array(lua_State* state, int index);
[[nodiscard]] bool marked_array(lua_State* state, int index) noexcept;
/// Tables that exist when a script has been read are frozen: their content moves into another table.
/// Pushes the table that has the content of the one at `index`.
void push_content(lua_State* state, int index);
[[nodiscard]] bool frozen(lua_State* state, int index) noexcept;
/// Registers the metatables.
void open_values(lua_State* state);
/// Moves the content of the table at `index` away and makes it read-only; pushes the content.
void freeze(lua_State* state, int index);

/// luaL_error, after what is being written (Host::writing). Does not return.
void refuse(lua_State* state, const char* format, ...);

/// A scalar (not nil, not a table) as a value in the batch's arena. Raises an error for what no field can hold.
[[nodiscard]] Value scalar_value(lua_State* state, int index);

/// Appends the value at `index` as compact JSON. True: it is what `guide` is, and was written in its spelling. What
/// `guide` has in common with it keeps spelling and order; other fields follow in the order of their names. Raises
/// errors: deeper than 64, a table that is neither list nor object, a fraction, text that is not UTF-8, more than
/// memory_bytes_max.
bool write_json(lua_State* state, int index, const Value& guide, ByteArena& out, int depth = 1);

}  // namespace weir::lua

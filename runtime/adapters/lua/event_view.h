// The event as a script sees it: `e.name` reads a field when it is asked for, `e.name = value` sets it. Nothing is
// converted that the script does not look at, and what it does not change leaves as it came.
#pragma once
#include <string_view>

#include <lua.hpp>

#include "runtime/adapters/lua/host.h"
#include "runtime/event/document_parser.h"

namespace weir::lua {

/// Registers the metatables and leaves the event on the stack: one userdata that stands for whatever event the host
/// works on.
void push_event(lua_State* state);
[[nodiscard]] bool is_event(lua_State* state, int index) noexcept;

/// The names of its fields now, in their order, as a list; for `pairs(e)`.
void push_event_names(lua_State* state);
/// A table of its fields now; for `copy(e)`.
void push_event_copy(lua_State* state);

/// Before the script runs: forgets the event before.
void begin_event(lua_State* state, ChainBatch& batch, ChainEvent& event, bool read_only);
/// Tables that the script took from the event and changed go into its document.
void store_opened(lua_State* state);
/// The event's record now, as JSON with padding behind it. store_opened() comes first.
[[nodiscard]] std::string_view event_text(lua_State* state);
/// All changes are in the document afterwards. Raises an error when the result is no legal event.
void finish_event(lua_State* state, DocumentParser& parser);
/// A document of its own from `text`, a JSON object with padding behind it. Fields that were text of a table (CSV) and
/// still are the same keep that. Raises an error when it is no legal event.
void read_document(lua_State* state, DocumentParser& parser, std::string_view text, Document& document);

}  // namespace weir::lua

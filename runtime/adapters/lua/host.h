// What the C functions of one Lua state share: its meter and the event it is working on.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/lua/meter.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/field_plan.h"

namespace weir::lua {

/// One per Lua state; used by its thread only. Lives longer than the state.
struct Host : Meter {
  Host(const FieldPlan& fields, std::size_t bytes_max) : Meter(bytes_max), plan(fields) {}
  [[nodiscard]] static Host& of(lua_State* state) noexcept { return static_cast<Host&>(Meter::of(state)); }

  const FieldPlan& plan;
  ChainBatch* batch = nullptr;
  ChainEvent* event = nullptr;
  bool read_only = false;  // validate: the event may not be changed

  /// A field whose value a script holds as a table: it may change at any time until the script ends.
  struct Opened {
    Slot slot = kNoSlot;    // or, of a field the plan does not know,
    std::string_view name;  // its name
    bool dead = false;      // overwritten by something else
  };
  std::vector<Opened> opened;  // the table of opened[i] is item i + 1 of the list kOpened in the registry
  /// A change of a field that has no touched slot. In the order of the first change.
  struct Extra {
    std::string_view name;
    Value value;  // missing: dropped
  };
  std::vector<Extra> extras;

  std::string writing;  // what is being written, for messages: "field 'x'"; empty: what stands in the script's line

  std::size_t arena_bytes = 0;  // taken from the batch's arena for this event
  std::string scratch;

  /// What one event may take of the batch's memory: a batch has up to 512 of them.
  [[nodiscard]] std::size_t arena_bytes_max() const noexcept { return bytes_max() / 4; }
  /// Raises a Lua error when the event would take more.
  void count_bytes(lua_State* state, std::size_t count);
  /// `count` bytes of the batch's arena.
  [[nodiscard]] char* take(lua_State* state, std::size_t count);
  [[nodiscard]] std::string_view keep(lua_State* state, std::string_view text);
};

}  // namespace weir::lua

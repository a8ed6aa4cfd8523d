#include "runtime/adapters/lua/meter.h"

#include <algorithm>
#include <cstdlib>

namespace weir::lua {

void* Meter::allocate(void* meter, void* place, std::size_t old_size, std::size_t size) noexcept {
  auto& self = *static_cast<Meter*>(meter);
  if (place == nullptr) {
    // Lua says here what the memory is for. Short texts are shared with what was there before, so whether one is
    // made depends on the past; only long ones are always made, and only they may count.
    constexpr std::size_t kAlwaysMade = 128;
    if (old_size == LUA_TSTRING && size > kAlwaysMade) {
      self.spent_ += size / kBytesPerInstruction;
      self.longest_ = std::max(self.longest_, size);
    }
    old_size = 0;
  }
  if (size == 0) {
    self.used_ -= old_size;
    std::free(place);
    return nullptr;
  }
  if (size > old_size && self.used_ - old_size + size > self.allowed_) return nullptr;
  void* const moved = std::realloc(place, size);
  if (moved == nullptr) return size <= old_size ? place : nullptr;  // Lua relies on shrinking
  self.used_ = self.used_ - old_size + size;
  return moved;
}

void Meter::begin(lua_State* state, std::uint64_t instructions, const char* limit) noexcept {
  limit_ = limit;
  spent_ = 0;
  longest_ = 0;
  budget_ = instructions;
  over_budget_ = false;
  out_of_memory_ = false;
  lua_sethook(state, on_tick, LUA_MASKCOUNT, kTick);  // counts from here
}

void Meter::charge(lua_State* state, std::uint64_t instructions) {
  spent_ += instructions;
  if (spent_ >= budget_) stop(state);
}

void Meter::on_tick(lua_State* state, lua_Debug*) {
  Meter& self = of(state);
  self.charge(state, kTick * self.weight());
}

void Meter::stop(lua_State* state) {
  over_budget_ = true;
  // Whatever still runs on the way out ends at its next instruction.
  lua_sethook(state, on_tick, LUA_MASKCOUNT, 1);
  luaL_where(state, 0);  // in the hook: the function it interrupts
  if (*lua_tostring(state, -1) == '\0') {
    lua_pop(state, 1);
    luaL_where(state, 1);  // in a C function's charge: who called it
  }
  lua_pushfstring(state, "stopped after %I instructions (%s)", static_cast<LUAI_UACINT>(budget_), limit_);
  lua_concat(state, 2);
  lua_error(state);
  std::abort();  // lua_error does not return
}

}  // namespace weir::lua

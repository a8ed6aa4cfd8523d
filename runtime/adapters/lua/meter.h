// What one event may cost in a script: instructions, and the memory of the Lua state. Lua counts instructions but not
// what one of them does to a text of a megabyte, so long texts are charged here.
#pragma once
#include <cstddef>
#include <cstdint>

#include <lua.hpp>

namespace weir::lua {

/// One per Lua state, found through its extra space; used by its thread only.
class Meter {
 public:
  explicit Meter(std::size_t bytes_max) noexcept : bytes_max_(bytes_max), allowed_(bytes_max) {}

  [[nodiscard]] static Meter& of(lua_State* state) noexcept { return **static_cast<Meter**>(lua_getextraspace(state)); }
  /// lua_Alloc; `meter` is this. Never gives more than is allowed in all: Lua then collects, and fails when that does
  /// not help.
  static void* allocate(void* meter, void* place, std::size_t old_size, std::size_t size) noexcept;

  /// A state that has handled events may have up to this much less to allocate than a fresh one (texts it still has,
  /// tables that have grown). What fits here with that much less, fits in a fresh state too.
  static constexpr std::size_t kPastBytesMax = 4 * 1024;
  /// From here on, whether the state is fresh.
  void allow_bytes(bool fresh) noexcept { allowed_ = fresh ? bytes_max_ : bytes_max_ - kPastBytesMax; }

  /// A new budget: from here on `instructions` may be spent. Deterministic: what was spent before does not matter.
  /// `limit` is how messages call it.
  void begin(lua_State* state, std::uint64_t instructions, const char* limit = "instructions_max") noexcept;
  /// Work of a C function, in units of instructions. Raises a Lua error at the limit.
  void charge(lua_State* state, std::uint64_t instructions);
  /// The same for `bytes` that are walked or copied.
  void charge_bytes(lua_State* state, std::size_t bytes) { charge(state, bytes / kBytesPerInstruction); }

  /// What an instruction costs while the event has long texts: any may compare two of them.
  [[nodiscard]] std::uint64_t weight() const noexcept { return 1 + longest_ / kLongText; }

  /// No script may catch the error that says so.
  [[nodiscard]] bool over_budget() const noexcept { return over_budget_; }
  /// The same for memory that there was not, where a protected call within the script saw it first.
  void out_of_memory() noexcept { out_of_memory_ = true; }
  [[nodiscard]] bool was_out_of_memory() const noexcept { return out_of_memory_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return used_; }
  [[nodiscard]] std::size_t bytes_max() const noexcept { return bytes_max_; }
  [[nodiscard]] std::uint64_t budget() const noexcept { return budget_; }

  /// Instructions between two looks at the budget.
  static constexpr int kTick = 1'000;
  /// A copy of this many bytes costs about as much as an instruction (3 to 5 ns).
  static constexpr std::size_t kBytesPerInstruction = 32;
  /// An instruction may compare two texts: it costs one more for each of these in the longest text of the event.
  static constexpr std::size_t kLongText = 16 * 1024;

 private:
  static void on_tick(lua_State* state, lua_Debug* where);
  [[noreturn]] void stop(lua_State* state);

  std::size_t used_ = 0;
  std::size_t bytes_max_;
  std::size_t allowed_;
  std::size_t longest_ = 0;
  std::uint64_t spent_ = 0;
  std::uint64_t budget_ = 0;
  const char* limit_ = "";
  bool over_budget_ = false;
  bool out_of_memory_ = false;
};

}  // namespace weir::lua

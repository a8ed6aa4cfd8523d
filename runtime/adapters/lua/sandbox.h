// One Lua state with one script in it: nothing of the world, limits on work and memory, and nothing that could be kept
// from one event to the next.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include <lua.hpp>

#include "runtime/adapters/lua/host.h"

namespace weir::lua {

struct SandboxSource {
  std::string name;      // of the file, for messages
  std::string text;      // the script
  std::string function;  // what it must define
};

/// For one thread at a time. The stack's first places hold, for as long as the sandbox lives:
inline constexpr int kWatchPlace = 1;  // the file's locals and what they must be
inline constexpr int kJobPlace =
    2;  // the function that handles one event; its upvalues: the script's function, the event

class Sandbox {
 public:
  /// Reads the script and runs it once, which defines its function; then freezes what it has defined. False: `problem`
  /// says why, as `NAME:LINE: …`. `job` gets the script's function and the event (push_event) as its upvalues. Throws
  /// std::bad_alloc when there is no memory for a Lua state at all.
  Sandbox(const SandboxSource& source, const FieldPlan& plan, std::size_t memory_bytes_max, lua_CFunction job,
          std::string& problem);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  [[nodiscard]] lua_State* state() noexcept { return state_; }
  [[nodiscard]] Host& host() noexcept { return host_; }

  enum class Outcome { done, failed, memory };
  /// Calls the job with `argument` under a budget of `instructions`. Not done: `message` says why; of memory, the state
  /// is not to be used again. A local of the file that was changed is put back and is a failure too.
  [[nodiscard]] Outcome run(void* argument, std::uint64_t instructions, std::string& message);

 private:
  [[nodiscard]] bool locals_kept(std::string& message);
  Host host_;
  lua_State* state_ = nullptr;
};

/// Instructions that reading a script may take; arbitrary, and enough for a table of 100'000 entries.
inline constexpr std::uint64_t kLoadInstructionsMax = 10'000'000;

}  // namespace weir::lua

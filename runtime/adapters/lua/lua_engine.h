// Scripts in Lua 5.4.
#pragma once
#include "runtime/ports/script.h"

namespace weir {

/// Stateless; usable from any thread. An event gets the same answer in every state of a script, whatever was there
/// before: where memory decides, a fresh state does.
class LuaEngine final : public ScriptEngine {
 public:
  /// As the port says. A script is at most kScriptBytesMax long and is text, never compiled code.
  [[nodiscard]] Result<std::unique_ptr<const Script>> load(const ScriptConfig& config, std::string_view text,
                                                           ScriptEntry entry, FieldPlan& plan) const override;

  static constexpr std::size_t kScriptBytesMax = 1 << 20;
};

}  // namespace weir

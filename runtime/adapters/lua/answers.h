// The two ways a script is called, and what its answers mean.
#pragma once
#include <string>
#include <string_view>

#include <lua.hpp>

#include "runtime/event/document_parser.h"
#include "runtime/ports/script.h"

namespace weir::lua {

struct TransformJob {
  ChainBatch& batch;
  ChainEvent& event;
  DocumentParser& parser;
  ScriptAnswer& answer;
};
struct ValidateJob {
  ChainBatch& batch;
  ChainEvent& event;
  ScriptViolations& violations;
};

/// The jobs of a Sandbox: argument 1 is a pointer to one of the above. Raises what the script raises, and errors for
/// answers that mean nothing.
int run_transform(lua_State* state);
int run_validate(lua_State* state);

/// Valid UTF-8, cut to kScriptTextMax.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace weir::lua

// The section `tests` in the description of all keys, and the words that its reader shares with it.
#pragma once
#include "runtime/adapters/yaml/config_keys.h"

namespace weir::yaml {

/// Refers to the two shapes below by the names "value" and "letter".
[[nodiscard]] Shape tests_shape();
/// What JSON can say.
[[nodiscard]] Shape test_value_shape();
/// What is expected of a dead letter.
[[nodiscard]] Shape test_letter_shape();

/// Counts of `expect.ledger`: the names of `weir ledger --output json`.
[[nodiscard]] const std::vector<std::string>& ledger_names();
/// Fields of `expect.dead_letters`: the names of `weir dlq list --output json`.
[[nodiscard]] const std::vector<std::string>& letter_fields();
/// Reasons that every pipeline knows; beside them there are rule:NAME and STAGE:REASON.
[[nodiscard]] const std::vector<std::string>& letter_reasons();

}  // namespace weir::yaml

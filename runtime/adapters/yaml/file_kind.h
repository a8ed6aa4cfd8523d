// Whether a file is of a pipeline or of a node, told by its keys: for people who give the one where the other belongs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/ports/config_values.h"

namespace weir::yaml {

struct Node;

enum class ConfigKind : std::uint8_t { pipeline, node };

/// A node file when it has no key `pipeline` and more keys that only node files have than keys that only pipeline files
/// have. What `--set` adds does not count.
[[nodiscard]] ConfigKind kind_of(const Node& root);

/// What to say of a whole file that is of the other kind than `wanted`; "": it is not, as far as its keys tell.
[[nodiscard]] std::string other_kind(const Node& root, ConfigKind wanted);

/// "; it is a key of …, write …" where a key that files of `kind` do not have comes from `--set` and is one of the other
/// kind's; else "". `map`: path of the map the key stands in.
[[nodiscard]] std::string set_hint(const ConfigPlace& place, ConfigKind kind, std::string_view map,
                                   std::string_view key);

}  // namespace weir::yaml

// What the description of all keys (runtime/adapters/yaml/config_keys.h) is turned into for editors and for people.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/adapters/yaml/config_keys.h"

namespace weir::cli {

/// A JSON Schema of draft 7, as editors of YAML use it. It refuses nothing that the loader takes; what it cannot say is
/// yaml::unsayable(). `title` names the kind of file.
[[nodiscard]] nlohmann::ordered_json config_schema(const yaml::ConfigKeys& keys, const std::string& title);

/// The page configs/reference.md: every key of both kinds of file.
[[nodiscard]] std::string config_reference();

}  // namespace weir::cli

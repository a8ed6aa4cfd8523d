// The section `services` of a node file: actors of one's own beside the pipeline.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/ports/config_values.h"

namespace weir {

struct PluginServiceKind;
struct ServiceConfig {
  std::string name;                         // the key under `services`
  std::string kind_name;
  std::shared_ptr<const PluginServiceKind> kind;  // null where the file was read before its plugins were loaded
  std::vector<std::string> values;          // one for each key of the kind, canonical: given or its default
  ConfigPlace place;
};

}  // namespace weir

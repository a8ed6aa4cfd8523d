// Secrets are read from files: keys that hold one end with `_file` and name it.
#pragma once
#include <string>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/secret.h"

namespace weir::yaml {

/// The content of the file that `node` names, relative to the folder of the configuration file, without one line end behind it.
/// At most 64 KiB, not empty, one line. No finding shows anything of what is in it, and `weir config show` prints the name only.
bool read_secret(Context& context, const Node& node, const std::string& name, Secret& out);

}  // namespace weir::yaml

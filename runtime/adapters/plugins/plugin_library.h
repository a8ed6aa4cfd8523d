// Loads plugins from shared objects, and what is linked into the program itself. Only files that the command line or the node file names are
// ever loaded, at start.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/ports/node_config.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

/// The kinds of all that is in `files`, which stay loaded until the process ends: what they made may be anywhere. What a plugin was
/// built for and with is looked at in the file, before anything of it runs. The same file twice counts once. `host` outlives the
/// process; `ground` is what services stand on. Errors, config_invalid, all files at once, one a line: `place: the plugin "FILE" …`: what is wrong, what is allowed,
/// what to do.
[[nodiscard]] Result<PluginKinds> load_plugins(std::span<const NamedFile> files, const weir_host& host, const ServiceGround& ground);

/// What a program has beside weir: opened as a plugin is.
struct LinkedKinds {
  weir_plugin_opener open = nullptr;
  std::string_view stamp;  // how it was built
};
/// The kinds of this program. Their file is its own path; their content that of its file, so that another build of it is another version of the
/// rules. `host` outlives the process. Error config_invalid: as load_plugins().
[[nodiscard]] Result<PluginKinds> linked_kinds(const LinkedKinds& linked, const weir_host& host, const ServiceGround& ground);

}  // namespace weir

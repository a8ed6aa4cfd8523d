// Pipeline and node files: they load, or every finding has a place and a text.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

void run(std::string_view input) {
  static const std::string file =
      (std::filesystem::temp_directory_path() / ("weir-fuzz-" + std::to_string(::getpid()) + ".yaml")).string();
  std::FILE* out = std::fopen(file.c_str(), "wb");
  promise(out != nullptr, "a temporary file can be written");
  std::fwrite(input.data(), 1, input.size(), out);
  std::fclose(out);
  static const YamlConfigLoader loader{[](std::string_view) { return std::optional<std::string>{}; }};
  const auto pipeline = loader.pipeline(file, {});
  promise(pipeline || (pipeline.error().code == Errc::config_invalid && !pipeline.error().context.empty()),
          "a file that is refused is told why");
  if (pipeline) static_cast<void>(rules_text(*pipeline) + wall_text(*pipeline));
  const auto node = loader.node(file, {});
  promise(node || (node.error().code == Errc::config_invalid && !node.error().context.empty()),
          "a file that is refused is told why");
  std::remove(file.c_str());
}

}  // namespace weir::fuzz

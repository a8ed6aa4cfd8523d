// Scripts of stages: the file must be there; what is in it is checked where the pipeline is compiled.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

void read_script_file(Context& context, const Node& node, const std::string& name, std::string& out) {
  std::string text;
  if (!read_text(context, node, name, text)) return;
  const std::filesystem::path path(text);
  out = path.is_absolute() || context.folder.empty()
            ? text
            : (std::filesystem::path(context.folder) / path).lexically_normal().string();
  std::error_code error;
  const auto status = std::filesystem::status(out, error);
  std::string problem;
  if (error || !std::filesystem::exists(status)) {
    problem = "there is no such file";
  } else if (!std::filesystem::is_regular_file(status)) {
    problem = "it is not a regular file";
  } else {
    errno = 0;
    if (!std::ifstream(out, std::ios::binary)) problem = std::strerror(errno);
  }
  if (!problem.empty())
    context.findings.add(node.place, fmt::format("the script \"{}\" cannot be read: {}", out, problem));
}

}  // namespace

void read_script(Context& context, const Node& node, const std::string& name, ScriptConfig& out) {
  if (node.kind != Node::Kind::map) {
    read_script_file(context, node, name, out.file);
    return;
  }
  MapReader map(context, node, name);
  if (const Node* file = map.require("file", "FILE.lua")) read_script_file(context, *file, map.path("file"), out.file);
  if (const Node* most = map.take("instructions_max"))
    read_count(context, *most, map.path("instructions_max"), {1'000, 1'000'000'000}, out.instructions_max);
  if (const Node* most = map.take("memory_bytes_max"))
    read_bytes(context, *most, map.path("memory_bytes_max"), {256u << 10, 1u << 30}, out.memory_bytes_max);
  map.finish();
}

}  // namespace weir::yaml

// From files to one tree: overlays, `--set`, environment.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kFileBytesMax = 4u << 20;

/// Reads the whole file, or a finding says why not.
std::optional<std::string> read_file(const std::string& file, Findings& findings) {
  const auto refuse = [&](const std::string& why) {
    findings.add(ConfigPlace{file, 0, 0}, fmt::format("the file cannot be read: {}", why));
    return std::nullopt;
  };
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) return refuse("there is no such file");
  if (std::filesystem::is_directory(status)) return refuse("it is a directory");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) return refuse(std::strerror(errno));
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kFileBytesMax) return refuse("it is longer than 4MiB");
  return text;
}

/// The tree of one file; an empty file is an empty map. Nothing when there is no tree to look at.
std::optional<Node> load_file(const std::string& file, Findings& findings, const std::optional<std::string>& given = {}) {
  findings.file(file);
  const std::optional<std::string> text = given ? given : read_file(file, findings);
  if (!text) return std::nullopt;
  std::optional<Node> root = parse_tree(*text, file, findings);
  if (root && root->kind == Node::Kind::null) root->kind = Node::Kind::map;
  return root;
}

}  // namespace

std::optional<Node> load_tree(const ConfigSources& sources, const EnvironmentLookup& environment, Findings& findings) {
  std::optional<Node> root = Node{};
  root->kind = Node::Kind::map;
  if (!sources.file.empty()) root = load_file(sources.file, findings, sources.text);
  for (const std::string& file : sources.overlays) {
    std::optional<Node> overlay = load_file(file, findings);
    if (overlay && root) merge_overlay(*root, std::move(*overlay), findings);
    if (!overlay) root.reset();  // the other overlays are still read: their findings come at once, too
  }
  if (!root) return std::nullopt;
  for (const std::string& set : sources.sets) apply_set(*root, set, findings);
  substitute_environment(*root, environment, findings);  // last: what is replaced needs no variable
  return root;
}

}  // namespace weir::yaml

#include "runtime/adapters/yaml/file_kind.h"

#include <fmt/format.h>

#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

constexpr std::string_view kSet = "--set ";

bool from_set(const ConfigPlace& place) {
  return place.line == 0 && place.file.starts_with(kSet);
}

const ConfigKeys& keys_of(ConfigKind kind) {
  return kind == ConfigKind::pipeline ? pipeline_keys() : node_keys();
}

/// The keys of the file that only files of `kind` have.
std::vector<std::string> keys_only_of(const Node& root, ConfigKind kind) {
  const ConfigKind other = kind == ConfigKind::pipeline ? ConfigKind::node : ConfigKind::pipeline;
  std::vector<std::string> found;
  for (const Entry& entry : root.entries) {
    if (from_set(entry.place)) continue;
    if (keys_of(kind).root.find(entry.key) != nullptr && keys_of(other).root.find(entry.key) == nullptr)
      found.push_back(entry.key);
  }
  return found;
}

/// Whether the files have a key at this path, as far as it leads through maps of fixed keys.
bool has_key(const Shape& root, std::string_view path) {
  const Shape* at = &root;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const Key* const key = at->find(path.substr(0, dot));
    if (key == nullptr) return false;
    at = &key->shape;
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return true;
}

}  // namespace

ConfigKind kind_of(const Node& root) {
  const Node* const name = root.find("pipeline");
  if (name != nullptr && !from_set(name->place)) return ConfigKind::pipeline;
  return keys_only_of(root, ConfigKind::node).size() > keys_only_of(root, ConfigKind::pipeline).size()
             ? ConfigKind::node
             : ConfigKind::pipeline;
}

std::string other_kind(const Node& root, ConfigKind wanted) {
  const std::vector<std::string> of_node = keys_only_of(root, ConfigKind::node);
  const std::vector<std::string> of_pipeline = keys_only_of(root, ConfigKind::pipeline);
  if (wanted == ConfigKind::pipeline && kind_of(root) == ConfigKind::node) {
    return fmt::format("this is a node file: it has {}; a pipeline file has pipeline: NAME, and a node file is given "
                       "with --node-config",
                       join(of_node));
  }
  const Node* const name = root.find("pipeline");
  const bool named = name != nullptr && !from_set(name->place);
  if (wanted == ConfigKind::node && (named || of_pipeline.size() > of_node.size())) {
    return fmt::format("this is a pipeline file: it has {}; a node file has none of these, and a pipeline file is given "
                       "without an option in front",
                       join(of_pipeline));
  }
  return {};
}

std::string set_hint(const ConfigPlace& place, ConfigKind kind, std::string_view map, std::string_view key) {
  if (!from_set(place)) return {};
  const std::string path = map.empty() ? std::string(key) : fmt::format("{}.{}", map, key);
  const ConfigKind other = kind == ConfigKind::pipeline ? ConfigKind::node : ConfigKind::pipeline;
  if (!has_key(keys_of(other).root, path)) return {};
  const std::string_view entry = std::string_view(place.file).substr(kSet.size());
  return kind == ConfigKind::node ? fmt::format("; it is a key of the pipeline file: write --set pipeline:{}", entry)
                                  : fmt::format("; it is a key of the node file: write --set {}", entry);
}

}  // namespace weir::yaml

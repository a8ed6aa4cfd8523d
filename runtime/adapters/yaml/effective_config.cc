#include "runtime/adapters/yaml/effective_config.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/adapters/yaml/config_keys.h"
#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/invariant.h"
#include "runtime/base/json_text.h"

namespace weir::yaml {
namespace {

Node parsed(const std::string& text) {
  Findings findings;
  std::optional<Node> node = parse_tree(text, "", findings);
  NODE_INVARIANT(node && findings.empty(), "a default of the description is YAML");
  return std::move(*node);
}

/// Places of defaults that `config show` writes out only where the loader takes them.
using Places = std::set<std::string>;

/// Writes the defaults into the tree, as the description has them.
class Filler {
 public:
  /// `silent`: which of the silent defaults are written, too. Those that could be are added to `candidates`.
  Filler(const ConfigKeys& keys, const Places& silent, Places& candidates)
      : keys_(keys), silent_(silent), candidates_(candidates) {}

  void fill(Node& node, const Shape& shape, const std::string& place) {
    if (is_plain_value(shape.form)) return;
    switch (shape.form) {
      case Shape::Form::map:
        return fill_map(node, shape, place);
      case Shape::Form::map_of:
        for (Entry& entry : node.entries) {
          const Key* const own = shape.find(entry.key);
          fill(entry.value, own != nullptr ? own->shape : shape.parts->front(), place + "/" + entry.key);
        }
        return;
      case Shape::Form::list:
        for (std::size_t i = 0; i < node.items.size(); ++i)
          fill(node.items[i], shape.parts->front(), fmt::format("{}/{}", place, i));
        return;
      case Shape::Form::either:
        return fill_either(node, shape, place);
      case Shape::Form::named:
        return fill(node, keys_.shape(shape.what), place);
      default:
        return;
    }
  }

 private:
  void fill_map(Node& node, const Shape& shape, const std::string& place) {
    if (node.kind != Node::Kind::map) return;
    for (const Key& key : *shape.keys) {
      const std::string inside = place + "/" + key.name;
      if (node.find(key.name) == nullptr) {
        if (!has_default(key) || alternative(shape, key.name)) continue;
        if (!key.shown) candidates_.insert(inside);
        if (!key.shown && !silent_.contains(inside)) continue;
        node.entries.push_back({key.name, {}, key.fallback.empty() ? empty_map() : parsed(key.fallback)});
      }
      const auto entry = std::find_if(node.entries.begin(), node.entries.end(),
                                      [&](const Entry& known) { return known.key == key.name; });
      fill(entry->value, key.shape, inside);
    }
  }
  /// Of a group of which exactly one is there: what is not given is not meant.
  [[nodiscard]] static bool alternative(const Shape& shape, const std::string& key) {
    return std::any_of(shape.one_of.begin(), shape.one_of.end(),
                       [&](const auto& group) { return std::find(group.begin(), group.end(), key) != group.end(); });
  }
  /// Whether `node` may be meant as `shape`; for choosing between alternatives of a file that loads.
  [[nodiscard]] bool fits(const Node& node, const Shape& shape) const {
    if (is_plain_value(shape.form)) return node.kind == Node::Kind::scalar || node.kind == Node::Kind::null;
    switch (shape.form) {
      case Shape::Form::map:
        return node.kind == Node::Kind::map &&
               std::all_of(node.entries.begin(), node.entries.end(),
                           [&](const Entry& entry) { return shape.find(entry.key) != nullptr; }) &&
               std::all_of(shape.keys->begin(), shape.keys->end(),
                           [&](const Key& key) { return !key.required || node.find(key.name) != nullptr; });
      case Shape::Form::map_of:
        return node.kind == Node::Kind::map;
      case Shape::Form::list:
        return node.kind == Node::Kind::list;
      case Shape::Form::named:
        return fits(node, keys_.shape(shape.what));
      case Shape::Form::either:
        return std::any_of(shape.parts->begin(), shape.parts->end(),
                           [&](const Shape& part) { return fits(node, part); });
      default:
        return false;
    }
  }
  void fill_either(Node& node, const Shape& shape, const std::string& place) {
    const auto part =
        std::find_if(shape.parts->begin(), shape.parts->end(), [&](const Shape& one) { return fits(node, one); });
    if (part != shape.parts->end()) fill(node, *part, place);
  }
  /// Also a section that is not there: it consists of defaults, unless something in it is required.
  [[nodiscard]] static bool has_default(const Key& key) {
    if (!key.fallback.empty()) return true;
    if (key.shape.form != Shape::Form::map || key.required || !key.shape.one_of.empty() || !key.shape.some_of.empty())
      return false;
    const std::vector<Key>& keys = *key.shape.keys;
    return std::any_of(keys.begin(), keys.end(), has_default) &&
           std::none_of(keys.begin(), keys.end(), [](const Key& inner) { return inner.required; });
  }
  static Node empty_map() {
    Node made;
    made.kind = Node::Kind::map;
    return made;
  }

  const ConfigKeys& keys_;
  const Places& silent_;
  Places& candidates_;
};

bool loads(const Node& root, ConfigKind kind, const std::string& folder, const PluginKinds& plugins) {
  Findings findings;
  Context context{findings, folder, nullptr, kind, &plugins};
  PipelineConfig pipeline;
  NodeConfig node;
  if (kind == ConfigKind::pipeline) read_pipeline(context, root, pipeline);
  if (kind == ConfigKind::node) read_node(context, root, node);
  return findings.empty();
}

/// With every default that may be written where it would stand: some would contradict what the file says (a zone beside
/// a format that has one), so these are tried one by one.
Node filled(const Node& root, ConfigKind kind, const std::string& folder, const PluginKinds& plugins) {
  const ConfigKeys keys = kind == ConfigKind::pipeline ? pipeline_keys(plugins) : node_keys(plugins);
  Places silent, tried;
  for (;;) {
    Places candidates;
    Node tree = root;
    Filler(keys, silent, candidates).fill(tree, keys.root, "");
    const auto next = std::find_if(candidates.begin(), candidates.end(),
                                   [&](const std::string& place) { return !tried.contains(place); });
    if (next == candidates.end()) return tree;
    tried.insert(*next);
    silent.insert(*next);
    tree = root;
    Filler(keys, silent, candidates).fill(tree, keys.root, "");
    if (!loads(tree, kind, folder, plugins)) silent.erase(*next);
  }
}

std::string quoted(const std::string& text, bool variables) {
  std::string out;
  append_json_string(out, text);
  if (!variables) return out;
  for (std::size_t at = 0; (at = out.find("${", at)) != std::string::npos; at += 3) out.insert(at, 1, '$');
  return out;
}

/// Text that YAML takes for what it is without quotes; a little less than YAML allows.
bool plain(const std::string& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  static const std::vector<std::string> kWords = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  std::string lower = text;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const bool digit = !text.empty() && text[0] >= '0' && text[0] <= '9' && letter(text.back());  // 7d, 64MiB
  return !text.empty() && (letter(text[0]) || digit) &&
         std::find(kWords.begin(), kWords.end(), lower) == kWords.end() &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/'; });
}

std::string scalar(const Node& node) {
  if (node.kind == Node::Kind::null) return "null";
  if (!is_text(node)) return node.text;  // numbers and booleans keep their spelling
  const bool number_like = !node.text.empty() && node.text.find_first_not_of("0123456789.eE") == std::string::npos;
  return plain(node.text) && !number_like ? node.text : quoted(node.text, true);
}

/// In one line, as flow style: what is small, and everything inside a list.
std::string flow(const Node& node) {
  if (node.kind == Node::Kind::list) {
    std::string out;
    for (const Node& item : node.items) out += (out.empty() ? "" : ", ") + flow(item);
    return "[" + out + "]";
  }
  if (node.kind != Node::Kind::map) return scalar(node);
  std::string out;
  for (const Entry& entry : node.entries) {
    out += (out.empty() ? "" : ", ") + (plain(entry.key) ? entry.key : quoted(entry.key, false)) + ": " +
           flow(entry.value);
  }
  return "{" + out + "}";
}

/// Longer flow style is broken up. Arbitrary: what fits a page beside its indentation.
constexpr std::size_t kLineMax = 100;

void block(const Node& node, std::size_t indent, std::string& out);

void block_value(const Node& value, std::size_t indent, std::string& out) {
  const std::string line = flow(value);
  const bool nested = value.kind == Node::Kind::map || value.kind == Node::Kind::list;
  const bool empty = value.entries.empty() && value.items.empty();
  if (!nested || empty || line.size() + indent <= kLineMax) {
    out += " " + line + "\n";
    return;
  }
  out += "\n";
  block(value, indent + 2, out);
}

void block(const Node& node, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  for (const Entry& entry : node.entries) {
    out += margin + (plain(entry.key) ? entry.key : quoted(entry.key, false)) + ":";
    block_value(entry.value, indent, out);
  }
  for (const Node& item : node.items) {
    const std::string line = flow(item);
    const bool map = item.kind == Node::Kind::map && !item.entries.empty();
    if (!map || line.size() + indent + 2 <= kLineMax) {
      out += margin + "- " + line + "\n";
      continue;
    }
    std::string inside;
    block(item, indent + 2, inside);
    out += margin + "- " + inside.substr(indent + 2);
  }
}

std::string json(const Node& node) {
  std::string out;
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::list:
      for (const Node& item : node.items) out += (out.empty() ? "" : ",") + json(item);
      return "[" + out + "]";
    case Node::Kind::map:
      for (const Entry& entry : node.entries)
        out += (out.empty() ? "" : ",") + quoted(entry.key, false) + ":" + json(entry.value);
      return "{" + out + "}";
    case Node::Kind::scalar:
      break;
  }
  return is_number(node) || is_boolean(node) ? node.text : quoted(node.text, false);
}

}  // namespace

ConfigKind kind_of(const ConfigSources& sources) {
  Findings ignored;
  const std::optional<Node> root = load_tree(
      sources, [](std::string_view) { return std::string(); }, ignored);
  return root ? kind_of(*root) : ConfigKind::pipeline;
}

Result<EffectiveConfig> effective_config(const ConfigSources& sources, ConfigKind kind,
                                         const EnvironmentLookup& environment, const PluginKinds& plugins) {
  const YamlConfigLoader loader(plugins, environment);
  const bool pipeline = kind == ConfigKind::pipeline;
  if (pipeline) {
    WEIR_TRY(loader.pipeline(sources));
  } else {
    WEIR_TRY(loader.node(sources));
  }
  Findings findings;
  std::optional<Node> root = load_tree(sources, environment, findings);
  if (!root || !findings.empty())
    return fail(Errc::config_invalid, "{}", findings.text());  // changed since it was checked
  const Node tree = filled(*root, kind, std::filesystem::path(sources.file).parent_path(), plugins);
  EffectiveConfig out;
  block(tree, 0, out.yaml);
  out.json = json(tree) + "\n";
  return out;
}

}  // namespace weir::yaml

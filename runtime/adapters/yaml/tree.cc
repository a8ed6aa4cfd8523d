#include "runtime/adapters/yaml/tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "runtime/adapters/yaml/broken_yaml.h"
#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kNodesMax = 100'000;

struct TooManyNodes {};

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const Entry& entry : node.entries) count += count_nodes(entry.value);
  return count;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, Findings& findings) : file_(file), findings_(findings) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { put(node(Node::Kind::null, mark), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node scalar = node(Node::Kind::scalar, mark);
    check_tag(tag, scalar.place);
    scalar.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    scalar.text = value;
    last_quoted_ = scalar.quoted ? std::optional(scalar.place) : std::nullopt;
    put(std::move(scalar), anchor);
  }
  void OnAlias(const YAML::Mark&, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    // yaml-cpp refuses unknown aliases itself; an alias inside its own anchor is not finished yet.
    if (found == anchors_.end()) return put(Node{}, YAML::NullAnchor);
    count_ += count_nodes(found->second) - 1;
    put(found->second, YAML::NullAnchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node(Node::Kind::list, mark), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node(Node::Kind::map, mark), tag, anchor);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] Node take_root() { return std::move(root_); }
  /// The last scalar of all, where it was quoted.
  [[nodiscard]] const std::optional<ConfigPlace>& last_quoted() const { return last_quoted_; }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Node> key;  // of maps: a key whose value is awaited
  };

  [[nodiscard]] Node node(Node::Kind kind, const YAML::Mark& mark) const {
    Node made;
    made.kind = kind;
    made.place = ConfigPlace{file_, mark.line + 1, mark.column + 1};
    return made;
  }
  void check_tag(const std::string& tag, const ConfigPlace& place) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
    findings_.add(place, fmt::format("the YAML tag \"{}\" is not used here; write the plain value", tag));
  }
  void open(Node made, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(tag, made.place);
    open_.push_back({std::move(made), anchor, std::nullopt});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    put(std::move(done.node), done.anchor);
  }
  void put(Node made, YAML::anchor_t anchor) {
    if (++count_ > kNodesMax) throw TooManyNodes{};
    if (anchor != YAML::NullAnchor) anchors_[anchor] = made;
    if (open_.empty()) {
      root_ = std::move(made);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::list) {
      parent.node.items.push_back(std::move(made));
    } else if (!parent.key) {
      parent.key = std::move(made);
    } else {
      put_entry(parent, std::move(made));
    }
  }
  void put_entry(Open& parent, Node value) {
    Node key = *std::exchange(parent.key, std::nullopt);
    if (key.kind != Node::Kind::scalar) {
      findings_.add(key.place, "a key must be plain text");
      return;
    }
    for (const Entry& entry : parent.node.entries) {
      if (entry.key != key.text) continue;
      findings_.add(key.place, fmt::format("the key \"{}\" stands here twice, first in line {}; keep one of them",
                                           key.text, entry.place.line));
      return;
    }
    if (value.kind == Node::Kind::null) value.place = key.place;  // yaml-cpp places an empty value at the next token
    parent.node.entries.push_back({std::move(key.text), key.place, std::move(value)});
  }

  const std::string& file_;
  Findings& findings_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t count_ = 0;
  std::optional<ConfigPlace> last_quoted_;
  Node root_;
};

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::optional<Node> parse_tree(const std::string& text, const std::string& file, Findings& findings) {
  std::istringstream in(text);
  TreeBuilder builder(file, findings);
  try {
    YAML::Parser parser(in);
    const bool any = parser.HandleNextDocument(builder);
    Node root = builder.take_root();
    if (root.place.line == 0) root.place = ConfigPlace{file, 1, 1};
    if (const auto& quoted = builder.last_quoted(); quoted && never_closed(text, {quoted->line, quoted->column})) {
      findings.add(*quoted, "the quote that opens here is not closed: it takes in everything behind it");
      return std::nullopt;
    }
    TreeBuilder second(file, findings);
    if (any && parser.HandleNextDocument(second)) {
      findings.add(second.take_root().place, "a second YAML document begins here; a file holds exactly one");
      return std::nullopt;
    }
    return root;
  } catch (const YAML::Exception& error) {
    if (const auto tab = indenting_tab(text)) {
      findings.add(ConfigPlace{file, tab->line, tab->column},
                   "a tab indents this line; YAML allows spaces only: write two spaces for each tab");
      return std::nullopt;
    }
    const bool placed = !error.mark.is_null();
    const YamlPlace at{placed ? error.mark.line + 1 : 1, placed ? error.mark.column + 1 : 1};
    findings.add(ConfigPlace{file, at.line, at.column},
                 fmt::format("this is not valid YAML: {}{}", error.msg, yaml_hint(text, at, error.msg)));
  } catch (const TooManyNodes&) {
    findings.add(ConfigPlace{file, 1, 1}, fmt::format("more than {} values once all aliases are filled in", kNodesMax));
  }
  return std::nullopt;
}

namespace {

void merge(Node& base, Node overlay) {
  if (base.kind != Node::Kind::map || overlay.kind != Node::Kind::map) {
    base = std::move(overlay);
    return;
  }
  for (Entry& entry : overlay.entries) {
    const auto found = std::find_if(base.entries.begin(), base.entries.end(),
                                    [&](const Entry& known) { return known.key == entry.key; });
    if (found == base.entries.end()) {
      base.entries.push_back(std::move(entry));
    } else if (entry.value.kind == Node::Kind::null) {
      base.entries.erase(found);
    } else {
      found->place = entry.place;
      merge(found->value, std::move(entry.value));
    }
  }
}

}  // namespace

void merge_overlay(Node& root, Node overlay, Findings& findings) {
  if (overlay.kind != Node::Kind::map) {
    findings.add(overlay.place, fmt::format("an overlay must be a map of keys and values, as the file it is laid over, "
                                            "found {}",
                                            describe_found(overlay)));
  } else if (root.kind == Node::Kind::map) {  // else what is wrong stands in the file before
    merge(root, std::move(overlay));
  }
}

namespace {

/// The text with its variables filled in; a finding and the text so far when one is missing or malformed.
std::string substituted(const Node& node, const EnvironmentLookup& environment, Findings& findings) {
  const std::string& text = node.text;
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t dollar = text.find("${", at);
    if (dollar == std::string::npos) break;
    if (dollar > at && text[dollar - 1] == '$') {
      out.append(text, at, dollar - 1 - at).append("${");
      at = dollar + 2;
      continue;
    }
    out.append(text, at, dollar - at);
    const std::size_t end = text.find('}', dollar);
    const std::string inside = end == std::string::npos ? std::string{} : text.substr(dollar + 2, end - dollar - 2);
    const std::size_t split = inside.find(":-");
    const std::string name = inside.substr(0, split);
    const bool legal =
        !name.empty() && (name[0] < '0' || name[0] > '9') &&
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!legal) {
      findings.add(node.place,
                   fmt::format("\"{}\" is not an environment variable; write ${{NAME}}, ${{NAME:-default}}, "
                               "or $${{ for a plain ${{",
                               text.substr(dollar, end == std::string::npos ? end : end - dollar + 1)));
      findings.mute(node.place);
      return out;
    }
    if (split != std::string::npos && inside.find("${", split) != std::string::npos) {
      findings.add(node.place, fmt::format("the default of ${{{}}} holds a variable, which would not be filled in; "
                                           "write a plain default: ${{{}:-value}}",
                                           name, name));
      findings.mute(node.place);
      return out;
    }
    const std::optional<std::string> value = environment(name);
    if (value && !(value->empty() && split != std::string::npos)) {
      out += *value;
    } else if (split != std::string::npos) {
      out.append(inside, split + 2);
    } else {
      findings.add(node.place, fmt::format("the environment variable {0} is not set; set it, or write a default as "
                                           "${{{0}:-value}}",
                                           name));
      findings.mute(node.place);
      return out;
    }
    at = end + 1;
  }
  out.append(text, at);
  return out;
}

}  // namespace

void substitute_environment(Node& node, const EnvironmentLookup& environment, Findings& findings) {
  if (node.kind == Node::Kind::scalar && node.text.find("${") != std::string::npos) {
    node.text = substituted(node, environment, findings);
  }
  for (Node& item : node.items) substitute_environment(item, environment, findings);
  for (Entry& entry : node.entries) substitute_environment(entry.value, environment, findings);
}

namespace {

void place_everywhere(Node& node, const ConfigPlace& place) {
  node.place = place;
  for (Node& item : node.items) place_everywhere(item, place);
  for (Entry& entry : node.entries) {
    entry.place = place;
    place_everywhere(entry.value, place);
  }
}

std::optional<std::vector<std::string>> split_set_path(std::string_view path) {
  std::vector<std::string> keys(1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size() && path[i + 1] == '.') {
      keys.back() += '.';
      ++i;
    } else if (path[i] == '.') {
      keys.emplace_back();
    } else {
      keys.back() += path[i];
    }
  }
  for (const std::string& key : keys) {
    if (key.empty()) return std::nullopt;
  }
  return keys;
}

/// The child of `node` named `key`, made when it is a new key of a map; nullptr (and a finding) where there can be
/// none.
Node* child(Node& node, const std::string& key, const ConfigPlace& place, Findings& findings) {
  if (node.kind == Node::Kind::list) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error == std::errc{} && end == key.data() + key.size() && index < node.items.size()) return &node.items[index];
    findings.add(place, node.items.empty() ? fmt::format("\"{}\" names an item of an empty list", key)
                                           : fmt::format("\"{}\" is no item of a list of {}; allowed: 0 to {}", key,
                                                         node.items.size(), node.items.size() - 1));
    return nullptr;
  }
  if (node.kind == Node::Kind::null) node.kind = Node::Kind::map;
  if (node.kind == Node::Kind::scalar) {
    findings.add(place, fmt::format("\"{}\" cannot be set below the plain value \"{}\"", key, node.text));
    return nullptr;
  }
  for (Entry& entry : node.entries) {
    if (entry.key == key) return &entry.value;
  }
  Node fresh;
  fresh.place = place;
  node.entries.push_back({key, place, std::move(fresh)});
  return &node.entries.back().value;
}

}  // namespace

void apply_set(Node& root, const std::string& set, Findings& findings) {
  const ConfigPlace place{fmt::format("--set {}", set), 0, 0};
  const std::size_t equals = set.find('=');
  const auto keys = split_set_path(std::string_view(set).substr(0, equals));
  if (equals == std::string::npos || !keys) {
    findings.add(place, "must be path=value with the keys of the path joined by dots, such as dedupe.remember=1h");
    return;
  }
  Findings inside;
  std::optional<Node> value = parse_tree(set.substr(equals + 1), place.file, inside);
  if (!value || !inside.empty()) {
    findings.add(place, "the value is not valid YAML; put text with special characters into quotes");
    return;
  }
  place_everywhere(*value, place);
  Node* at = &root;
  for (const std::string& key : *keys) {
    at = child(*at, key, place, findings);
    if (at == nullptr) return;
  }
  *at = std::move(*value);
}

}  // namespace weir::yaml

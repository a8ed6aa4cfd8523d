// A YAML file as a tree that keeps what strict checking needs: places, key order, quotes. Built from yaml-cpp's events,
// because its own nodes lose the order of keys and accept a key twice.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/yaml/findings.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::yaml {

struct Entry;
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  bool quoted = false;         // of scalars: a quoted scalar is text, never a number
  std::string text;            // of scalars
  std::vector<Node> items;     // of lists
  std::vector<Entry> entries;  // of maps, in file order, each key once
  ConfigPlace place;

  [[nodiscard]] const Node* find(std::string_view key) const;
};
struct Entry {
  std::string key;
  ConfigPlace place;  // of the key
  Node value;
};

/// One document of at most 100'000 nodes; aliases are copied in, so a bomb of anchors ends at that limit. Anything that
/// is not such a document becomes findings; then nothing is returned. Duplicate keys are findings, the first one is
/// kept.
[[nodiscard]] std::optional<Node> parse_tree(const std::string& text, const std::string& file, Findings& findings);

/// Lays one file's tree over another: maps merge by key, everything else takes the place of what stood there, `null`
/// takes away a key that `root` has (elsewhere it is an ordinary value). What comes from the overlay keeps its place
/// there. An overlay that is no map is a finding.
void merge_overlay(Node& root, Node overlay, Findings& findings);

/// Replaces `${NAME}` and `${NAME:-default}` in every scalar (`$${` is a plain `${`). A variable that is not set and
/// has no default is a finding.
void substitute_environment(Node& node, const EnvironmentLookup& environment, Findings& findings);

/// Applies one `path=value`; what it makes carries the place `--set path=value`.
void apply_set(Node& root, const std::string& set, Findings& findings);

/// The root of everything `sources` name: file, overlays, `--set`, then the environment. Nothing (and findings) when a
/// file has no tree to look at.
[[nodiscard]] std::optional<Node> load_tree(const ConfigSources& sources, const EnvironmentLookup& environment,
                                            Findings& findings);

}  // namespace weir::yaml

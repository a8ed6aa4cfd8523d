// Named rules of the stage `validate`, and the script among them.
#include <algorithm>

#include "runtime/adapters/yaml/validate_reader.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kRulesMax = 256;
constexpr std::size_t kPathsMax = 32;

const std::vector<std::pair<std::string, NamedRule::Kind>>& kinds() {
  static const std::vector<std::pair<std::string, NamedRule::Kind>> kKinds = {
      {"field", NamedRule::Kind::field},
      {"compare", NamedRule::Kind::compare},
      {"at_least_one", NamedRule::Kind::at_least_one},
      {"at_most_one", NamedRule::Kind::at_most_one},
      {"exactly_one", NamedRule::Kind::exactly_one},
      {"all_or_none", NamedRule::Kind::all_or_none}};
  return kKinds;
}

std::string kind_names() {
  std::vector<std::string> names;
  for (const auto& kind : kinds()) names.push_back(kind.first);
  return join(names);
}

/// A bare text is a path, a number or {const: …} a constant.
bool read_operand(Context& context, const Node& node, const std::string& name, NamedRule::Operand& out) {
  if (node.kind == Node::Kind::map) {
    MapReader map(context, node, name);
    const Node* constant = map.require("const", "{const: VALUE}");
    map.finish();
    return constant != nullptr && read_constant(context, *constant, map.path("const"), out.constant);
  }
  if (is_number(node)) return read_constant(context, node, name, out.constant);
  FieldPath path;
  if (!read_path(context, node, name, path)) return false;
  out.path = std::move(path);
  return true;
}

class RuleReader {
 public:
  RuleReader(Context& context, const Node& node, const std::string& name)
      : context_(context), node_(node), map_(context, node, name), name_(name) {}

  bool read(NamedRule& rule) {
    if (!map_.valid()) return false;
    const Node* kind = nullptr;
    for (const auto& [word, value] : kinds()) {
      if (node_.find(word) == nullptr) continue;
      const Node* found = map_.take(word);
      if (kind != nullptr) {
        context_.findings.add(
            found->place,
            fmt::format("\"{}\" already is a rule of another kind; make \"{}\" a rule of its own", name_, word));
        return false;
      }
      kind = found;
      rule.kind = value;
    }
    if (kind == nullptr) {
      context_.findings.add(node_.place,
                            fmt::format("\"{}\" says not what to check; allowed: {}", name_, kind_names()));
      return false;
    }
    bool good = true;
    if (rule.kind == NamedRule::Kind::field) {
      good = read_field_kind(*kind, rule);
    } else if (rule.kind == NamedRule::Kind::compare) {
      good = read_compare(*kind, rule);
    } else {
      good = read_presence(*kind, rule);
    }
    if (const Node* when = map_.take("when")) {
      WhenConfig condition;
      if (read_when(context_, *when, map_.path("when"), condition)) rule.when = std::move(condition);
    }
    map_.finish();
    return good;
  }

 private:
  bool read_field_kind(const Node& node, NamedRule& rule) {
    rule.field.place = rule.place;
    // A bound or a length says which type is meant.
    for (const char* key : {"min", "max", "above", "below"}) {
      if (node_.find(key) != nullptr) rule.field.type = FieldType::decimal;
    }
    for (const char* key : {"length_min", "length_max", "pattern"}) {
      if (node_.find(key) != nullptr) rule.field.type = FieldType::string;
    }
    const bool good = read_path(context_, node, map_.path("field"), rule.field.path);
    read_field_rule(context_, map_, rule.field);
    return good;
  }

  bool read_compare(const Node& node, NamedRule& rule) {
    const std::string name = map_.path("compare");
    if (const Node* required = map_.take("required"))
      read_boolean(context_, *required, map_.path("required"), rule.required);
    if (const Node* nullable = map_.take("nullable"))
      read_boolean(context_, *nullable, map_.path("nullable"), rule.nullable);
    if (const Node* as = map_.take("as")) {
      read_enum(context_, *as, map_.path("as"),
                std::vector<std::pair<std::string, NamedRule::As>>{
                    {"number", NamedRule::As::number}, {"text", NamedRule::As::text}, {"time", NamedRule::As::time}},
                rule.as);
    }
    if (node.kind != Node::Kind::list || node.items.size() != 3) {
      context_.findings.add(
          node.place,
          fmt::format(
              "\"{}\" must be two operands with a relation between them, such as [start, \"<=\", end]; found {}", name,
              describe_found(node)));
      return false;
    }
    const bool left = read_operand(context_, node.items[0], name, rule.left);
    const bool relation =
        read_enum(context_, node.items[1], name,
                  std::vector<std::pair<std::string, NamedRule::Relation>>{{"==", NamedRule::Relation::equal},
                                                                           {"!=", NamedRule::Relation::unequal},
                                                                           {"<", NamedRule::Relation::less},
                                                                           {"<=", NamedRule::Relation::less_equal},
                                                                           {">", NamedRule::Relation::greater},
                                                                           {">=", NamedRule::Relation::greater_equal}},
                  rule.relation);
    const bool right = read_operand(context_, node.items[2], name, rule.right);
    if (left && right && !rule.left.path && !rule.right.path) {
      context_.findings.add(node.place,
                            fmt::format("\"{}\" compares two constants: no event could change the answer", name));
      return false;
    }
    return left && relation && right;
  }

  bool read_presence(const Node& node, NamedRule& rule) {
    const std::string name = map_.path(kind_name(rule.kind));
    if (!read_paths(context_, node, name, kPathsMax, rule.paths)) return false;
    if (rule.paths.size() >= 2) return true;
    context_.findings.add(node.place,
                          fmt::format("\"{}\" must list 2 to {} fields, found {}", name, kPathsMax, rule.paths.size()));
    return false;
  }
  static std::string kind_name(NamedRule::Kind kind) {
    for (const auto& [word, value] : kinds()) {
      if (value == kind) return word;
    }
    return "";
  }

  Context& context_;
  const Node& node_;
  MapReader map_;
  std::string name_;
};

}  // namespace

void read_rules(Context& context, const Node& node, const std::string& name, ValidateConfig& out) {
  MapReader list(context, node, name);
  if (!list.valid()) return;
  if (node.entries.empty() || node.entries.size() > kRulesMax) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must name 1 to {} rules, found {}", name, kRulesMax, node.entries.size()));
    return;
  }
  for (const Entry& entry : node.entries) {
    if (entry.key == "lua") {
      read_script(context, entry.value, list.path(entry.key), out.script.emplace());
      continue;
    }
    NamedRule rule;
    rule.name = entry.key;
    rule.place = entry.place;
    bool good = read_name(context, entry.place, entry.key, "the rule name");
    good = RuleReader(context, entry.value, list.path(entry.key)).read(rule) && good;
    if (good) out.rules.push_back(std::move(rule));
  }
}

}  // namespace weir::yaml

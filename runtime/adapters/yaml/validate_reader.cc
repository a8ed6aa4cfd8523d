// The stage `validate`: rules for fields, and the file of a schema. Named rules and their script: rule_reader.cc.
#include "runtime/adapters/yaml/validate_reader.h"

#include <algorithm>
#include <filesystem>

#include "runtime/base/decimal.h"

namespace weir::yaml {
namespace {

const std::vector<std::pair<std::string, FieldType>>& field_types() {
  static const std::vector<std::pair<std::string, FieldType>> kTypes = {
      {"string", FieldType::string},   {"integer", FieldType::integer}, {"decimal", FieldType::decimal},
      {"boolean", FieldType::boolean}, {"object", FieldType::object},   {"array", FieldType::array},
      {"any", FieldType::any}};
  return kTypes;
}
std::string type_name(FieldType type) {
  for (const auto& [name, value] : field_types()) {
    if (value == type) return name;
  }
  return "any";
}
bool numeric(FieldType type) {
  return type == FieldType::integer || type == FieldType::decimal;
}

class FieldReader {
 public:
  FieldReader(Context& context, MapReader& map) : context_(context), map_(map) {}

  void read(FieldRule& rule) {
    const Node* type = map_.take("type");
    typed_ = type == nullptr || read_enum(context_, *type, map_.path("type"), field_types(), rule.type);
    if (const Node* node = map_.take("required")) read_boolean(context_, *node, map_.path("required"), rule.required);
    if (const Node* node = map_.take("nullable")) read_boolean(context_, *node, map_.path("nullable"), rule.nullable);
    read_coerce(rule);
    bound("min", rule, rule.min);
    bound("max", rule, rule.max);
    bound("above", rule, rule.above);
    bound("below", rule, rule.below);
    check_bounds(rule);
    length("length_min", rule, rule.length_min);
    length("length_max", rule, rule.length_max);
    if (const Node* most = map_.take("length_max");
        most != nullptr && rule.length_min && rule.length_max && *rule.length_min > *rule.length_max) {
      context_.findings.add(most->place, fmt::format("\"{}\" {} is less than length_min {}: no text can pass",
                                                     map_.path("length_max"), *rule.length_max, *rule.length_min));
    }
    one_of(rule);
    pattern(rule);
  }

 private:
  void read_coerce(FieldRule& rule) {
    const Node* node = map_.take("coerce");
    bool on = false;
    if (node == nullptr || !read_boolean(context_, *node, map_.path("coerce"), on)) return;
    rule.coerce = on;
    if (on && typed_ && !numeric(rule.type) && rule.type != FieldType::boolean) {
      context_.findings.add(node->place,
                            fmt::format("\"{}\" turns text into integer, decimal or boolean; the type here is {}",
                                        map_.path("coerce"), type_name(rule.type)));
    }
  }
  void bound(std::string_view key, const FieldRule& rule, std::optional<std::string>& out) {
    const Node* node = map_.take(key);
    if (node == nullptr) return;
    std::string value;
    if (!read_decimal(context_, *node, map_.path(key), value)) return;
    if (typed_ && !numeric(rule.type)) {
      context_.findings.add(node->place, fmt::format("\"{}\" needs type integer or decimal, the type here is {}",
                                                     map_.path(key), type_name(rule.type)));
      return;
    }
    out = std::move(value);
  }
  void check_bounds(const FieldRule& rule) {
    contradiction("above", "min", rule.above.has_value() && rule.min.has_value());
    contradiction("below", "max", rule.below.has_value() && rule.max.has_value());
    const auto& low = rule.min ? rule.min : rule.above;
    const auto& high = rule.max ? rule.max : rule.below;
    if (!low || !high) return;
    const auto order = *Decimal::parse(*low) <=> *Decimal::parse(*high);  // read_decimal has let both pass
    if (order < 0 || (order == 0 && rule.min && rule.max)) return;
    const std::string_view low_key = rule.min ? "min" : "above";
    const std::string_view high_key = rule.max ? "max" : "below";
    context_.findings.add(map_.take(high_key)->place,
                          fmt::format("\"{}\" {} leaves no room over {} {}: no value can pass", map_.path(high_key),
                                      *high, low_key, *low));
  }
  void contradiction(std::string_view key, std::string_view other, bool both) {
    if (!both) return;
    context_.findings.add(map_.take(key)->place,
                          fmt::format("\"{}\" (exclusive) and \"{}\" (inclusive) contradict each other; "
                                      "keep one of them",
                                      map_.path(key), other));
  }
  void length(std::string_view key, const FieldRule& rule, std::optional<std::uint32_t>& out) {
    const Node* node = map_.take(key);
    std::uint32_t value = 0;
    if (node == nullptr || !read_integer(context_, *node, map_.path(key), Range<std::uint32_t>{0, 16u << 20}, value))
      return;
    if (typed_ && rule.type != FieldType::string) {
      context_.findings.add(node->place, fmt::format("\"{}\" needs type string, the type here is {}", map_.path(key),
                                                     type_name(rule.type)));
      return;
    }
    out = value;
  }
  void pattern(FieldRule& rule) {
    const Node* node = map_.take("pattern");
    std::string text;
    if (node == nullptr || !read_text(context_, *node, map_.path("pattern"), text)) return;
    if (typed_ && rule.type != FieldType::string) {
      context_.findings.add(node->place, fmt::format("\"{}\" needs type string, the type here is {}",
                                                     map_.path("pattern"), type_name(rule.type)));
      return;
    }
    rule.pattern = std::move(text);
    rule.pattern_place = node->place;
    rule.pattern_key = map_.path("pattern");
  }
  void one_of(FieldRule& rule) {
    const Node* node = map_.take("one_of");
    if (node == nullptr) return;
    const std::string name = map_.path("one_of");
    if (node->kind != Node::Kind::list || node->items.empty() || node->items.size() > 10'000) {
      context_.findings.add(node->place, fmt::format("\"{}\" must be a list of 1 to 10000 values, found {}", name,
                                                     describe_found(*node)));
      return;
    }
    if (rule.type == FieldType::object || rule.type == FieldType::array) {
      context_.findings.add(node->place,
                            fmt::format("\"{}\" needs a plain type, the type here is {}", name, type_name(rule.type)));
      return;
    }
    for (const Node& item : node->items) {
      Constant value;
      if (!read_constant(context_, item, name, value)) continue;
      if (!fits(rule.type, value)) {
        context_.findings.add(item.place, fmt::format("\"{}\" holds {}, which no {} can be{}", name,
                                                      describe_found(item), type_name(rule.type),
                                                      rule.type == FieldType::string ? "; put it into quotes" : ""));
      } else if (std::find(rule.one_of.begin(), rule.one_of.end(), value) != rule.one_of.end()) {
        context_.findings.add(item.place, fmt::format("\"{}\" holds {} twice", name, describe_found(item)));
      } else {
        rule.one_of.push_back(std::move(value));
      }
    }
  }
  static bool fits(FieldType type, const Constant& value) {
    switch (type) {
      case FieldType::string:
        return value.kind == Constant::Kind::string;
      case FieldType::integer:
        return value.kind == Constant::Kind::number && value.text.find('.') == std::string::npos;
      case FieldType::decimal:
        return value.kind == Constant::Kind::number;
      case FieldType::boolean:
        return value.kind == Constant::Kind::boolean;
      case FieldType::any:
        return true;
      case FieldType::object:
      case FieldType::array:
        return false;
    }
    return false;
  }

  Context& context_;
  MapReader& map_;
  bool typed_ = true;  // false: the type is misspelt, so that nothing can be said of what belongs to it
};

/// `a: {type: integer}` and `a.b` cannot both hold.
void check_nesting(Context& context, const std::vector<FieldRule>& fields) {
  for (const FieldRule& inner : fields) {
    for (const FieldRule& outer : fields) {
      if (outer.path.parts.size() >= inner.path.parts.size() || outer.type == FieldType::any ||
          outer.type == FieldType::object ||
          !std::equal(outer.path.parts.begin(), outer.path.parts.end(), inner.path.parts.begin())) {
        continue;
      }
      context.findings.add(inner.place,
                           fmt::format("the field \"{}\" lies inside \"{}\", which is declared {}; declare it "
                                       "object or leave it out",
                                       inner.path.text, outer.path.text, type_name(outer.type)));
    }
  }
}

void read_fields(Context& context, const Node& node, const std::string& name, ValidateConfig& out) {
  MapReader list(context, node, name);
  if (!list.valid()) return;
  if (node.entries.empty()) {
    context.findings.add(node.place, fmt::format("\"{}\" must name at least one field", name));
  }
  for (const Entry& entry : node.entries) {
    FieldRule rule;
    rule.place = entry.place;
    const bool good = read_path(context, entry.place, entry.key, name, rule.path, false);
    MapReader map(context, entry.value, list.path(entry.key));
    read_field_rule(context, map, rule);
    map.finish();
    if (good) out.fields.push_back(std::move(rule));
  }
  check_nesting(context, out.fields);
}

/// The file must be there; what is in it is looked at when the pipeline is compiled.
void read_schema(Context& context, const Node& node, const std::string& name, ValidateConfig& out) {
  std::string file;
  if (!read_text(context, node, name, file)) return;
  const std::filesystem::path path(file);
  out.schema_place = node.place;
  out.schema = path.is_absolute() || context.folder.empty()
                   ? file
                   : (std::filesystem::path(context.folder) / path).lexically_normal().string();
  std::error_code error;
  const auto status = std::filesystem::status(*out.schema, error);
  if (error || !std::filesystem::exists(status)) {
    context.findings.add(node.place,
                         fmt::format("the schema \"{}\" cannot be read: there is no such file", *out.schema));
  } else if (!std::filesystem::is_regular_file(status)) {
    context.findings.add(node.place,
                         fmt::format("the schema \"{}\" cannot be read: it is not a regular file", *out.schema));
  }
}

}  // namespace

void read_field_rule(Context& context, MapReader& map, FieldRule& rule) {
  FieldReader(context, map).read(rule);
}

void read_validate(Context& context, const Node& node, const std::string& name, ValidateConfig& out) {
  MapReader map(context, node, name);
  const Node* fields = map.take("fields");
  const Node* schema = map.take("schema");
  const Node* rules = map.take("rules");
  map.finish();
  if (!map.valid()) return;
  if (fields == nullptr && schema == nullptr && rules == nullptr) {
    context.findings.add(node.place, fmt::format("\"{}\" checks nothing; give it fields, schema or rules", name));
  }
  if (fields != nullptr) read_fields(context, *fields, map.path("fields"), out);
  if (schema != nullptr) read_schema(context, *schema, map.path("schema"), out);
  if (rules != nullptr) read_rules(context, *rules, map.path("rules"), out);
}

}  // namespace weir::yaml

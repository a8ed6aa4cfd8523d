#include "cluster/cli/config_schema.h"

#include <fmt/format.h>

namespace weir::cli {

namespace {

using nlohmann::ordered_json;
using yaml::Key;
using yaml::Shape;

/// `${NAME}` may stand for every plain value; only the loader knows what it will be.
ordered_json or_variable(ordered_json schema) {
  return {{"anyOf", ordered_json::array({std::move(schema), ordered_json{{"$ref", "#/definitions/variable"}}})}};
}

ordered_json matching(const std::string& regex) { return or_variable({{"type", "string"}, {"pattern", regex}}); }

ordered_json integer(const Shape& shape) {
  return {{"type", "integer"}, {"minimum", std::stoll(shape.min)}, {"maximum", std::stoll(shape.max)}};
}

const char* path_regex(bool envelope) { return envelope ? "^(@(id|time|type|source|partition)$|[^@])" : "^[^@]"; }

class SchemaWriter {
 public:
  ordered_json write(const Shape& shape) const {
    switch (shape.form) {
      case Shape::Form::text:
      case Shape::Form::file: return {{"type", "string"}, {"minLength", 1}};
      case Shape::Form::name: return matching("^[A-Za-z][A-Za-z0-9_-]{0,63}$");
      case Shape::Form::path: return {{"type", "string"}, {"pattern", path_regex(shape.envelope)}};
      case Shape::Form::boolean: return or_variable({{"type", "boolean"}});
      case Shape::Form::integer: return or_variable(integer(shape));
      case Shape::Form::count:
        return {{"anyOf", ordered_json::array({{{"type", "integer"}, {"minimum", 0}},
                                               {{"type", "string"}, {"pattern", "^[0-9]+(\\.[0-9]+)?[KMG]?$"}},
                                               {{"$ref", "#/definitions/variable"}}})}};
      case Shape::Form::duration: return matching("^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$");
      case Shape::Form::size: return matching("^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB|TiB|PiB)$");
      case Shape::Form::decimal: return or_variable({{"type", "number"}});
      case Shape::Form::constant: return {{"type", ordered_json::array({"string", "number", "boolean", "null"})}};
      case Shape::Form::words: return or_variable({{"enum", shape.words}});
      case Shape::Form::pattern: return matching(shape.regex);
      case Shape::Form::list: return list(shape);
      case Shape::Form::map: return map(shape);
      case Shape::Form::map_of: return map_of(shape);
      case Shape::Form::either: return either(shape);
      case Shape::Form::named: return {{"$ref", "#/definitions/" + shape.what}};
    }
    return {};
  }

 private:
  ordered_json list(const Shape& shape) const {
    ordered_json out{{"type", "array"}, {"items", write(shape.parts->front())}};
    if (shape.items_min != 0) out["minItems"] = shape.items_min;
    if (shape.items_max != yaml::kAny) out["maxItems"] = shape.items_max;
    return out;
  }

  ordered_json map_of(const Shape& shape) const {
    ordered_json out{{"type", "object"}};
    if (shape.keys != nullptr) out["properties"] = properties(shape);
    out["additionalProperties"] = write(shape.parts->front());
    const Shape& key = (*shape.parts)[1];
    if (key.form == Shape::Form::name) out["propertyNames"] = {{"pattern", "^[A-Za-z][A-Za-z0-9_-]{0,63}$"}};
    if (key.form == Shape::Form::pattern) out["propertyNames"] = {{"pattern", key.regex}};
    if (key.form == Shape::Form::path) out["propertyNames"] = {{"pattern", path_regex(key.envelope)}};
    if (shape.items_min != 0) out["minProperties"] = shape.items_min;
    if (shape.items_max != yaml::kAny) out["maxProperties"] = shape.items_max;
    return out;
  }

  ordered_json either(const Shape& shape) const {
    ordered_json parts = ordered_json::array();
    for (const Shape& part : *shape.parts) parts.push_back(write(part));
    return {{"anyOf", std::move(parts)}};
  }

  ordered_json map(const Shape& shape) const {
    ordered_json required = ordered_json::array();
    ordered_json rules = ordered_json::array();
    for (const Key& key : *shape.keys) {
      if (key.required) required.push_back(key.name);
      for (const yaml::KeyRule& rule : key.rules) rules.push_back(rule_of(key.name, rule));
    }
    for (const auto& group : shape.one_of) rules.push_back({{"oneOf", each_required(group)}});
    for (const auto& group : shape.some_of) rules.push_back({{"anyOf", each_required(group)}});
    ordered_json out{{"type", "object"}, {"properties", properties(shape)}, {"additionalProperties", false}};
    if (!required.empty()) out["required"] = std::move(required);
    if (!rules.empty()) out["allOf"] = std::move(rules);
    return out;
  }

  ordered_json properties(const Shape& shape) const {
    ordered_json out = ordered_json::object();
    for (const Key& key : *shape.keys) {
      ordered_json value = write(key.shape);
      value["description"] = describe(key);
      if (!key.example.empty()) value["examples"] = ordered_json::array({key.example});
      out[key.name] = std::move(value);
    }
    return out;
  }

  static ordered_json each_required(const std::vector<std::string>& keys) {
    ordered_json out = ordered_json::array();
    for (const std::string& key : keys) out.push_back({{"required", ordered_json::array({key})}});
    return out;
  }

  static ordered_json rule_of(const std::string& key, const yaml::KeyRule& rule) {
    ordered_json other{{"required", ordered_json::array({rule.other})}};
    if (!rule.together) return {{"dependencies", {{key, {{"not", std::move(other)}}}}}};
    if (!rule.words.empty()) other["properties"] = {{rule.other, or_variable({{"enum", rule.words}})}};
    return {{"dependencies", {{key, std::move(other)}}}};
  }

  static std::string describe(const Key& key) {
    std::string out = key.doc;
    const std::string form = yaml::describe(key.shape);
    if (key.shape.form != Shape::Form::map) out += ": " + form;
    if (!key.fallback.empty()) out += "; default " + key.fallback;
    if (!key.otherwise.empty()) out += "; default: " + key.otherwise;
    return out;
  }
};

}  // namespace

ordered_json config_schema(const yaml::ConfigKeys& keys, const std::string& title) {
  const SchemaWriter writer;
  ordered_json out{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", title}};
  out.update(writer.write(keys.root));
  if (!out.contains("required")) out["type"] = {"object", "null"};  // an empty file is an empty map
  ordered_json definitions{{"variable", {{"type", "string"}, {"pattern", "\\$\\{"}}}};
  for (const auto& [name, shape] : keys.shapes) definitions[name] = writer.write(shape);
  out["definitions"] = std::move(definitions);
  return out;
}

}  // namespace weir::cli

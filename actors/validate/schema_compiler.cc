#include "actors/validate/schema_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/base/suggest.h"
#include "runtime/base/text_place.h"
#include "runtime/engine/field_ref.h"

namespace weir {

namespace {

constexpr std::string_view kNotes[] = {"$schema",         "$id",      "$comment", "title",     "description",
                                       "default",         "examples", "readOnly", "writeOnly", "contentEncoding",
                                       "contentMediaType"};
const std::vector<std::string>& keywords() {
  static const std::vector<std::string> kWords = {"$ref",
                                                  "additionalItems",
                                                  "additionalProperties",
                                                  "allOf",
                                                  "anyOf",
                                                  "const",
                                                  "contains",
                                                  "definitions",
                                                  "dependencies",
                                                  "else",
                                                  "enum",
                                                  "exclusiveMaximum",
                                                  "exclusiveMinimum",
                                                  "format",
                                                  "if",
                                                  "items",
                                                  "maxItems",
                                                  "maxLength",
                                                  "maxProperties",
                                                  "maximum",
                                                  "minItems",
                                                  "minLength",
                                                  "minProperties",
                                                  "minimum",
                                                  "multipleOf",
                                                  "not",
                                                  "oneOf",
                                                  "pattern",
                                                  "patternProperties",
                                                  "properties",
                                                  "propertyNames",
                                                  "required",
                                                  "then",
                                                  "type",
                                                  "uniqueItems"};
  return kWords;
}

std::string decode_pointer_part(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    int code = 0;
    if (part[i] == '%' && i + 2 < part.size() &&
        std::from_chars(part.data() + i + 1, part.data() + i + 3, code, 16).ptr == part.data() + i + 3) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += part[i];
    }
  }
  std::string plain;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool escape = out[i] == '~' && i + 1 < out.size() && (out[i + 1] == '0' || out[i + 1] == '1');
    plain += escape ? (out[++i] == '0' ? '~' : '/') : out[i];
  }
  return plain;
}

}  // namespace

Result<std::shared_ptr<const JsonSchema>> JsonSchema::compile(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::shared_ptr<JsonSchema> schema(new JsonSchema(text));
  ParseProblem problem;
  if (!schema->source_.parse(schema->text_.view(), problem)) {
    return fail(Errc::config_invalid, "{}: this is no JSON: {}", place_text(file, text, problem.at), problem.what);
  }
  WEIR_TRY(SchemaCompiler(*schema, file).compile());
  return std::shared_ptr<const JsonSchema>(std::move(schema));
}

Result<void> SchemaCompiler::compile() {
  root(0);
  (void)schema(0);
  // What is only pointed at is compiled now; it may point on.
  for (std::size_t i = 0; i < references_.size(); ++i) {
    const auto [from, to] = references_[i];
    const Index target = schema(to);
    schema_.nodes_[from].ref = target;
  }
  if (findings_.empty()) find_circles();
  if (findings_.empty()) return {};
  return fail(Errc::config_invalid, "{}", fmt::join(findings_, "\n"));
}

void SchemaCompiler::root(std::uint32_t node) {
  if (source_[node].value.kind != ValueKind::object) return;
  if (const std::uint32_t version = source_.member(node, "$schema");
      version != 0 && is(version, ValueKind::string, "text")) {
    std::string text = source_.text(version);
    if (text.ends_with('#')) text.pop_back();
    if (text != "http://json-schema.org/draft-07/schema" && text != "https://json-schema.org/draft-07/schema")
      finding(version, "only draft 7 is understood, http://json-schema.org/draft-07/schema#");
  }
  if (const std::uint32_t id = source_.member(node, "$id"); id != 0 && is(id, ValueKind::string, "text")) {
    base_ = source_.text(id);
    if (base_.ends_with('#')) base_.pop_back();
  }
}

SchemaNode::Index SchemaCompiler::schema(std::uint32_t node) {
  if (const auto known = known_.find(node); known != known_.end()) return known->second;
  const ValueKind kind = source_[node].value.kind;
  if (kind != ValueKind::object && kind != ValueKind::boolean) {
    finding(node, fmt::format("a schema is an object, true or false; found {}", shown(source_[node].value)));
    return SchemaNode::kNone;
  }
  if (schema_.nodes_.size() == JsonSchema::kSchemasMax) {
    if (findings_.empty()) finding(node, fmt::format("more than {} schemas in one file", JsonSchema::kSchemasMax));
    return SchemaNode::kNone;
  }
  const auto index = static_cast<Index>(schema_.nodes_.size());
  known_.emplace(node, index);
  schema_.nodes_.emplace_back();
  places_.push_back(node);
  SchemaNode filled;
  if (kind == ValueKind::boolean) {
    filled.never = source_[node].value.span() == "false";
  } else {
    auto outer = std::exchange(texts_, {});
    fill(filled, node);
    texts_ = std::move(outer);
  }
  schema_.nodes_[index] = std::move(filled);
  return index;
}

void SchemaCompiler::fill(SchemaNode& out, std::uint32_t node) {
  if (const std::uint32_t ref = source_.member(node, "$ref"); ref != 0) {
    // Draft 7: what stands beside a $ref does not count. Definitions beside it may still be pointed at.
    if (is(ref, ValueKind::string, "text")) {
      if (const std::uint32_t target = resolve(ref, source_.text(ref)); target != SchemaNode::kNone)
        references_.emplace_back(known_.at(node), target);
    }
    for (const char* name : {"definitions", "$defs"}) {
      if (const std::uint32_t inside = source_.member(node, name); inside != 0) definitions(inside);
    }
    return;
  }
  if (const std::uint32_t id = source_.member(node, "$id"); id != 0 && node != 0)
    finding(id, "$id inside a schema changes what # means, which is not supported; remove it");
  names(out, node);
  const auto& nodes = source_;
  for (std::uint32_t child = JsonTree::inside(node); child != nodes[node].next; child = nodes[child].next)
    keyword(out, nodes.key_text(child), child);
  if (out.condition == SchemaNode::kNone) out.consequence = out.alternative = SchemaNode::kNone;
  // Without a tuple there is nothing behind it.
  if (const std::uint32_t items = source_.member(node, "items");
      items == 0 || source_[items].value.kind != ValueKind::array)
    out.items = items == 0 ? SchemaNode::kNone : schema(items);
  out.looks_at_members = !out.property.empty() || !out.required.empty() || !out.pattern_properties.empty() ||
                         !out.dependencies.empty() || out.additional_properties != SchemaNode::kNone ||
                         out.property_names != SchemaNode::kNone;
}

/// The names that properties, required and dependencies ask for, collected first: they are numbered together.
void SchemaCompiler::names(SchemaNode& out, std::uint32_t node) {
  const auto add = [this](const std::string& text) {
    if (std::find(texts_.begin(), texts_.end(), text) == texts_.end()) texts_.push_back(text);
  };
  const auto each = [this](std::uint32_t parent, const auto& visit) {
    for (std::uint32_t child = JsonTree::inside(parent); child != source_[parent].next; child = source_[child].next)
      visit(child);
  };
  const auto add_strings = [&](std::uint32_t list) {
    if (source_[list].value.kind != ValueKind::array) return;
    each(list, [&](std::uint32_t item) {
      if (source_[item].value.kind == ValueKind::string) add(source_.text(item));
    });
  };
  for (const char* keyword : {"properties", "dependencies"}) {
    const std::uint32_t map = source_.member(node, keyword);
    if (map == 0 || source_[map].value.kind != ValueKind::object) continue;
    each(map, [&](std::uint32_t member) {
      add(source_.key_text(member));
      if (std::string_view(keyword) == "dependencies") add_strings(member);
    });
  }
  if (const std::uint32_t required = source_.member(node, "required"); required != 0) add_strings(required);
  out.names = TextSet(texts_);
  out.property.assign(texts_.size(), SchemaNode::kNone);
}

std::uint32_t SchemaCompiler::name(const std::string& text) {
  return static_cast<std::uint32_t>(std::find(texts_.begin(), texts_.end(), text) - texts_.begin());
}

bool SchemaCompiler::pattern(std::uint32_t at, const std::string& text, std::optional<TextPattern>& out) {
  auto compiled = TextPattern::compile(text);
  if (!compiled) {
    finding(at, compiled.error().context);
    return false;
  }
  out = std::move(*compiled);
  return true;
}

std::uint32_t SchemaCompiler::resolve(std::uint32_t value, std::string_view pointer) {
  const std::string_view written = pointer;
  if (!base_.empty() && pointer.starts_with(base_)) pointer.remove_prefix(base_.size());
  if (pointer.empty() && !written.empty()) return 0;
  if (!pointer.starts_with('#')) {
    finding(
        value,
        fmt::format("\"{}\" leads out of this file, and nothing is fetched while events are checked; put that schema "
                    "under definitions and write #/definitions/NAME",
                    written));
    return SchemaNode::kNone;
  }
  pointer.remove_prefix(1);
  std::uint32_t node = 0;
  if (!pointer.empty() && !pointer.starts_with('/')) {
    finding(value, fmt::format("\"{}\" is not supported; write # or a pointer such as #/definitions/NAME", written));
    return SchemaNode::kNone;
  }
  while (!pointer.empty()) {
    const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    const std::string part = decode_pointer_part(pointer.substr(1, end - 1));
    std::uint32_t next = 0;
    if (source_[node].value.kind == ValueKind::object) {
      next = source_.member(node, part);
    } else if (source_[node].value.kind == ValueKind::array) {
      std::uint32_t place = 0;
      const auto read = std::from_chars(part.data(), part.data() + part.size(), place);
      if (read.ec == std::errc{} && read.ptr == part.data() + part.size() && place < source_[node].count) {
        next = JsonTree::inside(node);
        while (place-- != 0) next = source_[next].next;
      }
    }
    if (next == 0) {
      finding(value, fmt::format("\"{}\" leads nowhere: there is no \"{}\"", written, part));
      return SchemaNode::kNone;
    }
    node = next;
    pointer.remove_prefix(end);
  }
  return node;
}

void SchemaCompiler::definitions(std::uint32_t value) {
  if (!is(value, ValueKind::object, "an object of schemas")) return;
  for (std::uint32_t child = JsonTree::inside(value); child != source_[value].next; child = source_[child].next)
    (void)schema(child);
}

void SchemaCompiler::schemas(std::uint32_t value, std::vector<Index>& out) {
  if (!is(value, ValueKind::array, "a list of schemas")) return;
  if (source_[value].count == 0) return finding(value, "must hold at least one schema");
  for (std::uint32_t child = JsonTree::inside(value); child != source_[value].next; child = source_[child].next)
    out.push_back(schema(child));
}

void SchemaCompiler::unknown(const std::string& name, std::uint32_t value) {
  if (std::find(std::begin(kNotes), std::end(kNotes), name) != std::end(kNotes) || name.starts_with("x-")) return;
  if (name == "$defs") return definitions(value);
  if (const auto meant = nearest(name, keywords()))
    finding(value,
            fmt::format("there is no keyword \"{}\"; did you mean \"{}\"? (a note of your own may begin with x-)", name,
                        *meant));
}

void SchemaCompiler::find_circles() {
  depths_.assign(schema_.nodes_.size(), 0);
  for (Index index = 0; index < schema_.nodes_.size() && findings_.empty(); ++index) {
    if (in_place(index) > JsonSchema::kInPlaceMax && findings_.empty())
      finding(places_[index],
              fmt::format("more than {} schemas inside each other for one value", JsonSchema::kInPlaceMax));
  }
}

std::uint32_t SchemaCompiler::in_place(Index index) {
  constexpr std::uint32_t kOpen = 0xffffffff;
  if (index == SchemaNode::kNone) return 0;
  if (depths_[index] == kOpen) {
    if (findings_.empty())
      finding(places_[index], "leads back to itself without looking deeper into the value: it would never end");
    return 0;
  }
  if (depths_[index] != 0) return depths_[index];
  depths_[index] = kOpen;
  const SchemaNode& s = schema_.nodes_[index];
  std::uint32_t deepest = 0;
  const auto look = [&](Index to) { deepest = std::max(deepest, in_place(to)); };
  for (const auto* list : {&s.all_of, &s.any_of, &s.one_of}) {
    for (const Index to : *list) look(to);
  }
  for (const Index to : {s.ref, s.negated, s.condition, s.consequence, s.alternative}) look(to);
  for (const SchemaNode::Dependency& dependency : s.dependencies) look(dependency.schema);
  depths_[index] = deepest + 1;
  return depths_[index];
}

bool SchemaCompiler::is(std::uint32_t node, ValueKind kind, std::string_view wanted) {
  if (source_[node].value.kind == kind) return true;
  finding(node, fmt::format("must be {}; found {}", wanted, shown(source_[node].value)));
  return false;
}

void SchemaCompiler::finding(std::uint32_t node, const std::string& words) {
  if (findings_.size() == kFindingsMax) findings_.push_back(fmt::format("{}: and more", file_));
  if (findings_.size() >= kFindingsMax) return;
  const std::string_view text = schema_.text_.view();
  const Value& value = source_[node].value;
  const auto at = static_cast<std::size_t>(value.data - text.data()) - (value.kind == ValueKind::string ? 1 : 0);
  findings_.push_back(fmt::format("{}: #{}: {}", place_text(file_, text, at), pointer(node), words));
}

std::string SchemaCompiler::pointer(std::uint32_t node) const {
  std::string out;
  for (std::uint32_t at = 0; at != node;) {
    std::uint32_t child = JsonTree::inside(at);
    std::size_t place = 0;
    while (source_[child].next <= node) {
      child = source_[child].next;
      ++place;
    }
    out += '/';
    out += source_[child].key == nullptr ? fmt::format("{}", place) : source_.key_text(child);
    at = child;
  }
  return out;
}

}  // namespace weir

#include "actors/validate/schema_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/field_ref.h"
#include "runtime/event/json_scan.h"

namespace weir {

namespace {

std::string type_names(std::uint8_t types) {
  static constexpr std::pair<std::uint8_t, std::string_view> kNames[] = {
      {schema_type::null, "null"},     {schema_type::boolean, "boolean"}, {schema_type::integer, "integer"},
      {schema_type::number, "number"}, {schema_type::string, "string"},   {schema_type::object, "object"},
      {schema_type::array, "array"}};
  std::string out;
  for (const auto& [bit, name] : kNames) {
    if ((types & bit) == 0) continue;
    if (!out.empty()) out += " or ";
    out += name;
  }
  return out;
}

/// The text of a string. `own` keeps it where it had escapes: nothing of it outlives the comparison it is for.
std::string_view plain(const Value& value, std::string& own) {
  if (!value.has(value_flag::escapes)) return value.span();
  own.clear();
  own.reserve(value.length + kBlockPadding);
  (void)append_unescaped(own, value.span());  // a tree's strings are good
  const std::size_t size = own.size();
  own.append(kBlockPadding, '\0');
  return std::string_view(own).substr(0, size);
}

bool has(const std::vector<std::uint64_t>& many, std::uint64_t few, std::uint32_t name) {
  return many.empty() ? (few >> name & 1) != 0 : (many[name / 64] >> (name % 64) & 1) != 0;
}

}  // namespace

bool SchemaCheck::step() {
  if (steps_left_ == 0) {
    exhausted_ = true;
    return false;
  }
  --steps_left_;
  return true;
}

std::string SchemaCheck::place() const {
  std::string out;
  for (std::size_t i = 0; i < path_.size(); ++i) {
    if (!out.empty()) out += '.';
    const JsonNode& node = at(path_[i]);
    if (node.key == nullptr) {
      const std::uint32_t parent = i == 0 ? 0 : path_[i - 1];
      std::size_t index = 0;
      for (std::uint32_t child = JsonTree::inside(parent); child != path_[i]; child = tree_[child].next) ++index;
      out += fmt::format("{}", index);
      continue;
    }
    const std::string key = tree_.key_text(path_[i]);
    for (const char c : std::string_view(key).substr(0, 64)) {
      if (c == '.') out += '\\';
      out += c;
    }
    if (key.size() > 64) {
      while (!out.empty() && !is_valid_utf8(out)) out.pop_back();
      out += "…";
    }
  }
  return out.empty() ? "the record" : out;
}

void SchemaCheck::say(std::string words) {
  report_->push_back(fmt::format("{}: {}", place(), words));
}

bool SchemaCheck::below(Index index, std::uint32_t node) {
  if (report_ == nullptr) return check(index, node);
  path_.push_back(node);
  const bool good = check(index, node);
  path_.pop_back();
  return good;
}

bool SchemaCheck::silently(Index index, std::uint32_t node) {
  auto* const report = std::exchange(report_, nullptr);
  const bool good = check(index, node);
  report_ = report;
  return good;
}

bool SchemaCheck::check(Index index, std::uint32_t node) {
  if (!step()) return false;
  const SchemaNode* s = &schema_.node(index);
  while (s->ref != SchemaNode::kNone) s = &schema_.node(s->ref);  // no circle: the compiler has looked
  if (s->never) {
    if (wants_words()) say("is not allowed here");
    return false;
  }
  const Value& value = at(node).value;
  bool good = s->types == SchemaNode::kAnyType || type(*s, value);
  const auto also = [&](bool holds) { good = good && holds; };
  // What is of a wrong type is not also told what else is wrong with it.
  if (!good) return false;
  if (!s->choices.empty()) also(choice(*s, node));
  if (!good && report_ == nullptr) return false;
  switch (value.kind) {
    case ValueKind::number:
      if (!s->limits.empty() || s->multiple_of) also(number(*s, value));
      break;
    case ValueKind::string:
      if (s->lengths.given() || s->pattern || s->format) also(text(*s, value));
      break;
    case ValueKind::object:
      if (s->looks_at_members || s->properties_count.given()) also(object(*s, node));
      break;
    case ValueKind::array:
      also(array(*s, node));
      break;
    case ValueKind::missing:
    case ValueKind::null:
    case ValueKind::boolean:
    case ValueKind::text:
      break;
  }
  if (!good && report_ == nullptr) return false;
  also(combined(*s, node));
  return good;
}

bool SchemaCheck::type(const SchemaNode& s, const Value& value) {
  std::uint8_t bit = 0;
  switch (value.kind) {
    case ValueKind::null:
      bit = schema_type::null;
      break;
    case ValueKind::boolean:
      bit = schema_type::boolean;
      break;
    case ValueKind::number:
      bit = schema_type::number;
      break;
    case ValueKind::string:
      bit = schema_type::string;
      break;
    case ValueKind::object:
      bit = schema_type::object;
      break;
    case ValueKind::array:
      bit = schema_type::array;
      break;
    case ValueKind::missing:
    case ValueKind::text:
      break;
  }
  if ((s.types & bit) != 0) return true;
  if (bit == schema_type::number && (s.types & schema_type::integer) != 0) {
    if (value.span().find_first_of(".eE") == std::string_view::npos || JsonNumber(value.span()).whole()) return true;
  }
  if (wants_words()) say(fmt::format("{} is not of type {}", shown(value), type_names(s.types)));
  return false;
}

bool SchemaCheck::number(const SchemaNode& s, const Value& value) {
  json_scan::SmallNumber small;
  const bool whole = json_scan::small_number(value.data, value.length, small) && small.scale == 0;
  bool good = true;
  for (const SchemaNode::Limit& limit : s.limits) {
    const std::weak_ordering order = whole && limit.whole ? std::weak_ordering(small.unscaled <=> *limit.whole)
                                                          : JsonNumber(value.span()) <=> limit.value;
    if (order == 0 ? limit.inclusive : limit.lower ? order > 0 : order < 0) continue;
    good = false;
    if (report_ == nullptr) return false;
    const std::string_view word =
        limit.lower ? (limit.inclusive ? "below" : "not above") : (limit.inclusive ? "above" : "not below");
    if (wants_words()) say(fmt::format("{} is {} {}", shown(value), word, limit.text));
  }
  if (s.multiple_of && !JsonNumber(value.span()).multiple_of(s.multiple_of->first)) {
    good = false;
    if (wants_words()) say(fmt::format("{} is not a multiple of {}", shown(value), s.multiple_of->second));
  }
  return good;
}

bool SchemaCheck::text(const SchemaNode& s, const Value& value) {
  std::string own;
  const std::string_view text = plain(value, own);
  bool good = true;
  if (s.lengths.given()) {
    const std::size_t length = count_code_points(text);
    if (!s.lengths.holds(length)) {
      good = false;
      if (wants_words())
        say(length < s.lengths.min ? fmt::format("{} characters, at least {} are needed", length, s.lengths.min)
                                   : fmt::format("{} characters, at most {} are allowed", length, s.lengths.max));
    }
  }
  if (s.pattern && (good || report_ != nullptr) && !s.pattern->found_in(text)) {
    good = false;
    if (wants_words()) say(fmt::format("{} does not match the pattern {}", shown(value), s.pattern->text()));
  }
  if (s.format && (good || report_ != nullptr) && !has_format(*s.format, text)) {
    good = false;
    if (wants_words()) say(fmt::format("{} is no {}", shown(value), to_string(*s.format)));
  }
  return good;
}

bool SchemaCheck::choice(const SchemaNode& s, std::uint32_t node) {
  const Value& value = at(node).value;
  std::string own;
  for (const SchemaNode::Choice& choice : s.choices) {
    const bool found = value.kind == ValueKind::string
                           ? choice.texts.holds(plain(value, own))
                           : std::any_of(choice.others.begin(), choice.others.end(),
                                         [&](std::uint32_t other) { return equal(schema_.source(), other, node); });
    if (found) continue;
    if (wants_words()) say(fmt::format("{} is none of the allowed values", shown(value)));
    return false;
  }
  return true;
}

bool SchemaCheck::member(const SchemaNode& s, std::uint32_t child, std::vector<std::uint64_t>& many,
                         std::uint64_t& few) {
  const Value key_value = tree_[child].key_value();
  std::string own;
  const std::string_view key = plain(key_value, own);
  bool good = true;
  bool matched = false;
  if (const std::uint32_t name = s.names.find(key); name != TextSet::kNone) {
    (many.empty() ? few : many[name / 64]) |= std::uint64_t{1} << (name % 64);
    if (s.property[name] != SchemaNode::kNone) {
      matched = true;
      good = below(s.property[name], child);
    }
  }
  for (const auto& [pattern, schema] : s.pattern_properties) {
    if (!pattern.found_in(key)) continue;
    matched = true;
    if (good || report_ != nullptr) good = below(schema, child) && good;
  }
  if (!matched && s.additional_properties != SchemaNode::kNone) good = below(s.additional_properties, child) && good;
  if (s.property_names != SchemaNode::kNone && (good || report_ != nullptr)) {
    JsonNode name;
    name.value = key_value;
    keys_.push_back(name);
    const bool fits = silently(s.property_names, kKey | static_cast<std::uint32_t>(keys_.size() - 1));
    keys_.pop_back();
    if (!fits && wants_words()) say(fmt::format("the name {} does not fit propertyNames", shown(key_value)));
    good = good && fits;
  }
  return good;
}

bool SchemaCheck::object(const SchemaNode& s, std::uint32_t node) {
  const JsonNode& object = at(node);
  bool good = true;
  if (!s.properties_count.holds(object.count)) {
    good = false;
    if (wants_words())
      say(object.count < s.properties_count.min
              ? fmt::format("{} fields, at least {} are needed", object.count, s.properties_count.min)
              : fmt::format("{} fields, at most {} are allowed", object.count, s.properties_count.max));
  }
  if (!s.looks_at_members) return good;
  std::uint64_t few = 0;
  std::vector<std::uint64_t> many;
  if (s.names.texts().size() > 64) many.resize((s.names.texts().size() + 63) / 64);
  for (std::uint32_t child = JsonTree::inside(node); child != object.next; child = tree_[child].next) {
    good = member(s, child, many, few) && good;
    if (!good && report_ == nullptr) return false;
  }
  for (const std::uint32_t name : s.required) {
    if (has(many, few, name)) continue;
    good = false;
    if (report_ == nullptr) return false;
    if (wants_words()) say(fmt::format("the field {} is missing", to_json_string(s.names.texts()[name])));
  }
  return s.dependencies.empty() ? good : dependencies(s, node, many, few) && good;
}

bool SchemaCheck::dependencies(const SchemaNode& s, std::uint32_t node, const std::vector<std::uint64_t>& many,
                               std::uint64_t few) {
  bool good = true;
  for (const SchemaNode::Dependency& dependency : s.dependencies) {
    if (!has(many, few, dependency.name)) continue;
    if (dependency.schema != SchemaNode::kNone) good = check(dependency.schema, node) && good;
    for (const std::uint32_t name : dependency.required) {
      if (has(many, few, name)) continue;
      good = false;
      if (wants_words())
        say(fmt::format("the field {} is missing, which {} asks for", to_json_string(s.names.texts()[name]),
                        to_json_string(s.names.texts()[dependency.name])));
    }
    if (!good && report_ == nullptr) return false;
  }
  return good;
}

bool SchemaCheck::array(const SchemaNode& s, std::uint32_t node) {
  const JsonNode& array = at(node);
  bool good = true;
  if (!s.items_count.holds(array.count)) {
    good = false;
    if (wants_words())
      say(array.count < s.items_count.min
              ? fmt::format("{} items, at least {} are needed", array.count, s.items_count.min)
              : fmt::format("{} items, at most {} are allowed", array.count, s.items_count.max));
  }
  if (!good && report_ == nullptr) return false;
  if (!s.tuple.empty() || s.items != SchemaNode::kNone) {
    std::size_t i = 0;
    for (std::uint32_t child = JsonTree::inside(node); child != array.next; child = tree_[child].next, ++i) {
      const Index schema = i < s.tuple.size() ? s.tuple[i] : s.items;
      if (schema == SchemaNode::kNone) break;
      good = below(schema, child) && good;
      if (!good && report_ == nullptr) return false;
    }
  }
  if (s.contains != SchemaNode::kNone) {
    bool found = false;
    for (std::uint32_t child = JsonTree::inside(node); child != array.next && !found; child = tree_[child].next)
      found = silently(s.contains, child);
    if (!found && wants_words()) say("no item fits contains");
    good = good && found;
  }
  if (s.unique_items && (good || report_ != nullptr)) good = unique(node) && good;
  return good;
}

bool SchemaCheck::unique(std::uint32_t node) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> items;
  items.reserve(tree_[node].count);
  for (std::uint32_t child = JsonTree::inside(node); child != tree_[node].next; child = tree_[child].next)
    items.emplace_back(hash(child), child);
  std::sort(items.begin(), items.end());
  for (std::size_t i = 1; i < items.size(); ++i) {
    for (std::size_t j = i; j-- > 0 && items[j].first == items[i].first;) {
      if (!step()) return false;
      if (!equal(tree_, items[j].second, items[i].second)) continue;
      if (wants_words()) say(fmt::format("the item {} stands twice", shown(tree_[items[i].second].value)));
      return false;
    }
  }
  return true;
}

bool SchemaCheck::combined(const SchemaNode& s, std::uint32_t node) {
  bool good = true;
  for (const Index schema : s.all_of) {
    good = check(schema, node) && good;
    if (!good && report_ == nullptr) return false;
  }
  if (!s.any_of.empty() &&
      std::none_of(s.any_of.begin(), s.any_of.end(), [&](Index schema) { return silently(schema, node); })) {
    good = false;
    if (wants_words()) say(fmt::format("fits none of the {} schemas of anyOf", s.any_of.size()));
  }
  if (!s.one_of.empty()) {
    std::size_t fits = 0;
    for (const Index schema : s.one_of) fits += silently(schema, node) ? 1 : 0;
    if (fits != 1) {
      good = false;
      if (wants_words())
        say(fits == 0 ? fmt::format("fits none of the {} schemas of oneOf", s.one_of.size())
                      : fmt::format("fits {} schemas of oneOf, exactly one is allowed", fits));
    }
  }
  if (s.negated != SchemaNode::kNone && silently(s.negated, node)) {
    good = false;
    if (wants_words()) say("fits the schema of not");
  }
  if (s.condition != SchemaNode::kNone) {
    const Index then = silently(s.condition, node) ? s.consequence : s.alternative;
    if (then != SchemaNode::kNone) good = check(then, node) && good;
  }
  return good;
}

bool SchemaCheck::equal(const JsonTree& other, std::uint32_t theirs, std::uint32_t ours) {
  if (!step()) return false;
  const JsonNode& a = other[theirs];
  const JsonNode& b = at(ours);
  if (a.value.kind != b.value.kind) return false;
  switch (a.value.kind) {
    case ValueKind::number:
      return JsonNumber(a.value.span()) == JsonNumber(b.value.span());
    case ValueKind::string: {
      std::string left;
      std::string right;
      return plain(a.value, left) == plain(b.value, right);
    }
    case ValueKind::array: {
      if (a.count != b.count) return false;
      std::uint32_t i = JsonTree::inside(theirs);
      for (std::uint32_t j = JsonTree::inside(ours); j != b.next; i = other[i].next, j = tree_[j].next) {
        if (!equal(other, i, j)) return false;
      }
      return true;
    }
    case ValueKind::object: {
      if (a.count != b.count) return false;
      using Member = std::pair<std::string, std::uint32_t>;
      const auto members = [](const JsonTree& tree, std::uint32_t node) {
        std::vector<Member> found;
        for (std::uint32_t child = JsonTree::inside(node); child != tree[node].next; child = tree[child].next)
          found.emplace_back(tree.key_text(child), child);
        std::sort(found.begin(), found.end());
        return found;
      };
      const auto left = members(other, theirs);
      const auto right = members(tree_, ours);
      return std::equal(left.begin(), left.end(), right.begin(), [&](const Member& l, const Member& r) {
        return l.first == r.first && equal(other, l.second, r.second);
      });
    }
    case ValueKind::boolean:
      return a.value.span() == b.value.span();
    case ValueKind::missing:
    case ValueKind::null:
    case ValueKind::text:
      break;
  }
  return true;
}

/// Equal values have equal hashes: numbers by value, objects whatever the order of their members.
std::uint64_t SchemaCheck::hash(std::uint32_t node) {
  const JsonNode& item = tree_[node];
  const auto kind = static_cast<std::uint64_t>(item.value.kind);
  std::string own;
  switch (item.value.kind) {
    case ValueKind::number:
      return JsonNumber(item.value.span()).hash();
    case ValueKind::string:
      return xxh3_64(plain(item.value, own), kind);
    case ValueKind::array:
    case ValueKind::object: {
      std::uint64_t sum = kind;
      for (std::uint32_t child = JsonTree::inside(node); child != item.next; child = tree_[child].next) {
        if (item.value.kind == ValueKind::object) {
          sum += (hash(child) ^ xxh3_64(plain(tree_[child].key_value(), own), kind)) * 0x9e3779b97f4a7c15ull;
        } else {
          sum = sum * 0x100000001b3ull + hash(child);
        }
      }
      return sum * 0xd6e8feb86659fd93ull;
    }
    case ValueKind::boolean:
      return xxh3_64(item.value.span(), kind);
    case ValueKind::missing:
    case ValueKind::null:
    case ValueKind::text:
      break;
  }
  return kind;
}

bool JsonSchema::pass(const JsonTree& value) const {
  return SchemaCheck(*this, value, nullptr, 0).run();
}

void JsonSchema::explain(const JsonTree& value, std::size_t violations_max, std::vector<Violation>& to) const {
  std::vector<std::string> found;
  SchemaCheck check(*this, value, &found, violations_max);
  if (check.run()) return;
  if (check.exhausted()) found.clear();  // what was found on the way need not be so
  if (found.empty())
    found.push_back(
        fmt::format("the record: its schema needs more than {} steps", kStepsMin + kStepsPerValue * value.size()));
  for (std::string& text : found) to.push_back({"schema", std::move(text)});
}

}  // namespace weir

// The keywords of a JSON Schema, one by one.
#include <fmt/format.h>

#include <charconv>

#include "actors/validate/schema_compiler.h"
#include "runtime/base/decimal.h"
#include "runtime/engine/field_ref.h"

namespace weir {

void SchemaCompiler::keyword(SchemaNode& out, const std::string& name, std::uint32_t value) {
  if (number_keyword(out, name, value) || text_keyword(out, name, value) || object_keyword(out, name, value) ||
      array_keyword(out, name, value) || combining_keyword(out, name, value))
    return;
  unknown(name, value);
}

void SchemaCompiler::types(SchemaNode& out, std::uint32_t value) {
  static constexpr std::pair<std::string_view, std::uint8_t> kTypes[] = {
      {"null", schema_type::null},     {"boolean", schema_type::boolean}, {"integer", schema_type::integer},
      {"number", schema_type::number}, {"string", schema_type::string},   {"object", schema_type::object},
      {"array", schema_type::array}};
  const auto one = [&](std::uint32_t node) {
    const std::string name = source_[node].value.kind == ValueKind::string ? source_.text(node) : "";
    for (const auto& [word, bit] : kTypes) {
      if (word == name) return bit;
    }
    finding(node, fmt::format("must be null, boolean, integer, number, string, object or array; found {}",
                              shown(source_[node].value)));
    return std::uint8_t{0};
  };
  out.types = 0;
  if (source_[value].value.kind != ValueKind::array) {
    out.types = one(value);
    return;
  }
  if (source_[value].count == 0) finding(value, "must name at least one type");
  for (std::uint32_t child = JsonTree::inside(value); child != source_[value].next; child = source_[child].next)
    out.types = static_cast<std::uint8_t>(out.types | one(child));
}

void SchemaCompiler::choice(SchemaNode& out, std::uint32_t value, bool list) {
  if (list && !is(value, ValueKind::array, "a list of values")) return;
  if (list && source_[value].count == 0) return finding(value, "must hold at least one value");
  SchemaNode::Choice choice;
  std::vector<std::string> texts;
  const auto add = [&](std::uint32_t node) {
    if (source_[node].value.kind == ValueKind::string) {
      texts.push_back(source_.text(node));
    } else {
      choice.others.push_back(node);
    }
  };
  if (list) {
    for (std::uint32_t child = JsonTree::inside(value); child != source_[value].next; child = source_[child].next)
      add(child);
  } else {
    add(value);
  }
  choice.texts = TextSet(std::move(texts));
  out.choices.push_back(std::move(choice));
}

void SchemaCompiler::limit(SchemaNode& out, std::uint32_t value, bool lower, bool inclusive) {
  if (!is(value, ValueKind::number, "a number (draft 7)")) return;
  const std::string_view text = source_[value].value.span();
  SchemaNode::Limit limit{JsonNumber(text), std::string(text), lower, inclusive, std::nullopt};
  std::int64_t whole = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size()) limit.whole = whole;
  out.limits.push_back(std::move(limit));
}

void SchemaCompiler::range(std::uint32_t value, std::uint32_t& bound) {
  if (!is(value, ValueKind::number, "a whole number from 0 on")) return;
  const JsonNumber number(source_[value].value.span());
  if (number.negative() || !number.whole())
    return finding(value, fmt::format("must be a whole number from 0 on; found {}", shown(source_[value].value)));
  if (number > JsonNumber("4294967295")) {
    bound = 0xffffffff;
    return;
  }
  // 2.0 and 2e0 are 2 too; what is whole and below 2^32 is a Decimal, up to zeros that nobody writes.
  const auto whole = Decimal::parse(source_[value].value.span());
  const auto fits = whole ? whole->to_int64() : std::nullopt;
  if (!fits) return finding(value, fmt::format("write {} without point and exponent", shown(source_[value].value)));
  bound = static_cast<std::uint32_t>(*fits);
}

bool SchemaCompiler::number_keyword(SchemaNode& out, const std::string& name, std::uint32_t value) {
  if (name == "minimum" || name == "exclusiveMinimum") {
    limit(out, value, true, name == "minimum");
  } else if (name == "maximum" || name == "exclusiveMaximum") {
    limit(out, value, false, name == "maximum");
  } else if (name == "multipleOf") {
    if (!is(value, ValueKind::number, "a number above 0")) return true;
    const std::string_view text = source_[value].value.span();
    const JsonNumber number(text);
    if (number.zero() || number.negative() || !number.short_enough()) {
      finding(value, fmt::format("must be a number above 0 with at most 18 digits; found {}", text));
    } else {
      out.multiple_of.emplace(number, text);
    }
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::text_keyword(SchemaNode& out, const std::string& name, std::uint32_t value) {
  if (name == "minLength") {
    range(value, out.lengths.min);
  } else if (name == "maxLength") {
    range(value, out.lengths.max);
  } else if (name == "pattern") {
    if (is(value, ValueKind::string, "text")) (void)pattern(value, source_.text(value), out.pattern);
  } else if (name == "format") {
    if (is(value, ValueKind::string, "text")) out.format = text_format(source_.text(value));
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::object_keyword(SchemaNode& out, const std::string& keyword_name, std::uint32_t value) {
  const auto each = [this](std::uint32_t parent, const auto& visit) {
    for (std::uint32_t child = JsonTree::inside(parent); child != source_[parent].next; child = source_[child].next)
      visit(child);
  };
  const auto strings = [&](std::uint32_t list, std::vector<std::uint32_t>& to) {
    each(list, [&](std::uint32_t item) {
      if (is(item, ValueKind::string, "the name of a field")) to.push_back(name(source_.text(item)));
    });
  };
  if (keyword_name == "properties") {
    if (!is(value, ValueKind::object, "an object of schemas")) return true;
    each(value, [&](std::uint32_t member) { out.property[name(source_.key_text(member))] = schema(member); });
  } else if (keyword_name == "required") {
    if (is(value, ValueKind::array, "a list of names")) strings(value, out.required);
  } else if (keyword_name == "additionalProperties") {
    out.additional_properties = schema(value);
  } else if (keyword_name == "propertyNames") {
    out.property_names = schema(value);
  } else if (keyword_name == "minProperties") {
    range(value, out.properties_count.min);
  } else if (keyword_name == "maxProperties") {
    range(value, out.properties_count.max);
  } else if (keyword_name == "patternProperties") {
    if (!is(value, ValueKind::object, "an object of schemas")) return true;
    each(value, [&](std::uint32_t member) {
      std::optional<TextPattern> compiled;
      const Index to = schema(member);
      if (pattern(member, source_.key_text(member), compiled))
        out.pattern_properties.emplace_back(std::move(*compiled), to);
    });
  } else if (keyword_name == "dependencies") {
    if (!is(value, ValueKind::object, "an object")) return true;
    each(value, [&](std::uint32_t member) {
      SchemaNode::Dependency dependency;
      dependency.name = name(source_.key_text(member));
      if (source_[member].value.kind == ValueKind::array) {
        strings(member, dependency.required);
      } else {
        dependency.schema = schema(member);
      }
      out.dependencies.push_back(std::move(dependency));
    });
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::array_keyword(SchemaNode& out, const std::string& name, std::uint32_t value) {
  if (name == "items") {
    if (source_[value].value.kind != ValueKind::array) {
      out.items = schema(value);
      return true;
    }
    for (std::uint32_t child = JsonTree::inside(value); child != source_[value].next; child = source_[child].next)
      out.tuple.push_back(schema(child));
  } else if (name == "additionalItems") {
    out.items = schema(value);
  } else if (name == "contains") {
    out.contains = schema(value);
  } else if (name == "minItems") {
    range(value, out.items_count.min);
  } else if (name == "maxItems") {
    range(value, out.items_count.max);
  } else if (name == "uniqueItems") {
    if (is(value, ValueKind::boolean, "true or false")) out.unique_items = source_[value].value.span() == "true";
  } else {
    return false;
  }
  return true;
}

bool SchemaCompiler::combining_keyword(SchemaNode& out, const std::string& name, std::uint32_t value) {
  if (name == "type") {
    types(out, value);
  } else if (name == "enum") {
    choice(out, value, true);
  } else if (name == "const") {
    choice(out, value, false);
  } else if (name == "allOf") {
    schemas(value, out.all_of);
  } else if (name == "anyOf") {
    schemas(value, out.any_of);
  } else if (name == "oneOf") {
    schemas(value, out.one_of);
  } else if (name == "not") {
    out.negated = schema(value);
  } else if (name == "if") {
    out.condition = schema(value);
  } else if (name == "then") {
    out.consequence = schema(value);
  } else if (name == "else") {
    out.alternative = schema(value);
  } else if (name == "definitions") {
    definitions(value);
  } else {
    return false;
  }
  return true;
}

}  // namespace weir

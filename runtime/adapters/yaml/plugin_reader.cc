// What is of a plugin: its keys are declared by the plugin, and checked as weir's own.
#include <charconv>

#include "runtime/adapters/yaml/config_shapes.h"
#include "runtime/adapters/yaml/plugin_keys.h"
#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/decimal.h"
#include "runtime/base/json_text.h"

namespace weir::yaml {
namespace {

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Shape shape_of(const PluginKey& key) {
  switch (key.type) {
    case PluginKey::Type::integer:
      return between(Shape::Form::integer, key.min, key.max);
    case PluginKey::Type::decimal:
      return shape(Shape::Form::decimal);
    case PluginKey::Type::text:
      return shape(Shape::Form::text);
    case PluginKey::Type::boolean:
      return shape(Shape::Form::boolean);
    case PluginKey::Type::duration:
      return between(Shape::Form::duration, plugin_spelling(key, key.min), plugin_spelling(key, key.max));
    case PluginKey::Type::size:
      return between(Shape::Form::size, plugin_spelling(key, key.min), plugin_spelling(key, key.max));
    case PluginKey::Type::word:
      return words(key.words);
  }
  return {};
}

bool read_signed(Context& context, const Node& node, const std::string& name, const PluginKey& key, std::string& out) {
  std::int64_t value = 0;
  if (is_number(node)) {
    const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (error == std::errc{} && end == node.text.data() + node.text.size() && value >= number(key.min) && value <= number(key.max)) {
      out = std::to_string(value);
      return true;
    }
  }
  context.findings.add(node.place, fmt::format("\"{}\" must be an integer from {} to {}, found {}", name, key.min, key.max, describe_found(node)));
  return false;
}

bool read_bounded(Context& context, const Node& node, const std::string& name, const PluginKey& key, std::string& out) {
  std::string text;
  if (!read_decimal(context, node, name, text)) return false;
  const auto value = Decimal::parse(text);
  const bool low = !key.min.empty() && *value < *Decimal::parse(key.min);
  const bool high = !key.max.empty() && *value > *Decimal::parse(key.max);
  if (!low && !high) {
    out = text;
    return true;
  }
  const std::string allowed = key.max.empty() ? fmt::format("of at least {}", key.min)
                              : key.min.empty() ? fmt::format("of at most {}", key.max)
                                                : fmt::format("from {} to {}", key.min, key.max);
  context.findings.add(node.place, fmt::format("\"{}\" must be a number {}, found {}", name, allowed, describe_found(node)));
  return false;
}

void read_value(Context& context, const Node& node, const std::string& name, const PluginKey& key, std::string& out) {
  switch (key.type) {
    case PluginKey::Type::integer:
      (void)read_signed(context, node, name, key, out);
      return;
    case PluginKey::Type::decimal:
      (void)read_bounded(context, node, name, key, out);
      return;
    case PluginKey::Type::text:
      (void)read_text(context, node, name, out);
      return;
    case PluginKey::Type::boolean: {
      bool value = false;
      if (read_boolean(context, node, name, value)) out = value ? "true" : "false";
      return;
    }
    case PluginKey::Type::duration: {
      std::chrono::microseconds value{};
      const Range<std::chrono::microseconds> range{std::chrono::microseconds(number(key.min)), std::chrono::microseconds(number(key.max))};
      if (read_duration(context, node, name, range, value)) out = std::to_string(value.count());
      return;
    }
    case PluginKey::Type::size: {
      std::uint64_t value = 0;
      const Range<std::uint64_t> range{static_cast<std::uint64_t>(number(key.min)), static_cast<std::uint64_t>(number(key.max))};
      if (read_bytes(context, node, name, range, value)) out = std::to_string(value);
      return;
    }
    case PluginKey::Type::word: {
      std::vector<std::pair<std::string, std::string>> words;
      for (const std::string& word : key.words) words.emplace_back(word, word);
      (void)read_enum(context, node, name, words, out);
      return;
    }
  }
}

}  // namespace

std::string plugin_spelling(const PluginKey& key, const std::string& value) {
  if (key.type == PluginKey::Type::duration) return format_duration(std::chrono::microseconds(number(value)));
  if (key.type == PluginKey::Type::size) return format_size(static_cast<std::uint64_t>(number(value)));
  return value;
}

std::vector<Key> plugin_keys(const PluginKind& kind) {
  std::vector<Key> keys;
  for (const PluginKey& declared : kind.keys) {
    KeyBuilder made = key(declared.name, shape_of(declared), declared.doc);
    const bool text = declared.type == PluginKey::Type::text || declared.type == PluginKey::Type::word;
    if (declared.required) {
      made = std::move(made).required();
    } else if (declared.fallback.empty()) {
      made = std::move(made).otherwise("empty");
    } else {
      made = std::move(made).by_default(text ? to_json_string(declared.fallback) : plugin_spelling(declared, declared.fallback));
    }
    keys.push_back(made);
  }
  return keys;
}

void read_plugin_keys(Context& context, MapReader& map, const PluginKind& kind, std::vector<std::string>& values) {
  for (const PluginKey& key : kind.keys) {
    std::string& out = values.emplace_back(key.fallback);
    const Node* const value = key.required ? map.require(key.name, describe(shape_of(key))) : map.take(key.name);
    if (value != nullptr) read_value(context, *value, map.path(key.name), key, out);
  }
}

void read_plugin_stage(Context& context, const Node& node, const std::string& name, const std::shared_ptr<const PluginStageKind>& kind,
                       PluginStageConfig& out) {
  out.kind = kind;
  MapReader map(context, node, name);
  read_plugin_keys(context, map, *kind, out.values);
  map.finish();
}

}  // namespace weir::yaml

#include "cluster/node/views_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/adapters/yaml/plugin_keys.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/base/hash.h"
#include "runtime/base/units.h"

namespace weir {

namespace {

constexpr const char* kName = "views.yaml";
constexpr std::string_view kChecksum = "# checksum ";

std::string file_of(const std::string& data) { return data + "/" + kName; }

/// The last line: a flipped bit must not make another view of this one.
std::string checksum_line(std::string_view text) { return fmt::format("{}{}\n", kChecksum, to_hex(xxh3_128(text))); }

/// JSON is YAML: texts are written as JSON strings, so that none of them can be mistaken. `${` would be an environment variable.
std::string quoted(const std::string& text) {
  std::string out = nlohmann::json(text).dump();
  for (std::size_t at = 0; (at = out.find("${", at)) != std::string::npos; at += 3) out.insert(at, 1, '$');
  return out;
}

std::string list(const std::vector<FieldPath>& paths) {
  std::string out = "[";
  for (const FieldPath& path : paths) out += (out.size() > 1 ? ", " : "") + quoted(path.text);
  return out + "]";
}

std::string measure(const MeasureConfig& config) {
  switch (config.kind) {
    case MeasureKind::count: return "count";
    case MeasureKind::sum: return "{sum: " + quoted(config.path.text) + "}";
    case MeasureKind::min: return "{min: " + quoted(config.path.text) + "}";
    case MeasureKind::max: return "{max: " + quoted(config.path.text) + "}";
    case MeasureKind::average: return "{average: " + quoted(config.path.text) + "}";
    case MeasureKind::distinct: return "{distinct: " + quoted(config.path.text) + "}";
  }
  return "count";
}

std::string plugin(const PluginViewConfig& config) {
  std::string keys;
  for (std::size_t i = 0; i < config.values.size(); ++i) {
    const PluginKey& key = config.kind->keys[i];
    const bool text = key.type == PluginKey::Type::text || key.type == PluginKey::Type::word;
    keys += fmt::format("{}{}: {}", keys.empty() ? "" : ", ", quoted(key.name), text ? quoted(config.values[i]) : yaml::plugin_spelling(key, config.values[i]));
  }
  return fmt::format("{}: {{{}}}", quoted(config.kind_name), keys);
}

std::string constant(const Constant& value) {
  switch (value.kind) {
    case Constant::Kind::null: return "null";
    case Constant::Kind::boolean:
    case Constant::Kind::number: return value.text;
    case Constant::Kind::string: return quoted(value.text);
  }
  return "null";
}

}  // namespace

std::string views_yaml(const PipelineConfig& config) {
  std::string out = fmt::format("# Written by weir at every start: the views of this data.\npipeline: {}\npartitions: {}\n", quoted(config.name),
                                config.partitions);
  out += fmt::format("dedupe: {{remember: {}}}\n", format_duration(config.dedupe.remember));
  // What is accepted under it can be read by field; the default is not written.
  if (config.record.csv.separator != CsvRule{}.separator)
    out += fmt::format("record: {{csv: {{separator: {}}}}}\n", quoted(std::string(1, config.record.csv.separator)));
  if (config.views.empty()) return out;
  out += "views:\n";
  for (const ViewConfig& view : config.views) {
    std::string body;
    const auto add = [&body](const std::string& text) { body += (body.empty() ? "" : ", ") + text; };
    if (view.latest) add("latest: " + quoted(view.latest->text));
    if (!view.fields.empty()) add("fields: " + list(view.fields));
    if (!view.group_by.empty()) add("group_by: " + list(view.group_by));
    if (!view.windows.empty()) {
      std::string windows;
      for (const WindowConfig& window : view.windows) windows += (windows.empty() ? "" : ", ") + window.text;
      add("windows: [" + windows + "]");
    }
    if (!view.measures.empty()) {
      std::string measures;
      for (const MeasureConfig& m : view.measures) measures += (measures.empty() ? "" : ", ") + quoted(m.name) + ": " + measure(m);
      add("measures: {" + measures + "}");
    }
    if (view.plugin) add(plugin(*view.plugin));
    if (view.retain) add("retain: " + format_duration(*view.retain));
    if (view.when) add("when: {" + quoted(view.when->path.text == "@type" ? "type" : view.when->path.text) + ": " + constant(view.when->equals) + "}");
    out += fmt::format("  {}: {{{}}}\n", quoted(view.name), body);
  }
  return out;
}

Result<void> write_views_file(const DataDirectory& data, const PipelineConfig& config) {
  const std::string text = views_yaml(config);
  return data.write_file(kName, text + checksum_line(text));
}

Result<PipelineConfig> read_views_file(const std::string& data, const PluginKinds& plugins) {
  auto text = DataDirectory::read_file(data, kName);
  if (!text) {
    const bool gone = text.error().code == Errc::not_found;
    return fail(gone ? Errc::state_damaged : text.error().code, "{}: run the pipeline once more, it writes the file anew", text.error().context);
  }
  const auto at = text->rfind(kChecksum);
  if (at == std::string::npos || text->substr(at) != checksum_line(std::string_view(*text).substr(0, at)))
    return fail(Errc::state_damaged, "{}: its checksum does not match its text: run the pipeline once more, it writes the file anew", file_of(data));
  return YamlConfigLoader(plugins).stored(file_of(data));
}

}  // namespace weir

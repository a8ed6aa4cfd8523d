// Typed reading of one value at a time. Every reader reports what it found, what is allowed, and leaves `out` alone
// when it is not satisfied: reading goes on, so that all findings come at once.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/adapters/yaml/file_kind.h"
#include "runtime/adapters/yaml/tree.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {
struct TestConfig;
}

namespace weir::yaml {

/// What a reader asked a file for: a key of a map, or a value of a kind. For holding the description of all keys
/// (config_keys.h) to it.
struct Asked {
  std::string map;    // path of the map, or of the value
  std::string key;    // empty: the value itself
  std::string value;  // its kind, as config_keys.h describes it: "an integer, 1 to 1024"
};

/// What the readers of one file share.
struct Context {
  Findings& findings;
  std::string folder;                   // file names of tables are relative to it; empty: the current one
  std::vector<Asked>* asked = nullptr;  // collects what was asked for, unless nullptr
  ConfigKind kind = ConfigKind::pipeline;
  const PluginKinds* plugins = nullptr;  // kinds beside weir's own; of a node file null: its plugins are not loaded yet
  bool stored = false;                   // of stored data: views may be of plugins that are not loaded

  void note(const std::string& map, std::string_view key, const std::string& value) const {
    if (asked != nullptr) asked->push_back({map, std::string(key), value});
  }
};

/// "the number 7", "the text "abc"", "a list", "nothing": how messages call what stands in the file.
[[nodiscard]] std::string describe_found(const Node& node);

/// Plain (not quoted) number in the spelling of JSON without an exponent.
[[nodiscard]] bool is_number(const Node& node);
[[nodiscard]] bool is_boolean(const Node& node);
/// Quoted, or plain and neither number, boolean nor null.
[[nodiscard]] bool is_text(const Node& node);

/// "did you mean "x"?" with a leading "; ", or "" when nothing is near enough to be a slip, or what others call it.
[[nodiscard]] std::string did_you_mean(std::string_view found, const std::vector<std::string>& allowed);
[[nodiscard]] std::string join(const std::vector<std::string>& words);

/// A map whose keys are taken one after the other. finish() reports every key nobody took.
class MapReader {
 public:
  /// `name` is the path of the map in messages, "" for the whole file. Not a map: a finding, and no key is there.
  MapReader(Context& context, const Node& node, std::string name);
  [[nodiscard]] bool valid() const { return valid_; }
  /// The value of a key this map may have, or nullptr.
  [[nodiscard]] const Node* take(std::string_view key);
  /// The same for a key it must have; a finding with what to write when it is missing.
  [[nodiscard]] const Node* require(std::string_view key, std::string_view write);
  void finish();
  /// "dedupe.remember"
  [[nodiscard]] std::string path(std::string_view key) const;

 private:
  Context& context_;
  const Node& node_;
  std::string name_;
  bool valid_ = false;
  std::vector<std::string> known_;
};

template <class T>
struct Range {
  T min;
  T max;
};

bool read_integer(Context& context, const Node& node, const std::string& name, Range<std::uint64_t> range,
                  std::uint64_t& out);
template <class Integer>
bool read_integer(Context& context, const Node& node, const std::string& name, Range<Integer> range, Integer& out) {
  std::uint64_t value = 0;
  if (!read_integer(context, node, name,
                    Range<std::uint64_t>{static_cast<std::uint64_t>(range.min), static_cast<std::uint64_t>(range.max)},
                    value)) {
    return false;
  }
  out = static_cast<Integer>(value);
  return true;
}
/// An integer or one with K, M or G behind it (thousand, million, thousand million).
bool read_count(Context& context, const Node& node, const std::string& name, Range<std::uint64_t> range,
                std::uint64_t& out);
/// A duration with its unit inside the range, or nothing: for places that allow words beside durations.
[[nodiscard]] std::optional<std::chrono::microseconds> duration_in(const Node& node,
                                                                   Range<std::chrono::microseconds> range);
bool read_duration(Context& context, const Node& node, const std::string& name, Range<std::chrono::microseconds> range,
                   std::chrono::microseconds& out);
bool read_bytes(Context& context, const Node& node, const std::string& name, Range<std::uint64_t> range,
                std::uint64_t& out);
bool read_boolean(Context& context, const Node& node, const std::string& name, bool& out);
/// Text that is not empty.
bool read_text(Context& context, const Node& node, const std::string& name, std::string& out);
/// A name that fits into addresses, topics and folders: a letter, then letters, digits, `_` and `-`; at most 64.
bool read_name(Context& context, const ConfigPlace& place, const std::string& text, const std::string& name);
/// A decimal as weir computes with it: at most 38 digits, 18 of them behind the point.
bool read_decimal(Context& context, const Node& node, const std::string& name, std::string& out);
bool read_constant(Context& context, const Node& node, const std::string& name, Constant& out);
/// A path to a field of the record or, where `envelope`, `@id @time @type @source @partition`.
bool read_path(Context& context, const Node& node, const std::string& name, FieldPath& out, bool envelope = true);
bool read_path(Context& context, const ConfigPlace& place, const std::string& text, const std::string& name,
               FieldPath& out, bool envelope = true);
/// A top-level field of the record: a path of one part.
bool read_field(Context& context, const ConfigPlace& place, const std::string& text, const std::string& name,
                std::string& out);
/// One path, or a list of 1 to `count_max` different ones.
bool read_paths(Context& context, const Node& node, const std::string& name, std::size_t count_max,
                std::vector<FieldPath>& out);

template <class Enum>
bool read_enum(Context& context, const Node& node, const std::string& name,
               const std::vector<std::pair<std::string, Enum>>& words, Enum& out) {
  std::vector<std::string> allowed;
  for (const auto& word : words) allowed.push_back(word.first);
  context.note(name, "", join(allowed));
  if (is_text(node) && node.kind == Node::Kind::scalar) {
    for (const auto& [word, value] : words) {
      if (word == node.text) {
        out = value;
        return true;
      }
    }
  }
  context.findings.add(node.place,
                       fmt::format("\"{}\" must be one of {}; found {}{}", name, join(allowed), describe_found(node),
                                   node.kind == Node::Kind::scalar ? did_you_mean(node.text, allowed) : ""));
  return false;
}

/// The two forms of `when`: {type: order}, or one field and its value.
bool read_when(Context& context, const Node& node, const std::string& name, WhenConfig& out);

/// What a filter keeps or drops: a map of fields that must all be as they are said to be, or a list of such maps of
/// which one must hold.
void read_condition(Context& context, const Node& node, const std::string& name, ConditionConfig& out);
/// One transform form: a bare text is a path, a bare number a constant, a map of one key a form.
void read_expression(Context& context, const Node& node, const std::string& name, Expression& out);

// The sections of a pipeline file, each in a file of its own.
void read_record(Context& context, const Node& node, RecordConfig& out);
void read_stages(Context& context, const Node& node, std::vector<StageConfig>& out);
void read_validate(Context& context, const Node& node, const std::string& name, ValidateConfig& out);
void read_enrich(Context& context, const Node& node, const std::string& name, EnrichConfig& out);
/// `http` of enrich; `key` gets a field for each part of its address.
void read_http_lookup(Context& context, const Node& node, const std::string& name, HttpLookupConfig& out, std::vector<FieldPath>& key);
/// Headers of whatever is sent to a server: {NAME: TEXT} or {NAME: {file: FILE}}.
void read_http_headers(Context& context, const Node& node, const std::string& name, std::vector<HttpLookupHeader>& out);
void read_breaker(Context& context, const Node& node, const std::string& name, BreakerConfig& out);
void read_retry(Context& context, const Node& node, RetrySettings& out);
void read_sinks(Context& context, const Node& node, std::vector<SinkConfig>& out);
void read_transform(Context& context, const Node& node, const std::string& name, TransformConfig& out);
/// Appends the values of the keys that the kind declares, or their defaults.
void read_plugin_keys(Context& context, MapReader& map, const PluginKind& kind, std::vector<std::string>& values);
void read_plugin_stage(Context& context, const Node& node, const std::string& name, const std::shared_ptr<const PluginStageKind>& kind,
                       PluginStageConfig& out);
/// A script: the name of its file, or a map with the file and its limits.
void read_script(Context& context, const Node& node, const std::string& name, ScriptConfig& out);
/// A table: its file must be readable and have the key columns. `columns` receives its header, empty when it has none.
void read_table(Context& context, const Node& node, const std::string& name, TableConfig& out,
                std::vector<std::string>& columns);
void read_views(Context& context, const Node& node, std::vector<ViewConfig>& out);
void read_inputs(Context& context, const Node& node, std::vector<InputConfig>& out);
/// A whole pipeline file. Its tests are checked in any case, and kept if somebody asks for them.
void read_pipeline(Context& context, const Node& root, PipelineConfig& out, std::vector<TestConfig>* tests = nullptr);
/// Without plugins only names and kinds are taken.
void read_services(Context& context, const Node& node, std::vector<ServiceConfig>& out);
/// A whole node file.
void read_node(Context& context, const Node& root, NodeConfig& out);
/// Behind all other sections: a test may only name stages, views and fields that are there. `files`: the files of
/// inputs must be there, too.
void read_tests(Context& context, const Node& node, const PipelineConfig& pipeline, std::vector<TestConfig>& out,
                bool files);
/// What one section alone cannot see: views over fields that no stage lets through or that cannot be summed.
void check_views_against_stages(Context& context, const PipelineConfig& config);

}  // namespace weir::yaml

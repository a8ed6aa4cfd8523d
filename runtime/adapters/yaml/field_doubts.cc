#include "runtime/adapters/yaml/field_doubts.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "runtime/base/suggest.h"

namespace weir::yaml {
namespace {

/// Shorter names are near to too many others: id and ip.
constexpr std::size_t kLengthMin = 4;

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What a pipeline says of top-level fields: their names, and texts in which there may be more.
class Names {
 public:
  explicit Names(const PipelineConfig& config) {
    for (const FieldPath& path : config.record.id.fields) add(path);
    add(config.record.time.field);
    for (const StageConfig& stage : config.stages) {
      add(stage.when);
      std::visit([this](const auto& body) { add(body); }, stage.body);
    }
  }

  [[nodiscard]] bool known(const std::string& name) const {
    return any_ || holds(names_, name) ||
           std::any_of(texts_.begin(), texts_.end(), [&](const std::string& text) { return text.find(name) != text.npos; });
  }
  /// What is called nearly so, but for the s of a plural.
  [[nodiscard]] std::optional<std::string_view> near(const std::string& name) const {
    if (name.size() < kLengthMin) return std::nullopt;
    const auto found = nearest(name, names_);
    if (!found || *found == name + "s" || name == std::string(*found) + "s") return std::nullopt;
    return found;
  }

 private:
  void add(const std::string& name) {
    if (!name.empty() && !holds(names_, name)) names_.push_back(name);
  }
  void add(const FieldPath& path) {
    if (!path.envelope() && !path.parts.empty()) add(path.parts.front());
  }
  void add(const std::optional<WhenConfig>& when) {
    if (when) add(when->path);
  }
  void add(const std::optional<ScriptConfig>& script) {
    if (!script) return;
    const std::string& text = texts_.emplace_back(read(script->file));
    add_words(text);
  }
  void add(const ValidateConfig& validate) {
    for (const FieldRule& rule : validate.fields) add(rule.path);
    for (const NamedRule& rule : validate.rules) {
      add(rule.when);
      add(rule.field.path);
      for (const NamedRule::Operand* operand : {&rule.left, &rule.right})
        if (operand->path) add(*operand->path);
      for (const FieldPath& path : rule.paths) add(path);
    }
    add(validate.script);
    if (!validate.schema) return;
    const std::string& text = texts_.emplace_back(read(*validate.schema));
    add_words(text);
  }
  void add(const EnrichConfig& enrich) {
    for (const FieldPath& path : enrich.key) add(path);
    for (const auto& added : enrich.add) add(added.first);
  }
  void add(const TransformConfig& transform) {
    add(transform.script);
    if (transform.split) {
      add(transform.split->field);
      add(transform.split->as);
    }
    for (const auto& [name, expression] : transform.set) {
      add(name);
      add(expression);
    }
    for (const std::string& name : transform.drop) add(name);
    if (!transform.filter) return;
    for (const auto& tests : transform.filter->condition.any)
      for (const FieldTest& test : tests) add(test.path);
  }
  /// Which fields it makes only its code knows.
  void add(const PluginStageConfig&) { any_ = true; }
  void add(const Expression& expression) {
    if (expression.kind == Expression::Kind::path) add(expression.path);
    for (const Expression& argument : expression.arguments) add(argument);
  }

  static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
  }
  /// Names in quotes and behind a dot: how scripts and schemas write fields.
  void add_words(const std::string& text) {
    const auto letter = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at;
      while (end < text.size() && letter(text[end])) ++end;
      const char before = at == 0 ? ' ' : text[at - 1];
      const char behind = end == text.size() ? ' ' : text[end];
      const bool quoted = (before == '"' || before == '\'') && behind == before;
      if (end != at && (quoted || before == '.')) add(text.substr(at, end - at));
      at = std::max(end, at + 1);
    }
  }

  std::vector<std::string> names_;
  std::vector<std::string> texts_;
  bool any_ = false;
};

}  // namespace

std::vector<std::string> field_doubts(const PipelineConfig& config) {
  const Names names(config);
  std::vector<std::string> doubts;
  for (const ViewConfig& view : config.views) {
    std::vector<std::string> said;
    const auto look = [&](const FieldPath& path, const std::string& key) {
      if (path.envelope() || path.parts.empty() || names.known(path.parts.front()) || holds(said, path.text)) return;
      const auto near = names.near(path.parts.front());
      if (!near) return;
      said.push_back(path.text);
      const std::string place = view.place.line == 0
                                    ? view.place.file
                                    : fmt::format("{}:{}:{}", view.place.file, view.place.line, view.place.column);
      doubts.push_back(fmt::format("{}: warning: \"views.{}.{}\" reads \"{}\", which neither a stage nor a script names; "
                                   "did you mean \"{}\"?",
                                   place, view.name, key, path.text, *near));
    };
    if (view.latest) look(*view.latest, "latest");
    for (const FieldPath& path : view.fields) look(path, "fields");
    for (const FieldPath& path : view.group_by) look(path, "group_by");
    if (view.when) look(view.when->path, "when");
    for (const MeasureConfig& measure : view.measures)
      if (measure.kind != MeasureKind::count) look(measure.path, "measures." + measure.name);
  }
  return doubts;
}

}  // namespace weir::yaml

// Which parts of a pipeline its tests can reach, in the order of the file.
#include "cluster/node/coverage_items.h"

#include <fmt/format.h>

namespace weir {

namespace {

/// Whether there is an event that the rule refuses.
bool can_refuse(const FieldRule& rule, const RecordConfig& record) {
  const bool csv = record.format == RecordFormat::csv;
  const bool bounds = rule.min || rule.max || rule.above || rule.below || rule.length_min || rule.length_max ||
                      rule.pattern || !rule.one_of.empty();
  // CSV has texts and nothing else: whatever is there is one.
  const bool any_type = rule.type == FieldType::any || (csv && rule.type == FieldType::string);
  // Parsing has refused what is no such time before.
  const TimeFormat time = record.time.format;
  const bool text_time =
      rule.path == record.time.field && (time == TimeFormat::rfc3339 || time == TimeFormat::strptime);
  if (text_time && !bounds && (rule.type == FieldType::any || rule.type == FieldType::string)) return false;
  return bounds || !any_type || rule.required || (!csv && !rule.nullable);
}

class Lister {
 public:
  Lister(const PipelineConfig& config, const std::map<std::string, ConfigPlace>& places)
      : config_(config), places_(places) {}

  std::vector<CoverageItem> list() {
    add("reason", "parse malformed", "record");
    if (config_.record.time.format != TimeFormat::acceptance) add("reason", "parse time", "record.time");
    // An id that is the digest of the bytes cannot have other bytes.
    if (!config_.record.id.digest && config_.dedupe.on_conflict == OnConflict::dead_letter)
      add("reason", "dedupe conflict", "record.id");
    if (config_.late.then != OnLate::accept) add("late", "late", "late");
    for (std::size_t i = 0; i < config_.stages.size(); ++i) {
      stage_ = fmt::format("stages.{}", i);
      add_stage(config_.stages[i]);
    }
    for (const ViewConfig& view : config_.views) add_view(view);
    return std::move(items_);
  }

 private:
  void add(std::string kind, std::string name, const std::string& path) {
    auto place = places_.find(path);
    if (place == places_.end()) place = places_.find("pipeline");  // what holds without being written
    items_.push_back({std::move(kind), std::move(name), place == places_.end() ? ConfigPlace{} : place->second, false});
  }
  void add_when(const std::string& of, const WhenConfig& when, const std::string& path) {
    add("when", coverage_name::when(of, when, true), path);
    add("when", coverage_name::when(of, when, false), path);
  }
  /// `when` stands beside the kind or inside.
  [[nodiscard]] std::string when_path(const StageConfig& stage) const {
    const std::string beside = stage_ + ".when";
    return places_.contains(beside) ? beside : fmt::format("{}.{}.when", stage_, stage.kind);
  }

  void add_stage(const StageConfig& stage) {
    if (stage.when) {
      add_when(stage.name, *stage.when, when_path(stage));
    } else {
      add("stage", stage.name, fmt::format("{}.{}", stage_, stage.kind));
    }
    if (const auto* validate = std::get_if<ValidateConfig>(&stage.body)) add_validate(stage, *validate);
    if (std::holds_alternative<EnrichConfig>(stage.body)) {
      add("enrich", coverage_name::lookup(stage, true), stage_ + ".enrich");
      add("enrich", coverage_name::lookup(stage, false), stage_ + ".enrich");
    }
    if (const auto* transform = std::get_if<TransformConfig>(&stage.body)) add_transform(stage, *transform);
  }

  void add_validate(const StageConfig& stage, const ValidateConfig& validate) {
    const std::string path = stage_ + ".validate";
    for (const FieldRule& rule : validate.fields) {
      if (can_refuse(rule, config_.record))
        add("rule", coverage_name::field(stage, rule), path + ".fields." + rule.path.text);
    }
    for (const NamedRule& rule : validate.rules) {
      const std::string name = coverage_name::rule(stage, rule);
      add("rule", name, path + ".rules." + rule.name);
      if (rule.when) add_when(name, *rule.when, path + ".rules." + rule.name + ".when");
    }
    if (validate.script) add("rule", coverage_name::rules_script(stage), path + ".rules.lua");
    if (validate.schema) add("rule", coverage_name::schema(stage), path + ".schema");
  }

  void add_transform(const StageConfig& stage, const TransformConfig& transform) {
    const std::string path = stage_ + ".transform";
    if (transform.script) add("script", coverage_name::script(stage, *transform.script), path + ".script");
    if (transform.split) add("split", coverage_name::split(stage), path + ".split");
    for (const auto& [field, expression] : transform.set)
      add("set", coverage_name::set(stage, field), path + ".set." + field);
    if (!transform.filter) return;
    add("filter", coverage_name::filter(stage, true), path + ".filter");
    add("filter", coverage_name::filter(stage, false), path + ".filter");
  }

  void add_view(const ViewConfig& view) {
    const std::string path = "views." + view.name;
    if (!view.when) return add("view", view.name, path);
    add_when("view " + view.name, *view.when, path + ".when");
  }

  const PipelineConfig& config_;
  const std::map<std::string, ConfigPlace>& places_;
  std::string stage_;  // path of the one that is looked at
  std::vector<CoverageItem> items_;
};

std::string constant(const Constant& value) {
  return value.kind == Constant::Kind::null ? "null" : value.text;
}

}  // namespace

namespace coverage_name {

std::string when(const std::string& of, const WhenConfig& when, bool holds) {
  return fmt::format("{}: {} is {}{}", of, when.path.text, holds ? "" : "not ", constant(when.equals));
}
std::string field(const StageConfig& stage, const FieldRule& rule) {
  return fmt::format("{}.fields.{}", stage.name, rule.path.text);
}
std::string rule(const StageConfig& stage, const NamedRule& rule) {
  return fmt::format("{}.rules.{}", stage.name, rule.name);
}
std::string rules_script(const StageConfig& stage) {
  return stage.name + ".rules.lua";
}
std::string schema(const StageConfig& stage) {
  return stage.name + ".schema";
}
std::string lookup(const StageConfig& stage, bool hit) {
  return fmt::format("{}: {}", stage.name, hit ? "hit" : "miss");
}
std::string script(const StageConfig& stage, const ScriptConfig& script) {
  return fmt::format("{}: {}", stage.name, script.file.substr(script.file.rfind('/') + 1));
}
std::string split(const StageConfig& stage) {
  return stage.name + ".split";
}
std::string set(const StageConfig& stage, const std::string& field) {
  return fmt::format("{}.set.{}", stage.name, field);
}
std::string filter(const StageConfig& stage, bool passes) {
  return fmt::format("{}.filter: {}", stage.name, passes ? "passes" : "stops");
}

}  // namespace coverage_name

std::vector<CoverageItem> coverage_items(const PipelineConfig& config,
                                         const std::map<std::string, ConfigPlace>& places) {
  return Lister(config, places).list();
}

}  // namespace weir

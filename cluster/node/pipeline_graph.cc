#include "cluster/node/pipeline_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "actors/doors/frame_format.h"
#include "runtime/base/units.h"
#include "runtime/ports/config_words.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

namespace {

std::string joined(const std::vector<FieldPath>& paths) {
  std::string out;
  for (const FieldPath& path : paths) out += (out.empty() ? "" : ", ") + path.text;
  return out;
}
template <class Pairs>
std::string first_of(const Pairs& pairs) {
  std::string out;
  for (const auto& pair : pairs) out += (out.empty() ? "" : ", ") + pair.first;
  return out;
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string time_about(const TimeRule& rule) {
  switch (rule.format) {
    case TimeFormat::acceptance:
      return "time: of acceptance";
    case TimeFormat::rfc3339:
      return fmt::format("time: {}, rfc3339", rule.field.text);
    case TimeFormat::unix_seconds:
      return fmt::format("time: {}, unix", rule.field.text);
    case TimeFormat::unix_ms:
      return fmt::format("time: {}, unix_ms", rule.field.text);
    case TimeFormat::unix_us:
      return fmt::format("time: {}, unix_us", rule.field.text);
    case TimeFormat::strptime:
      return fmt::format("time: {}, {}", rule.field.text, rule.strptime);
  }
  return "";
}

std::string when_about(const WhenConfig& when) {
  return fmt::format("when {} is {}", when.path.text,
                     when.equals.kind == Constant::Kind::null ? "null" : when.equals.text);
}

std::string constants_about(const std::vector<Constant>& constants) {
  std::string out;
  for (const Constant& constant : constants) {
    if (!out.empty()) out += " or ";
    out += constant.kind == Constant::Kind::null ? "null" : constant.text;
  }
  return out;
}

std::string test_about(const FieldTest& test) {
  std::string out;
  const auto add = [&](std::string_view what, const std::string& value) {
    out += fmt::format("{}{} {}{}", out.empty() ? "" : " and ", test.path.text, what, value);
  };
  if (!test.one_of.empty()) add("is ", constants_about(test.one_of));
  if (!test.none_of.empty()) add("is not ", constants_about(test.none_of));
  if (test.min) add(">= ", *test.min);
  if (test.above) add("> ", *test.above);
  if (test.max) add("<= ", *test.max);
  if (test.below) add("< ", *test.below);
  if (test.exists) add(*test.exists ? "is there" : "is not there", "");
  return out;
}

/// "kind is a or b and n > 0, or land is there"
std::string condition_about(const ConditionConfig& condition) {
  std::string out;
  for (const std::vector<FieldTest>& all : condition.any) {
    std::string tests;
    for (const FieldTest& test : all) tests += (tests.empty() ? "" : " and ") + test_about(test);
    out += (out.empty() ? "" : ", or ") + tests;
  }
  return out;
}

std::vector<std::string> view_about(const ViewConfig& view) {
  std::vector<std::string> about;
  if (view.latest) {
    about.push_back("latest by " + view.latest->text);
    if (!view.fields.empty()) about.push_back("fields " + joined(view.fields));
  } else {
    if (!view.group_by.empty()) about.push_back("by " + joined(view.group_by));
    std::string windows;
    for (const WindowConfig& window : view.windows) windows += (windows.empty() ? "" : ", ") + window.text;
    if (!windows.empty()) about.push_back("per " + windows);
    std::string measures;
    for (const MeasureConfig& measure : view.measures) {
      measures += fmt::format("{}{} = {}{}", measures.empty() ? "" : ", ", measure.name, word(measure.kind),
                              measure.path.text.empty() ? "" : fmt::format("({})", measure.path.text));
    }
    about.push_back(view.plugin ? view.plugin->kind_name : measures);
  }
  if (view.when) about.push_back(when_about(*view.when));
  return about;
}

class Builder {
 public:
  explicit Builder(const PipelineConfig& config) : config_(config) { graph_.name = config.name; }

  PipelineGraph build() {
    std::vector<std::size_t> inputs;
    for (const InputConfig& input : config_.inputs) {
      // Where the file names none, whatever the command line names comes in as well.
      const bool named = input.place.line != 0;
      inputs.push_back(node(GraphNode::Kind::input, named ? input.name : "input",
                            named ? input_about(input) : format_about(RecordFormat::any)));
    }
    std::size_t last =
        node(GraphNode::Kind::door, "door",
             {config_.record.id.digest ? "id: digest of the bytes" : "id: " + joined(config_.record.id.fields),
              fmt::format("{} partition{}", config_.partitions, config_.partitions == 1 ? "" : "s")});
    for (const std::size_t input : inputs) edge(input, last, GraphEdge::Kind::flow, "");
    std::vector<std::size_t> refusing;
    last = step(last, "dedupe",
                {fmt::format("remembers {}, {} ids at most", format_duration(config_.dedupe.remember),
                             format_count(config_.dedupe.ids_max)),
                 config_.dedupe.on_conflict == OnConflict::ignore ? "conflicts are ignored" : "conflicts are refused"},
                "");
    if (config_.dedupe.on_conflict == OnConflict::dead_letter) refusing.push_back(last);
    last = step(last, "parse", {time_about(config_.record.time)}, "");
    refusing.push_back(last);
    if (config_.late.then != OnLate::accept) {
      last = step(last, "late",
                  {fmt::format("{} below the greatest time", format_duration(config_.late.after)),
                   config_.late.then == OnLate::expire ? "expires" : "is refused"},
                  "");
      if (config_.late.then == OnLate::dead_letter) refusing.push_back(last);
    }
    for (const StageConfig& stage : config_.stages) {
      last = add_stage(last, stage);
      refusing.push_back(last);
    }
    for (const ViewConfig& view : config_.views)
      edge(last, node(GraphNode::Kind::view, view.name, view_about(view)), GraphEdge::Kind::flow, "");
    const std::size_t letters = node(GraphNode::Kind::letters, "dead letters", {});
    for (const std::size_t from : refusing) edge(from, letters, GraphEdge::Kind::letters, "");
    for (const SinkConfig& sink : config_.sinks)
      edge(sink.from == SinkFrom::dead_letter ? letters : last, node(GraphNode::Kind::sink, sink.name, sink_about(sink)), GraphEdge::Kind::flow, "");
    return std::move(graph_);
  }

 private:
  std::size_t node(GraphNode::Kind kind, const std::string& name, std::vector<std::string> about) {
    graph_.nodes.push_back({kind, fmt::format("n{}", graph_.nodes.size()), name, std::move(about)});
    return graph_.nodes.size() - 1;
  }
  void edge(std::size_t from, std::size_t to, GraphEdge::Kind kind, std::string label) {
    graph_.edges.push_back({from, to, kind, std::move(label)});
  }
  std::size_t step(std::size_t before, const std::string& name, std::vector<std::string> about, std::string label) {
    const std::size_t made = node(GraphNode::Kind::stage, name, std::move(about));
    edge(before, made, GraphEdge::Kind::flow, std::move(label));
    return made;
  }

  /// `said` by the input itself.
  [[nodiscard]] std::vector<std::string> format_about(RecordFormat said) const {
    const RecordFormat format = said == RecordFormat::any ? config_.record.format : said;
    return {format == RecordFormat::any ? "any format" : std::string(record_format_name(format))};
  }
  /// As it was written: relative to the pipeline file.
  [[nodiscard]] std::string pattern_about(const std::string& pattern) const {
    const std::string folder = config_.file.substr(0, config_.file.rfind('/') + 1);
    return !folder.empty() && pattern.starts_with(folder) ? pattern.substr(folder.size()) : pattern;
  }
  [[nodiscard]] std::vector<std::string> input_about(const InputConfig& input) const {
    const auto* files = std::get_if<FilesInputConfig>(&input.body);
    std::vector<std::string> about;
    if (const auto* plugin = std::get_if<PluginInputConfig>(&input.body)) {
      if (input.name != plugin->kind_name) about.push_back(plugin->kind_name);
      about.push_back("plugin " + file_name(plugin->kind->file));
      return about;
    }
    if (files == nullptr) {
      if (input.name != "http") about.emplace_back("http");
      about.push_back(format_about(RecordFormat::any).front());
      return about;
    }
    std::string include, exclude;
    for (const std::string& pattern : files->include) include += (include.empty() ? "" : ", ") + pattern_about(pattern);
    for (const std::string& pattern : files->exclude) exclude += (exclude.empty() ? "" : ", ") + pattern_about(pattern);
    about.push_back((files->follow ? "follows " : "reads once ") + include);
    if (!exclude.empty()) about.push_back("not " + exclude);
    about.push_back(format_about(files->format).front());
    return about;
  }

  [[nodiscard]] std::vector<std::string> sink_about(const SinkConfig& sink) const {
    std::vector<std::string> about;
    if (const auto* files = std::get_if<FilesSinkConfig>(&sink.body)) {
      about.push_back("files in " + pattern_about(files->directory));
      std::string folders;
      for (const SinkFolder& folder : files->partition_by) folders += (folders.empty() ? "by " : ", ") + folder.path.text;
      if (!folders.empty()) about.push_back(std::move(folders));
    } else if (const auto* http = std::get_if<HttpSinkConfig>(&sink.body)) {
      about.push_back("posts to " + http->url);
    } else if (const auto* plugin = std::get_if<PluginSinkConfig>(&sink.body)) {
      about.push_back(plugin->kind_name);
      about.push_back("plugin " + file_name(plugin->kind->file));
    } else {
      about.emplace_back("stdout");
    }
    const SinkFormat format = text_of(sink).format;
    if (!std::holds_alternative<PluginSinkConfig>(sink.body)) about.emplace_back(format == SinkFormat::csv ? "csv" : format == SinkFormat::json ? "json" : "ndjson");
    if (sink.when) about.push_back(when_about(*sink.when));
    return about;
  }

  std::size_t add_stage(std::size_t before, const StageConfig& stage) {
    std::vector<std::string> about;
    if (stage.name != stage.kind) about.push_back(stage.kind);
    if (stage.when) about.push_back(when_about(*stage.when));
    std::vector<const TableConfig*> tables;
    if (const auto* validate = std::get_if<ValidateConfig>(&stage.body)) {
      std::vector<FieldPath> fields;
      for (const FieldRule& rule : validate->fields) fields.push_back(rule.path);
      if (!fields.empty()) about.push_back("checks " + joined(fields));
      std::string rules;
      for (const NamedRule& rule : validate->rules) rules += (rules.empty() ? "rules " : ", ") + rule.name;
      if (!rules.empty()) about.push_back(std::move(rules));
      if (validate->script) about.push_back("script " + file_name(validate->script->file));
      if (validate->schema) about.push_back("schema " + file_name(*validate->schema));
    } else if (const auto* enrich = std::get_if<EnrichConfig>(&stage.body)) {
      about.push_back("adds " + first_of(enrich->add));
      if (enrich->http) {
        about.push_back("asks " + enrich->http->url);
      } else {
        tables.push_back(&enrich->table);
      }
    } else if (const auto* transform = std::get_if<TransformConfig>(&stage.body)) {
      if (transform->split) about.push_back("splits " + transform->split->field.text);
      if (!transform->set.empty()) about.push_back("sets " + first_of(transform->set));
      if (transform->filter)
        about.push_back((transform->filter->keep ? "keeps " : "stops ") +
                        condition_about(transform->filter->condition));
      if (!transform->drop.empty()) about.push_back(fmt::format("drops {}", fmt::join(transform->drop, ", ")));
      if (transform->script) about.push_back("script " + file_name(transform->script->file));
      tables_of(*transform, tables);
    } else if (const auto* plugin = std::get_if<PluginStageConfig>(&stage.body)) {
      about.push_back("plugin " + file_name(plugin->kind->file));
    }
    const std::size_t made = step(before, stage.name, std::move(about), "");
    for (const TableConfig* table : tables) add_table(made, *table);
    return made;
  }

  /// One node for each file, however often it is asked.
  void add_table(std::size_t stage, const TableConfig& table) {
    const std::string file = file_name(table.file);
    const auto known = std::find_if(graph_.nodes.begin(), graph_.nodes.end(), [&](const GraphNode& n) {
      return n.kind == GraphNode::Kind::table && n.name == file;
    });
    const std::size_t from = known != graph_.nodes.end() ? static_cast<std::size_t>(known - graph_.nodes.begin())
                                                         : node(GraphNode::Kind::table, file, {});
    const std::string label = fmt::format("by {}", fmt::join(table.key, ", "));
    const bool twice = std::any_of(graph_.edges.begin(), graph_.edges.end(), [&](const GraphEdge& e) {
      return e.from == from && e.to == stage && e.label == label;
    });
    if (!twice) edge(from, stage, GraphEdge::Kind::lookup, label);
  }

  const PipelineConfig& config_;
  PipelineGraph graph_;
};

}  // namespace

PipelineGraph graph_of(const PipelineConfig& config) {
  return Builder(config).build();
}

}  // namespace weir

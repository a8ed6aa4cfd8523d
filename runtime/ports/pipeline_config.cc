#include "runtime/ports/pipeline_config.h"

#include <algorithm>

#include "runtime/base/hash.h"
#include "runtime/ports/canonical_text.h"
#include "runtime/ports/config_words.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

// Words, not enum values: a reordered enum must not change a hash.
std::string_view word(NamedRule::Relation relation) {
  switch (relation) {
    case NamedRule::Relation::equal:
      return "==";
    case NamedRule::Relation::unequal:
      return "!=";
    case NamedRule::Relation::less:
      return "<";
    case NamedRule::Relation::less_equal:
      return "<=";
    case NamedRule::Relation::greater:
      return ">";
    case NamedRule::Relation::greater_equal:
      return ">=";
  }
  return "==";
}
std::string_view word(MeasureKind kind) {
  switch (kind) {
    case MeasureKind::count:
      return "count";
    case MeasureKind::sum:
      return "sum";
    case MeasureKind::min:
      return "min";
    case MeasureKind::max:
      return "max";
    case MeasureKind::average:
      return "average";
    case MeasureKind::distinct:
      return "distinct";
  }
  return "count";
}
std::string_view word(RecordFormat format) {
  switch (format) {
    case RecordFormat::any:
      return "any";
    case RecordFormat::json:
      return "json";
    case RecordFormat::ndjson:
      return "ndjson";
    case RecordFormat::csv:
      return "csv";
    case RecordFormat::cloudevents:
      return "cloudevents";
    case RecordFormat::geojson:
      return "geojson";
  }
  return "any";
}

namespace {

std::string_view word(FieldType type) {
  switch (type) {
    case FieldType::any:
      return "any";
    case FieldType::string:
      return "string";
    case FieldType::integer:
      return "integer";
    case FieldType::decimal:
      return "decimal";
    case FieldType::boolean:
      return "boolean";
    case FieldType::object:
      return "object";
    case FieldType::array:
      return "array";
  }
  return "any";
}
std::string_view word(NamedRule::Kind kind) {
  switch (kind) {
    case NamedRule::Kind::field:
      return "field";
    case NamedRule::Kind::compare:
      return "compare";
    case NamedRule::Kind::at_least_one:
      return "at_least_one";
    case NamedRule::Kind::at_most_one:
      return "at_most_one";
    case NamedRule::Kind::exactly_one:
      return "exactly_one";
    case NamedRule::Kind::all_or_none:
      return "all_or_none";
  }
  return "field";
}
std::string_view word(NamedRule::As as) {
  switch (as) {
    case NamedRule::As::automatic:
      return "automatic";
    case NamedRule::As::number:
      return "number";
    case NamedRule::As::text:
      return "text";
    case NamedRule::As::time:
      return "time";
  }
  return "automatic";
}
std::string_view word(OnMissing missing) {
  switch (missing) {
    case OnMissing::pass:
      return "pass";
    case OnMissing::reject:
      return "reject";
    case OnMissing::fill:
      return "fill";
  }
  return "pass";
}
std::string_view word(WindowConfig::Unit unit) {
  switch (unit) {
    case WindowConfig::Unit::fixed:
      return "fixed";
    case WindowConfig::Unit::day:
      return "day";
    case WindowConfig::Unit::week:
      return "week";
    case WindowConfig::Unit::month:
      return "month";
    case WindowConfig::Unit::year:
      return "year";
  }
  return "fixed";
}

void write(Canonical& out, const FieldRule& rule) {
  out.key("field").path(rule.path).word(" ").word(word(rule.type));
  out.word(" required ").flag(rule.required).word(" nullable ").flag(rule.nullable);
  out.word(" coerce ").optional_number(rule.coerce);
  out.word(" min ").optional(rule.min).word(" max ").optional(rule.max);
  out.word(" above ").optional(rule.above).word(" below ").optional(rule.below);
  out.word(" length ").optional_number(rule.length_min).word(" ").optional_number(rule.length_max);
  for (const Constant& value : rule.one_of) out.word(" one_of ").constant(value);
  if (rule.pattern) out.word(" pattern ").text(*rule.pattern);
  out.end();
}

void write(Canonical& out, const NamedRule::Operand& operand) {
  if (operand.path) {
    out.word(" path ").path(*operand.path);
  } else {
    out.word(" const ").constant(operand.constant);
  }
}

void write(Canonical& out, const NamedRule& rule) {
  out.key("rule").text(rule.name).word(" ").word(word(rule.kind)).end();
  switch (rule.kind) {
    case NamedRule::Kind::field:
      write(out, rule.field);
      break;
    case NamedRule::Kind::compare:
      out.key("compare").word(word(rule.relation)).word(" as ").word(word(rule.as));
      write(out, rule.left);
      write(out, rule.right);
      out.word(" required ").flag(rule.required).word(" nullable ").flag(rule.nullable).end();
      break;
    case NamedRule::Kind::at_least_one:
    case NamedRule::Kind::at_most_one:
    case NamedRule::Kind::exactly_one:
    case NamedRule::Kind::all_or_none:
      out.key("paths").paths(rule.paths).end();
      break;
  }
  out.when(rule.when);
}

void write(Canonical& out, const ValidateConfig& validate) {
  for (const FieldRule& rule : validate.fields) write(out, rule);
  for (const NamedRule& rule : validate.rules) write(out, rule);
  if (validate.script) {  // its text is the caller's to add
    out.key("script").number(validate.script->instructions_max).word(" ");
    out.number(validate.script->memory_bytes_max).end();
  }
  if (validate.schema) out.key("schema").flag(true).end();  // its content is the caller's to add
}
std::uint64_t milliseconds(std::chrono::milliseconds time) { return static_cast<std::uint64_t>(time.count()); }

/// What decides which answer an event gets; not how long anybody waits for it, nor how many are asked for at once.
void write(Canonical& out, const HttpLookupConfig& http) {
  out.key("http").text(http.url).end();
  for (const HttpLookupHeader& header : http.headers) {
    out.key("header").text(header.name).word(" ");
    if (header.value_file.empty()) {
      out.text(header.value);
    } else {
      out.word("file");  // its text is the caller's to add
    }
    out.end();
  }
  for (const FieldPath& path : http.answer) out.key("answer").path(path).end();
  out.key("answer_bytes_max").number(http.answer_bytes_max).end();
  out.key("temporary_statuses");
  for (const int status : http.temporary_statuses) out.number(static_cast<std::uint64_t>(status)).word(" ");
  out.end();
  out.key("ages").number(milliseconds(http.cache.age_max)).word(" ").number(milliseconds(http.cache.missing_age_max)).word(" ");
  out.number(milliseconds(http.cache.stale_max)).end();
}
void write_table(Canonical& out, const EnrichConfig& enrich) {
  out.key("table");
  for (const std::string& column : enrich.table.key) out.text(column).word(" ");
  if (enrich.table.format == TableFormat::json) out.word("json");
  if (enrich.table.format == TableFormat::ndjson) out.word("ndjson");
  out.end();
}
void write(Canonical& out, const EnrichConfig& enrich) {
  if (enrich.http) {
    write(out, *enrich.http);
  } else {
    write_table(out, enrich);
  }
  out.key("key").paths(enrich.key).end();
  for (const auto& [field, column] : enrich.add) out.key("add").text(field).word(" ").text(column).end();
  out.key("missing").word(word(enrich.missing)).end();
  for (const auto& [field, value] : enrich.fill) out.key("fill").text(field).word(" ").constant(value).end();
}
void write(Canonical& out, const PluginStageConfig& plugin) {
  out.key("plugin").word(to_hex(plugin.kind->content)).end();
  // Behind them stands how long, and how many at once, weir waits for its answers: as of lookups that changes no verdict.
  const std::size_t own = std::min(plugin.values.size(), static_cast<std::size_t>(plugin.kind->raw.key_count));
  for (std::size_t i = 0; i < own; ++i) out.key("key").text(plugin.kind->keys[i].name).word(" ").text(plugin.values[i]).end();
}
}  // namespace

StageConfig::StageConfig() = default;
StageConfig::StageConfig(const StageConfig& other) = default;
StageConfig::StageConfig(StageConfig&& other) noexcept = default;
StageConfig& StageConfig::operator=(const StageConfig& other) = default;
StageConfig& StageConfig::operator=(StageConfig&& other) noexcept = default;
StageConfig::~StageConfig() = default;

PipelineConfig::PipelineConfig() = default;
PipelineConfig::PipelineConfig(const PipelineConfig& other) = default;
PipelineConfig::PipelineConfig(PipelineConfig&& other) noexcept = default;
PipelineConfig& PipelineConfig::operator=(const PipelineConfig& other) = default;
PipelineConfig& PipelineConfig::operator=(PipelineConfig&& other) noexcept = default;
PipelineConfig::~PipelineConfig() = default;

std::string wall_text(const PipelineConfig& config) {
  Canonical out;
  out.key("wall").number(1).end();
  out.key("pipeline").text(config.name).end();
  out.key("partitions").number(config.partitions).end();
  out.key("partition_by").word("murmur2(id)").end();
  out.key("id");
  if (config.record.id.digest) {
    out.word("digest");
  } else {
    out.paths(config.record.id.fields);
  }
  out.end();
  out.key("dedupe_key").word("id").end();
  out.key("formats").number(kStoredFormats).end();
  return out.take();
}

std::string rules_text(const PipelineConfig& config) {
  Canonical out;
  out.key("rules").number(1).end();
  const RecordConfig& record = config.record;
  out.key("format").word(word(record.format)).end();
  out.key("time").word(word(record.time.format)).word(" ").path(record.time.field);
  out.word(" ").text(record.time.strptime).word(" ").text(record.time.zone).end();
  out.key("type").text(record.type).end();
  out.key("csv").number(record.csv.record_lines_max).word(" ").text({&record.csv.separator, 1}).end();
  out.key("on_conflict").word(config.dedupe.on_conflict == OnConflict::ignore ? "ignore" : "dead_letter").end();
  out.key("event_bytes_max").number(config.limits.event_bytes_max).end();
  // Where late events are accepted there is no such rule, however it is spelled.
  if (config.late.then != OnLate::accept) {
    out.key("late").word(config.late.then == OnLate::expire ? "expire" : "dead_letter").word(" ");
    out.number(static_cast<std::uint64_t>(config.late.after.count())).end();
  }
  // Likewise the retries that every pipeline has without a word.
  const RetrySettings& retry = config.retry;
  if (const RetrySettings usual; retry.order != usual.order || retry.order_by || retry.attempts_max != usual.attempts_max ||
                                 retry.retry_age_max != usual.retry_age_max) {
    out.key("retry").word(retry.order == RetryOrder::deferred ? "deferred" : "blocking").word(" ");
    if (retry.order_by) out.path(*retry.order_by);
    out.word(" ").number(retry.attempts_max).word(" ").number(milliseconds(retry.retry_age_max)).end();
  }
  for (const StageConfig& stage : config.stages) {
    out.key("stage").text(stage.kind).word(" ").text(stage.name).end();
    out.when(stage.when);
    std::visit([&](const auto& body) { write(out, body); }, stage.body);
  }
  return out.take();
}

std::string view_text(const ViewConfig& view) {
  Canonical out;
  out.key("view").text(view.name).end();
  out.key("latest");
  if (view.latest) out.path(*view.latest);
  out.end();
  out.key("fields").paths(view.fields).end();
  out.key("group_by").paths(view.group_by).end();
  for (const WindowConfig& window : view.windows) {
    out.key("window").word(word(window.unit)).word(" ").number(static_cast<std::uint64_t>(window.size.count())).end();
  }
  for (const MeasureConfig& measure : view.measures) {
    out.key("measure").text(measure.name).word(" ").word(word(measure.kind)).word(" ").path(measure.path).end();
  }
  if (view.plugin) {
    const PluginViewKind& kind = *view.plugin->kind;
    out.key("plugin").text(kind.name).word(" ").number(kind.raw.version).end();
    for (std::size_t i = 0; i < kind.keys.size(); ++i) out.key("key").text(kind.keys[i].name).word(" ").text(view.plugin->values[i]).end();
  }
  out.when(view.when);
  return out.take();
}

bool splits_events(const PipelineConfig& config) {
  return std::any_of(config.stages.begin(), config.stages.end(), [](const StageConfig& stage) {
    if (const auto* plugin = std::get_if<PluginStageConfig>(&stage.body)) return plugin->kind->raw.splits != 0;
    const auto* transform = std::get_if<TransformConfig>(&stage.body);
    return transform != nullptr && (transform->split.has_value() || transform->script.has_value());
  });
}

std::vector<const StageConfig*> lookups_of(const PipelineConfig& config) {
  std::vector<const StageConfig*> out;
  for (const StageConfig& stage : config.stages)
    if (const auto* enrich = std::get_if<EnrichConfig>(&stage.body); enrich != nullptr && enrich->http) out.push_back(&stage);
  return out;
}

std::vector<const TableConfig*> tables_of(const PipelineConfig& config) {
  std::vector<const TableConfig*> out;
  for (const StageConfig& stage : config.stages) {
    if (const auto* enrich = std::get_if<EnrichConfig>(&stage.body); enrich != nullptr && !enrich->http) out.push_back(&enrich->table);
    if (const auto* transform = std::get_if<TransformConfig>(&stage.body)) tables_of(*transform, out);
  }
  return out;
}

}  // namespace weir

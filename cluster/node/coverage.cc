#include "cluster/node/coverage.h"

#include <algorithm>

#include "cluster/node/coverage_items.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/token_equals.h"

namespace weir {

namespace {

/// What stands at a path inside a record; nullptr: nothing.
const TestValue* at_path(const TestValue& record, const FieldPath& path) {
  const TestValue* value = &record;
  for (const std::string& part : path.parts) {
    value = value->find(part);
    if (value == nullptr) return nullptr;
  }
  return value;
}

/// The value a view's condition looks at, as a token of JSON.
std::string token_of(const CuratedRecord& record, const TestValue& payload, const FieldPath& path) {
  if (path.text == "@id") return to_json_string(record.id);
  if (path.text == "@time") return to_json_string(to_rfc3339(record.event_time));
  if (path.text == "@type") return to_json_string(record.type);
  if (path.text == "@source") return to_json_string(record.source);
  if (path.text == "@partition") return std::to_string(record.partition.value);
  std::string token;
  if (const TestValue* value = at_path(payload, path)) append_json(token, *value);
  return token;
}

}  // namespace

Coverage::Coverage(const CompiledPipeline& pipeline, const std::map<std::string, ConfigPlace>& places)
    : pipeline_(pipeline),
      observer_([this](const SeenStep& step) { on_step(step); }),
      items_(coverage_items(pipeline.config(), places)) {
  for (std::size_t i = 0; i < items_.size(); ++i) by_name_.emplace(std::pair(items_[i].kind, items_[i].name), i);
}

TestOnlookers Coverage::onlookers() {
  return {watch_steps(pipeline_, observer_), [this](const MemoryAnswers& answers) { on_answers(answers); }};
}

std::size_t Coverage::reached() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(items_.begin(), items_.end(), [](const CoverageItem& item) { return item.reached; }));
}

/// Of something that is no item nothing is kept: that an event was reached in a way nobody asks about.
void Coverage::reach(std::string_view kind, std::string_view name) {
  const auto item = by_name_.find({std::string(kind), std::string(name)});
  if (item != by_name_.end()) items_[item->second].reached = true;
}

void Coverage::on_step(const SeenStep& step) {
  if (step.step == 0) return;
  const StageConfig& stage = pipeline_.config().stages[step.step - 1];
  const bool one_each = step.after.size() == step.before.size();
  for (std::size_t i = 0; i < step.before.size(); ++i) {
    const SeenEvent& before = step.before[i];
    if (before.verdict != Verdict::pass) continue;
    on_came(stage, before);
    if (!before.applies) continue;
    if (one_each) {
      on_result(stage, step.after[i]);
      continue;
    }
    for (const SeenEvent& after : step.after) {
      if (after.index == before.index) on_result(stage, after);
    }
  }
}

void Coverage::on_came(const StageConfig& stage, const SeenEvent& before) {
  if (stage.when) reach("when", coverage_name::when(stage.name, *stage.when, before.applies));
  if (!before.applies) return;
  reach("stage", stage.name);
  if (const auto* enrich = std::get_if<EnrichConfig>(&stage.body); enrich != nullptr && !enrich->http)
    reach("enrich", coverage_name::lookup(stage, before.found));
  const auto* transform = std::get_if<TransformConfig>(&stage.body);
  if (transform != nullptr && transform->script) reach("script", coverage_name::script(stage, *transform->script));
}

void Coverage::on_result(const StageConfig& stage, const SeenEvent& after) {
  if (const auto* validate = std::get_if<ValidateConfig>(&stage.body)) {
    on_rules(stage, *validate, after);
    on_refusal(stage, *validate, after);
  }
  const auto* transform = std::get_if<TransformConfig>(&stage.body);
  if (transform == nullptr) return;
  if (after.split && after.part > 0) reach("split", coverage_name::split(stage));
  if (after.verdict == Verdict::pass) on_record(stage, *transform, after);
  if (after.verdict == Verdict::pass || after.verdict == Verdict::filter)
    reach("filter", coverage_name::filter(stage, after.verdict == Verdict::pass));
}

void Coverage::on_record(const StageConfig& stage, const TransformConfig& transform, const SeenEvent& after) {
  const auto record = parse_test_value(after.record);
  if (!record) return;
  for (const auto& [field, expression] : transform.set) {
    const TestValue* value = record->find(field);
    const bool dropped = std::find(transform.drop.begin(), transform.drop.end(), field) != transform.drop.end();
    if (dropped || (value != nullptr && value->kind != TestValue::Kind::null))
      reach("set", coverage_name::set(stage, field));
  }
}

void Coverage::on_rules(const StageConfig& stage, const ValidateConfig& validate, const SeenEvent& after) {
  for (std::size_t i = 0; i < after.rules.size(); ++i) {
    const NamedRule& rule = validate.rules[i];
    if (rule.when) reach("when", coverage_name::when(coverage_name::rule(stage, rule), *rule.when, after.rules[i]));
  }
}

void Coverage::on_refusal(const StageConfig& stage, const ValidateConfig& validate, const SeenEvent& after) {
  for (const auto& [reason, text] : after.violations) {
    if (reason == "schema") {
      reach("rule", coverage_name::schema(stage));
      continue;
    }
    bool named = false;
    for (const NamedRule& rule : validate.rules) {
      if (reason != "rule:" + rule.name) continue;
      reach("rule", coverage_name::rule(stage, rule));
      named = true;
    }
    if (reason.starts_with("rule:")) {
      if (!named) reach("rule", coverage_name::rules_script(stage));
      continue;
    }
    for (const FieldRule& rule : validate.fields) {
      if (text.starts_with(rule.path.text + ": ")) reach("rule", coverage_name::field(stage, rule));
    }
  }
}

void Coverage::on_answers(const MemoryAnswers& answers) {
  if (const auto letters = letter_rows(answers)) {
    for (const TestValue& letter : *letters) {
      const std::string& reason = letter.find("reason")->text;
      reach("reason", letter.find("stage")->text + " " + reason);
      if (reason == "late") reach("late", "late");
    }
  }
  for (const StageConfig* stage : lookups_of(pipeline_.config()))
    for (const LookupBoard::Line& line : answers.lookups) {
      if (line.stage != stage->name) continue;
      if (line.gauges->found.load() != 0) reach("enrich", coverage_name::lookup(*stage, true));
      if (line.gauges->missing.load() != 0) reach("enrich", coverage_name::lookup(*stage, false));
    }
  if (answers.ledger.expired != 0) reach("late", "late");
  on_views(answers);
}

void Coverage::on_views(const MemoryAnswers& answers) {
  for (const ViewConfig& view : pipeline_.config().views) {
    if (const auto rows = view_rows(answers, pipeline_.views(), view.name); rows && !rows->empty())
      reach("view", view.name);
  }
  for (const CuratedRecord& record : answers.records) {
    const auto payload = parse_test_value(record.payload);
    if (!payload) continue;
    for (const ViewConfig& view : pipeline_.config().views) {
      if (!view.when) continue;
      const bool holds = token_equals(token_of(record, *payload, view.when->path), view.when->equals);
      reach("when", coverage_name::when("view " + view.name, *view.when, holds));
    }
  }
}

}  // namespace weir

#include "actors/validate/validator.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "runtime/base/invariant.h"
#include "runtime/event/splice.h"

namespace weir {

namespace {

/// What is wrong, with the place in the pipeline file where it is known.
Error at_place(const ConfigPlace& place, const std::string& stage, const Error& error) {
  const std::string where = place.file.empty() ? fmt::format("stage \"{}\"", stage)
                            : place.line == 0  ? place.file
                                               : fmt::format("{}:{}:{}", place.file, place.line, place.column);
  return Error{error.code, fmt::format("{}: {}", where, error.context)};
}

/// What a rule from a file can still have against it is its pattern: the loader does not know what RE2 takes.
const ConfigPlace& place_of(const FieldRule& rule, const ConfigPlace& whole) {
  return rule.pattern_place.file.empty() ? whole : rule.pattern_place;
}

/// What the script says against an event. Those without a rule's name are of the rule `lua`, as they are called in the
/// pipeline file.
void add_violations(ChainBatch& batch, const ScriptViolations& said, std::vector<Violation>& to) {
  for (const ScriptViolation& violation : said.list) {
    const std::string rule = violation.rule.empty() ? "lua" : violation.rule;
    std::string text = rule;
    for (const std::string* part : {&violation.field, &violation.message}) {
      if (!part->empty()) text += ": " + *part;
    }
    to.push_back({batch.arena().copy("rule:" + rule), std::move(text)});
  }
}

}  // namespace

/// A running copy of the script, for one partition.
struct Validator::Running final : StageMemory {
  std::unique_ptr<ScriptState> state;
  ScriptViolations said;
  bool asked = false;  // `said` is of the event that is looked at

  const ScriptViolations& ask(ChainBatch& batch, ChainEvent& event) {
    if (!std::exchange(asked, true)) state->validate(batch, event, said);
    return said;
  }
};

Result<std::unique_ptr<Stage>> Validator::compile(const StageConfig& config, StageContext& context) {
  const auto& validate = std::get<ValidateConfig>(config.body);
  auto stage = std::unique_ptr<Validator>(new Validator(config.name));
  stage->plan_ = &context.fields;
  WEIR_ASSIGN(stage->when_, Condition::compile(config.when, context.fields));
  std::vector<Error> errors;  // all of them: who mends a file wants to know at once
  for (const FieldRule& rule : validate.fields) {
    auto check = FieldCheck::compile(rule, context);
    if (!check) {
      errors.push_back(at_place(place_of(rule, rule.place), config.name, check.error()));
      continue;
    }
    stage->quick_.push_back(check->quick());
    stage->checks_.push_back(std::move(*check));
  }
  for (const NamedRule& rule : validate.rules) {
    auto check = NamedCheck::compile(rule, context);
    if (!check) {
      errors.push_back(at_place(place_of(rule.field, rule.place), config.name, check.error()));
      continue;
    }
    stage->rules_.push_back(std::move(*check));
  }
  if (validate.script) {
    INVARIANT(context.scripts != nullptr, "the wiring knows how to read scripts");
    WEIR_ASSIGN(const std::string text, context.read(validate.script->file));
    auto script = context.scripts->load(*validate.script, text, ScriptEntry::validate, context.fields);
    if (script) {
      stage->script_ = std::move(*script);
    } else {
      errors.push_back(script.error());
    }
  }
  if (validate.schema) {
    WEIR_ASSIGN(const std::string text, context.read(*validate.schema));
    auto schema = JsonSchema::compile(text, *validate.schema);
    if (schema) {
      stage->schema_ = std::move(*schema);
    } else {
      errors.push_back(schema.error());
    }
  }
  if (errors.empty()) return std::unique_ptr<Stage>(std::move(stage));
  Error all = errors.front();
  for (std::size_t i = 1; i < errors.size(); ++i) all.context += "\n" + errors[i].context;
  return tl::unexpected<Error>(std::move(all));
}

void Validator::process(ChainBatch& batch, StageScratch& scratch) const {
  Work work = work_on(batch, scratch);
  for (ChainEvent& event : batch.events()) {
    if (event.verdict != Verdict::pass || !when_.holds(event, batch)) continue;
    if (!passes(work, event)) [[unlikely]]
      reject(work, event);
  }
  scratch.tree.shrink();
}

Validator::Work Validator::work_on(ChainBatch& batch, StageScratch& scratch) const {
  return {batch, scratch, running(scratch), batch.input().header().format == FrameFormat::csv};
}

Validator::Running* Validator::running(StageScratch& scratch) const {
  if (script_ == nullptr) return nullptr;
  auto& memory = scratch.own[this];
  if (memory == nullptr) {
    auto fresh = std::make_unique<Running>();
    fresh->state = script_->start();
    memory = std::move(fresh);
  }
  auto& running = static_cast<Running&>(*memory);
  running.state->between_batches();
  return &running;
}

bool Validator::passes(Work& work, ChainEvent& event) const {
  const Value* const slots = event.document.slots;
  if (work.script != nullptr) work.script->asked = false;
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    const FieldCheck::Quick quick = quick_[i];
    if (quick.slot != kNoSlot && (quick.kinds >> static_cast<unsigned>(slots[quick.slot].kind) & 1u) != 0) continue;
    if (!checks_[i].pass(work.batch, event, work.csv)) [[unlikely]]
      return false;
  }
  for (const NamedCheck& rule : rules_) {
    if (!rule.pass(work.batch, event, work.csv)) [[unlikely]]
      return false;
  }
  if (work.script != nullptr && !work.script->ask(work.batch, event).list.empty()) return false;
  if (schema_ == nullptr) return true;
  ParseProblem problem;
  return read_tree(event, work.scratch, problem) && schema_->pass(work.scratch.tree);
}

bool Validator::read_tree(const ChainEvent& event, StageScratch& scratch, ParseProblem& problem) const {
  const Document& document = event.document;
  if (document.csv == nullptr && !document.changed) {
    return scratch.tree.parse_trusted({document.begin, static_cast<std::size_t>(document.end - document.begin)},
                                      problem);
  }
  constexpr std::size_t kKept = 1 << 20;
  if (scratch.bytes.capacity() > kKept) scratch.bytes = ByteArena{};
  scratch.bytes.clear();
  encode_document(document, *plan_, scratch.bytes);
  const std::size_t size = scratch.bytes.size();
  std::memset(scratch.bytes.extend(kBlockPadding), 0, kBlockPadding);
  return scratch.tree.parse_trusted(scratch.bytes.view().substr(0, size), problem);
}

std::vector<Violation> Validator::violations(ChainBatch& batch, ChainEvent& event, StageScratch& scratch) const {
  Work work = work_on(batch, scratch);
  if (work.script != nullptr) work.script->asked = false;
  return violations(work, event);
}

std::vector<Violation> Validator::violations(Work& work, ChainEvent& event) const {
  auto& [batch, scratch, script, csv] = work;
  std::vector<Violation> violations;
  for (const FieldCheck& check : checks_) {
    if (check.pass(batch, event, csv)) continue;
    check.explain(batch, event, csv, violations);
    check.convert_anyway(batch, event, csv);  // rules and schema say nothing more of what is only out of range
  }
  for (const NamedCheck& rule : rules_) rule.explain(batch, event, csv, violations);
  if (script != nullptr && !script->ask(batch, event).fault) add_violations(batch, script->said, violations);
  if (schema_ != nullptr) {
    ParseProblem problem;
    if (!read_tree(event, scratch, problem)) {
      violations.push_back({"schema", fmt::format("the record: {}", problem.what)});
    } else {
      schema_->explain(scratch.tree, kViolationsMax, violations);
    }
  }
  // A script that failed: where something else is wrong, that may be why.
  if (violations.empty() && script != nullptr && script->said.fault)
    violations.push_back({"script", script->said.list.front().message});
  return violations;
}

void Validator::reject(Work& work, ChainEvent& event) const {
  const std::vector<Violation> all = violations(work, event);
  const std::size_t count = all.size() + (work.script != nullptr ? work.script->said.left_out : 0);
  std::vector<std::string_view> details;
  std::string more;
  for (const Violation& violation : all) {
    if (details.size() == kViolationsMax) break;
    details.push_back(violation.text);
  }
  if (count > details.size()) {
    more = fmt::format("and {} more", count - details.size());
    details.push_back(more);
  }
  work.batch.reject(event, name_, all.front().reason, details);
}

}  // namespace weir

#include "actors/validate/validator.h"

#include <fmt/format.h>

#include <cstring>

#include "runtime/event/splice.h"

namespace weir {

namespace {

/// What is wrong, with the place in the pipeline file where it is known.
Error at_place(const ConfigPlace& place, const std::string& stage, const Error& error) {
  const std::string where = place.line == 0 ? fmt::format("stage \"{}\"", stage)
                                            : fmt::format("{}:{}:{}", place.file, place.line, place.column);
  return Error{error.code, fmt::format("{}: {}", where, error.context)};
}

}  // namespace

Result<std::unique_ptr<Stage>> Validator::compile(const StageConfig& config, StageContext& context) {
  const auto& validate = std::get<ValidateConfig>(config.body);
  auto stage = std::unique_ptr<Validator>(new Validator(config.name));
  stage->plan_ = &context.fields;
  WEIR_ASSIGN(stage->when_, Condition::compile(config.when, context.fields));
  std::vector<Error> errors;  // all of them: who mends a file wants to know at once
  for (const FieldRule& rule : validate.fields) {
    auto check = FieldCheck::compile(rule, context);
    if (!check) {
      errors.push_back(at_place(rule.place, config.name, check.error()));
      continue;
    }
    stage->quick_.push_back(check->quick());
    stage->checks_.push_back(std::move(*check));
  }
  for (const NamedRule& rule : validate.rules) {
    auto check = NamedCheck::compile(rule, context);
    if (!check) {
      errors.push_back(at_place(rule.place, config.name, check.error()));
      continue;
    }
    stage->rules_.push_back(std::move(*check));
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
  const bool csv = batch.input().header().format == FrameFormat::csv;
  for (ChainEvent& event : batch.events()) {
    if (event.verdict != Verdict::pass || !when_.holds(event, batch)) continue;
    if (!passes(batch, event, scratch, csv)) [[unlikely]]
      reject(batch, event, scratch);
  }
  scratch.tree.shrink();
}

bool Validator::passes(ChainBatch& batch, ChainEvent& event, StageScratch& scratch, bool csv) const {
  const Value* const slots = event.document.slots;
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    const FieldCheck::Quick quick = quick_[i];
    if (quick.slot != kNoSlot && (quick.kinds >> static_cast<unsigned>(slots[quick.slot].kind) & 1u) != 0) continue;
    if (!checks_[i].pass(batch, event, csv)) [[unlikely]]
      return false;
  }
  for (const NamedCheck& rule : rules_) {
    if (!rule.pass(batch, event, csv)) [[unlikely]]
      return false;
  }
  if (schema_ == nullptr) return true;
  ParseProblem problem;
  return read_tree(event, scratch, problem) && schema_->pass(scratch.tree);
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
  const bool csv = batch.input().header().format == FrameFormat::csv;
  std::vector<Violation> violations;
  for (const FieldCheck& check : checks_) {
    if (check.pass(batch, event, csv)) continue;
    check.explain(batch, event, csv, violations);
    check.convert_anyway(batch, event, csv);  // rules and schema say nothing more of what is only out of range
  }
  for (const NamedCheck& rule : rules_) rule.explain(batch, event, csv, violations);
  if (schema_ != nullptr) {
    ParseProblem problem;
    if (!read_tree(event, scratch, problem)) {
      violations.push_back({"schema", fmt::format("the record: {}", problem.what)});
    } else {
      schema_->explain(scratch.tree, kViolationsMax, violations);
    }
  }
  return violations;
}

void Validator::reject(ChainBatch& batch, ChainEvent& event, StageScratch& scratch) const {
  const std::vector<Violation> all = violations(batch, event, scratch);
  std::vector<std::string_view> details;
  std::string more;
  for (const Violation& violation : all) {
    if (details.size() == kViolationsMax) {
      more = fmt::format("and {} more", all.size() - kViolationsMax);
      details.push_back(more);
      break;
    }
    details.push_back(violation.text);
  }
  batch.reject(event, name_, all.front().reason, details);
}

}  // namespace weir

#include "tests/unit/stages/chain_fixture.h"

#include "actors/enrich/enricher.h"
#include "actors/transform/transformer.h"
#include "actors/validate/validator.h"

namespace weir::test {

Chain::Chain() = default;
Chain::Chain(Chain&&) noexcept = default;
Chain::~Chain() = default;

FieldPath path(const std::string& text) {
  FieldPath path;
  path.text = text;
  std::string part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      part += text[++i];
    } else if (text[i] == '.') {
      path.parts.push_back(part);
      part.clear();
    } else {
      part += text[i];
    }
  }
  path.parts.push_back(part);
  return path;
}

Constant number(const std::string& text) {
  return {Constant::Kind::number, text};
}

Constant string(const std::string& text) {
  return {Constant::Kind::string, text};
}

FieldRule rule(const std::string& field, FieldType type) {
  FieldRule rule;
  rule.path = path(field);
  rule.type = type;
  return rule;
}

Expression copy(const std::string& field) {
  Expression e;
  e.kind = Expression::Kind::path;
  e.path = path(field);
  return e;
}

Expression constant(Constant value) {
  Expression e;
  e.constant = std::move(value);
  return e;
}

Expression form(Expression::Kind kind, std::vector<Expression> arguments, int scale) {
  Expression e;
  e.kind = kind;
  e.arguments = std::move(arguments);
  e.scale = scale;
  return e;
}

Result<std::unique_ptr<Stage>> make_stage(const StageConfig& config, StageContext& context) {
  if (config.kind == "validate") return Validator::compile(config, context);
  if (config.kind == "enrich") return Enricher::compile(config, context);
  return Transformer::compile(config, context);
}

Result<void> Chain::compile() {
  auto plan =
      ChainPlan::compile(config, view_paths, factory, [this](const std::string& file) -> Result<std::string> {
        const auto found = files.find(file);
        if (found == files.end()) return fail(Errc::input_unreadable, "{}: no such file", file);
        return found->second;
      });
  if (!plan) return fail(plan.error());
  plan_ = std::move(*plan);
  parser_.emplace(plan_->fields(), plan_->parser_options());
  return {};
}

std::vector<Fate> Chain::run_frames(const std::vector<Frame>& frames) {
  if (plan_ == nullptr) {
    if (auto compiled = compile(); !compiled) throw std::runtime_error(compiled.error().context);
  }
  IngestBatchBuilder builder;
  std::size_t serial = 0;
  for (const Frame& frame : frames) {
    const std::string id = "id-" + std::to_string(serial++);
    builder.add({frame.raw, id, frame.flags, frame.note, serial});
  }
  IngestHeader header;
  header.format = cloud_events         ? FrameFormat::cloudevents
                  : csv_header.empty() ? FrameFormat::json
                                       : FrameFormat::csv;
  header.accepted_at = 1'000'000;
  header.door = "file:test";
  header.csv_header = csv_header;
  batch_->begin(IngestBatch::decode(builder.finish(header)).value(), PartitionId{3});
  for (std::uint32_t i = 0; i < frames.size(); ++i) batch_->add(i);
  plan_->read(*batch_, *parser_);
  for (const auto& stage : plan_->stages()) stage->process(*batch_, *scratch_);
  return fates();
}

std::vector<Fate> Chain::run(const std::vector<std::string>& frames) {
  std::vector<Frame> raw;
  for (const std::string& frame : frames) raw.push_back({frame});
  return run_frames(raw);
}

Fate Chain::one(const std::string& frame) { return run({frame}).front(); }

std::vector<Fate> Chain::fates() {
  std::vector<Fate> fates;
  OutcomeBatchBuilder out(Offset{0});
  TokenTable table(view_paths.size());
  for (std::size_t i = 0; i < batch_->events().size(); ++i) {
    const ChainEvent& event = batch_->events()[i];
    Fate fate;
    fate.verdict = event.verdict;
    fate.time = event.event_time;
    if (event.rejection != nullptr) {
      fate.stage = event.rejection->stage;
      fate.reason = event.rejection->reason;
      fate.details = event.rejection->details;
    }
    fates.push_back(std::move(fate));
    if (event.verdict != Verdict::pass) continue;
    out.add({batch_->raw(event).id, Digest128{}, 0}, Outcome::served);
    fits_ = plan_->encode(*batch_, {&event, 1}, out, &table);
    if (!fits_) {
      out.abandon_last();
      fates.back().reason = "output_too_large";
    }
  }
  const OutcomeBatch packed = out.outcomes() == 0 ? OutcomeBatch{} : out.finish();
  tokens_.clear();
  std::uint32_t record = 0;
  for (Fate& fate : fates) {
    if (fate.verdict != Verdict::pass || !fate.reason.empty()) continue;
    const auto view = packed.record(record);
    fate.record = view.payload;
    fate.type = view.type;
    fate.source = view.source;
    std::vector<std::string> row;
    for (const TokenTable::Place& place : table.row(record))
      row.push_back(fate.record.substr(place.offset, place.length));
    tokens_.push_back(std::move(row));
    ++record;
  }
  return fates;
}

}  // namespace weir::test

// A whole chain in memory: frames in, records and dead letters out. Nothing but deciders.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/enrich/enricher.h"
#include "actors/transform/transformer.h"
#include "actors/validate/validator.h"
#include "runtime/engine/chain_plan.h"

namespace weir::test {

inline FieldPath path(const std::string& text) {
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
inline Constant number(const std::string& text) {
  return {Constant::Kind::number, text};
}
inline Constant string(const std::string& text) {
  return {Constant::Kind::string, text};
}

inline FieldRule rule(const std::string& field, FieldType type) {
  FieldRule rule;
  rule.path = path(field);
  rule.type = type;
  return rule;
}
template <class Body>
StageConfig stage(const std::string& kind, Body body) {
  StageConfig config;
  config.kind = kind;
  config.name = kind;
  config.body = std::move(body);
  return config;
}
inline Expression copy(const std::string& field) {
  Expression e;
  e.kind = Expression::Kind::path;
  e.path = path(field);
  return e;
}
inline Expression constant(Constant value) {
  Expression e;
  e.constant = std::move(value);
  return e;
}
inline Expression form(Expression::Kind kind, std::vector<Expression> arguments, int scale = 0) {
  Expression e;
  e.kind = kind;
  e.arguments = std::move(arguments);
  e.scale = scale;
  return e;
}

inline Result<std::unique_ptr<Stage>> make_stage(const StageConfig& config, StageContext& context) {
  if (config.kind == "validate") return Validator::compile(config, context);
  if (config.kind == "enrich") return Enricher::compile(config, context);
  return Transformer::compile(config, context);
}

/// What became of one event.
struct Fate {
  Verdict verdict = Verdict::pass;
  std::string record;
  std::string type;
  std::string source;
  std::string stage;
  std::string reason;
  std::string details;
  std::int64_t time = 0;
};

class Chain {
 public:
  PipelineConfig config;
  std::map<std::string, std::string> files;
  std::vector<FieldPath> view_paths;
  std::string csv_header;
  bool cloud_events = false;
  StageFactory factory = make_stage;

  [[nodiscard]] Result<void> compile() {
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
  [[nodiscard]] const ChainPlan& plan() const { return *plan_; }

  struct Frame {
    std::string_view raw;
    std::uint16_t flags = 0;
    std::string_view note = {};
  };
  std::vector<Fate> run_frames(const std::vector<Frame>& frames) {
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
  std::vector<Fate> run(const std::vector<std::string>& frames) {
    std::vector<Frame> raw;
    for (const std::string& frame : frames) raw.push_back({frame});
    return run_frames(raw);
  }
  Fate one(const std::string& frame) { return run({frame}).front(); }
  [[nodiscard]] ChainBatch& batch() { return *batch_; }
  /// The values of the views' paths of the last run's records.
  [[nodiscard]] const std::vector<std::vector<std::string>>& tokens() const { return tokens_; }

 private:
  std::vector<Fate> fates() {
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

  std::unique_ptr<const ChainPlan> plan_;
  std::optional<DocumentParser> parser_;
  std::unique_ptr<ChainBatch> batch_ = std::make_unique<ChainBatch>();
  std::unique_ptr<StageScratch> scratch_ = std::make_unique<StageScratch>();
  std::vector<std::vector<std::string>> tokens_;
  bool fits_ = true;
};

}  // namespace weir::test

#include "cluster/node/compiled_pipeline.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "actors/enrich/enricher.h"
#include "actors/enrich/http_enricher.h"
#include "actors/plugin/plugin_sink.h"
#include "actors/plugin/plugin_source.h"
#include "actors/plugin/plugin_stage.h"
#include "actors/plugin/plugin_view.h"
#include "actors/transform/script_transformer.h"
#include "actors/transform/transformer.h"
#include "actors/validate/validator.h"
#include "cluster/node/tapped_step.h"
#include "runtime/adapters/lua/lua_engine.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/event/document_parser.h"

namespace weir {

namespace {

/// Rounds on the route of a partition whose stages wait. Arbitrary: what is beyond is not waiting any more, it is a queue.
constexpr std::uint32_t kWaitingRoundsMax = 64;

Result<std::unique_ptr<Stage>> make_stage(const StageConfig& config, const RetrySettings& retry, StageContext& context) {
  static const LuaEngine scripts;
  context.scripts = &scripts;
  if (std::holds_alternative<PluginStageConfig>(config.body)) return PluginStage::compile(config, context);
  if (config.kind == "validate") return Validator::compile(config, context);
  if (config.kind == "enrich") {
    if (std::get<EnrichConfig>(config.body).http) return HttpEnricher::compile(config, retry, context);
    return Enricher::compile(config, context);
  }
  if (config.kind == "transform") {
    if (std::get<TransformConfig>(config.body).script) return ScriptTransformer::compile(config, context);
    return Transformer::compile(config, context);
  }
  return fail(Errc::config_invalid, "stage kind '{}' is not known", config.kind);
}

Result<StageConditions> conditions_of(const StageConfig& config, StageContext& context) {
  StageConditions conditions;
  WEIR_ASSIGN(conditions.when, Condition::compile(config.when, context.fields));
  const auto* validate = std::get_if<ValidateConfig>(&config.body);
  if (validate == nullptr) return conditions;
  for (const NamedRule& rule : validate->rules) {
    WEIR_ASSIGN(Condition when, Condition::compile(rule.when, context.fields));
    conditions.rules.push_back(std::move(when));
  }
  return conditions;
}

class ReadStep final : public ChainStep {
 public:
  explicit ReadStep(std::shared_ptr<const ChainPlan> plan)
      : plan_(std::move(plan)), parser_(plan_->fields(), plan_->parser_options()) {}
  std::string name() const override { return "parse"; }
  void run(ChainBatch& batch, CodeMark&) override { plan_->read(batch, parser_); }

 private:
  std::shared_ptr<const ChainPlan> plan_;
  DocumentParser parser_;
};

/// For tests: events that a fault says crash this stage.
void meet_poison([[maybe_unused]] std::string_view stage, ChainBatch& batch, StageScratch& scratch) {
  bool marked = false;
  if (!WEIR_POISONS(stage, marked)) return;
  for (const ChainEvent& event : batch.events()) {
    if (marked) scratch.inside(batch, event);
    WEIR_POISON(batch.raw(event).id);
  }
  scratch.inside_all(batch);
}

class StageStep final : public ChainStep {
 public:
  /// Keeps the plan that `stage` is a part of.
  explicit StageStep(std::shared_ptr<const Stage> stage) : stage_(std::move(stage)), scratch_(std::make_unique<StageScratch>()) {}
  std::string name() const override { return std::string(stage_->name()); }
  void run(ChainBatch& batch, CodeMark& mark) override {
    scratch_->mark = &mark;
    meet_poison(stage_->name(), batch, *scratch_);
    stage_->process(batch, *scratch_);
  }

 private:
  std::shared_ptr<const Stage> stage_;
  std::unique_ptr<StageScratch> scratch_;
};

/// The same of a stage that may wait.
class WaitingStep final : public ChainStep {
 public:
  WaitingStep(std::shared_ptr<const WaitingStage> stage, const StagePorts& ports)
      : stage_(std::move(stage)), ports_(ports), scratch_(std::make_unique<StageScratch>()) {}
  std::string name() const override { return std::string(stage_->name()); }
  void attach(StageWorkHost host) override { work_ = stage_->make_work(ports_, std::move(host)); }
  void run(ChainBatch&, CodeMark&) override { INVARIANT(false, "a step that may wait is begun"); }
  bool begin(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    scratch_->mark = &mark;
    meet_poison(stage_->name(), batch, *scratch_);
    return work_->begin(batch, round, *scratch_);
  }
  void finish(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    scratch_->mark = &mark;
    work_->finish(batch, round, *scratch_);
  }
  void forget(RoundNumber round) noexcept override { work_->forget(round); }

 private:
  std::shared_ptr<const WaitingStage> stage_;
  StagePorts ports_;
  std::unique_ptr<StageScratch> scratch_;
  std::unique_ptr<StageWork> work_;  // before the stage
};

class PlanEncoder final : public ChainEncoder {
 public:
  PlanEncoder(std::shared_ptr<const ChainPlan> plan, std::size_t columns) : plan_(std::move(plan)), columns_(columns) {}
  bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out, TokenTable* tokens) const override {
    return plan_->encode(batch, parts, out, tokens);
  }
  std::shared_ptr<TokenTable> token_table() const override { return columns_ == 0 ? nullptr : std::make_shared<TokenTable>(columns_); }

 private:
  std::shared_ptr<const ChainPlan> plan_;
  std::size_t columns_;
};

class PayloadExtractor final : public RecordExtractor {
 public:
  explicit PayloadExtractor(const ViewSet& views) : plan_(plan_of(views, slots_)), parser_(*plan_) {}
  Result<void> extract(std::string_view payload, std::span<std::string_view> values) override {
    arena_.clear();
    parser_.between_batches();
    Document document;
    ParseProblem problem;
    if (!parser_.parse_json(payload, arena_, document, problem))
      return fail(Errc::log_damaged, "a record's payload is no JSON object: byte {}: {}", problem.at, problem.what);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const Value& value = document[slots_[i]];
      if (value.kind == ValueKind::missing) {
        values[i] = {};
      } else if (value.kind == ValueKind::string) {
        values[i] = {value.data - 1, value.length + 2};  // with its quotes: the token
      } else {
        values[i] = value.span();
      }
    }
    return {};
  }

 private:
  static std::unique_ptr<FieldPlan> plan_of(const ViewSet& views, std::vector<Slot>& slots) {
    auto plan = std::make_unique<FieldPlan>();
    for (const FieldPath& path : views.paths()) slots.push_back(plan->want(path.parts));
    return plan;
  }
  std::vector<Slot> slots_;
  std::unique_ptr<FieldPlan> plan_;
  DocumentParser parser_;
  ChainArena arena_;
};

}  // namespace

ExtractorFactory payload_extractor(const ViewSet& views) {
  return [&views] { return std::make_unique<PayloadExtractor>(views); };
}

Result<std::unique_ptr<CompiledPipeline>> CompiledPipeline::compile(PipelineConfig config) {
  std::unique_ptr<CompiledPipeline> pipeline(new CompiledPipeline);
  pipeline->config_ = std::move(config);
  WEIR_ASSIGN(pipeline->views_, ViewSet::compile(pipeline->config_.views, PluginView::make));
  for (const SinkConfig& sink : pipeline->config_.sinks) {
    if (std::holds_alternative<PluginSinkConfig>(sink.body)) WEIR_TRY(PluginSinkTarget::check(sink));
  }
  for (const InputConfig& input : pipeline->config_.inputs) {
    if (std::holds_alternative<PluginInputConfig>(input.body)) WEIR_TRY(PluginSource::check(input));
  }
  WEIR_ASSIGN(pipeline->rules_, compile_rules(pipeline->config_, pipeline->views_.paths(), read_whole_file));
  return pipeline;
}

WindowLimits chain_limits(const PipelineConfig& config, WindowLimits limits) {
  limits.event_bytes_max = config.limits.event_bytes_max;
  if (splits_events(config)) limits.batch_events_max = kSplitEventsMax;
  // Where events come one by one, a round is one event and has one call out: fewer rounds than calls_max would be what bounds the calls.
  // More rounds cost memory only: of events that are admitted anyway, so the window's limits bound it.
  for (const StageConfig* stage : lookups_of(config))
    limits.rounds_max = std::max(limits.rounds_max, std::min(std::get<EnrichConfig>(stage->body).http->calls_max, kWaitingRoundsMax));
  for (const StageConfig& stage : config.stages) {
    const auto* plugin = std::get_if<PluginStageConfig>(&stage.body);
    if (plugin == nullptr || !answers_later(*plugin->kind)) continue;
    limits.rounds_max = std::max(limits.rounds_max, std::min(pending_keys(*plugin->kind, plugin->values).pending_max, kWaitingRoundsMax));
  }
  return limits;
}

HttpFetchConfig fetch_config(const PipelineConfig& config) {
  HttpFetchConfig fetch;
  std::uint64_t calls = 0;
  for (const StageConfig* stage : lookups_of(config)) calls += std::uint64_t{config.partitions} * std::get<EnrichConfig>(stage->body).http->calls_max;
  fetch.connections_per_host_max = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(calls, 1, 1'000));
  fetch.connections_max = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(calls, 1, 10'000));
  fetch.calls_outstanding_max = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(calls, 1, 100'000));
  return fetch;
}

Result<std::string> read_whole_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return fail(Errc::input_unreadable, "{}: cannot be opened", name);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file && !file.eof()) return fail(Errc::input_unreadable, "{}: cannot be read", name);
  return std::move(text).str();
}

Result<CompiledRules> compile_rules(const PipelineConfig& config, std::span<const FieldPath> view_paths, const ReadFile& read) {
  std::string text = rules_text(config);
  std::vector<RuleFile> files;
  const ReadFile remember = [&](const std::string& name) -> Result<std::string> {
    WEIR_ASSIGN(std::string content, read(name));
    const Digest128 digest = xxh3_128(content);
    text += to_hex(digest);  // what tables, schemas and scripts say is part of the rules
    const auto known = std::find_if(files.begin(), files.end(), [&](const RuleFile& file) { return file.name == name; });
    if (known == files.end()) {
      files.push_back({name, digest});
    } else if (known->content != digest) {
      known->content = {};  // written while it was read: neither is what the stages were made of
    }
    return content;
  };
  CompiledRules compiled;
  const StageFactory make = [&](const StageConfig& stage, StageContext& context) -> Result<std::unique_ptr<Stage>> {
    WEIR_ASSIGN(auto made, make_stage(stage, config.retry, context));
    WEIR_ASSIGN(StageConditions conditions, conditions_of(stage, context));
    compiled.conditions.push_back(std::move(conditions));
    return made;
  };
  WEIR_ASSIGN(compiled.plan, ChainPlan::compile(config, view_paths, make, remember));
  const std::shared_ptr<const ChainPlan>& plan = compiled.plan;
  auto rules = std::make_shared<ChainRules>();
  rules->version.hash = xxh3_128(text);
  rules->version.encoder = std::make_shared<PlanEncoder>(plan, view_paths.size());
  rules->steps.push_back([plan](const StagePorts&) { return std::make_unique<ReadStep>(plan); });
  const auto tapped = [plan](std::unique_ptr<ChainStep> step, const StagePorts& ports) {
    if (ports.taps == nullptr) return step;
    auto ring = ports.taps->of(step->name());
    return tapped_step(std::move(step), plan, std::move(ring), *ports.clock);
  };
  for (const auto& stage : plan->stages()) {
    if (const auto* waiting = dynamic_cast<const WaitingStage*>(stage.get())) {
      rules->steps.push_back([tapped, part = std::shared_ptr<const WaitingStage>(plan, waiting)](const StagePorts& ports) {
        return tapped(std::make_unique<WaitingStep>(part, ports), ports);
      });
      continue;
    }
    rules->steps.push_back([tapped, part = std::shared_ptr<const Stage>(plan, stage.get())](const StagePorts& ports) {
      return tapped(std::make_unique<StageStep>(part), ports);
    });
  }
  compiled.rules = std::move(rules);
  compiled.files = std::move(files);
  return compiled;
}

ExtractorFactory CompiledPipeline::extractor() const { return payload_extractor(views_); }

}  // namespace weir

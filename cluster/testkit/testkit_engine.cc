#include "cluster/testkit/testkit_engine.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "actors/doors/frame_format.h"
#include "actors/plugin/plugin_host.h"
#include "actors/plugin/plugin_sink.h"
#include "cluster/node/framed_input.h"
#include "cluster/node/pipeline_test.h"
#include "cluster/node/source_doors.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/base/suggest.h"
#include "runtime/engine/letters_query.h"

namespace weir {

namespace {

/// While events wait for answers so much time passes by itself: for commits, and for what is read next. Arbitrary: several commit intervals.
constexpr std::int64_t kSettle = 100'000;

class CrashingStep final : public ChainStep {
 public:
  CrashingStep(std::unique_ptr<ChainStep> inner, std::shared_ptr<PlannedCrashes> crashes) : inner_(std::move(inner)), crashes_(std::move(crashes)) {}
  std::string name() const override { return inner_->name(); }
  void attach(StageWorkHost host) override { inner_->attach(std::move(host)); }
  void run(ChainBatch& batch, CodeMark& mark) override {
    look(batch, mark);
    inner_->run(batch, mark);
  }
  [[nodiscard]] bool begin(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    look(batch, mark);
    return inner_->begin(batch, round, mark);
  }
  void finish(ChainBatch& batch, RoundNumber round, CodeMark& mark) override { inner_->finish(batch, round, mark); }
  void forget(RoundNumber round) noexcept override { inner_->forget(round); }

 private:
  void look(const ChainBatch& batch, CodeMark& mark) {
    for (const ChainEvent& event : batch.events()) {
      if (event.verdict == Verdict::pass) look(batch, event, mark);
    }
  }
  void look(const ChainBatch& batch, const ChainEvent& event, CodeMark& mark) {
    for (PlannedCrash& crash : crashes_->planned) {
      if (crash.name != inner_->name() || ++crash.seen != crash.nth) continue;
      ++crashes_->happened;
      mark.enter(batch.offset(event), 1, event.fingerprint);
      throw std::runtime_error(fmt::format("the test wanted a crash at event {}", crash.nth));
    }
  }
  std::unique_ptr<ChainStep> inner_;
  std::shared_ptr<PlannedCrashes> crashes_;
};

/// Writes, and dies before anybody knows.
class CrashingTarget final : public SinkTarget {
 public:
  CrashingTarget(std::string name, std::unique_ptr<SinkTarget> inner, std::shared_ptr<PlannedCrashes> crashes)
      : name_(std::move(name)), inner_(std::move(inner)), crashes_(std::move(crashes)) {}
  [[nodiscard]] bool hides() const override { return inner_->hides(); }
  [[nodiscard]] Result<void> open(const std::string& state) override { return inner_->open(state); }
  void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override {
    inner_->send(batch, [&](SinkAnswer answer) {
      for (PlannedCrash& crash : crashes_->planned) {
        if (crash.name != name_ || crash.seen >= crash.nth || answer.kind != SinkAnswer::Kind::taken) continue;
        crash.seen += batch->items.size();
        if (crash.seen < crash.nth) continue;
        ++crashes_->happened;
        throw std::runtime_error(fmt::format("the test wanted a crash behind record {}", crash.nth));
      }
      answered(std::move(answer));
    });
  }
  [[nodiscard]] Result<std::string> prepare() override { return inner_->prepare(); }
  [[nodiscard]] Result<void> publish(const std::string& state) override { return inner_->publish(state); }

 private:
  std::string name_;
  std::unique_ptr<SinkTarget> inner_;
  std::shared_ptr<PlannedCrashes> crashes_;
};

/// Gives, and dies before anything of it is durable.
class CrashingSource final : public RecordSource {
 public:
  CrashingSource(std::string name, std::unique_ptr<RecordSource> inner, std::shared_ptr<PlannedCrashes> crashes)
      : name_(std::move(name)), inner_(std::move(inner)), crashes_(std::move(crashes)) {}
  void open(const std::string& position) override { inner_->open(position); }
  [[nodiscard]] PolledRecords poll() override {
    PolledRecords polled = inner_->poll();
    for (PlannedCrash& crash : crashes_->planned) {
      if (crash.name != name_ || crash.seen >= crash.nth) continue;
      crash.seen += polled.records.size();
      if (crash.seen < crash.nth) continue;
      ++crashes_->happened;
      throw std::runtime_error(fmt::format("the test wanted a crash behind record {}", crash.nth));
    }
    return polled;
  }
  void durable(const std::string& position) override { inner_->durable(position); }

 private:
  std::string name_;
  std::unique_ptr<RecordSource> inner_;
  std::shared_ptr<PlannedCrashes> crashes_;
};

TestValue plain(TestValue::Kind kind, std::string text) {
  TestValue value;
  value.kind = kind;
  value.text = std::move(text);
  return value;
}

TestValue ledger_row(const MemoryAnswers& answers) {
  TestValue row;
  row.kind = TestValue::Kind::map;
  for (const std::string& name : ledger_counts()) row.fields.push_back({name, plain(TestValue::Kind::number, std::to_string(ledger_count(answers, name)))});
  row.fields.push_back({"balanced", plain(TestValue::Kind::boolean, answers.balanced ? "true" : "false")});
  return row;
}

}  // namespace

Result<void> TestkitEngine::open(const std::string& file, std::optional<std::string> text, weir_plugin_opener plugin) {
  PluginKinds kinds;
  std::array<char, 1'024> said;
  weir_message why{said.data(), said.size(), 0};
  const weir_plugin* const opened = plugin == nullptr ? nullptr : plugin(&plugin_host(), &why);
  if (plugin != nullptr && opened == nullptr)
    return fail(Errc::config_invalid, "what the test program says about itself failed: {}", std::string_view(said.data(), std::min<std::size_t>(why.size, said.size())));
  if (opened != nullptr && opened->stage_count + opened->sink_count + opened->source_count + opened->view_count != 0) {
    WEIR_ASSIGN(kinds, read_kinds(*opened, "the test program", {}));
  }
  ConfigSources sources{file, {}, {}, std::move(text)};
  WEIR_ASSIGN(PipelineConfig config, YamlConfigLoader(std::move(kinds)).pipeline(sources));
  if (const auto asking = lookups_of(config); !asking.empty()) {
    return fail(Errc::config_invalid, "{}: the stage \"{}\" asks an HTTP server, and a test has none; write tests: in the pipeline file, where lookups: says what servers answer",
                file, asking.front()->name);
  }
  WEIR_ASSIGN(pipeline_, CompiledPipeline::compile(std::move(config)));
  machine_ = std::make_unique<MemoryMachine>(*pipeline_, MemoryHttpFetch::Script{}, [this](std::size_t i, PartitionId partition) -> std::unique_ptr<SinkTarget> {
    const SinkConfig& sink = pipeline_->config().sinks[i];
    if (!std::holds_alternative<PluginSinkConfig>(sink.body)) return nullptr;
    return std::make_unique<CrashingTarget>(sink.name, std::make_unique<PluginSinkTarget>(sink, pipeline_->config().name, partition), crashes_);
  });
  return {};
}

StepsWrapper TestkitEngine::crashing() const {
  return [this](std::vector<ChainStepFactory> steps) {
    std::vector<ChainStepFactory> crashing;
    for (ChainStepFactory& step : steps) {
      crashing.push_back([inner = std::move(step), crashes = crashes_](const StagePorts& ports) {
        return std::make_unique<CrashingStep>(inner(ports), crashes);
      });
    }
    return crashing;
  };
}

Result<void> TestkitEngine::live(std::vector<DoorGroup> groups, std::vector<SourceFeedConfig> sources) {
  if (MemoryLife* const life = machine_->life(); life != nullptr) {
    if (!sources.empty()) return fail(Errc::invalid_argument, "sources are asked when no event waits for an answer; {} do: answer them, or let their deadline pass", life->pending());
    if (!groups.empty() && !life->takes_more()) return fail(Errc::invalid_argument, "more is fed when the events that are parked were tried again: let time pass (advance)");
    life->feed(std::move(groups));
  } else {
    MemoryLifeSetup setup;
    setup.groups = std::move(groups);
    setup.wall = now_;
    setup.wrap = crashing();
    setup.sources = std::move(sources);
    setup.by_hand = true;
    machine_->begin(std::move(setup));
  }
  return go_on(now_ + kSettle);
}

Result<void> TestkitEngine::go_on(std::optional<std::int64_t> until) {
  if (machine_->life() == nullptr) return {};
  if (!machine_->life()->go_on(until)) {
    now_ = machine_->life()->wall();
    return {};
  }
  const Result<void> done = machine_->end();
  now_ = std::max(now_, machine_->ended_at());
  return done;
}

Result<void> TestkitEngine::run() { return go_on(now_ + kSettle); }
Result<void> TestkitEngine::wait() { return go_on(std::nullopt); }

Result<void> TestkitEngine::feed(std::string_view events, std::string_view format) {
  FramedInputConfig config;
  config.name = "what was fed";
  config.accepted_at = now_;
  WEIR_ASSIGN(config.format, parse_record_format(format));
  WEIR_ASSIGN(auto groups, frame_text(pipeline_->config(), events, config));
  return live(std::move(groups));
}

Result<void> TestkitEngine::poll() {
  std::vector<SourceFeedConfig> sources;
  for (const InputConfig& input : pipeline_->config().inputs) {
    if (!std::holds_alternative<PluginInputConfig>(input.body)) continue;
    SourceFeedConfig& source = sources.emplace_back(source_feed_config(pipeline_->config(), input));
    source.ends_when_idle = true;
    source.make = [make = source.make, name = input.name, crashes = crashes_] { return std::make_unique<CrashingSource>(name, make(), crashes); };
  }
  if (sources.empty()) return fail(Errc::invalid_argument, "the pipeline has no source of yours among its inputs");
  return live({}, std::move(sources));
}

Result<void> TestkitEngine::advance(std::int64_t microseconds) {
  constexpr std::int64_t kMost = std::int64_t{40} * 365 * 86'400 * 1'000'000;  // times end with the year 2200
  if (microseconds < 0 || microseconds > kMost) return fail(Errc::invalid_argument, "time passes by 0 to 40 years, not by {} us", microseconds);
  const std::int64_t until = now_ + microseconds;
  WEIR_TRY(go_on(until));
  if (machine_->life() != nullptr) return {};
  now_ = std::max(now_, until);
  return live({});
}

Result<void> TestkitEngine::crash(const std::string& name, std::uint64_t nth) {
  std::vector<std::string> names;
  for (const StageConfig& known : pipeline_->config().stages) names.push_back(known.name);
  if (nth == 0) return fail(Errc::invalid_argument, "a stage crashes at its first event (1) or a later one, a sink or source behind it");
  for (const SinkConfig& known : pipeline_->config().sinks) {
    if (std::holds_alternative<PluginSinkConfig>(known.body)) names.push_back(known.name);
  }
  for (const InputConfig& known : pipeline_->config().inputs) {
    if (std::holds_alternative<PluginInputConfig>(known.body)) names.push_back(known.name);
  }
  if (std::find(names.begin(), names.end(), name) == names.end())
    return fail(Errc::invalid_argument, "the pipeline has no stage, and no sink or source of yours, \"{}\"; there are: {}", name, fmt::join(names, ", "));
  crashes_->planned.push_back({name, nth});
  return {};
}

Result<std::vector<TestValue>> TestkitEngine::rows(std::uint32_t what, const std::string& name) const {
  WEIR_ASSIGN(const MemoryAnswers answers, machine_->answers());
  switch (what) {
    case WEIR_TESTKIT_RECORDS:
      return record_rows(answers);
    case WEIR_TESTKIT_DEAD_LETTERS:
      return letter_rows(answers);
    case WEIR_TESTKIT_VIEW:
      return view_rows(answers, pipeline_->views(), name);
    case WEIR_TESTKIT_SINK:
      return sink_rows(answers, pipeline_->config(), name);
    default:
      return std::vector<TestValue>{ledger_row(answers)};
  }
}

}  // namespace weir

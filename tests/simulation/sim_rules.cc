#include "tests/simulation/sim_rules.h"

#include <fmt/format.h>

#include <csignal>
#include <stdexcept>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir::sim {

namespace {

bool has(std::string_view raw, std::string_view word) {
  return raw.find(word) != std::string_view::npos;
}

/// Versions differ in what they reject and what they leave out.
bool rejects(std::uint32_t version, std::string_view raw) {
  return has(raw, "bad") || (version % 2 == 1 && has(raw, "fine"));
}
bool filters(std::uint32_t version, std::string_view raw) {
  return version % 3 != 1 && has(raw, "skip");
}

class Step final : public ChainStep {
 public:
  Step(int number, std::uint32_t version, SimDependency& dependency) : number_(number), version_(version), dependency_(&dependency) {}
  std::string name() const override { return number_ == 0 ? "validate" : "transform"; }
  void attach(StageWorkHost host) override { host_ = std::move(host); }
  /// The second stage waits for some of its rounds, as chance has it: they overtake each other.
  bool begin(ChainBatch& batch, RoundNumber round, CodeMark& mark) override {
    const std::uint64_t turns = number_ == 0 || batch.events().empty() ? 0 : xxh3_64(batch.raw(batch.events().front()).raw, version_) % 4;
    if (turns == 0) run(batch, mark);
    if (turns != 0) wait(round, turns);
    return turns == 0;
  }
  void finish(ChainBatch& batch, RoundNumber, CodeMark& mark) override { run(batch, mark); }
  void run(ChainBatch& batch, CodeMark& mark) override {
    for (ChainEvent& event : batch.events()) {
      if (event.verdict != Verdict::pass) continue;
      const std::string_view raw = batch.raw(event).raw;
      if (is_poison(raw) && (number_ == 1 || !ends_process(raw))) crash(batch, event, mark, ends_process(raw));
      if (number_ == 0) event.event_time = event_time_of(raw);
      if (number_ == 0 && rejects(version_, raw)) batch.reject(event, "validate", "field_range", "bad");
      if (number_ == 1 && filters(version_, raw)) batch.filter(event);
      // Now and then nobody is asked at all.
      if (number_ == 1 && needs_dependency(raw) && dependency_->out)
        batch.retry(event, "transform", "lookup", "no answer", {0, ++dependency_->refusals % 4 != 0});
    }
  }

 private:
  /// Some versions say which event it is, others only that it is one of the batch.
  [[noreturn]] void crash(const ChainBatch& batch, const ChainEvent& event, CodeMark& mark, bool with_process) {
    if (version_ % 2 == 0) mark.enter(batch.offset(event), 1, event.fingerprint);
    ++dependency_->crashes;
    if (with_process) dependency_->died = FormerMark{batch.partition(), name(), *mark.inside(), SIGSEGV};
    throw std::runtime_error("a crash in " + name());
  }
  void wait(RoundNumber round, std::uint64_t turns) {
    host_.post([this, round, turns] { turns == 1 ? host_.ready(round) : wait(round, turns - 1); });
  }
  int number_;
  std::uint32_t version_;
  SimDependency* dependency_;
  StageWorkHost host_;
};

class Encoder final : public ChainEncoder {
 public:
  explicit Encoder(std::string type) : type_(std::move(type)) {}
  bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out,
              TokenTable*) const override {
    for (const ChainEvent& part : parts) {
      const std::string_view raw = batch.raw(part).raw;
      if (has(raw, "huge")) return false;
      const std::uint16_t attributes = out.attributes(type_, "test");
      out.begin_record().append(raw);
      out.end_record(part.event_time, attributes);
    }
    return true;
  }
  std::shared_ptr<TokenTable> token_table() const override { return nullptr; }

 private:
  std::string type_;
};

/// Values of the workload's own frames: {"id":"…","kind":"…","v":…}.
class Extractor final : public RecordExtractor {
 public:
  explicit Extractor(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  Result<void> extract(std::string_view payload, std::span<std::string_view> values) override {
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const std::string key = "\"" + paths_[i] + "\":";
      const std::size_t at = payload.find(key);
      if (at == std::string_view::npos) continue;
      const std::size_t from = at + key.size();
      values[i] = payload.substr(from, payload.find_first_of(",}", from) - from);
    }
    return {};
  }

 private:
  std::vector<std::string> paths_;
};

FieldPath path(const char* text) {
  return {{text}, text};
}

/// Some views are there in every version; one changes its definition, two come and go.
ViewSet compile_views(std::uint32_t version) {
  std::vector<ViewConfig> views;
  ViewConfig& latest = views.emplace_back();
  latest.name = "by_id";
  latest.latest = path("@id");
  ViewConfig& sums = views.emplace_back();
  sums.name = "by_kind";
  sums.group_by = {path("kind")};
  sums.measures = {{"sum", MeasureKind::sum, path("v")}, {"rows", MeasureKind::count, {}}};
  sums.measures.push_back(version % 2 == 0 ? MeasureConfig{"values", MeasureKind::distinct, path("v")}
                                           : MeasureConfig{"top", MeasureKind::max, path("v")});
  if (version % 3 != 2) {
    ViewConfig& newest = views.emplace_back();
    newest.name = "by_v";
    newest.latest = path("v");
  }
  if (version % 4 != 1) {
    ViewConfig& kinds = views.emplace_back();
    kinds.name = "ids_of_kind";
    kinds.group_by = {path("kind")};
    kinds.measures = {{"ids", MeasureKind::distinct, path("id")}};
  }
  ViewConfig& minutes = views.emplace_back();
  minutes.name = "by_minutes";
  minutes.windows = {{WindowConfig::Unit::fixed, std::chrono::minutes(2), "2m"}};
  minutes.measures = {{"rows", MeasureKind::count, {}}};
  minutes.retain = std::chrono::minutes(3);
  auto set = ViewSet::compile(views);
  INVARIANT(set.has_value(), "the views of the simulation are right");
  return std::move(*set);
}

}  // namespace

bool is_poison(std::string_view raw) {
  return has(raw, "venom");
}
bool ends_process(std::string_view raw) {
  return has(raw, "venom, deadly");
}

bool needs_dependency(std::string_view raw) {
  return has(raw, "needs");
}

std::string order_key_of(std::string_view raw) {
  const std::size_t from = raw.find("\"v\":") + 4;
  return std::string(raw.substr(from, raw.find_first_of(",}", from) - from));
}

std::int64_t event_time_of(std::string_view raw) {
  std::int64_t sum = 0;
  for (const char c : raw) sum += c;
  return 1'600'000'000'000'000 - 60'000'000 * (1 + sum % 8);
}

SimRules::SimRules(std::uint64_t seed, std::uint32_t version) : version_(version), views_(compile_views(version)) {
  late_ = {std::chrono::minutes(1 + (seed + version) % 6), static_cast<OnLate>((seed / 6 + version / 2) % 3)};
  encoder_ = std::make_unique<Encoder>(record_type());
  retry_.order = seed % 3 == 0 ? RetryOrder::deferred : RetryOrder::blocking;
  if (seed % 3 == 1) retry_.order_by = path("v");
  retry_.attempts_max = seed % 5 == 0 ? 3 : 1'000;
  retry_.retry_age_max = std::chrono::hours(24 * 7);
  retry_.backoff_min = std::chrono::milliseconds(5);
  retry_.backoff_max = std::chrono::milliseconds(40);
  if (seed % 7 == 0) retry_.parked_events_max = 12;
  if (seed % 7 == 1) retry_.held_keys_max = 5;
}

Digest128 SimRules::hash() const {
  return xxh3_128(record_type());
}

std::string SimRules::record_type() const {
  return fmt::format("v{}", version_);
}

Said SimRules::say(std::string_view raw) const {
  if (is_poison(raw)) return {Outcome::dead_lettered, ends_process(raw) ? "transform" : "validate", "poison"};
  if (rejects(version_, raw)) return {Outcome::dead_lettered, "validate", "field_range"};
  if (filters(version_, raw)) return {Outcome::filtered};
  if (has(raw, "huge")) return {Outcome::dead_lettered, "encode", "output_too_large"};
  return {};
}

std::vector<ChainStepFactory> SimRules::steps(SimDependency& dependency) const {
  std::vector<ChainStepFactory> steps;
  for (const int number : {0, 1})
    steps.push_back([number, version = version_, &dependency](const StagePorts&) { return std::make_unique<Step>(number, version, dependency); });
  return steps;
}

ExtractorFactory SimRules::extractor() const {
  std::vector<std::string> paths;
  for (const FieldPath& p : views_.paths()) paths.push_back(p.text);
  return [paths] { return std::make_unique<Extractor>(paths); };
}

}  // namespace weir::sim

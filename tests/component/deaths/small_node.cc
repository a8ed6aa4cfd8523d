#include "tests/component/deaths/small_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "actors/doors/door_actor.h"
#include "actors/doors/input_feed.h"
#include "actors/serve/views_actor.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/base/hash.h"

namespace weir::deaths {

namespace {

/// More than ten times what any run here needs.
constexpr std::uint64_t kStepsMax = 200'000;
/// The event time of the first line, in ms.
constexpr std::uint64_t kStart = 1'600'000'000'000;

class TextInput final : public InputStream {
 public:
  explicit TextInput(std::string_view text) : text_(text) {}
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size) override {
    const std::size_t count = std::min(size, text_.size() - at_);
    std::memcpy(to, text_.data() + at_, count);
    at_ += count;
    return count;
  }
  [[nodiscard]] Result<void> skip_to(std::uint64_t place) override {
    at_ = place;
    return {};
  }
  [[nodiscard]] std::uint64_t place() const override { return at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<CompiledPipeline> compiled_pipeline() {
  auto config = YamlConfigLoader{}.pipeline("tests/component/deaths/pipeline.yaml", {});
  if (!config) throw std::runtime_error(describe(config.error()));
  auto compiled = CompiledPipeline::compile(std::move(*config));
  if (!compiled) throw std::runtime_error(describe(compiled.error()));
  return std::move(*compiled);
}

std::string small_input(std::uint32_t lines, std::string_view ids) {
  std::string text;
  for (std::uint32_t i = 0; i < lines; ++i) {
    const std::uint32_t id = i * 7 % 11;  // few ids: repeats and conflicts near and far
    switch (i % 6) {
      case 0:
      case 1: text += fmt::format(R"({{"id":"{}{}","country":"France","at":{},"price":{}.50}})", ids, id, kStart + id, id + 1); break;
      case 2: text += fmt::format(R"({{"id":"{}{}","country":"Norway","at":{},"price":{}}})", ids, id, kStart + i, i); break;
      case 3: text += fmt::format(R"({{"id":"{}{}","country":"Norway","at":{},"price":-{}}})", ids, id, kStart, i % 4); break;
      case 4: text += fmt::format(R"({{"id":"{}{}","country":"Atlantis","at":{},"price":1}})", ids, id, kStart); break;
      default: text += fmt::format(R"({{"id":"{}{}","country":)", ids, id); break;
    }
    text += '\n';
  }
  return text;
}

SmallMachine::SmallMachine(const CompiledPipeline& pipeline, std::vector<std::string> inputs)
    : pipeline_(&pipeline), inputs_(std::move(inputs)) {
  sim::SeededRng rng(1);
  disk_ = std::make_shared<MemoryDisk>(pipeline.config().partitions, rng);
  for (std::uint32_t p = 0; p < pipeline.config().partitions; ++p) states_.push_back(std::make_shared<MemoryStateDisk>());
}

PipelineSetup SmallMachine::setup(const NodeOptions& options, MemoryEventLog& log, sim::SimScheduler& scheduler, Logbook& logbook) {
  const PipelineConfig& config = pipeline_->config();
  PipelineSetup setup;
  setup.partitions = config.partitions;
  PartitionSetup& partition = setup.partition;
  partition.log = &log;
  partition.clock = &clock_;
  partition.logbook = &logbook;
  partition.views = &pipeline_->views();
  partition.rules = pipeline_->rules();
  if (options.steps) {
    auto rules = std::make_shared<ChainRules>(*partition.rules);
    rules->steps = options.steps(rules->steps);
    partition.rules = std::move(rules);
  }
  partition.extractor = pipeline_->extractor();
  partition.spawn_views = spawn_views;
  partition.window.events_max = 8;
  partition.window.commit_bytes_max = 1024;
  partition.remember = config.dedupe.remember;
  partition.dead_letters = options.dead_letters;
  partition.owner.incarnation = ++incarnation_;
  partition.delta_bytes_max = 2048;
  partition.apply_bytes_max = 2048;
  setup.committer = {&log, &clock_, {std::chrono::milliseconds(5), 4096}};
  const auto post = [&scheduler](std::function<void()> task) { scheduler.post(std::move(task)); };
  setup.stop_patience = options.stop_patience;
  setup.open_store = options.open_store;
  if (!setup.open_store) {
    setup.open_store = [this, post](PartitionId p) -> Result<std::shared_ptr<StateStore>> {
      return std::static_pointer_cast<StateStore>(std::make_shared<MemoryState>(states_[p.value], pipeline_->merger(), post));
    };
  }
  for (const std::string& input : inputs_) {
    InputFeedConfig feed;
    feed.door.input = "small";
    feed.door.framing.framing = Framing::lines;
    feed.door.router.partitions = config.partitions;
    feed.door.router.id = event_id_rule(config.record.id, FrameFormat::json);
    feed.door.router.door = "file:small";
    feed.door.router.batch_events_max = 3;
    feed.door.router.group_bytes_max = 250;
    feed.open = [&input]() -> Result<OpenedInput> { return OpenedInput{std::make_unique<TextInput>(input), InputIdentity{input.size(), {}}}; };
    DoorSetup door;
    door.log = &log;
    door.clock = &clock_;
    door.logbook = &logbook;
    door.open = make_input_feed(feed);
    door.name = "small";
    door.events_max = options.door_events_max;
    door.own_thread = false;
    setup.doors.push_back({fmt::format("small{}", setup.doors.size()), door_spawner(door)});
  }
  return setup;
}

NodeEnd SmallMachine::run(const NodeOptions& options) {
  NodeEnd end;
  sim::SeededRng rng(options.seed);
  sim::SimLogbook logbook;
  auto scheduler = std::make_unique<sim::SimScheduler>(rng, clock_);
  auto log = open_memory_log(disk_, [&scheduler](std::function<void()> task) { scheduler->post(std::move(task)); });
  PipelineSetup setup = this->setup(options, *log, *scheduler, logbook);
  std::vector<std::weak_ptr<StateStore>> stores;
  setup.beside = options.beside;
  setup.supervision = options.supervision;
  setup.poison_crashes_max = options.poison_crashes_max;
  setup.board = options.board;
  setup.seed = options.seed;
  setup.open_store = [&stores, &options, refused = options.stores_refused,
                      open = std::move(setup.open_store)](PartitionId p) mutable -> Result<std::shared_ptr<StateStore>> {
    if (refused != 0 || (options.store_refused && options.store_refused(p))) {
      refused -= refused != 0 ? 1 : 0;
      return fail(Errc::io_failed, "the device refused");
    }
    auto store = open(p);
    if (store) stores.push_back(*store);
    return store;
  };
  setup.ended = [&end](Result<void> result) {
    if (end.result) result = fail(Errc::internal, "the pipeline has ended twice");
    end.result = std::move(result);
  };
  std::map<std::uint32_t, std::uint64_t> ids;
  setup.progress = [&](const PartitionProgress& progress) { ids[progress.partition.value] = progress.ids; };
  setup.until_stopped = options.idle != nullptr;
  scheduler->watch([&](const caf::actor& actor, std::string_view name) {
    const std::uint64_t turn = ++end.turns[std::string(name)];
    if (!options.death || options.death->name != name || turn != options.death->turn.value_or(turn) || end.killed >= options.deaths_max) return;
    ++end.killed;
    // Ahead of what lies in its mailbox: it dies before this turn's message.
    actor->enqueue(nullptr, caf::make_message_id(caf::message_priority::high), caf::make_message(caf::exit_msg{actor.address(), caf::exit_reason::kill}), nullptr);
  });
  caf::actor root = spawn_pipeline(scheduler->system(), std::move(setup));
  bool serves = options.idle != nullptr;
  std::optional<TimePoint> stopped_at;
  while (!end.result && end.steps < kStepsMax) {
    if (scheduler->step() == sim::SimScheduler::Step::nothing) {
      if (!serves) break;
      serves = options.idle(root, clock_);
      if (!serves) caf::anon_send(root, StopNode{});
    }
    if (options.stop_at == end.steps) {
      stopped_at = clock_.now();
      caf::anon_send(root, StopNode{});
    }
    if (options.fail_append_at == ++end.steps) log->faults().fail_next_append();
    constexpr std::uint64_t kFullSteps = 40;
    if (options.disk_full_at) log->faults().set_disk_full(end.steps >= *options.disk_full_at && end.steps < *options.disk_full_at + kFullSteps);
    if (options.at_step) options.at_step(end.steps);
    if (const auto fresh = options.rules_at.find(end.steps); fresh != options.rules_at.end()) caf::anon_send(root, NewRules{fresh->second});
  }
  const bool ended = end.result.has_value();
  if (stopped_at) end.stopping = clock_.now() - *stopped_at;
  if (!ended) scheduler->crash(root);
  // A good end leaves nobody behind: everything that is left to do comes to its end by itself.
  for (std::uint64_t more = 0; ended && scheduler->step() != sim::SimScheduler::Step::nothing; ++more) {
    if (more > kStepsMax) throw std::runtime_error("the pipeline has ended, its actors have not");
  }
  if (!ended) end.result.reset();
  for (const auto& [partition, count] : ids) end.ids += count;
  root = nullptr;
  log->close();
  end.log = logbook.lines();
  scheduler.reset();
  log.reset();
  end.left_over = static_cast<std::size_t>(std::count_if(stores.begin(), stores.end(), [](const auto& store) { return !store.expired(); }));
  return end;
}

}  // namespace weir::deaths

#include "cluster/node/memory_sinks.h"

#include <utility>

#include "actors/sinks/sink_actor.h"

namespace weir {

namespace {

/// Notes what is taken. There is no death between taking and storing here but that of a sink's actor, which a target that hides never
/// meets in memory: what it takes, it takes once.
class NotingTarget final : public SinkTarget {
 public:
  NotingTarget(std::string sink, PartitionId partition, bool hides, std::unique_ptr<SinkTarget> inner, std::shared_ptr<std::vector<SunkRecord>> taken)
      : sink_(std::move(sink)), partition_(partition), hides_(hides), inner_(std::move(inner)), taken_(std::move(taken)) {}
  [[nodiscard]] bool hides() const override { return hides_; }
  [[nodiscard]] Result<void> open(const std::string& state) override { return inner_ ? inner_->open(state) : Result<void>{}; }
  void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override {
    const auto note = [this, batch, answered = std::move(answered)](SinkAnswer answer) {
      if (answer.kind == SinkAnswer::Kind::taken) {
        for (const SinkItem& item : batch->items) taken_->push_back({sink_, partition_, std::string(item.id), std::string(item.text)});
      }
      answered(std::move(answer));
    };
    if (!inner_) return note({});
    inner_->send(batch, note);
  }
  [[nodiscard]] Result<std::string> prepare() override { return std::to_string(++prepares_); }
  [[nodiscard]] Result<void> publish(const std::string&) override { return {}; }

 private:
  std::string sink_;
  PartitionId partition_;
  bool hides_;
  std::unique_ptr<SinkTarget> inner_;
  std::shared_ptr<std::vector<SunkRecord>> taken_;
  std::uint64_t prepares_ = 0;
};

}  // namespace

std::vector<PipelineSink> MemorySinks::open(EventLog& log, const Clock& clock, Logbook& logbook, std::function<void(std::function<void()>)> post) {
  std::vector<PipelineSink> sinks;
  const std::shared_ptr<const PipelineConfig> config(std::shared_ptr<const void>{}, config_);
  board_.clear();
  for (std::size_t i = 0; i < config->sinks.size(); ++i) {
    const SinkConfig& sink = config->sinks[i];
    for (std::uint32_t p = 0; p < config->partitions; ++p) {
      SinkSetup setup;
      setup.pipeline = config;
      setup.sink = i;
      setup.partition = PartitionId{p};
      setup.log = &log;
      setup.clock = &clock;
      setup.logbook = &logbook;
      setup.cursors = &cursors_;
      setup.make_target = [make = make_, taken = taken_, &sink, i, p] {
        return std::make_unique<NotingTarget>(sink.name, PartitionId{p}, flow_config(sink).hides, make ? make(i, PartitionId{p}) : nullptr, taken);
      };
      setup.post = [post](std::function<void()> job) {
        post(std::move(job));
        return true;
      };
      setup.gauges = board_.add(sink.name, PartitionId{p}, kind_of(sink), sink.from == SinkFrom::dead_letter);
      PipelineSink made{sink.name, PartitionId{p}, {}, setup.gauges};
      made.spawn = [setup](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) mutable {
        setup.entry = std::move(entry);
        return spawn_sink(supervisor, setup);
      };
      sinks.push_back(std::move(made));
    }
  }
  return sinks;
}

std::vector<std::string> MemorySinks::broken() const {
  std::vector<std::string> found;
  for (const SinkBoard::Line& line : board_.lines()) {
    if (!line.gauges->broken.load()) continue;
    const std::string note = line.gauges->note();
    const std::string who = fmt::format("sink {}, partition {}: ", line.sink, line.partition.value);
    found.push_back(note.starts_with(who) ? note : who + note);
  }
  return found;
}

}  // namespace weir

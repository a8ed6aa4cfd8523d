// A sink in its shell, over the memory log, with the supervisor it has in a pipeline. One thread; time passes where the test says so.
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <deque>

#include "actors/partition/sink_supervisor.h"
#include "actors/sinks/http_target.h"
#include "actors/sinks/sink_actor.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/adapters/memory/memory_http_fetch.h"
#include "runtime/adapters/memory/memory_sink.h"
#include "tests/unit/sinks/sink_commits.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixMicros wall() const override { return kNoon + std::chrono::duration_cast<std::chrono::microseconds>(now_).count(); }
  void advance(TimePoint by) { now_ += by; }

 private:
  TimePoint now_{0};
};

class Lines final : public Logbook {
 public:
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override {
    if (level == LogLevel::error) errors.push_back(std::string(who) + ": " + std::string(text));
  }
  std::vector<std::string> errors;
};

class CountingRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++value_; }

 private:
  std::uint64_t value_ = 0;
};

/// One sink in both partitions of a log that this test writes.
class Node {
 public:
  explicit Node(SinkConfig sink, std::function<std::unique_ptr<SinkTarget>(Node&, PartitionId)> make)
      : pipeline_(std::make_shared<const PipelineConfig>(pipeline_with(std::move(sink)))), make_(std::move(make)) {
    CountingRng rng;
    disk_ = std::make_shared<MemoryDisk>(2, rng);
    log = open_memory_log(disk_, [this](std::function<void()> task) { tasks_.push_back(std::move(task)); });
    log->fence({PartitionId{0}, PartitionId{1}}, [](auto) {});
    config_.set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(config_);
    coordinator_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
    REQUIRE(coordinator_ != nullptr);
    run();
  }
  ~Node() {
    stop();
    coordinator_->clock().cancel_all();
    run();
  }

  void start() {
    setup_ = std::make_unique<PipelineSetup>();
    setup_->partitions = 2;
    setup_->partition.clock = &clock;
    setup_->partition.logbook = &logbook;
    setup_->board = board;
    setup_->supervision.sink = limits;
    for (std::uint32_t p = 0; p < 2; ++p) {
      SinkSetup sink;
      sink.pipeline = pipeline_;
      sink.partition = PartitionId{p};
      sink.log = log.get();
      sink.clock = &clock;
      sink.logbook = &logbook;
      sink.cursors = &cursors;
      sink.make_target = [this, p] { return make_(*this, PartitionId{p}); };
      sink.post = [this](std::function<void()> job) {
        tasks_.push_back(std::move(job));
        return true;
      };
      sink.gauges = gauges[p];
      PipelineSink one{"s", PartitionId{p}, {}, gauges[p]};
      one.spawn = [sink](caf::event_based_actor* self, std::shared_ptr<ActorEntry> entry) mutable {
        sink.entry = std::move(entry);
        return spawn_sink(self, sink);
      };
      setup_->sinks.push_back(std::move(one));
    }
    root_ = system_->spawn([this](caf::event_based_actor* self) -> caf::behavior {
      supervisor = std::make_unique<SinkSupervisor>(self, *setup_);
      const auto over = [this, self](const Error* error) {
        const auto sink = supervisor->find(caf::actor_cast<caf::actor_addr>(self->current_sender()));
        REQUIRE(sink);
        if (error != nullptr) supervisor->broken(*sink, *error);
        else supervisor->ended(*sink);
      };
      self->set_down_handler([this, self](caf::down_msg& down) {
        const auto sink = supervisor->find(down.source);
        if (!sink) return;
        if (const auto pause = supervisor->died(*sink)) self->delayed_send(self, *pause, StartAgain{StartAgain::What::sink, static_cast<std::uint32_t>(*sink)});
      });
      self->send(self, PassTime{});
      return {[over](const SinkEnded&) { over(nullptr); },
              [over](const SinkBroken& broken) { over(&broken.error); },
              [this](const ActorFailed& failed) { supervisor->failing(failed.who, failed.error); },
              [this](const StartAgain& again) { supervisor->start(again.index); },
              [this](const PartitionProgress& progress) { supervisor->on_progress(progress); },
              [this](const ReleaseSink& release) { release.done(supervisor->release(release.sink)); },
              [this](const StopNode&) { supervisor->stop(); },
              [this](const FinishSink&) { finished = supervisor->finish(); },
              [this](const PassTime&) { supervisor->start_all(); }};
    });
    run();
  }
  /// The process is gone, and nothing it had in its hands comes to an end.
  void stop() {
    caf::anon_send_exit(root_, caf::exit_reason::kill);
    root_ = nullptr;
    coordinator_->run();
    supervisor.reset();
    setup_.reset();
  }

  void commit(std::uint32_t p, const std::vector<CommittedRecord>& records) {
    const PartitionStatus status = log->status(PartitionId{p});
    const CommitRecord record = commit_of(status.position.sequence.value + 1, records, clock.wall());
    PartitionCommit part{PartitionId{p}, status.position.epoch, next(status.position.sequence), status.position.committed, status.position.committed, {record.body}};
    std::optional<CommitOutcome> outcome;
    log->commit({{part}}, [&](CommitOutcome given) { outcome = std::move(given); });
    run();
    REQUIRE(outcome);
    REQUIRE(outcome->kind == CommitOutcome::Kind::committed);
    if (root_) tell(PartitionProgress{PartitionId{p}, {}, part.sequence, {}, 0, {}});
  }
  template <class Message>
  void tell(Message message) {
    caf::anon_send(root_, std::move(message));
    run();
  }
  /// Everything that can happen without time passing.
  void run() {
    while (coordinator_->has_job() || !tasks_.empty()) {
      if (coordinator_->has_job()) {
        coordinator_->run_once();
        continue;
      }
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  void pass(TimePoint by) {
    clock.advance(by);
    coordinator_->clock().current_time += by;
    coordinator_->clock().trigger_timeouts();
    run();
  }
  void post(std::function<void()> task) { tasks_.push_back(std::move(task)); }

  HandClock clock;
  Lines logbook;
  MemorySinkCursors cursors;
  std::shared_ptr<SinkGauges> gauges[2] = {std::make_shared<SinkGauges>(), std::make_shared<SinkGauges>()};
  std::shared_ptr<MemorySinkStore> stores[2] = {std::make_shared<MemorySinkStore>(), std::make_shared<MemorySinkStore>()};
  std::shared_ptr<ActorBoard> board = std::make_shared<ActorBoard>();
  std::unique_ptr<MemoryEventLog> log;
  std::unique_ptr<SinkSupervisor> supervisor;
  RestartLimits limits;
  bool finished = false;

 private:
  std::shared_ptr<const PipelineConfig> pipeline_;
  std::function<std::unique_ptr<SinkTarget>(Node&, PartitionId)> make_;
  std::shared_ptr<MemoryDisk> disk_;
  std::deque<std::function<void()>> tasks_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_ = nullptr;
  std::unique_ptr<PipelineSetup> setup_;
  caf::actor root_;
};

std::unique_ptr<SinkTarget> in_memory(Node& node, PartitionId partition) { return std::make_unique<MemorySinkTarget>(node.stores[partition.value]); }

SinkConfig http() {
  HttpSinkConfig config;
  config.url = "http://hooks.example/x";
  config.text.envelope = SinkEnvelope::none;
  config.batch_age_max = 0ms;
  config.batch_events_max = 2;
  SinkConfig sink;
  sink.body = config;
  return sink;
}
SinkConfig files() {
  SinkConfig sink;
  sink.body = FilesSinkConfig{};
  return sink;
}
const ActorReport& report(const std::vector<ActorReport>& all, const std::string& path) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const ActorReport& one) { return one.path == path; });
  REQUIRE(found != all.end());
  return *found;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("each partition's records go to the target as they are committed, and nobody asks the path", "[sink]") {
  Node node(http(), in_memory);
  node.commit(0, {{"a", R"({"n":1})"}});
  node.start();
  node.commit(1, {{"b", R"({"n":2})"}, {"c", R"({"n":3})"}, {"d", R"({"n":4})"}});
  node.commit(0, {{"e", R"({"n":5})"}});
  CHECK(node.stores[0]->shown == Texts{R"({"n":1})", R"({"n":5})"});
  CHECK(node.stores[1]->shown == Texts{R"({"n":2})", R"({"n":3})", R"({"n":4})"});
  CHECK(node.gauges[1]->records.load() == 3);
  CHECK(node.gauges[1]->batches.load() == 2);
  CHECK(node.gauges[1]->through.load() == 1);
  const auto tree = node.board->report();
  CHECK(report(tree, "pipeline/sink/s/0").state == ActorState::running);
  CHECK(report(tree, "pipeline/sink/s/0").queue == 0);
}

TEST_CASE("a sink that is finished has shown everything, and a node that stops leaves nothing half done", "[sink]") {
  for (const bool soon : {false, true}) {
    Node node(files(), in_memory);
    node.stores[0]->hides = node.stores[1]->hides = true;
    node.start();
    node.commit(0, {{"a", R"({"n":1})"}});
    CHECK(node.stores[0]->shown.empty());
    if (soon) node.tell(StopNode{});
    else node.tell(FinishSink{});
    CHECK(node.stores[0]->shown == Texts{R"({"n":1})"});
    CHECK_FALSE(node.supervisor->any_alive());
    CHECK(node.supervisor->finish());
    CHECK(report(node.board->report(), "pipeline/sink/s/0").state == ActorState::stopped);
  }
}

TEST_CASE("lives that end anywhere show every record of a hiding target exactly once", "[sink]") {
  // The process dies with the Nth thing it asks of its target: nothing after it happens. The next life runs to the end.
  class Dying final : public SinkTarget {
   public:
    Dying(std::unique_ptr<SinkTarget> inner, int& left) : inner_(std::move(inner)), left_(left) {}
    bool hides() const override { return true; }
    Result<void> open(const std::string& state) override { return dead() ? Result<void>(fail(Errc::io_failed, "dead")) : inner_->open(state); }
    void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) override {
      if (dead()) return answered({SinkAnswer::Kind::failed, "dead", {}});
      inner_->send(std::move(batch), std::move(answered));
    }
    Result<std::string> prepare() override { return dead() ? Result<std::string>(fail(Errc::io_failed, "dead")) : inner_->prepare(); }
    Result<void> publish(const std::string& state) override { return dead() ? Result<void>(fail(Errc::io_failed, "dead")) : inner_->publish(state); }

   private:
    bool dead() { return left_-- <= 0; }
    std::unique_ptr<SinkTarget> inner_;
    int& left_;
  };
  Texts expected;
  for (int i = 0; i < 6; ++i) expected.push_back(fmt::format(R"({{"n":{},"x":"{}"}})", i, std::string(400, 'x')));
  FilesSinkConfig config;
  config.file_bytes_max = 1'024;
  SinkConfig sink;
  sink.body = config;
  int left = 0;
  for (int deaths = 0; deaths < 30; ++deaths) {
    INFO(deaths);
    left = deaths;
    Node node(sink, [&](Node& all, PartitionId partition) { return std::make_unique<Dying>(in_memory(all, partition), left); });
    node.stores[0]->hides = node.stores[1]->hides = true;
    for (const std::string& text : expected) node.commit(0, {{text.substr(0, 6), text}});
    node.start();
    node.tell(FinishSink{});
    node.stop();
    left = 1'000'000;
    node.start();
    node.tell(FinishSink{});
    CHECK(node.stores[0]->shown == expected);
  }
}

TEST_CASE("a sink whose server is dead keeps nobody, shows how far behind it is, and catches up", "[sink]") {
  bool down = true;
  std::unique_ptr<MemoryHttpFetch> fetch;
  Texts bodies;
  Node node(http(), [&](Node& all, PartitionId partition) -> std::unique_ptr<SinkTarget> {
    if (partition.value == 1) return in_memory(all, partition);
    return std::make_unique<HttpTarget>(std::get<HttpSinkConfig>(http().body), HttpTarget::Ports{fetch.get(), &all.clock, {}});
  });
  fetch = std::make_unique<MemoryHttpFetch>(
      HttpFetchConfig{},
      [&](const HttpFetchRequest& request) {
        MemoryHttpAnswer answer;
        if (down) answer.fault = MemoryHttpAnswer::Fault::refused;
        else bodies.push_back(request.body);
        return answer;
      },
      [&](std::function<void()> task) { node.post(std::move(task)); });
  node.start();
  for (int i = 0; i < 20; ++i) {
    node.commit(0, {{fmt::format("a{}", i), fmt::format(R"({{"n":{}}})", i)}});
    node.commit(1, {{fmt::format("b{}", i), R"({})"}});
  }
  CHECK(node.stores[1]->shown.size() == 20);
  CHECK(node.gauges[0]->through.load() == 0);
  CHECK(node.gauges[0]->newest.load() == 20);
  CHECK(node.gauges[0]->lag_since.load() == kNoon);
  CHECK(node.gauges[0]->failures.load() > 0);
  CHECK(node.gauges[0]->note().find("http://hooks.example") != std::string::npos);
  CHECK(report(node.board->report(), "pipeline/sink/s/0").queue == 20);
  node.pass(1h);
  down = false;
  node.pass(1h);
  CHECK(node.gauges[0]->through.load() == 20);
  CHECK(node.gauges[0]->lag_since.load() == 0);
  // The first is what was tried all the time, the others are full.
  CHECK(bodies.size() == 11);
  CHECK(bodies[0] == R"([{"n":0}])");
  CHECK(bodies[1] == R"([{"n":1},{"n":2}])");
  node.stop();
  node.run();
  fetch->close();
}

TEST_CASE("a broken sink is named and left alone, the run does not wait for it, and it is tried again when it is released", "[sink]") {
  Node node(http(), in_memory);
  node.stores[0]->answers = {{SinkAnswer::Kind::unusable, "404", {}}};
  node.start();
  node.commit(0, {{"a", R"({"n":1})"}});
  node.commit(1, {{"b", R"({"n":2})"}});
  CHECK(node.gauges[0]->broken.load());
  CHECK_FALSE(node.gauges[1]->broken.load());
  CHECK(report(node.board->report(), "pipeline/sink/s/0").state == ActorState::quarantined);
  REQUIRE(node.logbook.errors.size() == 1);
  CHECK(node.logbook.errors[0].find("sink/s/0: broken") == 0);
  CHECK(node.stores[1]->shown.size() == 1);
  std::optional<std::optional<std::size_t>> released;
  node.tell(ReleaseSink{"s", [&](std::optional<std::size_t> count) { released = count; }});
  CHECK(released == std::optional<std::size_t>(1));
  CHECK(node.stores[0]->shown == Texts{R"({"n":1})"});
  CHECK_FALSE(node.gauges[0]->broken.load());
  node.tell(ReleaseSink{"other", [&](std::optional<std::size_t> count) { released = count; }});
  CHECK(*released == std::nullopt);
  node.tell(FinishSink{});
  CHECK(node.supervisor->finish());
}

TEST_CASE("a sink that crashes is started again from its cursor, and one that keeps crashing is broken", "[sink]") {
  int crashes = 2;
  Node node(http(), [&](Node& all, PartitionId partition) -> std::unique_ptr<SinkTarget> {
    if (partition.value == 0 && crashes-- > 0) throw std::runtime_error("no target today");
    return in_memory(all, partition);
  });
  node.limits.restarts_max = 3;
  node.start();
  node.commit(0, {{"a", R"({"n":1})"}});
  for (int i = 0; i < 10; ++i) node.pass(1s);
  CHECK(node.stores[0]->shown == Texts{R"({"n":1})"});
  CHECK(report(node.board->report(), "pipeline/sink/s/0").restarts == 2);
  node.stop();
  crashes = 1'000;
  node.start();
  for (int i = 0; i < 10; ++i) node.pass(1s);
  CHECK(node.gauges[0]->broken.load());
  CHECK(node.gauges[0]->note().find("no target today") != std::string::npos);
}

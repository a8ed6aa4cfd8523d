// One stage that asks a server, in its shell, between a partition that is this test and a server that is a function. One thread; time passes
// where the test says so.
#pragma once
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/supervise/stage_shell.h"
#include "cluster/node/compiled_pipeline.h"
#include "runtime/adapters/memory/memory_http_fetch.h"
#include "runtime/engine/circuit_breaker.h"
#include "runtime/event/splice.h"
#include "tests/support/catch.h"

namespace weir::test {

inline const std::string kServer = "http://geo.example";
/// 2026-11-27T12:00:00Z, when time is 0.
inline constexpr UnixMicros kWallStart = 1'795'780'800'000'000;

class HandClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] UnixMicros wall() const override { return kWallStart + std::chrono::duration_cast<std::chrono::microseconds>(now_).count(); }
  void advance_to(TimePoint now) { now_ = now; }

 private:
  TimePoint now_{0};
};

class Lines final : public Logbook {
 public:
  void write(LogLevel, std::string_view who, std::string_view text) noexcept override { lines.push_back(std::string(who) + ": " + std::string(text)); }
  std::vector<std::string> lines;
};

/// The mark of the one stage, for the test to look at.
class OneMark final : public CodeMarks {
 public:
  [[nodiscard]] std::shared_ptr<CodeMark> take(PartitionId, std::string_view) override { return mark; }
  void on_this_thread(CodeMark*) noexcept override {}
  std::shared_ptr<CodeMark> mark = std::make_shared<CodeMark>();
};

/// What came home.
struct Home {
  std::vector<ChainWork> rounds;
  std::vector<StageCrashed> crashes;
  std::size_t downs = 0;
};

class WaitingBench {
 public:
  using Server = std::function<MemoryHttpAnswer(const std::string& path)>;

  /// One key field `place`, one answer field `name` that becomes `region`; what the breaker and the budget do is off.
  [[nodiscard]] static EnrichConfig plain_config() {
    EnrichConfig enrich;
    HttpLookupConfig& http = enrich.http.emplace();
    http.url = kServer + "/v1/{place}";
    http.answer = {{{"name"}, "name"}};
    http.deadline = std::chrono::seconds(1);
    http.calls_max = 100;
    http.budget = {.retries_percent = 1'000, .retries_per_second_min = 1'000, .burst_max = 1'000'000};
    http.breaker.calls_min = 1'000'000;
    http.breaker.failures_in_a_row_max = 0;
    enrich.key = {{{"place"}, "place"}};
    enrich.add = {{"region", "name"}};
    return enrich;
  }

  explicit WaitingBench(Server server, EnrichConfig enrich = plain_config())
      : server_(std::move(server)),
        fetch(
            HttpFetchConfig{.connections_per_host_max = 1'000, .connections_max = 1'000},
            [this](const HttpFetchRequest& request) {
              requests.push_back(request.url.substr(kServer.size()));
              return server_(requests.back());
            },
            [this](std::function<void()> task) { tasks_.push_back(std::move(task)); }) {
    PipelineConfig config;
    config.name = "p";
    config.record.format = RecordFormat::ndjson;
    StageConfig stage;
    stage.kind = stage.name = "enrich";
    stage.name = "geo";
    stage.body = std::move(enrich);
    config.stages.push_back(std::move(stage));
    open(std::move(config));
  }
  /// Of a pipeline with one stage, which is called geo and asks nobody.
  explicit WaitingBench(PipelineConfig config) : fetch(HttpFetchConfig{}, {}, [](const std::function<void()>&) {}) { open(std::move(config)); }
  WaitingBench(const WaitingBench&) = delete;
  WaitingBench& operator=(const WaitingBench&) = delete;
  ~WaitingBench() {
    caf::anon_send_exit(partition_, caf::exit_reason::kill);
    run();
    fetch.close();
    run();
    partition_ = nullptr;
    shell = nullptr;
  }

  /// A new stage in its shell; `step`: another one than the pipeline's.
  void start(std::unique_ptr<ChainStep> step = nullptr) {
    if (!step) step = pipeline->rules()->steps[1](ports_);
    auto setup = std::make_shared<StageSetup>(StageSetup{std::move(step), "geo/3", board.entry("geo", "batches"), 3, marks, PartitionId{3}});
    caf::anon_send(partition_, StageTask{[this, setup] { shell = spawn_stage(self_, std::move(*setup)); }});
    run();
  }
  void kill() {
    caf::anon_send_exit(shell, caf::exit_reason::kill);
    run();
  }

  /// A round of NDJSON events with ids e0, e1, …, parsed; `raws` without their ids.
  std::shared_ptr<ChainBatch> batch(const std::vector<std::string>& raws, RetryHistory history = {}) {
    IngestBatchBuilder builder;
    std::vector<std::string> kept;
    for (std::size_t i = 0; i < raws.size(); ++i) kept.push_back(fmt::format("e{}", i));
    for (std::size_t i = 0; i < raws.size(); ++i) builder.add({raws[i], kept[i], 0, {}, i + 1});
    auto input = IngestBatch::decode(builder.finish({.accepted_at = kWallStart, .door = "test", .csv_header = {}}));
    REQUIRE(input);
    auto made = std::make_shared<ChainBatch>();
    made->begin(std::move(*input), PartitionId{3}, Offset{next_offset_}, history);
    next_offset_ += raws.size();
    for (std::uint32_t i = 0; i < raws.size(); ++i) made->add(i, i);
    CodeMark mark;
    parse_->run(*made, mark);
    return made;
  }
  /// Sends it to the stage and runs everything but answers that are not there yet.
  void send(std::uint64_t serial, const std::shared_ptr<ChainBatch>& work, std::uint64_t drive = 1) {
    auto route = std::make_shared<std::vector<caf::actor>>(std::vector<caf::actor>{shell, partition_});
    caf::anon_send(shell, ChainWork{drive, serial, 0, 0, work, std::move(route)});
    run();
  }
  static std::string place(const std::string& name) { return "{\"place\":\"" + name + "\"}"; }

  /// Actors and what the fetcher has to say, until nothing happens any more.
  void run() {
    for (;;) {
      coordinator_->run();
      if (tasks_.empty()) return;
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  void pass_to(TimePoint now) {
    const TimePoint by = now - clock.now();
    clock.advance_to(now);
    fetch.advance_to(now);
    coordinator_->advance_time(by);
    run();
  }

  [[nodiscard]] std::string record(const ChainBatch& from, std::size_t event) const {
    ByteArena bytes;
    encode_document(from.events()[event].document, pipeline->plan().fields(), bytes);
    return {bytes.data(), bytes.size()};
  }
  [[nodiscard]] std::vector<std::uint64_t> serials() const {
    std::vector<std::uint64_t> out;
    for (const ChainWork& work : home.rounds) out.push_back(work.serial);
    return out;
  }
  [[nodiscard]] const LookupGauges& gauges() const { return *lookups->of("geo"); }
  [[nodiscard]] const PendingGauges& waits() const { return *pending->of("geo"); }

 private:
  void open(PipelineConfig config) {
    auto compiled = CompiledPipeline::compile(std::move(config));
    INFO((compiled ? std::string() : compiled.error().context));
    REQUIRE(compiled);
    pipeline = std::move(*compiled);
    ports_ = {PartitionId{3}, &clock, &log, &fetch, 7, lookups, nullptr, pending, {}};
    parse_ = pipeline->rules()->steps[0](ports_);
    config_.set("scheduler.policy", caf::atom("testing"));
    system_ = std::make_unique<caf::actor_system>(config_);
    coordinator_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
    REQUIRE(coordinator_ != nullptr);
    partition_ = system_->spawn([this](caf::event_based_actor* self) -> caf::behavior {
      self_ = self;
      self->set_down_handler([this](caf::down_msg&) { ++home.downs; });
      return {[this](ChainWork& work) { home.rounds.push_back(std::move(work)); },
              [this](StageCrashed& crashed) { home.crashes.push_back(std::move(crashed)); },
              [](StageTask& task) { task.task(); }};
    });
    coordinator_->run();
  }

  Server server_;
  std::deque<std::function<void()>> tasks_;

 public:
  HandClock clock;
  Lines log;
  std::vector<std::string> requests;  // paths, in order
  MemoryHttpFetch fetch;
  std::shared_ptr<LookupBoard> lookups = std::make_shared<LookupBoard>();
  std::shared_ptr<PendingBoard> pending = std::make_shared<PendingBoard>();
  ActorBoard board;
  std::shared_ptr<OneMark> marks = std::make_shared<OneMark>();
  std::unique_ptr<CompiledPipeline> pipeline;
  Home home;
  caf::actor shell;

 private:
  StagePorts ports_;
  std::unique_ptr<ChainStep> parse_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* coordinator_ = nullptr;
  caf::actor partition_;
  caf::event_based_actor* self_ = nullptr;  // partition_'s
  std::uint64_t next_offset_ = 100;
};

/// 200 with {"name": NAME}.
[[nodiscard]] inline MemoryHttpAnswer named(const std::string& name) {
  MemoryHttpAnswer answer;
  answer.body = "{\"name\":\"" + name + "\"}";
  return answer;
}
[[nodiscard]] inline MemoryHttpAnswer status(int code, std::vector<std::pair<std::string, std::string>> headers = {}) {
  MemoryHttpAnswer answer;
  answer.status = code;
  answer.headers = std::move(headers);
  return answer;
}
[[nodiscard]] inline MemoryHttpAnswer held(MemoryHttpAnswer answer) {
  answer.fault = MemoryHttpAnswer::Fault::held;
  return answer;
}

}  // namespace weir::test

// The HTTP door alone, on CAF's testing coordinator over the memory log.
#pragma once
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "actors/doors/http_door_actor.h"
#include "runtime/engine/read_token.h"
#include "tests/support/catch.h"
#include "tests/support/door_bench.h"

namespace weir::test {

/// What a client was told; none: not yet.
struct Answer {
  std::optional<HttpResponse> response;
  [[nodiscard]] int status() const { return response ? response->status : 0; }
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(response.value().body); }
  [[nodiscard]] std::string detail() const { return json().at("detail"); }
};

constexpr std::uint32_t kPartitions = 2;

struct World : DoorBench {
  explicit World(std::uint64_t outstanding_bytes_max = std::uint64_t{256} << 20) : DoorBench(kPartitions, {outstanding_bytes_max}) {
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      partitions.push_back(system->spawn<Listener>([this, p](caf::event_based_actor*) {
        return caf::behavior{[this](const LiveBatch& batch) { live += batch.batch.count(); },
                             [this, p](const IngestDurable&) {
                               ++durable;
                               told[p] = log->status(PartitionId{p}).ingest_durable;
                             }};
      }));
    }
    supervisor = system->spawn<Listener>([this](caf::event_based_actor* self) {
      self->set_down_handler([this](caf::down_msg&) { ++deaths; });
      HttpDoorSetup setup;
      setup.log = log.get();
      setup.clock = &clock;
      setup.logbook = &logbook;
      setup.body.door.input = "the body";
      setup.body.door.router.partitions = kPartitions;
      setup.body.door.router.door = "http";
      setup.body.id.digest = false;
      setup.body.id.fields = {FieldPath{{"id"}, "id"}};
      setup.ids_max = 1'000;
      setup.live_events_max = 100;
      setup.pressure = &pressure;
      door = spawn_http_door(self, setup);
      return caf::behavior{[this](const DoorFinished& fact) { finished = fact.events; }, [](const ActorFailed&) {}};
    });
    run();
    Routes routes;
    routes.partitions = partitions;
    routes.views.resize(kPartitions);
    routes.quarantined.resize(kPartitions, false);
    routes.errors.resize(kPartitions);
    caf::anon_send(door, routes);
    run();
    durable = 0;
  }
  ~World() {
    std::vector<caf::actor> actors = std::exchange(partitions, {});
    actors.insert(actors.end(), {door, supervisor});
    end(std::move(actors));
  }

  /// One step of the log at a time, and what follows from it before the next one.
  void run_by_steps() {
    coordinator->run();
    while (!tasks.empty()) {
      const auto task = std::move(tasks.front());
      tasks.erase(tasks.begin());
      task();
      coordinator->run();
    }
  }
  /// Actors alone: the log does nothing.
  void run_actors() { coordinator->run(); }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    coordinator->advance_time(time);
    run();
  }

  std::shared_ptr<Answer> post(const std::string& lines, std::vector<std::pair<std::string, std::string>> query = {}) {
    auto answer = std::make_shared<Answer>();
    HttpRequest request;
    request.method = "POST";
    request.query = std::move(query);
    request.headers.emplace_back("content-type", "application/x-ndjson");
    request.body = SharedBytes::copy_of(lines);
    caf::anon_send(door, HttpIngest{std::move(request), sure_reply([answer](HttpResponse response) {
                                      CHECK_FALSE(answer->response.has_value());
                                      answer->response = std::move(response);
                                    })});
    return answer;
  }
  void commit_everything(Outcome outcome, bool tell = true) {
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      const PartitionId partition{p};
      log->fence({partition}, [](const Result<std::vector<PartitionPosition>>&) {});
      run();
      const PartitionStatus status = log->status(partition);
      const Offset from = status.position.committed;
      if (status.ingest_durable == from) continue;
      OutcomeBatchBuilder builder(from);
      for (Offset at = from; at < status.ingest_durable; at = at + 1) builder.add({"x", {}, 0}, outcome);
      CommitBody body;
      body.batches.push_back(builder.finish());
      CommitGroup group;
      group.parts.push_back({partition, status.position.epoch, next(status.position.sequence), from,
                             status.ingest_durable, body.encode()});
      log->commit(std::move(group),
                  [](const CommitOutcome& done) { CHECK(done.kind == CommitOutcome::Kind::committed); });
      run();
      if (!tell) continue;
      PartitionProgress progress;
      progress.partition = partition;
      progress.committed = log->status(partition).position.committed;
      progress.sequence = log->status(partition).position.sequence;
      caf::anon_send(door, progress);
      run();
    }
  }

  DoorPressure pressure;
  std::uint64_t live = 0;
  int durable = 0;
  std::array<Offset, kPartitions> told{};  // what was durable when a partition was told last
  int deaths = 0;
  std::optional<std::uint64_t> finished;
  std::vector<caf::actor> partitions;
};

inline std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += "{\"id\":\"e" + std::to_string(i) + "\"}\n";
  return text;
}

}  // namespace weir::test

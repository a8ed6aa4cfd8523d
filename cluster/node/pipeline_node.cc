#include "cluster/node/pipeline_node.h"

#include <fmt/format.h>

#include <memory>

#include "actors/doors/http_door_actor.h"
#include "actors/partition/pipeline_supervisor.h"
#include "cluster/api/http_api.h"
#include "cluster/node/access_files.h"
#include "cluster/node/actor_setup.h"
#include "cluster/node/doorkeeper.h"
#include "cluster/node/file_doors.h"
#include "cluster/node/live_node.h"
#include "cluster/node/live_state.h"
#include "cluster/node/node_services.h"
#include "cluster/node/open_pipeline.h"
#include "cluster/node/source_doors.h"
#include "cluster/node/stage_watch.h"
#include "runtime/adapters/http/http_server.h"
#include "runtime/adapters/system/system_file_looks.h"
#include "runtime/adapters/system/work_pool.h"
#include "runtime/engine/required_columns.h"

namespace weir {

namespace {

/// Threads for queries: an answer that reads a lot must not keep others waiting; more than two would take the path's
/// processors.
constexpr unsigned kQueryThreads = 2;
/// Questions that wait for a thread. Arbitrary: some seconds of them.
constexpr std::size_t kQuestionsMax = 1'024;
/// How long requests that are under way may go on when the node stops, at most.
constexpr std::chrono::milliseconds kRequestsPatience{2'000};

HttpBodyConfig body_config(const PipelineConfig& pipeline) {
  HttpBodyConfig config;
  config.format = pipeline.record.format;
  config.id = pipeline.record.id;
  config.door.input = "the body";
  config.door.framing.limits.event_bytes_max = pipeline.limits.event_bytes_max;
  config.door.framing.csv.separator = pipeline.record.csv.separator;
  config.door.framing.csv.record_lines_max = pipeline.record.csv.record_lines_max;
  config.door.router.partitions = pipeline.partitions;
  config.door.router.separator = pipeline.record.csv.separator;
  config.door.router.door = "http";
  config.door.required_columns = required_columns(pipeline);
  return config;
}

LaterWork later_work(WorkPool& pool) {
  return {
      [&pool](std::function<void()> job) { return pool.post(std::move(job)); },
      [&pool](std::chrono::milliseconds delay, std::function<void()> job) { pool.post_later(delay, std::move(job)); }};
}

struct Actors {
  NodeConfiguration configuration;
  caf::actor_system system{configuration};
};

/// How often the files of the stages, of tokens and TLS are looked at: a change counts after one to two of these.
constexpr std::chrono::milliseconds kFilesInterval{1'000};

class Serving {
 public:
  Serving(OpenPipeline& open, const Clock& clock, Logbook& logbook)
      : open_(open),
        clock_(clock),
        logbook_(logbook),
        pool_(kQueryThreads, kQuestionsMax),
        state_(open.config().partitions, open.log().log_id(), later_work(pool_)),
        keeper_(open.snapshot_ground(), open.node().snapshots, LogNeeds{open.node().retain, &open.sinks()}, open.log(), state_, open.board(), logbook),
        past_(open.snapshot_ground(), open.log()),
        node_(open, state_, pool_, keeper_, past_),
        watch_(open.node(), open.data(), open.pressure(), [this] { return memory_use(); },
               [this] { return open_.backlog(); }, clock, logbook) {}

  Result<void> run(const NodeRequest& order, const std::atomic<int>& stop_signal) {
    HttpServerConfig http;
    http.address = open_.node().http_address;
    http.port = open_.node().http_port;
    http.body_max = open_.node().http_body_max;
    http.bodies_bytes_max = open_.memory().http_bodies_bytes_max;
    http.answers_bytes_max = open_.memory().http_answers_bytes_max;
    http.connections_max = open_.node().http_connections_max;
    // Before anything starts: an address that is taken is refused at once.
    WEIR_ASSIGN(doorkeeper_, Doorkeeper::open(open_.node(), clock_, logbook_, looks_));
    const HttpApi api(node_, doorkeeper_->gate());
    WEIR_ASSIGN(server_, start_http_server(http, api, logbook_, [api](HttpRequest& request) { return api.admit(request); }, doorkeeper_->identities()));
    node_.serve_with(server_.get(), doorkeeper_.get());
    doorkeeper_->watch(kFilesInterval);
    const StageGuard guard({open_.config().limits.stage_stall_max, open_.node().memory_max}, open_.marks(), clock_, logbook_);
    auto actors = std::make_unique<Actors>();
    logbook_.know_epochs([this](std::uint32_t partition) { return state_.epoch_of(PartitionId{partition}); });
    PipelineSetup pipeline = setup();
    NodeServices services({&open_.node(), open_.config().name, api, &clock_, &logbook_, open_.board(), pipeline.seed});
    const caf::actor root = spawn_pipeline(actors->system, std::move(pipeline));
    node_.release_with(root);
    {
      const RulesWatcher watcher{open_.watch_rules(looks_), kFilesInterval, [&](std::shared_ptr<const ChainRules> rules) {
                                   node_.rules_changed(rules->version.hash);
                                   caf::anon_send(root, NewRules{std::move(rules)});
                                 }};
      wait_for_end(root, order.ready, stop_signal, services, actors->system);
    }
    services.wait();
    node_.stopping();
    server_->close(std::chrono::milliseconds(0));
    logbook_.know_epochs({});
    keeper_.stop();
    past_.stop();
    state_.forget();
    node_.release_with({});
    open_.end_beside();
    pool_.stop();
    // Whoever that is may use what would be closed now; the log is as after any death, and the next start goes on with it.
    if (!services.nothing_else_runs(actors->system) && order.abandoned) order.abandoned(ending_.result);
    abandoned_ = services.abandoned() != 0;
    if (abandoned_) (void)actors.release();  // a thread of it runs on
    return ending_.result;
  }
  [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }

 private:
  [[nodiscard]] std::vector<MemoryUse> memory_use() const {
    std::vector<MemoryUse> use = open_.memory_use();
    use.push_back({"HTTP bodies", server_ ? server_->status().bodies_bytes : 0});
    return use;
  }

  PipelineSetup setup() {
    PipelineSetup setup = open_.setup();
    setup.until_stopped = true;
    setup.stop_patience = std::chrono::duration_cast<std::chrono::milliseconds>(open_.node().shutdown_max);
    if (!open_.node().services.empty()) setup.stop_patience -= services_patience(open_.node());
    HttpDoorSetup door;
    door.log = &open_.log();
    door.clock = &clock_;
    door.logbook = &logbook_;
    door.body = body_config(open_.config());
    door.ids_max = open_.config().dedupe.ids_max;
    door.live_bytes_max = open_.memory().live_bytes_max;
    door.pressure = &open_.pressure();
    if (open_.takes_http())
      setup.doors.push_back({"http", [this, door](caf::event_based_actor* supervisor, std::shared_ptr<ActorEntry> entry) mutable {
                               door.entry = std::move(entry);
                               caf::actor spawned = spawn_http_door(supervisor, door);
                               state_.set_http_door(spawned);
                               return spawned;
                             }});
    for (PipelineDoor& files : file_doors(open_, clock_, logbook_)) setup.doors.push_back(std::move(files));
    for (PipelineDoor& source : source_doors(open_, clock_, logbook_)) setup.doors.push_back(std::move(source));
    setup.door_finished = [this](const DoorFinished& finished) { note_finished(open_, finished, logbook_); };
    setup.ended = [this](Result<void> result) {
      const std::scoped_lock lock(ending_.mutex);
      ending_.ended = true;
      ending_.result = std::move(result);
      ending_.changed.notify_one();
    };
    setup.progress = [this](const PartitionProgress& progress) { state_.on_progress(progress); };
    setup.ready = [this](const PartitionReady& opened) { state_.on_ready(opened); };
    setup.routes_changed = [this](const Routes& routes) { state_.on_routes(routes); };
    return setup;
  }

  void wait_for_end(const caf::actor& root, const std::function<void(const std::string&)>& ready, const std::atomic<int>& stop_signal,
                    NodeServices& services, caf::actor_system& system) {
    bool told = false;
    bool asked = false;
    TimePoint passed = clock_.now();
    std::unique_lock lock(ending_.mutex);
    while (!ending_.ended) {
      ending_.changed.wait_for(lock, std::chrono::milliseconds(20));
      watch_.look();
      keeper_.look();
      past_.look();
      if (clock_.now() - passed >= kPassTime) {
        passed = clock_.now();
        caf::anon_send(root, PassTime{});
      }
      if (!told && !ending_.ended && node_.readiness().ready) {
        told = true;
        services.start(system);
        if (ready) ready(server_->address());
      }
      if (stop_signal.load() == 0 || asked) continue;
      told = true;  // it is ready for nobody any more
      // First the services, while there is somebody to answer them.
      if (!services.stop()) continue;
      asked = true;
      lock.unlock();
      keeper_.end();
      past_.end();
      // Then those who ask from outside, likewise; then what is in flight.
      node_.stopping();
      server_->close(std::min(kRequestsPatience,
                              std::chrono::duration_cast<std::chrono::milliseconds>(open_.node().shutdown_max)));
      caf::anon_send(root, StopNode{});
      lock.lock();
    }
  }

  OpenPipeline& open_;
  const Clock& clock_;
  Logbook& logbook_;
  Ending ending_;
  SystemFileLooks looks_;
  WorkPool pool_;
  LiveState state_;
  SnapshotKeeper keeper_;
  PastStates past_;
  LiveNode node_;
  LimitsWatch watch_;
  std::unique_ptr<Doorkeeper> doorkeeper_;
  std::unique_ptr<HttpServer> server_;
  bool abandoned_ = false;  // a thread of a service runs on
};

}  // namespace

Result<void> run_node(NodeRequest request, const Clock& clock, Logbook& logbook, const std::atomic<int>& stop_signal) {
  // At once: opening may take minutes.
  WEIR_TRY(check_access_files(request.node, clock.wall()));
  WEIR_ASSIGN(const auto open, OpenPipeline::open(std::move(request.pipeline), std::move(request.node),
                                                  std::move(request.data), clock, logbook, request.opening));
  if (request.note)
    for (const std::string& text : open->recovery_notes()) request.note(text);
  auto serving = std::make_unique<Serving>(*open, clock, logbook);
  auto result = serving->run(request, stop_signal);
  const bool abandoned = serving->abandoned();
  serving.reset();
  open->close();
  if (abandoned && request.abandoned) request.abandoned(result);
  return result;
}

}  // namespace weir

// One run of `weir bench ingest`, and its clients.
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "actors/doors/http_door_actor.h"
#include "cluster/cli/bench_ingest.h"
#include "cluster/cli/bench_path_process.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/orders_generator.h"
#include "cluster/node/actor_setup.h"
#include "cluster/node/stderr_logbook.h"
#include "runtime/adapters/curl/curl_client.h"
#include "runtime/adapters/embedded_log/embedded_log.h"
#include "runtime/adapters/http/http_server.h"
#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

namespace {

constexpr std::uint32_t kPartitions = 8;
constexpr const char* kContentType = "application/x-ndjson";

/// Everything to be sent, made before anything is measured.
Result<std::vector<std::string>> make_bodies(const IngestBenchOptions& options) {
  OrdersOptions orders;
  orders.events = options.events;
  orders.duplicates = 0;
  WEIR_ASSIGN(OrdersGenerator generator, OrdersGenerator::create(orders));
  std::vector<std::string> bodies;
  std::string lines;
  std::uint64_t held = 0;
  while (const std::uint64_t count = generator.fill(lines, 1)) {
    held += count;
    if (held < options.batch) continue;
    bodies.push_back(std::exchange(lines, {}));
    held = 0;
  }
  if (!lines.empty()) bodies.push_back(std::move(lines));
  return bodies;
}

HttpBodyConfig body_config() {
  HttpBodyConfig config;
  config.door.input = "the body";
  config.door.router.partitions = kPartitions;
  config.door.router.door = "http";
  config.id.digest = false;
  config.id.fields = {FieldPath{{"id"}, "id"}};
  return config;
}

/// The clients, a process of their own: their work is not the node's.
class Clients {
 public:
  Result<void> start(const IngestBenchOptions& options) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return fail(Errc::io_failed, "pipe: {}", std::strerror(errno));
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    std::vector<std::string> words{self, "bench", "ingest-clients", "--events", std::to_string(options.events), "--batch", std::to_string(options.batch),
                                   "--connections", std::to_string(options.connections)};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = out[0];
    if (child_ < 0) return fail(Errc::io_failed, "fork: {}", std::strerror(errno));
    return {};
  }
  /// Waits until everything is made, says where the node is, and waits for the end.
  Result<void> wait_ready() {
    char word[8] = {};
    if (::read(from_, word, 6) != 6) return fail(Errc::internal, "the clients of the benchmark did not start");
    return {};
  }
  Result<void> send_all(const std::string& address) {
    const std::string line = address + "\n";
    if (::write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) return fail(Errc::io_failed, "the clients of the benchmark are gone");
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail(Errc::internal, "the clients of the benchmark failed");
    return {};
  }

 private:
  pid_t child_ = -1;
  int to_ = -1;
  int from_ = -1;
};

/// Spawns the door as the supervisor of a node does; partitions there are none: the chain is paused.
class Spawner : public caf::event_based_actor {
 public:
  Spawner(caf::actor_config& config, HttpDoorSetup setup, std::function<void(caf::actor)> spawned)
      : caf::event_based_actor(config), setup_(std::move(setup)), spawned_(std::move(spawned)) {
    set_down_handler([this](caf::down_msg&) { quit(); });
  }
  caf::behavior make_behavior() override {
    spawned_(spawn_http_door(this, setup_));
    return {[](const DoorFinished&) {}, [](const ActorFailed&) {}};
  }

 private:
  HttpDoorSetup setup_;
  std::function<void(caf::actor)> spawned_;
};

Result<void> run_http(const IngestBenchOptions& options, EmbeddedLog& log, const Clock& clock, Logbook& logbook, Clients& clients, PathMeter& meter) {
  NodeConfiguration configuration;
  caf::actor_system system{configuration};
  HttpDoorSetup setup;
  setup.log = &log;
  setup.clock = &clock;
  setup.logbook = &logbook;
  setup.body = body_config();
  std::mutex mutex;
  std::condition_variable changed;
  caf::actor door;
  const caf::actor spawner = system.spawn<Spawner>(setup, [&](caf::actor spawned) {
    const std::scoped_lock lock(mutex);
    door = std::move(spawned);
    changed.notify_one();
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return static_cast<bool>(door); });
  }
  HttpServerConfig http;
  http.port = 0;
  auto server = start_http_server(
      http, [&door](HttpRequest request, HttpReply reply) { caf::anon_send(door, HttpIngest{std::move(request), sure_reply(std::move(reply))}); }, logbook);
  if (!server) return fail(std::move(server.error()));
  WEIR_TRY(clients.wait_ready());
  meter.begin();
  auto sent = clients.send_all((*server)->address());
  meter.end();
  (*server)->close(std::chrono::milliseconds(0));
  caf::anon_send(door, StopNode{});
  door = nullptr;
  if (!sent) return sent;
  std::uint64_t accepted = 0;
  for (std::uint32_t p = 0; p < kPartitions; ++p) accepted += log.status(PartitionId{p}).ingest_durable.value;
  if (accepted != options.events) return fail(Errc::internal, "{} events are in the log, {} were sent", accepted, options.events);
  return {};
}

/// The door's own work and the log's, with as many appends on their way as there are connections.
Result<void> run_direct(const IngestBenchOptions& options, EmbeddedLog& log, const Clock& clock, PathMeter& meter) {
  WEIR_ASSIGN(const std::vector<std::string> bodies, make_bodies(options));
  const HttpBodyConfig config = body_config();
  std::mutex mutex;
  std::condition_variable changed;
  std::uint32_t outstanding = 0;
  Result<void> failed;
  meter.begin();
  for (const std::string& body : bodies) {
    HttpRequest request;
    request.headers.emplace_back("content-type", kContentType);
    request.body = SharedBytes::copy_of(body);
    WEIR_ASSIGN(HttpBody framed, read_http_body(config, request, clock.wall()));
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return outstanding < options.connections; });
    ++outstanding;
    lock.unlock();
    auto receipt = log.append(std::move(framed.group), [&](Result<void> result) {
      const std::scoped_lock done(mutex);
      if (!result) failed = std::move(result);
      --outstanding;
      changed.notify_one();
    });
    if (!receipt) return fail(std::move(receipt.error()));
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return outstanding == 0; });
  meter.end();
  return failed;
}

Result<void> send_bodies(const std::string& url, const std::vector<std::string>& bodies, std::size_t first, std::size_t step) {
  WEIR_ASSIGN(const auto client, make_curl_client());
  for (std::size_t i = first; i < bodies.size(); i += step) {
    HttpCall call;
    call.method = "POST";
    call.url = url;
    call.headers.emplace_back("Content-Type", kContentType);
    call.body = bodies[i];
    WEIR_ASSIGN(const HttpAnswer answer, client->call(call));
    if (answer.status != 202) return fail(Errc::internal, "{}: {}", answer.status, answer.body);
  }
  return {};
}

}  // namespace

int bench_ingest_run(const IngestBenchOptions& options, bool http) {
  const SystemClock clock;
  StderrLogbook logbook{LogLevel::warn};
  SystemRng rng;
  Clients clients;
  if (http) {
    if (const auto started = clients.start(options); !started) return report(started.error());
  }
  const std::string directory = options.directory + "/ingest";
  std::error_code code;  // a directory that cannot be emptied or made is named by the log itself
  std::filesystem::remove_all(directory, code);
  EmbeddedLogOptions made;
  made.directory = directory;
  made.partitions = kPartitions;
  auto log = open_embedded_log(made, clock, rng);
  if (!log) return report(log.error());
  PathMeter meter;
  const auto ran = http ? run_http(options, **log, clock, logbook, clients, meter) : run_direct(options, **log, clock, meter);
  (*log)->close();
  std::filesystem::remove_all(directory, code);
  std::filesystem::remove(options.directory, code);  // stays where it holds something else
  if (!ran) return report(ran.error());
  static_cast<void>(to_stdout(meter.to_json() + "\n"));
  return kDone;
}

int bench_ingest_clients(const IngestBenchOptions& options) {
  const auto bodies = make_bodies(options);
  if (!bodies) return report(bodies.error());
  fmt::print("ready\n");
  std::fflush(stdout);
  char line[256] = {};
  if (std::fgets(line, sizeof line, stdin) == nullptr) return kBroken;
  const std::string url = fmt::format("http://{}/v1/events", std::string_view(line, std::strcspn(line, "\n")));
  std::vector<std::thread> threads;
  std::mutex mutex;
  Result<void> failed;
  for (std::uint32_t i = 0; i < options.connections; ++i) {
    threads.emplace_back([&, i] {
      auto sent = send_bodies(url, *bodies, i, options.connections);
      const std::scoped_lock lock(mutex);
      if (!sent) failed = std::move(sent);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return failed ? kDone : report(failed.error());
}

}  // namespace weir::cli

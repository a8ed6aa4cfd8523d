// The services of a serving node: what they may ask of it, from when it is ready until it stops, and how they end with it.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "actors/plugin/service_actor.h"
#include "actors/services/services_supervisor.h"
#include "runtime/ports/http_server.h"
#include "runtime/ports/node_config.h"

namespace weir {

/// Answers the questions of services as the API answers those of clients. Thread-safe.
class NodeDesk final : public ServiceDesk {
 public:
  /// `logbook` and what `api` refers to must be there until close().
  /// `body_max`: bytes of one put, and of all that wait for their answers: as of one request over HTTP.
  NodeDesk(HttpHandler api, Logbook& logbook, std::uint64_t body_max) : api_(std::move(api)), logbook_(&logbook), body_max_(body_max) {}
  /// From now on nothing is answered but that the node stops, and nothing is logged.
  void close();

  void log(LogLevel level, std::string_view who, std::string_view text) noexcept override;
  void rows(RowsQuestion question, ServiceAnswer answer) override;
  void put(PutQuestion question, ServiceAnswer answer) override;

 private:
  void ask(HttpRequest request, ServiceAnswer answer);
  struct Outstanding {
    std::atomic<std::uint64_t> bytes{0};
  };
  std::shared_mutex mutex_;
  HttpHandler api_;
  Logbook* logbook_;  // null: closed
  const std::uint64_t body_max_;
  const std::shared_ptr<Outstanding> outstanding_ = std::make_shared<Outstanding>();  // answers may come after this
};

struct NodeServicesSetup {
  const NodeConfig* node = nullptr;  // must outlive this
  std::string pipeline;
  HttpHandler api;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  std::shared_ptr<ActorBoard> board;
  std::uint64_t seed = 0;
};

/// The part of limits.shutdown_max that services have to end.
[[nodiscard]] std::chrono::milliseconds services_patience(const NodeConfig& node);

/// Used by one thread.
class NodeServices {
 public:
  explicit NodeServices(NodeServicesSetup setup) : setup_(std::move(setup)) {}
  /// Once, when the node answers. Nothing happens where there are none. `system` must be there until stop() is true.
  void start(caf::actor_system& system);
  /// Asks them to end, the first time. True: they have ended, or are given up, within services_patience(); the desk is closed.
  [[nodiscard]] bool stop();
  /// stop() until it is true.
  void wait();
  /// Behind wait(). How many are inside calls that do not return: their threads run on, and the actor system cannot be taken down.
  [[nodiscard]] std::size_t abandoned() const { return abandoned_; }
  /// When everybody else's actors have ended, or are about to. False: what services have spawned runs on. Only where there are services.
  [[nodiscard]] bool nothing_else_runs(caf::actor_system& system) const;

 private:
  struct Ended {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    std::vector<std::string> left;
  };
  NodeServicesSetup setup_;
  std::shared_ptr<NodeDesk> desk_;
  std::shared_ptr<Ended> ended_ = std::make_shared<Ended>();
  caf::actor root_;  // none: there are no services, or they are over
  std::optional<TimePoint> asked_at_;
  std::size_t abandoned_ = 0;
};

}  // namespace weir

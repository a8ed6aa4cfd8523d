// Clients of the HTTP door of a simulated node: each has one connection and one session. They send what was not
// acknowledged again, now and then also what was; read what they wrote with the token of its acknowledgement, and carry
// the token of every answer on.
#pragma once
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_http_server.h"
#include "tests/simulation/sim_history.h"
#include "tests/simulation/sim_run.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

class Clients {
 public:
  /// All of them must outlive it.
  Clients(const Workload& workload, SeededRng& rng, History& history, Witness& witness);

  /// A node has started; `at_start`: what its log held then, by partition.
  void serve(MemoryHttpServer& server, std::vector<CommitSequence> at_start);
  /// It is gone. Whether answers that were on their way arrived is chance; what is left has none.
  void node_gone();
  /// One of them, chosen by the generator, does what it can do now. False: nothing.
  bool act();
  /// Everybody, until somebody did something.
  bool act_anybody();
  /// From now on nobody breaks off or begins anything but its own work.
  void calm() { calm_ = true; }
  /// Everything was acknowledged, or refused for good, and read.
  [[nodiscard]] bool done() const { return busy() == 0; }
  [[nodiscard]] std::size_t busy() const;
  /// The first answer that no node may give; empty: none.
  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }

 private:
  enum class Asks : std::uint8_t { nothing, post, read };
  struct Client {
    std::uint32_t number = 0;
    std::uint64_t requests = 0;  // it wants to send so many
    std::uint64_t sent = 0;
    Asks asks = Asks::nothing;
    std::future<HttpResponse> answer;
    std::optional<std::size_t> request;  // to be acknowledged, or repeated
    bool repeats = false;                // was acknowledged before
    bool buffered = false;
    bool waits = false;
    std::vector<std::size_t> acknowledged;
    std::optional<Seen> read;          // being asked for
    std::optional<ReadToken> written;  // of the newest acknowledgement, until it was read
    std::optional<ReadToken> session;  // of the newest answer
    bool done = false;
  };
  bool act(Client& client);
  bool finish(Client& client);
  void begin(Client& client);
  void post(Client& client);
  void read(Client& client, std::optional<ReadToken> token, bool of_own);
  void on_posted(Client& client, const HttpResponse& response);
  void on_acknowledged(Client& client, const HttpResponse& response);
  void on_read(Client& client, const HttpResponse& response);
  void unanswered(Client& client);
  void complain(const char* what, const HttpResponse& response);

  const Workload& workload_;
  SeededRng& rng_;
  History& history_;
  Witness& witness_;
  MemoryHttpServer* server_ = nullptr;
  std::vector<CommitSequence> at_start_;
  std::vector<Client> clients_;
  bool calm_ = false;
  std::string wrong_;
};

}  // namespace weir::sim

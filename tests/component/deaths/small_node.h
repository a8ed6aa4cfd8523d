// One pipeline on one node, in one thread and in an order that a seed fixes: the actors and stages of the product, log and state
// in memory. Whoever's turn it is can be killed, by name and by the number of its turn.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/partition/pipeline_supervisor.h"
#include "cluster/node/compiled_pipeline.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/adapters/memory/memory_state.h"
#include "tests/simulation/sim_world.h"

namespace weir::deaths {

/// tests/component/deaths/pipeline.yaml.
[[nodiscard]] std::unique_ptr<CompiledPipeline> compiled_pipeline();
/// NDJSON: served, rejected by each stage, malformed, repeated, with other bytes behind served and behind rejected ones.
/// `ids` begins every id.
[[nodiscard]] std::string small_input(std::uint32_t lines, std::string_view ids = "e");

/// Who dies. `turns` counts the turns of all actors of that name, from 1; empty: at every turn.
struct Death {
  std::string name;
  std::optional<std::uint64_t> turn;
};

/// What of it differs from the ordinary.
struct NodeOptions {
  std::uint64_t seed = 1;
  std::optional<Death> death = {};
  std::uint64_t deaths_max = ~std::uint64_t{0};
  std::function<std::vector<ChainStepFactory>(std::vector<ChainStepFactory>)> steps = {};  // in place of the pipeline's
  std::function<Result<std::shared_ptr<StateStore>>(PartitionId)> open_store = {};         // in place of the memory's
  std::function<bool(std::function<void()>)> beside = {};  // where they are opened; empty: at once
  std::uint32_t stores_refused = 0;  // the first so many openings of a store fail
  std::function<bool(PartitionId)> store_refused = {};  // whether this opening of its store fails
  SupervisionConfig supervision = {};
  std::uint32_t poison_crashes_max = 3;
  DeadLettersConfig dead_letters = {};
  std::shared_ptr<ActorBoard> board = std::make_shared<ActorBoard>();
  std::uint64_t door_events_max = 12;
  std::map<std::uint64_t, std::shared_ptr<const ChainRules>> rules_at = {};  // sent to the pipeline at these steps
  std::function<void(std::uint64_t)> at_step = {};
  /// A node that serves: it does not end with its inputs. Called whenever nothing else happens; false: stop the node.
  std::function<bool(const caf::actor& root, weir::sim::SimClock& clock)> idle = {};
  std::optional<std::uint64_t> stop_at = {};         // the step at which the node is told to stop
  std::chrono::milliseconds stop_patience{5'000};
  std::optional<std::uint64_t> fail_append_at = {};  // the step from which on the next append is given up
  std::optional<std::uint64_t> disk_full_at = {};    // the step from which on the disk is full, for a while
};

struct NodeEnd {
  std::optional<Result<void>> result;         // none: nothing happened any more, or too much, and the pipeline had not ended
  std::uint64_t steps = 0;
  std::map<std::string, std::uint64_t> turns;  // by name
  std::uint64_t killed = 0;
  std::size_t left_over = 0;  // stores that somebody still holds after the node is gone: dead partitions that were never freed
  TimePoint stopping{0};  // from stop_at to the end
  std::uint64_t ids = 0;      // remembered by all partitions, as far as they have said
  std::vector<std::string> log;
};

/// What is durable; a node after another works on it.
class SmallMachine {
 public:
  /// A door for each input.
  SmallMachine(const CompiledPipeline& pipeline, std::vector<std::string> inputs);

  /// A node's life, from its start to its end. A hang is an end without a result.
  [[nodiscard]] NodeEnd run(const NodeOptions& options);

  /// The digest of what the views answer and of every id's state, which does not depend on how doors took turns; or what is
  /// wrong with what lies in log and state.
  [[nodiscard]] std::string digest() const;
  /// Outcomes, records and letters of every event in order, ledgers, and the digest of what the views answer. The state must
  /// be flushed, and be what a replay from zero gives: else the text says what is wrong, and differs.
  [[nodiscard]] std::string answers() const;
  struct Record {
    Digest128 rules;  // of its commit
    Epoch epoch;      // likewise
    std::string payload;
  };
  /// Of all partitions, in their order.
  [[nodiscard]] std::vector<Record> records() const;
  [[nodiscard]] std::uint64_t accepted(PartitionId partition) const;
  [[nodiscard]] std::uint64_t decided(PartitionId partition) const;
  /// Of all partitions, as their last commits say.
  [[nodiscard]] Ledger ledger() const;

 private:
  [[nodiscard]] PipelineSetup setup(const NodeOptions& options, MemoryEventLog& log, weir::sim::SimScheduler& scheduler,
                                    Logbook& logbook);
  const CompiledPipeline* pipeline_;
  std::vector<std::string> inputs_;
  weir::sim::SimClock clock_;
  std::shared_ptr<MemoryDisk> disk_;
  std::vector<std::shared_ptr<MemoryStateDisk>> states_;
  std::uint64_t incarnation_ = 0;
};

}  // namespace weir::deaths

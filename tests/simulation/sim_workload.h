// What a simulated run is fed with, as a pure function of (seed, index), and the model of what must become of it: one event at a
// time, in the order of each partition. Shares no code with the window.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/supervise/stage_shell.h"
#include "actors/partition/window.h"
#include "runtime/engine/view_set.h"
#include "runtime/ports/door_feed.h"

namespace weir::sim {

struct Workload {
  std::uint64_t seed = 1;
  std::uint64_t events = 0;
  std::uint64_t ids = 1;          // distinct ids, few: hot keys
  std::uint32_t partitions = 1;
  std::uint32_t batch_max = 8;    // events per ingest batch
  LateConfig late;
};

struct SimEvent {
  std::string id;
  std::string raw;
};
[[nodiscard]] SimEvent event_at(const Workload& workload, std::uint64_t index);

/// Eight minutes, all before the simulation began: `latest` has ties to break, windows close, some events are late.
[[nodiscard]] std::int64_t event_time_of(std::string_view raw);

/// Reads the workload from the durable position on.
[[nodiscard]] DoorFeedOpener workload_feed(const Workload& workload);

/// What the stages of the simulation do, decided by the bytes alone; `step` makes one that is split over two actors.
[[nodiscard]] ChainStepFactory sim_step(int number);
/// The payload is the raw frame; one that says "huge" does not fit.
[[nodiscard]] const ChainEncoder& sim_encoder();
[[nodiscard]] ViewSet sim_views();
[[nodiscard]] std::unique_ptr<RecordExtractor> sim_extractor();

/// What must become of one event.
struct Expected {
  Outcome outcome = Outcome::served;
  bool conflict = false;
  bool supersedes = false;
  bool reopens = false;
  std::string stage = {};
  std::string reason = {};
};

/// Of one partition.
class Model {
 public:
  explicit Model(LateConfig late) : late_(late) {}
  [[nodiscard]] Expected take(const SimEvent& event);
  [[nodiscard]] std::int64_t greatest() const { return greatest_; }
  [[nodiscard]] std::uint64_t late() const { return lates_; }
  [[nodiscard]] std::uint64_t reopened() const { return reopened_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// Ids in their present state: state and reason by id.
  struct State {
    std::string bytes;
    Outcome outcome = Outcome::served;
    std::string reason;
  };
  [[nodiscard]] const std::map<std::string, State>& ids() const { return ids_; }

 private:
  [[nodiscard]] Expected judge(const SimEvent& event, Expected expected);
  LateConfig late_;
  std::map<std::string, State> ids_;
  Ledger ledger_;
  std::int64_t greatest_ = kNoTime;
  std::uint64_t lates_ = 0;
  std::uint64_t reopened_ = 0;
};

}  // namespace weir::sim

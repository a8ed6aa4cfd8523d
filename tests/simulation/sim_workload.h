// What a simulated run is fed with, as a pure function of (seed, index), and the model of what must become of it: one
// event at a time, in the order of each partition. Shares no code with the window.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports/door_feed.h"
#include "tests/simulation/sim_rules.h"

namespace weir::sim {

struct Workload {
  std::uint64_t seed = 1;
  std::uint64_t events = 0;  // of the door that reads
  std::uint64_t ids = 1;     // distinct ids, few: hot keys
  std::uint32_t partitions = 1;
  std::uint32_t batch_max = 8;  // events per ingest batch
  std::uint32_t clients = 0;    // of the HTTP door; 0: there is none, and the run ends by itself
};

struct SimEvent {
  std::string id;
  std::string raw;
};
[[nodiscard]] SimEvent event_at(const Workload& workload, std::uint64_t index);
/// Event `index` of request `request` of client `client`: its bytes are those of no other, its id may well be.
[[nodiscard]] SimEvent posted_event(const Workload& workload, std::uint32_t client, std::uint64_t request,
                                    std::uint64_t index);

/// Reads the workload from the durable position on. Its door is called kFeedDoor.
[[nodiscard]] DoorFeedOpener workload_feed(const Workload& workload);
inline constexpr std::string_view kFeedDoor = "sim";

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
  /// `rules`: those in force when it is decided.
  [[nodiscard]] Expected take(const SimEvent& event, const SimRules& rules);
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
  [[nodiscard]] Expected judge(const SimEvent& event, const SimRules& rules, Expected expected);
  std::map<std::string, State> ids_;
  Ledger ledger_;
  std::int64_t greatest_ = kNoTime;
  std::uint64_t lates_ = 0;
  std::uint64_t reopened_ = 0;
};

}  // namespace weir::sim

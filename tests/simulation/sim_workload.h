// What a simulated run is fed with, as a pure function of (seed, index), and the model of what must become of it: one
// event at a time, in the order of each partition. Shares no code with the window.
#pragma once
#include <cstdint>
#include <map>
#include <set>
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
  std::uint32_t venom = 0;      // one event in so many crashes the stage that sees it; 0: none
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
  bool behind = false;         // of retrying: behind an event of its id
  std::uint32_t attempts = 1;  // of a letter
  std::string wrong = {};      // it must not have been decided at all
  std::string given = {};      // the bytes that the stages saw in place of the original ones
};

/// What the node made of an event: of several things that may be true the one it chose.
struct NodeSaid {
  Outcome outcome = Outcome::served;
  bool again = false;   // it was parked, and this is another try
  bool held = false;    // of retrying: not tried
  bool behind = false;  // likewise, for its id
  std::uint32_t attempts = 0;
  bool order = false;            // somebody ordered it of a dead letter
  std::string_view edited = {};  // likewise: the new bytes
};

/// Of one partition.
class Model {
 public:
  /// `rules`: those in force when it is decided. Whether a dependency answered, and when the node looked at what is parked, only the
  /// node knows: `node` says it.
  [[nodiscard]] Expected take(const SimEvent& event, std::uint64_t offset, const SimRules& rules, const NodeSaid& node);
  [[nodiscard]] std::uint64_t exhausted() const { return exhausted_; }
  [[nodiscard]] std::uint64_t poisoned() const { return poisoned_; }
  [[nodiscard]] std::int64_t greatest() const { return greatest_; }
  [[nodiscard]] std::uint64_t late() const { return lates_; }
  [[nodiscard]] std::uint64_t reopened() const { return reopened_; }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// Ids in their present state: state and reason by id.
  struct State {
    std::string bytes;
    Outcome outcome = Outcome::served;
    std::string reason;
    std::uint64_t offset = 0;  // of the event that owns it
  };
  [[nodiscard]] const std::map<std::string, State>& ids() const { return ids_; }

 private:
  struct Parked {
    bool behind = false;
    std::uint32_t attempts = 0;
    bool keyed = true;  // it holds its key; a redriven one does not
  };
  struct Letter {
    bool conflict = false;
    std::string stage, reason;
    std::uint32_t attempts = 1;
  };
  [[nodiscard]] Expected take_order(const SimEvent& event, std::uint64_t offset, const NodeSaid& node);
  void park(const SimEvent& event, std::uint64_t offset, const Parked& parked);
  [[nodiscard]] bool judge_id(const SimEvent& event, std::uint64_t offset, Expected& expected);
  [[nodiscard]] Expected judge(const SimEvent& event, std::uint64_t offset, const SimRules& rules, const NodeSaid& node,
                               const Parked& parked, Expected expected);
  std::map<std::uint64_t, Letter> letters_;      // open ones, by offset
  std::map<std::uint64_t, std::string> edited_;  // by offset
  std::map<std::uint64_t, Parked> parked_;  // by offset
  std::map<std::string, std::set<std::uint64_t>> parked_ids_;
  std::map<std::string, std::set<std::uint64_t>> parked_keys_;
  std::uint64_t exhausted_ = 0;
  std::uint64_t poisoned_ = 0;
  std::map<std::string, State> ids_;
  Ledger ledger_;
  std::int64_t greatest_ = kNoTime;
  std::uint64_t lates_ = 0;
  std::uint64_t reopened_ = 0;
};

}  // namespace weir::sim

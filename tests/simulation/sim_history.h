// What is known from outside of one run: what clients sent, were told and saw, and which rules the node ran under at
// each start.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/read_token.h"
#include "tests/simulation/sim_workload.h"

namespace weir::sim {

/// One request of a client: sent once or again and again, always with the same bytes.
struct Posted {
  std::vector<SimEvent> events;
  std::uint32_t unknown =
      0;  // attempts that may have been accepted: no answer, a doubtful one, or one not covered by a sync
  std::uint32_t refused = 0;  // attempts that were not
};

/// An attempt that was answered 202.
struct Acknowledged {
  std::size_t request = 0;  // of History::posted
  bool durable = true;
  ReadToken token;
  std::optional<std::map<std::string, std::uint64_t>> outcomes;  // of ?wait
};

/// A read that was answered 200.
struct Seen {
  std::string id;                        // of by_id; empty: all rows of by_kind
  std::optional<ReadToken> asked;        // Weir-Token
  std::vector<CommitSequence> at_start;  // by partition: what was durable when the node began
  ReadToken answered;
  nlohmann::json rows;
};

struct History {
  std::vector<Posted> posted;
  std::vector<Acknowledged> acknowledged;
  std::vector<Seen> seen;
  std::vector<const SimRules*> rules;  // of each start of the node, in order

  /// The rules of incarnation 1, 2, ….
  [[nodiscard]] const SimRules* rules_of(std::uint64_t incarnation) const {
    return incarnation == 0 || incarnation > rules.size() ? nullptr : rules[incarnation - 1];
  }
};

}  // namespace weir::sim

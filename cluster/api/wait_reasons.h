// What a partition, or one event, waits for: `weir why-stuck`. A decider: what is known comes in, sentences go out. The first reason is the
// one to look at; each says what to do where a person can do something.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/api/node_access.h"
#include "runtime/engine/door_pressure.h"

namespace weir {

/// One thing that is waited for.
struct Wait {
  std::string on;            // a word of the closed list in wait_words()
  std::string text;          // a sentence: what, since when, of what
  std::string remedy;        // what to do; empty: nothing, it passes by itself
  std::int64_t since = 0;    // microseconds since 1970; 0: not known
  std::int64_t until = 0;    // likewise: when it goes on by itself; 0: not known
  friend bool operator==(const Wait&, const Wait&) = default;
};
/// Every `on` there is, in the order in which they are told.
[[nodiscard]] const std::vector<std::string>& wait_words();

/// One stage that asks somebody, all partitions together.
struct LookupFact {
  std::string stage;
  std::uint64_t breakers_open = 0;  // partitions whose breaker is open, or half open
  std::uint64_t pending = 0;        // events that wait for an answer
};

/// One stage of a plugin that answers later, all partitions together.
struct PendingFact {
  std::string stage;
  std::uint64_t pending = 0;  // events that wait for an answer
  std::uint64_t turn = 0;     // events that it is not given yet, because so many are pending
};

/// What is known of a partition at one moment.
struct PartitionFacts {
  std::int64_t now = 0;                    // that moment, microseconds since 1970
  PartitionReport report;                  // its state and positions; `stopped` where no node runs
  std::uint64_t reserved = 0;              // end of the offsets that doors were given
  std::uint64_t in_flight = 0;             // events in its window: admitted and not committed
  std::int64_t committed_at = 0;           // its last commit; 0: none since the node started
  std::int64_t commit_out_since = 0;       // 0: none is out
  bool flush_waits = false;
  std::uint64_t parked = 0;                // events
  std::uint64_t held_keys = 0;
  std::uint64_t parked_bytes = 0;
  bool parked_full = false;
  std::int64_t next_due = 0;               // 0: none
  std::vector<ActorLine> actors;           // its own, of its stages and views, of the committer
  std::vector<LookupFact> lookups;
  std::vector<PendingFact> pending;
  Pressure pressure = Pressure::none;      // of the node, and why
  std::string pressure_why;
};

/// Empty: everything that was accepted is decided, and nothing is parked.
[[nodiscard]] std::vector<Wait> partition_waits(const PartitionFacts& facts);

/// The newest attempt of an event, as its biography tells it.
struct EventFacts {
  std::string outcome;                  // in_flight, retrying, dead_lettered, …
  std::uint64_t offset = 0;
  std::int64_t accepted_at = 0;
  std::int64_t decided_at = 0;
  bool held = false;                    // of retrying
  std::uint32_t attempts = 0;           // of retrying that is not held
  std::int64_t due_at = 0;              // likewise
  std::string stage, reason, details;   // likewise, and of dead_lettered
  std::optional<std::string> behind;    // of held: the id of the parked event that it waits behind
};
/// Empty: it is decided for good. What its partition waits for follows behind what the event itself does.
[[nodiscard]] std::vector<Wait> event_waits(const std::string& id, const EventFacts& event, const PartitionFacts& facts);

}  // namespace weir

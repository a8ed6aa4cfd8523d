// One event through all stages, with the verdict and the record after each: what `weir try` shows.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/expectation.h"
#include "cluster/node/step_watch.h"

namespace weir {

/// One field that a stage changed. JSON; empty: it was not there, or is not there any more.
struct FieldChange {
  std::string field;  // dotted inside objects that stay objects
  std::string before, after;
};

/// One record after a stage; several where it was split.
struct TriedPart {
  Verdict verdict = Verdict::pass;
  std::string record;  // JSON, of pass
  std::vector<FieldChange> changes;
};

struct TriedStep {
  std::string name, kind;  // parse and the kinds of stages
  bool skipped = false;    // its `when` does not hold
  bool reached = false;    // the event came to it
  std::vector<TriedPart> parts;
};

struct TriedEvent {
  std::uint64_t line = 0;  // in the input; of JSON documents and features their number
  std::string format;      // json, csv, cloudevents
  std::string raw;
  std::string id;
  std::string id_from;        // what it was made of, for people: "digest of the bytes", "field id", …
  std::uint64_t same_id = 0;  // line of an event before with the same id; 0: none
  bool same_bytes = false;    // as that one
  std::uint32_t partition = 0;
  std::string time;  // RFC 3339; empty: it has none, because it was not read
  std::vector<TriedStep> steps;
  std::string outcome;        // served, filtered, dead_lettered
  std::string stage, reason;  // of dead_lettered
  std::vector<std::string> details;
  std::vector<std::string> records;  // JSON
  std::vector<std::string> unanswered;  // addresses that stages asked for; nobody was, and the answer was 404
  std::vector<std::pair<std::string, std::vector<std::string>>>
      views;  // rows that it alone would make, by view; none: left out
};

/// Events of one input shown at most: more are `weir run`'s.
inline constexpr std::size_t kTriedEventsMax = 100;

/// The first `events` of what was framed, in the order of the input, each on an engine of its own, in memory, as if it
/// were the first one ever. Errors: limit_reached (`events` is 0, which means all, and there are more than
/// kTriedEventsMax); what ended the engine.
[[nodiscard]] Result<std::vector<TriedEvent>> try_events(const CompiledPipeline& pipeline,
                                                         const std::vector<DoorGroup>& groups, std::size_t events = 0);

/// What differs between two records. Pure.
[[nodiscard]] std::vector<FieldChange> changes_between(const TestValue& before, const TestValue& after);

}  // namespace weir

// Looks at events between the steps of the chain, as text. For `weir try` and the coverage of tests; a node never does.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cluster/node/memory_run.h"

namespace weir {

/// An event, or one part of a split one, as it stands at some place of the chain.
struct SeenEvent {
  std::uint32_t index = 0;  // in its batch
  std::uint16_t part = 0;
  Verdict verdict = Verdict::pass;
  std::string record;  // JSON; empty before it was parsed
  std::int64_t event_time = 0;
  std::string stage, reason, details;                           // of reject and retry
  std::vector<std::pair<std::string, std::string>> violations;  // reason and text, of an event that validate rejects
  bool split = false;                                           // it is a part of a split event
  bool applies = true;                                          // in front of a stage: its `when` holds
  bool found = false;                                           // in front of enrich: the table has a row for it
  std::vector<bool> rules;  // behind validate: for which named rules `when` holds; empty: it was not asked
};

/// One step has worked on one batch.
struct SeenStep {
  std::size_t step = 0;                  // 0: parse, then the stages
  std::vector<SeenEvent> before, after;  // a split has more parts after than before
};
using StepObserver = std::function<void(const SeenStep&)>;

/// `pipeline` and `observer` must outlive the run.
[[nodiscard]] StepsWrapper watch_steps(const CompiledPipeline& pipeline, const StepObserver& observer);

}  // namespace weir

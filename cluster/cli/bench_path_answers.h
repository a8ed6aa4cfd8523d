// What a run of `weir bench path` answered, computed from its data, and compared with the other program and with the
// truth.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "cluster/cli/orders_generator.h"
#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir::cli {

struct PathAnswers {
  std::uint64_t served = 0, duplicate = 0, dead_lettered = 0;
  Digest128 served_ids;   // order-free sum of the ids in the view, as OrdersTruth has it
  Digest128 cents_by_id;  // the same of id * cents
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> groups;  // "country/type/tier": orders, cents
};

/// From the generator.
[[nodiscard]] PathAnswers answers_of(const OrdersTruth& truth);
/// From the ledger and the view rows of a stopped weir. Errors: of the data.
[[nodiscard]] Result<PathAnswers> answers_of_data(const std::string& data);
/// From the JSON of the roofline. Errors: internal (no such JSON).
[[nodiscard]] Result<PathAnswers> answers_of_roofline(const std::string& json);

/// What the output journal says: order-free sums over every outcome, record and letter, so that two programs that
/// decided the same say the same however they grouped it.
struct OutputAnswers {
  Digest128 outcomes;        // id, digest of the original, outcome
  Digest128 records;         // id, payload, type, source, event time
  Digest128 letters;         // id, original, stage, reason
  Digest128 state_sum;       // of the newest commits: the ids' part of the answer digest
  std::uint64_t frames = 0;  // written since the log was created: syncs
  friend bool operator==(const OutputAnswers& a, const OutputAnswers& b) {
    return a.outcomes == b.outcomes && a.records == b.records && a.letters == b.letters && a.state_sum == b.state_sum;
  }
};
/// Errors: log_damaged and all others of opening a log.
[[nodiscard]] Result<OutputAnswers> output_answers(const std::string& data);

/// Error internal: names the first thing that differs. `who` is the program that gave `answers`.
[[nodiscard]] Result<void> check_answers(const PathAnswers& truth, const PathAnswers& answers, std::string_view who);

}  // namespace weir::cli

// The ledger of stopped data, as rows and as the JSON of the interface.
#pragma once
#include <string>

#include "cluster/cli/data_options.h"

namespace weir::cli {

struct LedgerLine {
  std::uint32_t partition = 0;
  std::uint64_t epoch = 0;
  std::uint64_t accepted = 0;
  std::uint64_t in_flight = 0;
  Ledger ledger;
  /// Every event below the committed position is counted once, and nothing is counted that was not accepted.
  bool balanced = true;
};

struct LedgerReport {
  std::string pipeline;
  std::vector<LedgerLine> partitions;
  LedgerLine total;
};

[[nodiscard]] LedgerReport read_ledger(const StoppedData& data);
[[nodiscard]] std::string ledger_json(const LedgerReport& report);
/// A table or CSV with a row per partition and one for the total.
void write_ledger(Output output, const LedgerReport& report);

}  // namespace weir::cli

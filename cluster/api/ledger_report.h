// The ledger of a pipeline, as the JSON of the interface.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/event/commit_body.h"

namespace weir {

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

/// The columns beside accepted and in_flight, in the order they are shown.
using LedgerField = std::pair<const char*, std::uint64_t Ledger::*>;
inline constexpr std::array<LedgerField, 11> kLedgerFields{{{"served", &Ledger::served},
                                                            {"filtered", &Ledger::filtered},
                                                            {"duplicate", &Ledger::duplicate},
                                                            {"dead_lettered", &Ledger::dead_lettered},
                                                            {"shed", &Ledger::shed},
                                                            {"expired", &Ledger::expired},
                                                            {"dropped", &Ledger::dropped},
                                                            {"superseded", &Ledger::superseded},
                                                            {"retrying", &Ledger::retrying},
                                                            {"redriven", &Ledger::redriven},
                                                            {"edited", &Ledger::edited}}};

/// What one partition counts: `accepted` durable in ingest, `committed` decided.
[[nodiscard]] LedgerLine ledger_line(PartitionId partition, Epoch epoch, Offset accepted, Offset committed,
                                     const Ledger& ledger);
/// Adds the line, and to the total.
void add_line(LedgerReport& report, const LedgerLine& line);
[[nodiscard]] std::string ledger_json(const LedgerReport& report);

}  // namespace weir

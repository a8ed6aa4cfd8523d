// The ledger of stopped data, and its rows.
#pragma once
#include <string>

#include "cluster/api/ledger_report.h"
#include "cluster/cli/data_options.h"

namespace weir::cli {

[[nodiscard]] LedgerReport read_ledger(const StoppedData& data);
/// A table or CSV with a row per partition and one for the total.
void write_ledger(Output output, const LedgerReport& report);

}  // namespace weir::cli

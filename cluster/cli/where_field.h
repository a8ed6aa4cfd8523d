// `weir where --field NAME=VALUE`: the biographies of all events whose original record has a value.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/cli/data_source.h"
#include "cluster/node/stopped_data.h"

namespace weir::cli {

struct FieldSearch {
  std::vector<std::string> fields;  // NAME=VALUE, all must hold
  std::uint64_t limit = 10;         // events printed; 0: all
};

/// Both print and give the exit code: 1 where nothing was found.
[[nodiscard]] int search_data(const FieldSearch& search, const StoppedData& data, Output output);
[[nodiscard]] int search_node(const FieldSearch& search, const DataSource& node, Output output);

}  // namespace weir::cli

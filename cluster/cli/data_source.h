// Where a question goes: to the data of a stopped node, or to a running one.
#pragma once
#include <memory>
#include <string>

#include "cluster/cli/command.h"
#include "cluster/cli/node_client.h"

namespace weir::cli {

struct DataSource {
  std::string data;  // as typed
  std::string node;  // as typed
  NodeTrust trust;
};

/// Adds `--data DIR`, `--node URL`, and how that is asked. Typed options win over WEIR_DATA and WEIR_NODE, data over a node; with neither,
/// the node at its default address is asked.
void add_source(Level command, DataSource& source);

/// The directory to read; empty: ask node_of().
[[nodiscard]] std::string data_of(const DataSource& source);
[[nodiscard]] std::string node_of(const DataSource& source);

[[nodiscard]] Result<NodeClient> open_node(const DataSource& source);

/// GET `target` of the node; on an error reports it and sets `code` (3: nobody there, or not ready).
[[nodiscard]] std::optional<std::string> ask_node(const DataSource& source, const std::string& target, int& code);

}  // namespace weir::cli

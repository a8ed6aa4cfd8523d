#include "cluster/cli/data_source.h"

#include <cstdlib>

namespace weir::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

void add_source(Level command, DataSource& source) {
  // Not as CLI11's envname: what is typed must win over either variable.
  const Option data = command.add_option("--data", source.data,
                                  "Data directory of a stopped node, read without changing it (or WEIR_DATA)");
  data.type_name("DIR");
  command
      .add_option("--node", source.node,
                  "A running node (or WEIR_NODE); --data wins, what is typed wins over the environment")
      .type_name("URL")
      .shown_default(kNodeDefault)
      .excludes(data);
  add_trust(command, source.trust);
}

std::string data_of(const DataSource& source) {
  if (!source.data.empty() || !source.node.empty()) return source.data;
  return environment("WEIR_DATA");
}

std::string node_of(const DataSource& source) {
  if (!source.node.empty()) return source.node;
  const std::string node = environment("WEIR_NODE");
  return node.empty() ? kNodeDefault : node;
}

Result<NodeClient> open_node(const DataSource& source) {
  return NodeClient::open(node_of(source), source.trust);
}

std::optional<std::string> ask_node(const DataSource& source, const std::string& target, int& code) {
  auto node = open_node(source);
  if (!node) {
    code = report(node.error());
    return std::nullopt;
  }
  auto text = node->get(target);
  if (text) return std::move(*text);
  const std::string hint = text.error().code == Errc::not_ready ? "; --data DIR reads a stopped node's data" : "";
  code = report(Error{text.error().code, text.error().context + hint});
  return std::nullopt;
}

}  // namespace weir::cli

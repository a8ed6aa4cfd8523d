// A pipeline as a picture: inputs, door, stages, views, dead letters, and what flows between them. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/ports/pipeline_config.h"

namespace weir {

struct GraphNode {
  enum class Kind : std::uint8_t { input, door, stage, table, view, letters, sink };
  Kind kind = Kind::stage;
  std::string id;                  // letters, digits and _ only; unique; never a word of Mermaid or dot
  std::string name;                // as people call it
  std::vector<std::string> about;  // one fact each, short
};
struct GraphEdge {
  enum class Kind : std::uint8_t { flow, letters, lookup };
  std::size_t from = 0, to = 0;  // places in `nodes`
  Kind kind = Kind::flow;
  std::string label;
};
struct PipelineGraph {
  std::string name;
  std::vector<GraphNode> nodes;  // in the order of the flow
  std::vector<GraphEdge> edges;
};
[[nodiscard]] PipelineGraph graph_of(const PipelineConfig& config);

/// For a terminal of `width` characters (0: any): longer lines end with ….
[[nodiscard]] std::string graph_text(const PipelineGraph& graph, std::size_t width);
/// A Mermaid flowchart.
[[nodiscard]] std::string graph_mermaid(const PipelineGraph& graph);
/// A digraph for Graphviz.
[[nodiscard]] std::string graph_dot(const PipelineGraph& graph);

}  // namespace weir

// A pipeline's graph as text, for Mermaid and for Graphviz.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cluster/node/pipeline_graph.h"
#include "runtime/base/json_text.h"
#include "runtime/base/text_width.h"

namespace weir {

namespace {

/// Inside double quotes of Mermaid: everything that could end the text or be read as markup becomes an entity.
std::string mermaid_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "#quot;";
        break;
      case '#':
        out += "#35;";
        break;
      case '<':
        out += "#lt;";
        break;
      case '>':
        out += "#gt;";
        break;
      case '&':
        out += "#amp;";
        break;
      case '`':
        out += "#96;";
        break;
      case '\n':
        out += ' ';
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string dot_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string mermaid_node(const GraphNode& node) {
  std::string text = mermaid_text(node.name);
  for (const std::string& fact : node.about) text += "<br/>" + mermaid_text(fact);
  switch (node.kind) {
    case GraphNode::Kind::input:
      return fmt::format("{}([\"{}\"])", node.id, text);
    case GraphNode::Kind::table:
      return fmt::format("{}[(\"{}\")]", node.id, text);
    case GraphNode::Kind::view:
      return fmt::format("{}[/\"{}\"/]", node.id, text);
    case GraphNode::Kind::letters:
      return fmt::format("{}{{{{\"{}\"}}}}", node.id, text);
    case GraphNode::Kind::sink:
      return fmt::format("{}>\"{}\"]", node.id, text);
    case GraphNode::Kind::door:
    case GraphNode::Kind::stage:
      break;
  }
  return fmt::format("{}[\"{}\"]", node.id, text);
}

std::string_view dot_shape(GraphNode::Kind kind) {
  switch (kind) {
    case GraphNode::Kind::input:
      return "oval";
    case GraphNode::Kind::table:
      return "cylinder";
    case GraphNode::Kind::view:
      return "note";
    case GraphNode::Kind::letters:
      return "octagon";
    case GraphNode::Kind::sink:
      return "cds";
    case GraphNode::Kind::door:
    case GraphNode::Kind::stage:
      break;
  }
  return "box";
}

/// Marks and facts behind a node's name in the text picture.
std::string facts_of(const PipelineGraph& graph, std::size_t node) {
  std::string facts;
  for (const std::string& fact : graph.nodes[node].about) facts += (facts.empty() ? "" : "; ") + fact;
  for (const GraphEdge& edge : graph.edges) {
    if (edge.to != node || edge.kind != GraphEdge::Kind::lookup) continue;
    facts += fmt::format("{}table {} {}", facts.empty() ? "" : "; ", graph.nodes[edge.from].name, edge.label);
  }
  return facts;
}

/// Whether a sink is of dead letters.
bool of_letters(const PipelineGraph& graph, std::size_t sink) {
  return std::any_of(graph.edges.begin(), graph.edges.end(),
                     [&](const GraphEdge& edge) { return edge.to == sink && graph.nodes[edge.from].kind == GraphNode::Kind::letters; });
}

bool refuses(const PipelineGraph& graph, std::size_t node) {
  return std::any_of(graph.edges.begin(), graph.edges.end(),
                     [&](const GraphEdge& edge) { return edge.from == node && edge.kind == GraphEdge::Kind::letters; });
}

}  // namespace

std::string graph_text(const PipelineGraph& graph, std::size_t width) {
  std::vector<std::size_t> inputs, trunk, views, letter_sinks;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const GraphNode::Kind kind = graph.nodes[i].kind;
    if (kind == GraphNode::Kind::view) views.push_back(i);
    if (kind == GraphNode::Kind::sink) (of_letters(graph, i) ? letter_sinks : views).push_back(i);
    if (kind == GraphNode::Kind::input) inputs.push_back(i);
    if (kind == GraphNode::Kind::door || kind == GraphNode::Kind::stage) trunk.push_back(i);
  }
  if (inputs.size() == 1) trunk.insert(trunk.begin(), std::exchange(inputs, {}).front());
  const auto longest = [&graph](const std::vector<std::size_t>& nodes) {
    std::size_t most = 0;
    for (const std::size_t i : nodes) most = std::max(most, count_code_points(graph.nodes[i].name));
    return most;
  };
  std::string out;
  const auto add = [&](std::string line) {
    while (line.ends_with(' ')) line.pop_back();
    cut_to_width(line, width);
    out += line + "\n";
  };
  add(graph.name);
  out += "\n";
  const std::size_t input_width = longest(inputs);
  for (const std::size_t i : inputs)
    add(fmt::format("    {}── {:<{}}  {}", i == inputs.front() ? "┌" : "├", graph.nodes[i].name, input_width, facts_of(graph, i)));
  if (!inputs.empty()) out += "    │\n";
  std::string letters;
  const std::size_t trunk_width = longest(trunk);
  for (const std::size_t i : trunk) {
    const std::string& name = graph.nodes[i].name;
    if (i != trunk.front()) out += "    │\n";
    add(fmt::format("  {} {:<{}}  {}", refuses(graph, i) ? "×" : " ", name, trunk_width, facts_of(graph, i)));
    if (refuses(graph, i)) letters += (letters.empty() ? "" : ", ") + name;
  }
  if (!views.empty()) out += "    │\n";
  const std::size_t view_width = longest(views);
  for (const std::size_t i : views) {
    add(fmt::format("    {}─▶ {:<{}}  {}{}", i == views.back() ? "└" : "├", graph.nodes[i].name, view_width,
                    graph.nodes[i].kind == GraphNode::Kind::sink ? "sink: " : "", facts_of(graph, i)));
  }
  out += "\n";
  add(fmt::format("× what {} refuse{} becomes a dead letter", letters,
                  letters.find(',') == std::string::npos ? "s" : ""));
  for (const std::size_t i : letter_sinks) add(fmt::format("    {}─▶ {}  sink: {}", i == letter_sinks.back() ? "└" : "├", graph.nodes[i].name, facts_of(graph, i)));
  return out;
}

std::string graph_mermaid(const PipelineGraph& graph) {
  std::string out = "flowchart TD\n";
  for (const GraphNode& node : graph.nodes) out += "  " + mermaid_node(node) + "\n";
  for (const GraphEdge& edge : graph.edges) {
    const std::string_view arrow = edge.kind == GraphEdge::Kind::flow ? "-->" : "-.->";
    const std::string label = edge.label.empty() ? "" : fmt::format("|\"{}\"|", mermaid_text(edge.label));
    out += fmt::format("  {} {}{} {}\n", graph.nodes[edge.from].id, arrow, label, graph.nodes[edge.to].id);
  }
  return out;
}

std::string graph_dot(const PipelineGraph& graph) {
  std::string out =
      fmt::format("digraph \"{}\" {{\n  rankdir=TB;\n  node [fontname=\"sans-serif\"];\n", dot_text(graph.name));
  for (const GraphNode& node : graph.nodes) {
    std::string text = dot_text(node.name);
    for (const std::string& fact : node.about) text += "\\n" + dot_text(fact);
    out += fmt::format("  {} [shape={}, label=\"{}\"];\n", node.id, dot_shape(node.kind), text);
  }
  for (const GraphEdge& edge : graph.edges) {
    const std::string label = edge.label.empty() ? "" : fmt::format("label=\"{}\"", dot_text(edge.label));
    const std::string_view style = edge.kind == GraphEdge::Kind::flow ? "" : "style=dashed";
    const std::string both = fmt::format("{}{}{}", style, style.empty() || label.empty() ? "" : ", ", label);
    out += fmt::format("  {} -> {}{};\n", graph.nodes[edge.from].id, graph.nodes[edge.to].id,
                       both.empty() ? "" : fmt::format(" [{}]", both));
  }
  return out + "}\n";
}

}  // namespace weir

// `weir graph`: where events come in.
#include "cluster/node/pipeline_graph.h"
#include "tests/component/pipeline_tests/ground.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

const std::string kInputs = R"(pipeline: p
record: {format: ndjson, id: id}
inputs:
  http: {}
  files: {include: ["in/*.csv", "/abs/**/x.csv"], exclude: "*.tmp", format: csv, follow: true}
  archive: {files: {include: "old.json"}}
)";

TEST_CASE("every input is drawn with what it reads, in all three forms", "[graph]") {
  Ground ground;
  const PipelineGraph graph = graph_of(ground.load(kInputs).config());
  const std::string text = graph_text(graph, 0);
  CAPTURE(text);
  CHECK(text.starts_with("p\n\n"
                         "    ┌── http     ndjson\n"
                         "    ├── files    follows in/*.csv, /abs/**/x.csv; not *.tmp; csv\n"
                         "    ├── archive  reads once old.json; ndjson\n"
                         "    │\n"
                         "    door    id: id; 8 partitions\n"
                         "    │\n"
                         "  × dedupe"));
  const std::string mermaid = graph_mermaid(graph);
  CAPTURE(mermaid);
  CHECK(mermaid.starts_with("flowchart TD\n"
                            "  n0([\"http<br/>ndjson\"])\n"
                            "  n1([\"files<br/>follows in/*.csv, /abs/**/x.csv<br/>not *.tmp<br/>csv\"])\n"
                            "  n2([\"archive<br/>reads once old.json<br/>ndjson\"])\n"
                            "  n3[\"door<br/>"));
  CHECK(mermaid.find("\n  n0 --> n3\n  n1 --> n3\n  n2 --> n3\n  n3 --> n4\n") != std::string::npos);
  const std::string dot = graph_dot(graph);
  CAPTURE(dot);
  CHECK(dot.find("n1 [shape=oval, label=\"files\\nfollows in/*.csv, /abs/**/x.csv\\nnot *.tmp\\ncsv\"];") != std::string::npos);
  CHECK(dot.find("\n  n0 -> n3;\n  n1 -> n3;\n  n2 -> n3;\n") != std::string::npos);
}

TEST_CASE("one input stands above the door, and one that no file names is whatever comes in", "[graph]") {
  Ground ground;
  CHECK(graph_text(graph_of(ground.load("pipeline: p\nrecord: {format: csv}\n").config()), 0)
            .starts_with("p\n\n    input   csv\n    │\n    door    id: digest of the bytes"));
  CHECK(graph_text(graph_of(ground.load("pipeline: p\ninputs: {web: {http: {}}}\n").config()), 0)
            .starts_with("p\n\n    web     http; any format\n    │\n    door "));
  CHECK(graph_text(graph_of(ground.load("pipeline: p\ninputs: {files: {include: a.csv}}\n").config()), 0)
            .starts_with("p\n\n    files   reads once a.csv; any format\n    │\n    door "));
}

}  // namespace
}  // namespace weir

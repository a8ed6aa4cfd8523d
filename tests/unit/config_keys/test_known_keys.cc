// Nobody forgets the description: whatever the loader asks a file for must be described, with the same range and words.
#include <algorithm>
#include <set>

#include "cluster/cli/config_schema.h"
#include "runtime/adapters/yaml/reader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"
#include "tests/unit/config_keys/random_config.h"

namespace weir {
namespace {

using yaml::Shape;

constexpr const char* kHow = "describe it in runtime/adapters/yaml/pipeline_keys.cc or node_keys.cc, then: weir config reference > configs/reference.md";

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream in(path);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  return parts;
}

/// Every shape that can stand at `path`, counted from `shape`.
void find_shapes(const yaml::ConfigKeys& keys, const Shape& shape, const std::vector<std::string>& path, std::size_t at,
                 std::vector<const Shape*>& out) {
  if (shape.form == Shape::Form::either) {
    for (const Shape& part : *shape.parts) find_shapes(keys, part, path, at, out);
    return;
  }
  if (shape.form == Shape::Form::named) return find_shapes(keys, keys.shape(shape.what), path, at, out);
  if (at == path.size()) {
    out.push_back(&shape);
    // A comparison is read as a whole: what may stand between its operands is asked for under its own name.
    if (shape.what == "comparison")
      for (const Shape& part : *shape.parts->front().parts) out.push_back(&part);
    return;
  }
  if (shape.form == Shape::Form::map) {
    if (const yaml::Key* key = shape.find(path[at])) find_shapes(keys, key->shape, path, at + 1, out);
  } else if (shape.form == Shape::Form::map_of) {
    const yaml::Key* own = shape.find(path[at]);
    find_shapes(keys, own != nullptr ? own->shape : shape.parts->front(), path, at + 1, out);
  } else if (shape.form == Shape::Form::list) {
    const bool number = path[at].find_first_not_of("0123456789") == std::string::npos;
    find_shapes(keys, shape.parts->front(), path, number ? at + 1 : at, out);  // some readers leave the number out
  }
}

/// The description quotes words that YAML would read as something else.
std::string without_quotes(std::string text) {
  std::erase(text, '"');
  return text;
}

void check(const yaml::ConfigKeys& keys, const std::vector<yaml::Asked>& asked, std::set<std::string>& checked) {
  for (const yaml::Asked& question : asked) {
    if (!checked.insert(question.map + "|" + question.key + "|" + question.value).second) continue;
    std::vector<const Shape*> shapes;
    find_shapes(keys, keys.root, split(question.map), 0, shapes);
    INFO(question.map << " " << question.key << " " << question.value << "\n" << kHow);
    if (!question.key.empty()) {
      CHECK(std::any_of(shapes.begin(), shapes.end(), [&](const Shape* shape) { return shape->find(question.key) != nullptr || shape->form == Shape::Form::map_of; }));
    } else {
      CHECK(std::any_of(shapes.begin(), shapes.end(), [&](const Shape* shape) { return without_quotes(yaml::describe(*shape)) == question.value; }));
    }
  }
}

std::vector<yaml::Asked> ask(const std::string& text, const std::string& folder, bool node) {
  yaml::Findings findings;
  std::vector<yaml::Asked> asked;
  yaml::Context context{findings, folder, &asked};
  const auto root = yaml::parse_tree(text, "c.yaml", findings);
  REQUIRE(root);
  PipelineConfig pipeline;
  NodeConfig node_config;
  if (node) {
    yaml::read_node(context, *root, node_config);
  } else {
    yaml::read_pipeline(context, *root, pipeline);
  }
  return asked;
}

TEST_CASE("whatever the loader asks for is described, with its range and its words", "[config]") {
  ScratchFolder folder;
  folder.write("t.csv", "a,b,c\n");
  std::set<std::string> checked;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    for (const bool node : {false, true}) {
      const yaml::ConfigKeys& keys = node ? yaml::node_keys() : yaml::pipeline_keys();
      // A dot inside a key would look like a step down.
      std::string text = RandomConfig(keys, seed).make().dump();
      for (const std::string dotted : {"a\\\\.b", "f2.g"}) {
        for (std::size_t at = text.find(dotted); at != std::string::npos; at = text.find(dotted)) text.replace(at, dotted.size(), "dotless");
      }
      INFO("seed " << seed << "\n" << text);
      check(keys, ask(text, folder.path(), node), checked);
    }
  }
  CHECK(checked.size() > 500);
}

/// The words between `begin` and `end` in the findings about a file.
std::vector<std::string> allowed_words(const std::string& text, const std::string& begin, const std::string& end) {
  yaml::Findings findings;
  yaml::Context context{findings, ""};
  PipelineConfig config;
  yaml::read_pipeline(context, *yaml::parse_tree(text, "c.yaml", findings), config);
  const std::string said = findings.text();
  INFO(said);
  const std::size_t from = said.find(begin);
  REQUIRE(from != std::string::npos);
  std::string list = said.substr(from + begin.size());
  list = list.substr(0, list.find(end));
  std::vector<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word.substr(word.find_first_not_of(' ')));
  std::sort(words.begin(), words.end());
  return words;
}

std::vector<std::string> described(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  return words;
}

TEST_CASE("the kinds of stages, the forms and the measures that the loader knows are described", "[config]") {
  INFO(kHow);
  const Shape& stage = yaml::pipeline_keys().root.find("stages")->shape.parts->front();
  CHECK(allowed_words("pipeline: p\nstages: [{qqqq: {}}]\n", "allowed: ", " (and") == described(stage.one_of.front()));
  const Shape& forms = yaml::pipeline_keys().shape("expression").parts->back();
  CHECK(allowed_words("pipeline: p\nstages: [{transform: {set: {x: {qqqq: 1}}}}]\n", "allowed: ", "\n") == described(forms.one_of.front()));
  const Shape& measures = yaml::pipeline_keys().root.find("views")->shape.parts->front().find("measures")->shape.parts->front();
  std::vector<std::string> words = measures.parts->back().one_of.front();
  words.insert(words.end(), measures.parts->front().words.begin(), measures.parts->front().words.end());
  CHECK(allowed_words("pipeline: p\nviews: {v: {measures: {m: {qqqq: x}}}}\n", "allowed: ", "\n") == described(words));
}

TEST_CASE("configs/reference.md is what weir config reference prints", "[config]") {
  std::ifstream in("configs/reference.md");
  const std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  INFO("write it anew: weir config reference > configs/reference.md");
  CHECK((page == cli::config_reference()));
}

}  // namespace
}  // namespace weir

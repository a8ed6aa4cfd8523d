// What the servers of enrich stages answer in a test, and values of tests in general.
#include <algorithm>

#include "runtime/adapters/yaml/tests_reader.h"

namespace weir::yaml {

TestValue test_value(const Node& node) {
  TestValue value;
  value.text = node.text;
  switch (node.kind) {
    case Node::Kind::null:
      break;
    case Node::Kind::scalar:
      value.kind = is_boolean(node)  ? TestValue::Kind::boolean
                   : is_number(node) ? TestValue::Kind::number
                                     : TestValue::Kind::string;
      break;
    case Node::Kind::list:
      value.kind = TestValue::Kind::list;
      for (const Node& item : node.items) value.items.push_back(test_value(item));
      break;
    case Node::Kind::map:
      value.kind = TestValue::Kind::map;
      for (const Entry& entry : node.entries) value.fields.emplace_back(entry.key, test_value(entry.value));
      break;
  }
  return value;
}

namespace {

/// "France/Paris" as the parts of a key; the last one has what slashes are left.
std::vector<std::string> key_parts(const std::string& text, std::size_t count) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (parts.size() + 1 < count) {
    const std::size_t end = text.find('/', at);
    if (end == std::string::npos) return {};
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  parts.push_back(text.substr(at));
  return parts;
}

void read_answer(Context& context, const Entry& entry, const std::string& name, const EnrichConfig& enrich, TestLookup& out) {
  TestLookup::Answer answer;
  answer.key = key_parts(entry.key, enrich.key.size());
  if (answer.key.empty())
    return context.findings.add(entry.place, fmt::format("\"{}\" must have a part for each of the {} fields in {}, with / between them", name, enrich.key.size(),
                                                         enrich.http->url));
  if (entry.value.kind == Node::Kind::map) {
    answer.value = test_value(entry.value);
  } else {
    std::uint64_t status = 0;
    if (!is_number(entry.value))
      return context.findings.add(entry.value.place, fmt::format("\"{}\" must be a map (the answer) or a status from 100 to 599, found {}", name,
                                                                 describe_found(entry.value)));
    if (!read_integer(context, entry.value, name, Range<std::uint64_t>{100, 599}, status)) return;
    answer.status = static_cast<int>(status);
    answer.value.kind = TestValue::Kind::map;
  }
  out.answers.push_back(std::move(answer));
}

}  // namespace

void read_test_lookups(Context& context, const PipelineConfig& pipeline, bool whole, const Node& node, const std::string& name, std::vector<TestLookup>& out) {
  MapReader map(context, node, name);
  if (!map.valid()) return;
  std::vector<std::string> names;
  for (const StageConfig* stage : lookups_of(pipeline)) names.push_back(stage->name);
  for (const Entry& entry : node.entries) {
    const auto stage = std::find_if(pipeline.stages.begin(), pipeline.stages.end(), [&](const StageConfig& one) { return one.name == entry.key; });
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
      if (whole)
        context.findings.add(entry.place, fmt::format("\"{}\" names \"{}\", which is no stage that asks a server; allowed: {}{}", name, entry.key, join(names),
                                                      did_you_mean(entry.key, names)));
      continue;
    }
    TestLookup lookup{entry.key, {}};
    const MapReader answers(context, entry.value, map.path(entry.key));
    if (!answers.valid()) continue;
    for (const Entry& answer : entry.value.entries) read_answer(context, answer, answers.path(answer.key), std::get<EnrichConfig>(stage->body), lookup);
    out.push_back(std::move(lookup));
  }
}

}  // namespace weir::yaml

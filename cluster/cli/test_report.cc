#include "cluster/cli/test_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/cli/json_writer.h"

namespace weir::cli {

namespace {

struct Paint {
  bool on;
  [[nodiscard]] std::string operator()(const char* code, std::string_view text) const {
    return on ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
  }
};
constexpr const char* kGreen = "32";
constexpr const char* kRed = "31";

std::size_t count_reached(const FileCoverage& coverage) {
  return static_cast<std::size_t>(std::count_if(coverage.items.begin(), coverage.items.end(),
                                                [](const CoverageItem& item) { return item.reached; }));
}

/// That nobody was asked is no fault of the test, and yet may be why it does not say what it seems to.
std::string unanswered_text(const TestOutcome& outcome) {
  std::string text;
  for (const std::string& address : outcome.unanswered)
    text += fmt::format("    asked for {}, which the test's lookups do not have: answered 404\n", address);
  return text;
}

}  // namespace

std::string test_text(const TestLine& test, bool colours) {
  const Paint paint{colours};
  if (test.outcome.passed()) return fmt::format("  {}      {}\n", paint(kGreen, "ok"), test.name) + unanswered_text(test.outcome);
  std::string text = fmt::format("  {}  {} ({}:{})\n", paint(kRed, "FAILED"), test.name, test.file, test.line);
  if (!test.outcome.error.empty()) text += fmt::format("    {}\n", test.outcome.error);
  for (const Difference& difference : test.outcome.differences) {
    text += fmt::format("    {}{}\n", difference.where, difference.whole ? ": " + difference.note : "");
    if (!difference.expected.empty()) text += fmt::format("      expected  {}\n", paint(kGreen, difference.expected));
    if (!difference.actual.empty()) {
      text += fmt::format("      actual    {}\n", paint(kRed, difference.actual));
    } else if (!difference.whole) {
      text += fmt::format("      actual    {}\n", paint(kRed, "nothing"));
    }
    if (!difference.whole && !difference.note.empty()) text += fmt::format("      {}\n", difference.note);
  }
  if (!test.outcome.letters.empty()) text += "    dead letters, of which the test says nothing\n";
  for (const std::string& letter : test.outcome.letters) text += fmt::format("      {}\n", letter);
  return text + unanswered_text(test.outcome);
}

std::string coverage_text(const FileCoverage& coverage) {
  const std::size_t reached = count_reached(coverage);
  std::string text = fmt::format("  coverage: {} of {} reached", reached, coverage.items.size());
  if (reached == coverage.items.size()) return text + "\n";
  text += "; no test reached\n";
  for (const CoverageItem& item : coverage.items) {
    if (item.reached) continue;
    const std::string place = item.place.line != 0 ? fmt::format("  {}:{}", item.place.file, item.place.line) : "";
    text += fmt::format("    {:<7} {}{}\n", item.kind, item.name, place);
  }
  return text;
}

std::string tests_json(const std::vector<TestLine>& tests, const std::vector<FileCoverage>& coverage,
                       bool with_coverage) {
  JsonWriter json;
  json.open('{').key("tests").open('[');
  std::size_t passed = 0;
  for (const TestLine& test : tests) {
    passed += test.outcome.passed() ? 1 : 0;
    json.open('{').key("file").string(test.file).key("line").raw(std::to_string(test.line));
    json.key("name").string(test.name).key("passed").boolean(test.outcome.passed());
    if (!test.outcome.error.empty()) json.key("error").string(test.outcome.error);
    json.key("differences").open('[');
    for (const Difference& difference : test.outcome.differences) {
      json.open('{').key("where").string(difference.where);
      json.key("expected").raw(difference.expected).key("actual").raw(difference.actual);
      if (!difference.note.empty()) json.key("note").string(difference.note);
      json.close('}');
    }
    json.close(']');
    if (!test.outcome.unanswered.empty()) {
      json.key("unanswered").open('[');
      for (const std::string& address : test.outcome.unanswered) json.string(address);
      json.close(']');
    }
    if (!test.outcome.letters.empty()) {
      json.key("dead_letters").open('[');
      for (const std::string& letter : test.outcome.letters) json.raw(letter);
      json.close(']');
    }
    json.close('}');
  }
  json.close(']').key("passed").number(passed).key("failed").number(tests.size() - passed);
  if (with_coverage) {
    json.key("coverage").open('[');
    for (const FileCoverage& file : coverage) {
      json.open('{').key("file").string(file.file).key("reached").number(count_reached(file));
      json.key("of").number(file.items.size()).key("items").open('[');
      for (const CoverageItem& item : file.items) {
        json.open('{').key("kind").string(item.kind).key("name").string(item.name);
        json.key("file");
        if (item.place.line != 0) {
          json.string(item.place.file).key("line").raw(std::to_string(item.place.line));
        } else {
          json.raw("null").key("line").raw("null");
        }
        json.key("reached").boolean(item.reached).close('}');
      }
      json.close(']').close('}');
    }
    json.close(']');
  }
  return json.close('}').take();
}

}  // namespace weir::cli

#include "cluster/cli/tap_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "cluster/cli/raw_json.h"
#include "runtime/base/json_text.h"

namespace weir::cli {

namespace {

std::string text_of(const std::string& token) {
  std::string text;
  if (token.size() >= 2 && token.front() == '"') (void)append_unescaped(text, std::string_view(token).substr(1, token.size() - 2));
  return text;
}

/// What became of the very event that was tapped, where that says something of the event alone.
const Attempt* telling(const TappedEvent& event, const Biography& life) {
  const auto attempt = std::find_if(life.attempts.begin(), life.attempts.end(), [&](const Attempt& a) { return a.offset.value == event.offset; });
  if (attempt == life.attempts.end() || !attempt->parked.empty() || !attempt->changes.empty() || attempt->summary) return nullptr;
  if (attempt->outcome == "served" || attempt->outcome == "filtered") return &*attempt;
  static constexpr std::string_view kOfOthers[] = {"conflict", "late", "poison", "retries_exhausted"};
  const bool own = std::find(std::begin(kOfOthers), std::end(kOfOthers), attempt->reason) == std::end(kOfOthers);
  return attempt->outcome == "dead_lettered" && own ? &*attempt : nullptr;
}

struct Test {
  std::string text;
  std::size_t served = 0, filtered = 0, dead = 0;
  std::vector<std::string> letters, records;
};

std::string section(const std::string& name, const std::vector<std::string>& rows) {
  std::string text = "      " + name + ":" + (rows.empty() ? " []\n" : "\n");
  for (const std::string& row : rows) text += "        - " + row + "\n";
  return text;
}

std::string yaml_of(const std::string& name, const std::string& format, const Test& test) {
  std::string ledger = fmt::format("accepted: {}", test.served + test.filtered + test.dead);
  if (test.served != 0) ledger += fmt::format(", served: {}", test.served);
  if (test.filtered != 0) ledger += fmt::format(", filtered: {}", test.filtered);
  if (test.dead != 0) ledger += fmt::format(", dead_lettered: {}", test.dead);
  return fmt::format("  - name: {}\n    input: {{format: {}, text: {}}}\n    expect:\n      ledger: {{{}}}\n", to_json_string(name), format == "json" ? "ndjson" : format,
                     to_json_string(test.text), ledger) +
         section("dead_letters", test.letters) + section("records", test.records);
}

}  // namespace

Result<TappedEvent> tapped_event(std::string_view item) {
  const auto members = members_of(item);
  TappedEvent event;
  bool original = false;
  for (const auto& [name, value] : members.value_or(std::vector<std::pair<std::string, std::string>>{})) {
    if (name == "id") event.id = text_of(value);
    if (name == "offset") event.offset = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "format") event.format = text_of(value);
    if (name == "header") event.header = text_of(value);
    if (name == "original") event.original = text_of(value);
    if (name == "original_base64" || name == "header_base64") event.text = false;
    original = original || name.starts_with("original");
  }
  if (!original) return fail(Errc::invalid_argument, "--save-test: what is tapped here is not what came: tap doors, or dead-letters");
  return event;
}

WrittenTests write_tests(const std::string& name, const std::vector<TappedEvent>& events, const std::vector<Biography>& lives) {
  WrittenTests written;
  std::map<std::string, std::size_t> times;
  for (const TappedEvent& event : events) ++times[event.id];
  std::map<std::pair<std::string, std::string>, Test> tests;  // by format and header
  for (std::size_t i = 0; i < events.size(); ++i) {
    const TappedEvent& event = events[i];
    const Attempt* const attempt = telling(event, lives[i]);
    const bool lines = event.format != "csv" && event.original.find('\n') != std::string::npos;
    if (attempt == nullptr || !event.text || lines || times[event.id] > 1) {
      ++written.left_out;
      continue;
    }
    ++written.events;
    Test& test = tests[{event.format, event.header}];
    if (test.text.empty() && !event.header.empty()) test.text = event.header + "\n";
    test.text += event.original + "\n";
    if (attempt->outcome == "served") ++test.served;
    if (attempt->outcome == "filtered") ++test.filtered;
    if (attempt->outcome == "dead_lettered") {
      ++test.dead;
      test.letters.push_back(fmt::format("{{id: {}, stage: {}, reason: {}}}", to_json_string(event.id), to_json_string(attempt->stage), to_json_string(attempt->reason)));
    }
    for (const std::string& record : attempt->records) test.records.push_back(record);
  }
  if (tests.empty()) return written;
  written.yaml = "tests:\n";
  std::size_t number = 0;
  for (const auto& [kind, test] : tests) written.yaml += yaml_of(fmt::format("{}{}", name, tests.size() == 1 ? "" : fmt::format(", {}", ++number)), kind.first, test);
  return written;
}

}  // namespace weir::cli

// `tests:` of a pipeline file: inputs, and what must come of them. Plain data, checked by the loader; `weir test` runs
// them.
//
// How an expectation is read:
//  - only what is named is compared: a ledger without `filtered` says nothing about filtered, a row without `lines`
//  nothing
//    about its lines, a map inside a row is compared by the keys it names
//  - a list of rows, letters or records means exactly these, in any order; {contains: […]} means at least these,
//  {count: N}
//    how many there are in all
//  - numbers are equal by value (15.30 is 15.3), and a number is never equal to a text that looks like one
//  - null means null or not there; a list as a value is compared whole, in its order
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/pipeline_config.h"

namespace weir {

struct TestField;

/// What JSON can say. Numbers keep their spelling, maps the order of their keys.
struct TestValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, list, map };
  Kind kind = Kind::null;
  std::string text;  // of boolean, number, string
  std::vector<TestValue> items;
  std::vector<TestField> fields;
  /// nullptr: no map, or no such key.
  [[nodiscard]] const TestValue* find(std::string_view key) const noexcept;
};
struct TestField {
  std::string name;
  TestValue value;
};
/// As JSON, one line.
void append_json(std::string& to, const TestValue& value);

/// When the first input of a test is accepted, unless it says otherwise. So late that no event time of a real pipeline
/// lies behind it: 2100-01-01T00:00:00Z.
inline constexpr std::int64_t kTestAcceptedAt = 4'102'444'800'000'000;

/// One input of a test: exactly one of text, file, and `events`, which the loader turns into text.
struct TestInput {
  RecordFormat format =
      RecordFormat::any;  // any: of the file's name, else of the pipeline; `events` are ndjson or cloudevents
  std::string text;
  std::string file;                            // resolved against the pipeline file's folder
  std::int64_t accepted_at = kTestAcceptedAt;  // `at: TIME`, or `after: 8d` behind the input before it; never goes
                                               // back. An id expires with the first commit behind its time, not before
  ConfigPlace place;
};

struct ExpectedRows {
  bool contains = false;               // at least `rows`; else exactly these, unless only `count` is given
  std::optional<std::uint64_t> count;  // how many there are in all
  std::vector<TestValue> rows;         // maps; at most 10'000
  ConfigPlace place;
  [[nodiscard]] bool exact() const noexcept { return !contains && !count; }
};

struct TestExpectation {
  std::vector<std::pair<std::string, std::uint64_t>> ledger;  // names of `weir ledger --output json`
  std::optional<ExpectedRows> dead_letters;  // fields of `weir dlq list`; `details: TEXT` is part of one of them
  std::vector<std::pair<std::string, ExpectedRows>> views;  // rows as `weir query` gives them
  std::vector<std::pair<std::string, ExpectedRows>> sinks;  // what each takes: its lines of JSON; of CSV {line: TEXT}
  std::optional<ExpectedRows> records;  // of the curated log; @id, @index, @time, @type, @source, @partition
};

/// What the server of one stage answers in a test. Whatever it is asked beside that is not known to it (404).
struct TestLookup {
  struct Answer {
    std::vector<std::string> key;  // one part for each field in the address
    int status = 200;
    TestValue value;  // of 200: a map
  };
  std::string stage;
  std::vector<Answer> answers;
};

struct TestConfig {
  std::string name;               // unique in its file
  std::vector<TestLookup> lookups;
  std::vector<TestInput> inputs;  // 1..100, read one after the other
  TestExpectation expect;         // at least one part
  ConfigPlace place;
};

/// A pipeline file with its tests. Apart from PipelineConfig, because a node that runs the pipeline never sees them.
struct PipelineTests {
  PipelineConfig pipeline;
  std::vector<TestConfig> tests;  // at most 1'000
  /// Where every key and list item stands, by its path: `stages.0.validate.fields.price`, whatever dots are in a key.
  std::map<std::string, ConfigPlace> places;
  /// What may be a slip and is not refused, one line each with its place.
  std::vector<std::string> warnings;
};

}  // namespace weir

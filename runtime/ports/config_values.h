// What every section of a pipeline file is made of: places, paths, constants, conditions, tables. Plain data, checked
// by the loader.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// Place in a configuration file, for messages; 1-based, 0: not from a file.
struct ConfigPlace {
  std::string file;
  int line = 0;
  int column = 0;
};

/// A dotted path split at its dots (`\.` escapes); `@id @time @type @source @partition` are the envelope.
struct FieldPath {
  std::vector<std::string> parts;
  std::string text;  // as written
  [[nodiscard]] bool envelope() const { return !text.empty() && text.front() == '@'; }
  friend bool operator==(const FieldPath&, const FieldPath&) = default;
};

/// A constant of a pipeline file. Numbers keep their spelling.
struct Constant {
  enum class Kind : std::uint8_t { null, boolean, number, string };
  Kind kind = Kind::null;
  std::string text;  // "true", "15.30", or the string's text
  friend bool operator==(const Constant&, const Constant&) = default;
};

/// How a time is written down.
enum class TimeFormat : std::uint8_t { acceptance, rfc3339, unix_seconds, unix_ms, unix_us, strptime };

/// any: by Content-Type or file name.
enum class RecordFormat : std::uint8_t { any, json, ndjson, csv, cloudevents, geojson };

/// Stage, view or sink applies only to events where it holds.
struct WhenConfig {
  FieldPath path;  // `@type` for {type: order}
  Constant equals;
};

/// What one field must be for a condition to hold: everything that is given.
struct FieldTest {
  FieldPath path;                           // `@type` for `type`
  std::vector<Constant> one_of;             // empty: anything; at most 1'000
  std::vector<Constant> none_of;            // at most 1'000
  std::optional<std::string> min, max;      // inclusive; decimals as written. Only numbers are inside of bounds
  std::optional<std::string> above, below;  // exclusive
  std::optional<bool> exists;               // there and not null
};
/// Holds when all tests of one of the lists hold. At most 64 lists of 64 tests; none is empty.
struct ConditionConfig {
  std::vector<std::vector<FieldTest>> any;
};

/// A reference table: CSV with a header line, JSON (an array of objects, or an object whose members are rows under their
/// keys), or lines of JSON objects.
enum class TableFormat : std::uint8_t { csv, json, ndjson };
struct TableConfig {
  std::string file;              // resolved against the pipeline file's folder
  std::vector<std::string> key;  // columns of the file
  ConfigPlace place;
  TableFormat format = TableFormat::csv;  // default: by the file's name, .json, .ndjson and .jsonl; else CSV
};

/// What becomes of an event that has no value where a stage needs one.
enum class OnMissing : std::uint8_t { pass, reject, fill };

}  // namespace weir

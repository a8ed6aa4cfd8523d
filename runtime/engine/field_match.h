// Whether the original record of an event has a value in a field, as people name both: a column of CSV, a path of JSON.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/event/ingest_batch.h"

namespace weir {

struct FieldCondition {
  std::string name;               // as written
  std::vector<std::string> path;  // of name, dotted; `\.` is a dot inside
  std::string value;
};
/// `NAME=VALUE`, divided at the first `=`. Errors: invalid_argument (no name, no `=`, a name of the envelope).
[[nodiscard]] Result<FieldCondition> parse_field_condition(std::string_view text);
/// The same of two parts that are divided already.
[[nodiscard]] Result<FieldCondition> field_condition(std::string_view name, std::string_view value);

/// Holds all conditions against one frame. A field of CSV is compared as text, unquoted; of JSON a string by its text,
/// a number by value, null, true and false by name. Of CloudEvents a name that the envelope does not have is looked for
/// in `data`. A field is found when everything up to and with it is well-formed, so that broken frames are found, too.
/// Not thread-safe.
class FieldMatch {
 public:
  /// `separator` is that of CSV.
  FieldMatch(std::vector<FieldCondition> conditions, char separator);

  struct Answer {
    bool has_fields = false;  // every field is there
    bool matches = false;     // and has its value
  };
  /// kBlockPadding bytes behind the frame must be readable.
  [[nodiscard]] Answer look(const IngestHeader& header, std::string_view frame);

 private:
  struct Found {
    bool there = false;
    bool equal = false;
  };
  [[nodiscard]] Found in_csv(std::size_t index, std::string_view frame);
  [[nodiscard]] Found in_json(std::size_t index, std::string_view frame, bool cloud_event);
  void know_header(std::string_view header);

  std::vector<FieldCondition> conditions_;
  std::vector<std::vector<std::string>> in_data_;      // each path below `data`
  std::vector<std::optional<std::uint32_t>> columns_;  // of each condition under header_
  std::optional<std::string> header_;
  std::string buffer_;
  char separator_;
};

}  // namespace weir

// The stage transform as a pipeline file describes it: plain data, already checked by the loader.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/config_values.h"
#include "runtime/ports/script_config.h"

namespace weir {

enum class HashKind : std::uint8_t { sha256, xxh3_128 };
/// Weeks are those of ISO 8601: they begin on Monday (weekday 1) and belong to the year their Thursday lies in.
enum class DatePart : std::uint8_t {
  year,
  quarter,
  month,
  week,
  week_year,
  day,
  day_of_year,
  weekday,
  hour,
  minute,
  second,
  microsecond
};
/// A time as a text or number. TimeFormat::acceptance does not occur here.
struct TimeText {
  TimeFormat format = TimeFormat::rfc3339;
  std::string pattern;       // of TimeFormat::strptime
  std::string zone = "UTC";  // UTC or a fixed offset such as +02:00
};

/// One transform form. `path` and `constant` are leaves; the others have operands. Without a word on it, an operand
/// that is missing or null rejects the event (field_missing), one of the wrong type too (field_type).
struct Expression {
  enum class Kind : std::uint8_t {
    path,  // takes what is there: null stays null, missing stays missing
    constant,
    add,  // numbers, exactly: see Decimal
    subtract,
    multiply,
    divide,
    round,
    concat,  // texts; numbers and booleans by their spelling
    lower,   // ASCII letters; others stay
    upper,
    ip_prefix,
    lookup,
    trim,       // no white space at either end
    substring,  // in characters (code points)
    replace,    // every occurrence, from the left, not overlapping
    mask,
    hash,         // of the text's UTF-8 bytes, as lower-case hex
    to_string,    // of a number or boolean its spelling
    to_number,    // of a text that reads as a decimal (field_type, number_range); numbers keep their spelling
    date_part,    // a number
    date_format,  // a text, or a number since 1970
    bucket,       // the constant of the first bound above the number
    coalesce      // the first operand that has a value; of what a lookup misses too. None has: the last one as it is
  };
  Kind kind = Kind::constant;
  FieldPath path;
  Constant constant;
  std::vector<Expression> arguments;
  int scale = 0;                        // divide, round: digits behind the point, 0..18
  int bits = 24;                        // ip_prefix: 0..32 for IPv4; IPv6 twice as much is not assumed: 0..128
  TableConfig table;                    // lookup
  std::string column;                   // lookup: the column taken
  std::int32_t start = 0;               // substring: first character, from 0; negative: from the end. Within 16777216
  std::optional<std::uint32_t> length;  // substring: characters at most, 0..16777216; not given: to the end
  std::string find;                     // replace: 1..256 bytes
  std::string with = "*";               // replace: 0..256 bytes; mask: the one character that hides one
  std::uint32_t keep_first = 0;         // mask: characters left as they are, 0..1'000. A text that is not longer than
  std::uint32_t keep_last = 0;          // both together is hidden whole
  HashKind hash = HashKind::sha256;     // hash
  DatePart part = DatePart::year;       // date_part
  TimeText from;                        // date_part, date_format: the operand. `@time` needs none
  TimeText to;                          // date_format: the result; date_part: its zone
  std::vector<std::pair<std::string, Constant>> below;  // bucket: bound (exclusive, rising) and constant, 1..64
  Constant otherwise;                                   // bucket: at or above the last bound
  std::optional<Constant> missing;                      // bucket: of missing and null
  ConfigPlace place;
};

/// One record for every element of an array. The parts are told apart by their number (the record's id is the event's
/// id and it), counted over those that leave the chain; stages behind this one see each part as an event. Missing or
/// null: `missing`. No array: rejected, field_type. An empty array has no records: the event is filtered. More than
/// parts_max elements, or 4'096 parts with earlier splits: rejected, output_too_large. One rejected part rejects the
/// event.
struct SplitConfig {
  FieldPath field;                  // of the record
  std::string as;                   // top-level field that takes the element; default: `field` itself, if top-level
  std::uint32_t parts_max = 1'000;  // 1..4'096. Each part costs the memory of the event's parsed form
  OnMissing missing = OnMissing::reject;  // or pass: the event stays whole
};

/// Which events (or parts) go on; the others are counted as filtered and leave no record.
struct FilterConfig {
  bool keep = true;  // those for which the condition holds; false: those for which it does not
  ConditionConfig condition;
};

/// In this order, whatever the order in the file: split, then for each part set, filter, drop.
struct TransformConfig {
  std::optional<SplitConfig> split;
  std::vector<std::pair<std::string, Expression>>
      set;                             // top-level output fields, in file order; later ones see earlier ones
  std::optional<FilterConfig> filter;  // sees what `set` made, and what will be dropped
  std::vector<std::string> drop;       // top-level fields
  std::optional<ScriptConfig> script;  // alone: it does all of this by itself
};

/// Appends every table the expressions read, in file order. Pointers into `transform`.
void tables_of(const TransformConfig& transform, std::vector<const TableConfig*>& out);

}  // namespace weir

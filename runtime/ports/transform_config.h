// The stage transform as a pipeline file describes it: plain data, already checked by the loader.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/config_values.h"

namespace weir {

/// One transform form. `path` and `constant` are leaves.
struct Expression {
  enum class Kind : std::uint8_t {
    path,
    constant,
    add,
    subtract,
    multiply,
    divide,
    round,
    concat,
    lower,
    upper,
    ip_prefix,
    lookup
  };
  Kind kind = Kind::constant;
  FieldPath path;
  Constant constant;
  std::vector<Expression> arguments;
  int scale = 0;       // divide, round: digits behind the point, 0..18
  int bits = 24;       // ip_prefix: 0..32 for IPv4; IPv6 twice as much is not assumed: 0..128
  TableConfig table;   // lookup
  std::string column;  // lookup: the column taken
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
};

/// Appends every table the expressions read, in file order. Pointers into `transform`.
void tables_of(const TransformConfig& transform, std::vector<const TableConfig*>& out);

}  // namespace weir

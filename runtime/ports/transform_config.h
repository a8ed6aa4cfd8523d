// The stage transform as a pipeline file describes it: plain data, already checked by the loader.
#pragma once
#include <cstdint>
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
struct TransformConfig {
  std::vector<std::pair<std::string, Expression>>
      set;                        // top-level output fields, in file order; later ones see earlier ones
  std::vector<std::string> drop;  // top-level fields, after `set`
};

/// Appends every table the expressions read, in file order. Pointers into `transform`.
void tables_of(const TransformConfig& transform, std::vector<const TableConfig*>& out);

}  // namespace weir

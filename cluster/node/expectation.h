// What a test expects against what there is: a decider over values. The rules: runtime/ports/pipeline_tests.h.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir {

/// Error malformed_event: `json` is not JSON. Numbers keep their spelling.
[[nodiscard]] Result<TestValue> parse_test_value(std::string_view json);

/// One thing that is not as expected.
struct Difference {
  std::string where;     // "ledger.served", "views.revenue", "views.revenue {"Country":"France"}.lines"
  std::string expected;  // as JSON; empty: nothing was expected there
  std::string actual;    // as JSON; empty: nothing is there
  std::string note;      // what a person may overlook; may be empty
  bool whole = false;    // it is about a row, or rows: `note` says what of them
};

/// By the rules of expectations.
[[nodiscard]] bool meets(const TestValue& expected, const TestValue& actual);
/// A field of a row, or what a dotted path says inside it. nullptr: not there.
[[nodiscard]] const TestValue* field_of(const TestValue& row, std::string_view name);

/// How messages show rows.
struct RowNames {
  std::string where;               // "views.revenue"
  std::vector<std::string> key;    // fields that tell a row from its neighbours
  std::vector<std::string> shown;  // of a row that is there; empty: all fields
  std::string reason;              // a field that says why the row is what it is; empty: none does
};
/// A row as messages show it: JSON.
[[nodiscard]] std::string shown_row(const RowNames& names, const TestValue& row);

/// Compares rows (maps) with what is expected of them and appends what differs. An expected row that nothing meets is
/// shown field by field against the row nearest to it.
void compare_rows(const RowNames& names, const ExpectedRows& expected, const std::vector<TestValue>& actual,
                  std::vector<Difference>& to);

}  // namespace weir

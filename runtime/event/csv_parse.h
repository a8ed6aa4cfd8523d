// The split of one CSV record (RFC 4180). Internal to runtime/event.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/event/document.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/field_plan.h"

namespace weir {

/// What a header line means for a plan. Shared by all records with the same header.
struct CsvShape {
  struct Column {
    std::string padded_prefix;  // `,"name":` and kBlockPadding zeros
    std::uint32_t prefix_length = 0;
    Slot slot = kNoSlot;
    Slot note = kNoSlot;
    std::uint32_t column = 0;  // index into Document::columns where there is no slot
  };
  std::string header;
  std::vector<Column> columns;
  std::uint32_t unslotted = 0;
  std::vector<FieldPlan::Touch> not_columns;  // touched top-level slots that are no column: what stages add
  bool duplicate = false;                     // two columns of the same name: every record is malformed
};

[[nodiscard]] CsvShape make_csv_shape(std::string_view header, const FieldPlan& plan, char separator);

/// Splits `frame` into the fields of `shape`; document.slots and document.columns are there, slots cleared.
[[nodiscard]] bool split_csv(std::string_view frame, const CsvShape& shape, char separator, ChainArena& arena,
                             Document& document, ParseProblem& problem);

}  // namespace weir

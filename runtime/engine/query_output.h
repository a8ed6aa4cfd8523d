// Rows as text: JSON, CSV (RFC 4180) and a table for terminals. Decimals keep their text.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/query.h"

namespace weir {

enum class RowFormat : std::uint8_t { table, json, csv };

/// Takes text in pieces; false: it wants no more (a closed pipe).
using TextSink = std::function<bool(std::string_view)>;

/// `{"name":token,…}`, no white space.
void append_row_json(std::string& to, const Row& row);

/// Answers one query in one format, row by row, without holding all of them.
///  json  {"view":"…","rows":[…],"next":"…"|null}, and "complete_since":"…" where rows may lack what came before
///  csv   a header line, then a line a row; null and missing are empty, an empty string is ""; lines end with \n
///  table columns padded by the first 1,000 rows; control characters as \u00xx; lines longer than `width` characters are
///        cut and end with … (0: no line is). A distinct count that is an estimate has a ~ in front, and the field that
///        says so is left out
/// The columns of a latest view of whole records are those its rows have, in the order they are met (one walk more).
/// Errors: as query_view().
[[nodiscard]] Result<QueryAnswer> write_query(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                                              const QueryRequest& request, RowFormat format, const TextSink& sink,
                                              std::size_t width = 0);

/// Rows with the same columns as a CSV or table text; for answers that are not views (ledger, dead letters).
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  virtual void row(const Row& row) = 0;
  /// Writes what is held back. False: the sink wanted no more.
  [[nodiscard]] virtual bool finish() = 0;
  /// False once the sink wants no more.
  [[nodiscard]] virtual bool wanted() const = 0;
};
/// `format` is csv or table. Fields that are no column are left out; columns a row lacks are empty. `sink` is copied;
/// `width` as above.
[[nodiscard]] std::unique_ptr<RowWriter> make_row_writer(RowFormat format, std::vector<std::string> columns,
                                                         TextSink sink, std::size_t width = 0);

/// Rows of a view of measures as a table shows them: distinct counts that are estimates have a ~ in front, and the columns
/// and fields that say so are gone. `columns`: those of the view, `group_fields` of them first.
void show_estimates(std::vector<std::string>& columns, std::size_t group_fields, std::vector<Row>& rows);

/// 4070 -> "4,070".
[[nodiscard]] std::string with_separators(std::uint64_t number);

}  // namespace weir

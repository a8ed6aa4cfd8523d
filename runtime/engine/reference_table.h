// A reference table in memory: rows of a CSV or JSON file found by key. Immutable and shared by all partitions and
// threads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/result.h"
#include "runtime/event/document.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Reads a whole file; the error names it. Given by the wiring, because reading is an adapter's work.
using ReadFile = std::function<Result<std::string>(const std::string& file)>;

class ReferenceTable {
 public:
  static constexpr std::size_t kColumnsMax = 4'096;
  /// `text` is the file, UTF-8; a byte order mark is skipped. CSV: RFC 4180 with a header line, empty lines are not
  /// skipped. JSON: the three forms of JsonRows. The columns are all names that occur in some row, in the order they
  /// come first; under its key a row has that key as its one key column, and a row that is no object is the column
  /// `value`. Numbers, booleans, null, objects and arrays stay what they are. A key part is the text of a CSV field, of
  /// a JSON string, number (its spelling) or boolean. Errors, input_unreadable or config_invalid, with `file:line:column`: no
  /// header, a key column that is not there, a row with another number of fields, an empty key, a key that occurs
  /// twice, a row of more than 1 MiB, more than kColumnsMax columns, bytes that are not UTF-8, what JsonRows refuses.
  [[nodiscard]] static Result<std::shared_ptr<const ReferenceTable>> parse(std::string_view text,
                                                                           const std::string& file,
                                                                           const std::vector<std::string>& key_columns,
                                                                           TableFormat format = TableFormat::csv);

  /// Number of rows.
  [[nodiscard]] std::size_t size() const noexcept { return rows_; }
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }
  [[nodiscard]] std::optional<std::uint32_t> column(std::string_view name) const noexcept;

  /// A key of one part is its text; of several parts each is preceded by its length (append_key_part).
  static void append_key_part(std::string& key, std::string_view part);
  [[nodiscard]] static std::uint64_t hash(std::string_view key) noexcept;

  /// A row's place; kNone: there is none.
  using Row = std::uint32_t;
  static constexpr Row kNone = 0xffffffff;
  /// The three steps of a lookup, apart so that a batch can hide the memory's latency.
  void prefetch(std::uint64_t hash) const noexcept { fetch_ahead(&slots_[hash & mask_]); }
  [[nodiscard]] Row candidate(std::uint64_t hash) const noexcept {
    std::size_t at = hash & mask_;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    while (slots_[at].row != kNone && slots_[at].tag != tag) at = (at + 1) & mask_;
    if (slots_[at].row != kNone) {
      const char* row = bytes_.data() + std::size_t{slots_[at].row} * kRowUnit;
      fetch_ahead(row);
      fetch_ahead(row + 64);
    }
    return slots_[at].row;
  }
  /// The row with exactly this key, which candidate(hash) may have missed by a rare equal tag.
  [[nodiscard]] Row confirm(Row candidate, std::uint64_t hash, std::string_view key) const noexcept {
    if (candidate == kNone || key_of(candidate) == key) [[likely]]
      return candidate;
    return search(hash, key);
  }
  [[nodiscard]] Row find(std::string_view key) const noexcept {
    const std::uint64_t hashed = hash(key);
    return confirm(candidate(hashed), hashed, key);
  }
  /// Of CSV a tabular string, or missing where the field is empty; of JSON the value, or missing where the row has
  /// none. Lives as long as the table.
  [[nodiscard]] Value value(Row row, std::uint32_t column) const noexcept {
    const char* place = bytes_.data() + std::size_t{row} * kRowUnit;
    const std::uint32_t begin = load<std::uint32_t>(place + 4 * column) & ~kEscapes;
    const std::uint32_t end = load<std::uint32_t>(place + 4 * column + 4);
    const std::uint32_t length = (end & ~kEscapes) - begin;
    if (typed_) {
      const auto kind = static_cast<ValueKind>(place[4 * (columns_.size() + 1) + column]);
      return {place + begin, length, kind, (end & kEscapes) != 0 ? value_flag::escapes : std::uint8_t{0}, 0};
    }
    if (length == 0) return {};
    std::uint8_t flags = value_flag::tabular;
    if (end & kEscapes) flags |= value_flag::escapes;
    return {place + begin, length, ValueKind::string, flags, 0};
  }

 private:
  // A row: ends[columns + 1] relative to the row (the first is the key's end; the top bit says the field before it has
  // escapes), then, where typed, the kind of each field, then key, then the fields as insides of JSON strings or as raw
  // JSON. Rows begin at multiples of kRowUnit.
  static constexpr std::size_t kRowUnit = 8;
  static constexpr std::uint32_t kEscapes = 0x80000000;
  struct TableSlot {
    std::uint32_t tag = 0;
    Row row = kNone;
  };
  [[nodiscard]] std::string_view key_of(Row row) const noexcept {
    const char* place = bytes_.data() + std::size_t{row} * kRowUnit;
    const std::size_t head = 4 * (columns_.size() + 1) + (typed_ ? columns_.size() : 0);
    return {place + head, (load<std::uint32_t>(place) & ~kEscapes) - head};
  }
  [[nodiscard]] Row search(std::uint64_t hash, std::string_view key) const noexcept;
  friend class TableBuilder;

  std::vector<std::string> columns_;
  std::vector<TableSlot> slots_;  // open addressing, at most half full
  std::uint64_t mask_ = 0;
  SharedBytes bytes_;
  std::size_t rows_ = 0;
  bool typed_ = false;  // of JSON
};

/// Loads each table of a pipeline once, however many stages use it.
class ReferenceTables {
 public:
  explicit ReferenceTables(ReadFile read) : read_(std::move(read)) {}
  [[nodiscard]] Result<std::shared_ptr<const ReferenceTable>> load(const TableConfig& config);

 private:
  ReadFile read_;
  std::map<std::pair<std::string, std::vector<std::string>>, std::shared_ptr<const ReferenceTable>> loaded_;
};

}  // namespace weir

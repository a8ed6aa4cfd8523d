// What a lookup answered for one key, kept as values that stages can put into events.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/event/document.h"

namespace weir {

/// Immutable, shared between threads. Values live as long as the row, with kBlockPadding readable bytes behind them.
class LookupRow {
 public:
  /// Copies `values`; missing ones stay missing. Objects and arrays are kept without white space, so that no event has
  /// to leave it out. Together less than 4 GiB (asserted).
  explicit LookupRow(std::span<const Value> values);

  [[nodiscard]] std::size_t size() const noexcept { return cells_.size(); }
  /// `field` is below size().
  [[nodiscard]] Value value(std::size_t field) const noexcept {
    const Cell& cell = cells_[field];
    return {text_.view().data() + cell.begin, cell.length, cell.kind, cell.flags, 0};
  }
  /// Memory it takes, about.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof *this + cells_.size() * sizeof(Cell) + text_.view().size() + kBlockPadding;
  }

 private:
  struct Cell {
    std::uint32_t begin;
    std::uint32_t length;
    ValueKind kind;
    std::uint8_t flags;
  };
  [[nodiscard]] static std::string gather(std::span<const Value> values, std::vector<Cell>& cells);

  std::vector<Cell> cells_;  // before text_: filled while it is made
  PaddedText text_;
};

}  // namespace weir

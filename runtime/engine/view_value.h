// Values of view rows: partial results that combine in any order and grouping to the same bytes. Part of the stored
// format.
//
//   aggregate   1 | 'a' | group parts | measures | measure kinds | scales of the group parts | rows, 8 bytes | measure
//   states latest      1 | 'l' | flags | event time, 8 bytes | index, 2 bytes | id length, 2 bytes | id | body
// Integers are little-endian. An aggregate's size follows from its first bytes, so that it is changed in place; a
// latest value carries what it is compared by: (event time, id, index). Both describe themselves: merging needs no
// configuration. So does a plugin's value (runtime/engine/plugin_value.h), whose states only the plugin can merge.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/decimal.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/plugin_kinds.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// Where things lie in the aggregates of one view.
class AggregateLayout {
 public:
  AggregateLayout() = default;
  /// At most 255 of each.
  AggregateLayout(std::size_t parts, std::vector<MeasureKind> measures);
  [[nodiscard]] std::size_t size() const noexcept { return empty_.size(); }
  [[nodiscard]] std::size_t measures() const noexcept { return kinds_.size(); }
  /// Makes the value of no rows at `to` (size() bytes).
  void init(char* to) const noexcept;
  /// One row more. `scales` of the group parts as append_part gave them.
  void add_row(char* value, std::span<const std::uint8_t> scales) const noexcept;
  /// `number` under measure `index`, which is neither count nor distinct.
  void add(char* value, std::size_t index, const Decimal& number) const noexcept;

  /// size(), and space for a few hashes of each distinct measure: a fresh row gets so much.
  [[nodiscard]] std::size_t room() const noexcept { return empty_.size() + kRoom * distincts_.size(); }
  /// Bytes the value grows by when `hash` comes to measure `index`, which is distinct. nullopt: it stays as it is.
  [[nodiscard]] std::optional<std::size_t> growth(std::string_view value, std::size_t index, std::uint64_t hash) const;
  /// Adds a hash for which growth() is a number. `value` has `size` bytes, and room for the growth behind them.
  void add_distinct(char* value, std::size_t size, std::size_t index, std::uint64_t hash) const;

 private:
  static constexpr std::size_t kRoom = 8 * sizeof(std::uint64_t);
  [[nodiscard]] std::size_t tail(const char* value, std::size_t index) const;
  std::vector<MeasureKind> kinds_;
  std::vector<std::uint32_t> offsets_;
  std::vector<std::uint32_t> distincts_;  // places in kinds_
  std::string empty_;
};

/// An aggregate, read.
class AggregateView {
 public:
  /// nullopt: damaged, or no aggregate.
  [[nodiscard]] static std::optional<AggregateView> read(std::string_view value);
  [[nodiscard]] std::size_t parts() const noexcept { return parts_; }
  [[nodiscard]] std::size_t measures() const noexcept { return measures_.size(); }
  [[nodiscard]] std::uint8_t scale(std::size_t part) const noexcept { return static_cast<std::uint8_t>(scales_[part]); }
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  /// The measure as a JSON number; `null` where no number was there to sum, compare or average.
  [[nodiscard]] std::string token(std::size_t measure) const;
  /// Whether the measure, which is distinct, is an estimate.
  [[nodiscard]] bool approximate(std::size_t measure) const;

 private:
  struct Measure {
    MeasureKind kind;
    std::string_view state;
    std::string_view tail;  // of distinct
  };
  std::vector<Measure> measures_;
  std::string_view scales_;
  std::size_t parts_ = 0;
  std::uint64_t rows_ = 0;
};

/// A candidate for, or the holder of, a latest row.
struct LatestValue {
  std::int64_t event_time = 0;
  std::uint16_t index = 0;
  std::string_view id;  // empty when `id_in_key`
  bool id_in_key = false;
  bool projected = false;  // body: the kept fields' tokens; else the whole payload
  std::string_view body;
};
inline constexpr std::size_t kLatestHead = 15;
/// Bytes a value takes.
[[nodiscard]] inline std::size_t latest_size(const LatestValue& value) noexcept {
  return kLatestHead + value.id.size() + value.body.size();
}
/// Writes latest_size() bytes; `body` is left out when its data is null (the caller writes it behind the id).
void write_latest(const LatestValue& value, char* to) noexcept;
/// nullopt: damaged, or no latest value.
[[nodiscard]] std::optional<LatestValue> read_latest(std::string_view value) noexcept;
/// Whether `a` is to be kept rather than `b`, by (event time, id, index); the bodies decide only where a repeat of the
/// same record says something else, so that even then the answer does not depend on the order.
[[nodiscard]] bool latest_wins(const LatestValue& a, const LatestValue& b) noexcept;

/// Tokens of a projected body, in the order of the view's fields. A missing field is an empty token.
void append_token(std::string& body, std::string_view token);
[[nodiscard]] std::size_t token_size(std::string_view token) noexcept;
[[nodiscard]] char* write_token(std::string_view token, char* to) noexcept;
/// nullopt: damaged.
[[nodiscard]] std::optional<std::string_view> take_token(std::string_view& body) noexcept;

/// The merger of every partition's state: aggregates add up, latest values compete, the states of a plugin's view are merged by it.
class ViewMerger final : public StateMerger {
 public:
  /// `kinds`: of the plugins that are loaded. What others have made is kept side by side.
  explicit ViewMerger(KindList<PluginViewKind> kinds = {}) : kinds_(std::move(kinds)) {}
  /// With the kinds of these views.
  explicit ViewMerger(const std::vector<ViewConfig>& views);
  [[nodiscard]] bool merge(std::string_view key, std::optional<std::string_view> existing, std::string_view operand,
                           std::string& out) const override;
  /// A stored value as it is to be read: parts of a plugin's row that were kept side by side become one. False: it is damaged.
  [[nodiscard]] bool settle(std::string& value) const;

 private:
  KindList<PluginViewKind> kinds_;
};

}  // namespace weir

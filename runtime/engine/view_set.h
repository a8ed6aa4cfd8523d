// The views of a pipeline, compiled: which values of a record they want, and what one record does to a partition's
// delta. A view changes by blind merges only, in any order: the answer depends neither on arrival nor on partitions.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/engine/delta.h"
#include "runtime/engine/row_fold.h"
#include "runtime/engine/view_key.h"
#include "runtime/engine/view_value.h"
#include "runtime/ports/code_marks.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// One record of the curated log as the views see it. Everything is read during the call only.
struct ViewRecord {
  /// ViewSet::paths() order: the raw JSON token (no white space around it) in the payload; empty: missing.
  std::span<const std::string_view> values;
  std::string_view payload;  // the whole record, a JSON object
  std::string_view id;       // of the event
  std::string_view type;
  std::string_view source;
  std::int64_t event_time = 0;  // microseconds since 1970
  std::uint16_t index = 0;      // of the record within the event
};

/// Finds values in a payload: for replay. Live code hands over what it has (TokenTable) instead of parsing again.
class RecordExtractor {
 public:
  virtual ~RecordExtractor() = default;
  /// Fills `values` (ViewSet::paths() order) with tokens that point into `payload`; empty: missing.
  /// Error: log_damaged (the payload is no JSON object).
  [[nodiscard]] virtual Result<void> extract(std::string_view payload, std::span<std::string_view> values) = 0;
};

/// Where the wanted values stand in the payloads of one packed batch, noted while it was encoded.
/// Row = record index in the batch, column = ViewSet::paths().
class TokenTable {
 public:
  struct Place {
    std::uint32_t offset = 0;  // from the payload's start
    std::uint32_t length = 0;  // 0: missing
  };
  explicit TokenTable(std::size_t columns = 0) : columns_(columns) {}
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] std::size_t rows() const noexcept { return columns_ == 0 ? 0 : places_.size() / columns_; }
  /// The places of one more record, all missing.
  [[nodiscard]] std::span<Place> add_row() {
    places_.resize(places_.size() + columns_);
    return {places_.data() + places_.size() - columns_, columns_};
  }
  [[nodiscard]] std::span<const Place> row(std::size_t index) const noexcept {
    return {places_.data() + index * columns_, columns_};
  }
  /// Takes the last `count` rows back.
  void remove_rows(std::size_t count) { places_.resize(places_.size() - count * columns_); }
  void reserve(std::size_t rows) { places_.reserve(rows * columns_); }

 private:
  std::vector<Place> places_;
  std::size_t columns_;
};

/// One value a view uses: a column of the record's values, or the envelope.
struct ViewOperand {
  enum class Kind : std::uint8_t { value, id, time, type, source, partition };
  Kind kind = Kind::value;
  std::uint32_t column = 0;
};

/// One view, compiled. Immutable.
struct View {
  ViewConfig config;
  Digest128 hash;  // of everything that changes its rows: a difference means the view is rebuilt
  bool latest = false;
  std::vector<ViewOperand> parts;     // of the key: latest has one, a group view one per group field
  std::vector<ViewOperand> fields;    // latest, projected; of a plugin
  std::vector<ViewOperand> measures;  // count: unused
  AggregateLayout layout;
  std::shared_ptr<const RowFold> fold;  // of a plugin, in place of the layout and the measures; its fields are `fields`
  std::optional<ViewOperand> when;
  [[nodiscard]] bool id_in_key() const noexcept { return latest && parts[0].kind == ViewOperand::Kind::id; }
};

/// Start of the window that contains `time`, and its end. UTC; weeks start on Monday.
[[nodiscard]] std::int64_t window_start(const WindowConfig& window, std::int64_t time) noexcept;
[[nodiscard]] std::int64_t window_end(const WindowConfig& window, std::int64_t start) noexcept;

/// Makes what makes the rows of a view of a plugin. Error config_invalid: what the plugin says.
using RowFoldMaker = std::function<Result<std::shared_ptr<const RowFold>>(const ViewConfig&)>;

/// Immutable after compile(); shared by all partitions and threads.
class ViewSet {
 public:
  /// Views of plugins that are not loaded are left out. `fold` is asked for the others of plugins. Error config_invalid: names the view and
  /// what is contradictory (the loader finds most of it first, with line and column).
  [[nodiscard]] static Result<ViewSet> compile(const std::vector<ViewConfig>& configs, const RowFoldMaker& fold = {});

  /// The payload values all views together want, each once.
  [[nodiscard]] const std::vector<FieldPath>& paths() const noexcept { return paths_; }
  [[nodiscard]] const std::vector<View>& views() const noexcept { return views_; }
  /// nullptr: no view of that name.
  [[nodiscard]] const View* find(std::string_view name) const noexcept;
  /// With all kinds that the views need.
  [[nodiscard]] const std::shared_ptr<const ViewMerger>& merger() const noexcept { return merger_; }
  /// Order-free over the views' hashes.
  [[nodiscard]] Digest128 hash() const noexcept;

 private:
  [[nodiscard]] ViewOperand operand(const FieldPath& path);
  std::vector<View> views_;
  std::vector<FieldPath> paths_;
  std::shared_ptr<const ViewMerger> merger_ = std::make_shared<ViewMerger>();
};

/// Applies records to one partition's delta. Not thread-safe; lives with the partition. `views` must outlive it.
class ViewWriter {
 public:
  ViewWriter(const ViewSet& views, PartitionId partition);

  /// The key prefix view `view` (its place in the set) has in this partition's store.
  void set_number(std::size_t view, std::uint16_t number) { numbers_[view] = number; }
  [[nodiscard]] std::uint16_t number(std::size_t view) const noexcept { return numbers_[view]; }

  /// Views of plugins mark from now on what they have in hand, as `view NAME`. `marks` must outlive this.
  void mark_with(CodeMarks& marks);
  /// The events that the records given to apply() from now on are of.
  void stands_at(Offset first, std::uint32_t count) noexcept {
    first_ = first;
    events_ = count;
  }

  /// What the records do to every view (`only` empty) or to those with only[view] set. The more at once, the better
  /// memory accesses overlap: kTogether is enough.
  void apply(std::span<const ViewRecord> records, Delta& delta, const std::vector<bool>& only = {});
  static constexpr std::size_t kTogether = 16;

  /// Measures that were no number and were skipped, and records a plugin failed on, per view, since this object was made; once per row they
  /// would have gone to. The chain should have stopped them.
  [[nodiscard]] const std::vector<std::uint64_t>& skipped() const noexcept { return skipped_; }

 private:
  /// One row one record goes to, its key made and on its way into the cache.
  struct Step {
    std::uint64_t hash;
    std::uint32_t key;  // offset and length in keys_
    std::uint32_t length;
    std::uint32_t scales;  // offset in scales_
    std::uint16_t record;
    std::uint16_t view;
  };
  void plan(std::size_t index, const ViewRecord& record, const Delta& delta, const std::vector<bool>& only);
  void keep_latest(const View& view, std::string_view key, std::uint64_t hash, const ViewRecord& record, Delta& delta);
  void add_to_row(const Step& step, const ViewRecord& record, Delta& delta);
  [[nodiscard]] bool add(const Step& step, const ViewRecord& record, std::string_view state);
  void fold_into_row(const Step& step, const ViewRecord& record, Delta& delta);
  void add_distinct(const View& view, std::size_t measure, const ViewRecord& record, Delta::Entry& entry, Delta& delta);
  [[nodiscard]] bool holds(const View& view, const ViewRecord& record);
  /// Returns the scale of a number, as append_part does.
  std::uint8_t append_operand(const ViewOperand& operand, const ViewRecord& record);
  [[nodiscard]] std::string_view token(const ViewOperand& operand, const ViewRecord& record) {
    if (operand.kind == ViewOperand::Kind::value) return record.values[operand.column];
    return envelope_token(operand, record);
  }
  /// The operand's JSON token, made in `envelope_`.
  [[nodiscard]] std::string_view envelope_token(const ViewOperand& operand, const ViewRecord& record);

  const ViewSet* views_;
  PartitionId partition_;
  std::vector<std::uint16_t> numbers_;
  std::vector<std::uint64_t> skipped_;
  std::vector<Step> steps_;  // room for all rows kTogether records can go to; `planned_` are used
  std::size_t planned_ = 0;
  std::vector<std::uint8_t> scales_;  // of the group parts of each step
  KeyBuffer keys_;
  std::string envelope_;
  std::vector<std::unique_ptr<RowFold::Adder>> adders_;  // per view; null where it is no plugin's
  std::vector<std::string_view> tokens_;                 // that a plugin asked for
  CodeMarks* marks_ = nullptr;
  std::vector<std::shared_ptr<CodeMark>> marks_of_;  // per view; null where it is no plugin's
  Offset first_;
  std::uint32_t events_ = 0;
  std::string state_;
};

}  // namespace weir

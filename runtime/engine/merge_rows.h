// The rows of one view over any number of partitions, in key order: rows of the same key are combined, windows that
// `retain` hides are left out.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_set.h"

namespace weir {

/// The prefix of a view's rows in the state of one partition. Error not_found: the partition has no place for this view's
/// rows as it is defined now.
[[nodiscard]] Result<std::string> rows_prefix(PartitionId partition, const StateCursor& at, const View& view);

/// Not thread-safe; must not outlive the partitions' pictures.
class MergedRows {
 public:
  /// Rows with from <= key < to (empty `to`: to the end); keys are without the view's prefix. `greatest` is the
  /// greatest event time that `retain` counts from. Error not_found: a partition has no place for this view's rows.
  [[nodiscard]] static Result<MergedRows> open(const std::vector<PartitionPicture>& partitions, const View& view,
                                               std::int64_t greatest, std::string_view from = {},
                                               std::string_view to = {});

  [[nodiscard]] bool valid() const noexcept { return valid_; }
  /// Without the view's prefix. Both views last until the next move.
  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] std::string_view value() const noexcept { return value_; }
  void next();
  /// To the first row at or after `key`.
  void seek(std::string_view key);
  /// Errors: state_damaged, io_failed.
  [[nodiscard]] Result<void> status() const;

 private:
  struct Source {
    std::unique_ptr<StateScan> scan;
    std::string prefix;
  };
  [[nodiscard]] std::string_view key_of(std::size_t source) const {
    return sources_[source].scan->key().substr(kViewPrefixSize);
  }
  [[nodiscard]] bool after(std::size_t a, std::size_t b) const { return key_of(a) > key_of(b); }
  void build_heap();
  void settle();
  [[nodiscard]] bool hidden() const;

  std::vector<Source> sources_;
  std::vector<std::size_t> heap_;   // sources that stand on a row, the smallest key first
  std::vector<std::int64_t> kept_;  // per window: first start that is shown
  std::string key_;
  std::string value_;
  std::string merged_;
  std::string name_;
  std::shared_ptr<const ViewMerger> merger_;
  bool valid_ = false;
  bool damaged_ = false;
};

}  // namespace weir

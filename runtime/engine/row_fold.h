// What makes rows of records where a plugin does it: the port between a view and its plugin.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/ports/config_values.h"

namespace weir {

struct ViewRecord;

/// Immutable; all partitions and threads share one.
class RowFold {
 public:
  RowFold() = default;
  RowFold(const RowFold&) = delete;
  RowFold& operator=(const RowFold&) = delete;
  virtual ~RowFold() = default;

  /// Of one partition; not thread-safe. Does not outlive its fold.
  class Adder {
   public:
    Adder() = default;
    Adder(const Adder&) = delete;
    Adder& operator=(const Adder&) = delete;
    virtual ~Adder() = default;
    /// What `state` (empty: of no records) is with one record more. `tokens`: what fields() name in the record, in their order; those of the
    /// envelope are empty here. False: the plugin failed on it.
    [[nodiscard]] virtual bool add(std::string_view state, const ViewRecord& record, std::span<const std::string_view> tokens, std::string& out) = 0;
  };

  [[nodiscard]] virtual const std::vector<FieldPath>& fields() const noexcept = 0;
  [[nodiscard]] virtual std::unique_ptr<Adder> adder(PartitionId partition) const = 0;
  /// What a row with this state shows: a JSON token for each column of the kind, in their order. Error stage_failed: the plugin threw, or showed what is none.
  [[nodiscard]] virtual Result<std::vector<std::string>> show(std::string_view state) const = 0;
};

}  // namespace weir

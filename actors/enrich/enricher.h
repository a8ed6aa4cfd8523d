// enrich: adds columns of a reference table, found by one or several fields. A pure function of event and table.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/enrich/missing_rule.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/event/stage.h"

namespace weir {

/// Added fields are what the table has: of CSV strings, and an empty one is missing; of JSON any value. An event whose key is missing, null, an object or
/// an array, or not in the table, passes as it is, gets the constants of `missing`, or is rejected with enrich_miss.
class Enricher final : public Stage {
 public:
  /// `config.body` is an EnrichConfig. Errors: of the table (`file:line`), config_invalid (a column that is not there).
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, StageContext& context);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept override { return "enrich"; }
  void process(ChainBatch& batch, StageScratch& scratch) const override;
  /// Whether the table has a row for the event, as it is in front of this stage; for whoever looks on.
  [[nodiscard]] bool finds(const ChainEvent& event, ChainBatch& batch) const;

 private:
  explicit Enricher(std::string name) : name_(std::move(name)) {}
  void process_slice(ChainBatch& batch, std::span<ChainEvent> events, StageScratch& scratch) const;
  /// The event's key in the table's form; empty: it has none.
  [[nodiscard]] std::string_view key_of(const ChainEvent& event, ChainBatch& batch, std::string& scratch) const;

  std::string name_;
  Condition when_;
  std::shared_ptr<const ReferenceTable> table_;
  std::vector<FieldRef> key_;
  std::vector<std::pair<Slot, std::uint32_t>> add_;  // field <- column
  MissingRule missing_;
};

}  // namespace weir

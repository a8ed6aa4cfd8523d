// What becomes of an event whose key is not known, whoever was asked: a table or a server.
#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/engine/field_ref.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/field_plan.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Immutable.
class MissingRule {
 public:
  MissingRule() = default;
  /// Of `missing`.
  MissingRule(const EnrichConfig& config, FieldPlan& fields);

  /// Passes the event as it is, gives it the constants, or rejects it with enrich_miss. `stage` lives as long as the batch;
  /// `unknown` for people: "is not in the table".
  void apply(ChainBatch& batch, ChainEvent& event, std::string_view stage, const std::vector<FieldRef>& key, std::string_view unknown) const;

 private:
  OnMissing missing_ = OnMissing::pass;
  std::vector<std::pair<Slot, ConstantValue>> fill_;
};

/// A part of a key; empty: the event has none that could be one, as with missing, null, objects and arrays. Lives as long as the event.
[[nodiscard]] std::string_view key_part(const FieldRef& field, const ChainEvent& event, ChainBatch& batch);

}  // namespace weir

// What the dedupe index reads of a partition's stored state.
#pragma once
#include <optional>
#include <string_view>

#include "runtime/engine/dedupe_index.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// Used by the owner of the index only. `store` must outlive it.
class StoreReader final : public DedupeReader {
 public:
  explicit StoreReader(const StateStore& store) : store_(&store) {}
  /// Errors: of the store; state_damaged: the block is missing or not what was written.
  Result<DedupeBlock> block(std::uint64_t block) const override;
  /// The newest letter of the id that owns its entry, where there is one. Errors: as block().
  Result<std::optional<FoundEntry>> open_letter(std::string_view id) const override;

 private:
  const StateStore* store_;
};

}  // namespace weir

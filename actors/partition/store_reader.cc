#include "actors/partition/store_reader.h"

#include <string>

#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/view_key.h"

namespace weir {

Result<DedupeBlock> StoreReader::block(std::uint64_t block) const {
  WEIR_ASSIGN(const auto bytes, store_->get(dedupe_block_key(block)));
  if (!bytes) return fail(Errc::state_damaged, "dedupe block {} is missing", block);
  return DedupeBlock::decode(*bytes);
}

Result<std::optional<FoundEntry>> StoreReader::open_letter(std::string_view id) const {
  WEIR_ASSIGN(const auto state, store_->snapshot());
  WEIR_ASSIGN(const auto offsets, letters_of(*state, id));
  for (auto offset = offsets.rbegin(); offset != offsets.rend(); ++offset) {
    WEIR_ASSIGN(const auto bytes, state->get(letter_key(*offset)));
    if (!bytes) continue;
    WEIR_ASSIGN(const auto stored, decode_letter(*bytes));
    if (stored.conflict || stored.id != id) continue;
    return FoundEntry{
        0, stored.digest, stored.accepted_at, *offset, DedupeState::dead_lettered, std::string(stored.letter.reason)};
  }
  return std::optional<FoundEntry>{};
}

}  // namespace weir

// Dead letters as a view: one entry per open letter under its offset, and a way from an event id to its letters.
// The ledger of the commits is the truth for counts; here is what the letters say.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/engine/delta.h"
#include "runtime/event/commit_body.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// One dead letter as it is kept. The texts live as long as the bytes it was read from.
struct StoredLetter {
  std::string_view id;
  LetterView letter;  // outcome_index is 0
  Digest128 digest;   // of the original bytes
  std::int64_t accepted_at = 0;
  CommitSequence sequence;  // of the commit that made it, or edited it
  bool conflict = false;    // owns no id: can be shown, exported, dropped, not redriven
};
[[nodiscard]] std::string encode_letter(const StoredLetter& letter);
/// A letter with its place, as the state has it: encode_letter().
struct LetterCopy {
  Offset offset;
  std::string bytes;
};
/// Errors: state_damaged, format_newer.
[[nodiscard]] Result<StoredLetter> decode_letter(std::string_view bytes);

/// What an order did to one dead letter.
enum class LetterFate : std::uint8_t {
  changed,   // once the commit is durable
  gone,      // there is no such open letter any more
  conflict,  // it owns no id: it can be dropped, no more
  later,     // an event of its id is on its way, or too much is parked: ask again
};

/// Writes what one packed batch does to the letters. `current` is read only where an outcome supersedes a letter, which
/// is rare: everything else is blind. Errors: state_damaged, io_failed.
[[nodiscard]] Result<void> apply_letters(
    const OutcomeBatch& batch, CommitSequence sequence, Delta& delta,
    const std::function<Result<std::optional<std::string>>(std::string_view key)>& current);

/// Offsets of the open letters of an id, ascending. Errors: state_damaged, io_failed.
[[nodiscard]] Result<std::vector<Offset>> letters_of(const StateReader& state, std::string_view id);

}  // namespace weir

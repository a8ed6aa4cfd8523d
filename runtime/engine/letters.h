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
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// One dead letter as it is kept. The texts live as long as the bytes it was read from.
struct StoredLetter {
  std::string_view id;
  LetterView letter;  // outcome_index is 0
  Digest128 digest;   // of the original bytes
  std::int64_t accepted_at = 0;
  std::int64_t dead_at = 0;  // partition time of the commit that made it
  CommitSequence sequence;  // of the commit that made it, or edited it
  bool conflict = false;    // owns no id: can be shown, exported, dropped, not redriven
};
[[nodiscard]] std::string encode_letter(const StoredLetter& letter);
/// The bytes that the stages would be given.
[[nodiscard]] inline std::string_view given_bytes(const LetterView& letter) noexcept { return letter.edited.empty() ? letter.original : letter.edited; }
/// Errors: state_damaged, format_newer.
[[nodiscard]] Result<StoredLetter> decode_letter(std::string_view bytes);

/// The commit that apply_letters() is about.
struct LetterCommit {
  CommitSequence sequence;
  std::int64_t partition_time = 0;
};
/// Writes what one packed batch does to the letters, and keeps `bytes`, of all of them. `current` is read only where a letter goes or is
/// changed, which is rare: everything else is blind. Errors: state_damaged, io_failed.
[[nodiscard]] Result<void> apply_letters(
    const OutcomeBatch& batch, const LetterCommit& commit, Delta& delta, std::uint64_t& bytes,
    const std::function<Result<std::optional<std::string>>(std::string_view key)>& current);

/// The oldest letters that are to leave at `now`, ascending, at most `most`: those whose time is over, and so many that the others take at
/// most bytes_max of `bytes`. Errors: state_damaged, io_failed.
[[nodiscard]] Result<std::vector<Offset>> letters_to_expire(const StateReader& state, const DeadLettersConfig& config, std::uint64_t bytes,
                                                            std::int64_t now, std::size_t most);

/// Offsets of the open letters of an id, ascending. Errors: state_damaged, io_failed.
[[nodiscard]] Result<std::vector<Offset>> letters_of(const StateReader& state, std::string_view id);

}  // namespace weir

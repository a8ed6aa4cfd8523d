#include "runtime/engine/letters.h"

#include <algorithm>
#include <array>

#include "runtime/base/bytes.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

// version | flags | frame flags, 2 | attempts, 4 | format, 4 | line, 8 | accepted at, 8 | sequence, 8 | digest, 16 |
// lengths of the texts, 4 each | the texts. Little-endian. Part of the stored format.
constexpr char kVersion = 1;        // seven texts
constexpr char kVersionEdited = 2;  // and the edited bytes; only where there are some
constexpr std::uint8_t kConflict = 1;
constexpr std::size_t kTextsMax = 8;
constexpr std::size_t kLengths = 52;

std::size_t texts_of(char version) { return version == kVersionEdited ? 8 : 7; }

std::string offset_value(Offset offset) {
  KeyBuffer bytes;
  append_offset(bytes, offset);
  return std::string(bytes.view());
}

/// Takes the letter out that owns the id, if it lies below `below`.
Result<void> close_letter_of(std::string_view id, Offset below, Delta& delta,
                             const std::function<Result<std::optional<std::string>>(std::string_view key)>& current) {
  const std::string key = letter_id_key(id);
  WEIR_ASSIGN(const std::optional<std::string> stored, current(key));
  if (!stored) return {};
  const auto offset = offset_at_end(*stored);
  if (!offset) return fail(Errc::state_damaged, "the letter of id '{}' has no offset", id);
  if (*offset >= below) return {};
  delta.erase(letter_key(*offset));
  delta.erase(key);
  return {};
}

}  // namespace

std::string encode_letter(const StoredLetter& stored) {
  const LetterView& l = stored.letter;
  const std::array<std::string_view, kTextsMax> texts = {stored.id, l.door,       l.stage,    l.reason,
                                                         l.details, l.csv_header, l.original, l.edited};
  const char version = l.edited.empty() ? kVersion : kVersionEdited;
  const std::size_t count = texts_of(version);
  std::string bytes(kLengths + 4 * count, '\0');
  char* at = bytes.data();
  at[0] = version;
  at[1] = static_cast<char>(stored.conflict ? kConflict : 0);
  store(at + 2, l.frame_flags);
  store(at + 4, l.attempts);
  store(at + 8, l.format);
  store(at + 12, l.line);
  store(at + 20, stored.accepted_at);
  store(at + 28, stored.sequence.value);
  store(at + 36, stored.digest.low);
  store(at + 44, stored.digest.high);
  for (std::size_t i = 0; i < count; ++i) store(at + kLengths + 4 * i, static_cast<std::uint32_t>(texts[i].size()));
  for (std::size_t i = 0; i < count; ++i) bytes.append(texts[i]);
  return bytes;
}

Result<StoredLetter> decode_letter(std::string_view bytes) {
  if (bytes.empty()) return fail(Errc::state_damaged, "a dead letter is empty");
  if (bytes[0] != kVersion && bytes[0] != kVersionEdited)
    return fail(Errc::format_newer, "a dead letter has version {}, this weir reads up to {}", static_cast<int>(bytes[0]),
                static_cast<int>(kVersionEdited));
  const std::size_t count = texts_of(bytes[0]);
  if (bytes.size() < kLengths + 4 * count) return fail(Errc::state_damaged, "a dead letter of {} bytes is cut off", bytes.size());
  StoredLetter stored;
  LetterView& l = stored.letter;
  const char* at = bytes.data();
  stored.conflict = (static_cast<std::uint8_t>(at[1]) & kConflict) != 0;
  l.frame_flags = load<std::uint16_t>(at + 2);
  l.attempts = load<std::uint32_t>(at + 4);
  l.format = load<std::uint32_t>(at + 8);
  l.line = load<std::uint64_t>(at + 12);
  stored.accepted_at = load<std::int64_t>(at + 20);
  stored.sequence = CommitSequence{load<std::uint64_t>(at + 28)};
  stored.digest = {load<std::uint64_t>(at + 36), load<std::uint64_t>(at + 44)};
  std::string_view rest = bytes.substr(kLengths + 4 * count);
  std::array<std::string_view*, kTextsMax> texts = {&stored.id, &l.door,       &l.stage,    &l.reason,
                                                    &l.details, &l.csv_header, &l.original, &l.edited};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = load<std::uint32_t>(at + kLengths + 4 * i);
    if (length > rest.size())
      return fail(Errc::state_damaged, "a dead letter of {} bytes has a text that ends behind it", bytes.size());
    *texts[i] = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  if (!rest.empty()) return fail(Errc::state_damaged, "a dead letter has {} bytes too many", rest.size());
  return stored;
}

Result<void> apply_letters(const OutcomeBatch& batch, CommitSequence sequence, Delta& delta,
                           const std::function<Result<std::optional<std::string>>(std::string_view key)>& current) {
  const bool redecided = batch.redecided();
  for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
    const OutcomeEntry& outcome = batch.outcome(i);
    const bool dead = outcome.outcome == Outcome::dead_lettered;
    if (!dead && !redecided && (outcome.flags & outcome_flag::supersedes) == 0) continue;
    const Offset offset = batch.offset(i);
    const std::string_view id = batch.id(i);
    if ((outcome.flags & outcome_flag::supersedes) != 0) WEIR_TRY(close_letter_of(id, offset, delta, current));
    if (dead) {
      StoredLetter stored;
      stored.id = id;
      stored.letter = batch.letter(outcome.first_record);
      stored.digest = outcome.digest;
      stored.accepted_at = outcome.accepted_at;
      stored.sequence = sequence;
      stored.conflict = (outcome.flags & outcome_flag::conflict) != 0;
      delta.put(letter_key(offset), encode_letter(stored));
      if (stored.conflict) {
        delta.put(conflict_key(id, offset), {});
      } else {
        delta.put(letter_id_key(id), offset_value(offset));
      }
    } else if (redecided) {
      // A redrive, a drop or an expiry took the event of this offset out of dead-letter (or it was never there).
      delta.erase(letter_key(offset));
      delta.erase(conflict_key(id, offset));
      WEIR_TRY(close_letter_of(id, offset + 1, delta, current));
    }
  }
  return {};
}

Result<std::vector<Offset>> letters_of(const StateReader& state, std::string_view id) {
  std::vector<Offset> offsets;
  WEIR_ASSIGN(const std::optional<std::string> owner, state.get(letter_id_key(id)));
  if (owner) {
    const auto offset = offset_at_end(*owner);
    if (!offset) return fail(Errc::state_damaged, "the letter of id '{}' has no offset", id);
    offsets.push_back(*offset);
  }
  const std::string prefix = conflict_prefix(id);
  WEIR_TRY(state.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view) {
    if (const auto offset = offset_at_end(key)) offsets.push_back(*offset);
    return true;
  }));
  std::sort(offsets.begin(), offsets.end());
  return offsets;
}

}  // namespace weir

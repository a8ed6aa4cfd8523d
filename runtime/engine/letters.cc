#include "runtime/engine/letters.h"

#include <algorithm>
#include <array>

#include "runtime/base/bytes.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

// version | flags | frame flags, 2 | attempts, 4 | format, 4 | line, 8 | accepted at, 8 | sequence, 8 | digest, 16 |
// [dead at, 8 |] lengths of the texts, 4 each | the texts. Little-endian. Part of the stored format.
constexpr char kVersion = 2;
constexpr char kVersionOfSeven = 1;  // without "dead at" and without edited bytes
constexpr std::uint8_t kConflict = 1;
constexpr std::size_t kTextsMax = 8;

struct Layout {
  std::size_t lengths;
  std::size_t texts;
  [[nodiscard]] std::size_t fixed() const { return lengths + 4 * texts; }
};
constexpr Layout kLayout{60, 8};
constexpr Layout kLayoutOfSeven{52, 7};

std::string offset_value(Offset offset) {
  KeyBuffer bytes;
  append_offset(bytes, offset);
  return std::string(bytes.view());
}

using Current = std::function<Result<std::optional<std::string>>(std::string_view key)>;

/// What a letter takes that is about to go, or to be written anew.
Result<void> take_out(Offset offset, std::uint64_t& bytes, const Current& current) {
  WEIR_ASSIGN(const std::optional<std::string> letter, current(letter_key(offset)));
  if (letter) bytes -= std::min<std::uint64_t>(bytes, letter->size());
  return {};
}

/// Takes the letter out that owns the id, if it lies below `below`.
Result<void> close_letter_of(std::string_view id, Offset below, Delta& delta, std::uint64_t& bytes, const Current& current) {
  const std::string key = letter_id_key(id);
  WEIR_ASSIGN(const std::optional<std::string> stored, current(key));
  if (!stored) return {};
  const auto offset = offset_at_end(*stored);
  if (!offset) return fail(Errc::state_damaged, "the letter of id '{}' has no offset", id);
  if (*offset >= below) return {};
  WEIR_TRY(take_out(*offset, bytes, current));
  delta.erase(letter_key(*offset));
  delta.erase(key);
  return {};
}

}  // namespace

std::string encode_letter(const StoredLetter& stored) {
  const LetterView& l = stored.letter;
  const std::array<std::string_view, kTextsMax> texts = {stored.id, l.door,       l.stage,    l.reason,
                                                         l.details, l.csv_header, l.original, l.edited};
  std::string bytes(kLayout.fixed(), '\0');
  char* at = bytes.data();
  at[0] = kVersion;
  at[1] = static_cast<char>(stored.conflict ? kConflict : 0);
  store(at + 2, l.frame_flags);
  store(at + 4, l.attempts);
  store(at + 8, l.format);
  store(at + 12, l.line);
  store(at + 20, stored.accepted_at);
  store(at + 28, stored.sequence.value);
  store(at + 36, stored.digest.low);
  store(at + 44, stored.digest.high);
  store(at + 52, stored.dead_at);
  for (std::size_t i = 0; i < kLayout.texts; ++i) store(at + kLayout.lengths + 4 * i, static_cast<std::uint32_t>(texts[i].size()));
  for (const std::string_view text : texts) bytes.append(text);
  return bytes;
}

Result<StoredLetter> decode_letter(std::string_view bytes) {
  if (bytes.empty()) return fail(Errc::state_damaged, "a dead letter is empty");
  if (bytes[0] != kVersion && bytes[0] != kVersionOfSeven)
    return fail(Errc::format_newer, "a dead letter has version {}, this weir reads up to {}", static_cast<int>(bytes[0]),
                static_cast<int>(kVersion));
  const Layout& layout = bytes[0] == kVersion ? kLayout : kLayoutOfSeven;
  if (bytes.size() < layout.fixed()) return fail(Errc::state_damaged, "a dead letter of {} bytes is cut off", bytes.size());
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
  stored.dead_at = bytes[0] == kVersion ? load<std::int64_t>(at + 52) : stored.accepted_at;
  std::string_view rest = bytes.substr(layout.fixed());
  std::array<std::string_view*, kTextsMax> texts = {&stored.id, &l.door,       &l.stage,    &l.reason,
                                                    &l.details, &l.csv_header, &l.original, &l.edited};
  for (std::size_t i = 0; i < layout.texts; ++i) {
    const std::size_t length = load<std::uint32_t>(at + layout.lengths + 4 * i);
    if (length > rest.size())
      return fail(Errc::state_damaged, "a dead letter of {} bytes has a text that ends behind it", bytes.size());
    *texts[i] = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  if (!rest.empty()) return fail(Errc::state_damaged, "a dead letter has {} bytes too many", rest.size());
  return stored;
}

Result<void> apply_letters(const OutcomeBatch& batch, const LetterCommit& commit, Delta& delta, std::uint64_t& bytes, const Current& current) {
  const bool redecided = batch.redecided();
  for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
    const OutcomeEntry& outcome = batch.outcome(i);
    const bool dead = outcome.outcome == Outcome::dead_lettered;
    if (!dead && !redecided && (outcome.flags & outcome_flag::supersedes) == 0) continue;
    const Offset offset = batch.offset(i);
    const std::string_view id = batch.id(i);
    if ((outcome.flags & outcome_flag::supersedes) != 0) WEIR_TRY(close_letter_of(id, offset, delta, bytes, current));
    if (redecided) WEIR_TRY(take_out(offset, bytes, current));
    if (dead) {
      StoredLetter stored;
      stored.id = id;
      stored.letter = batch.letter(outcome.first_record);
      stored.digest = outcome.digest;
      stored.accepted_at = outcome.accepted_at;
      stored.dead_at = commit.partition_time;
      stored.sequence = commit.sequence;
      stored.conflict = (outcome.flags & outcome_flag::conflict) != 0;
      const std::string encoded = encode_letter(stored);
      bytes += encoded.size();
      delta.put(letter_key(offset), encoded);
      if (stored.conflict) {
        delta.put(conflict_key(id, offset), {});
      } else {
        delta.put(letter_id_key(id), offset_value(offset));
      }
    } else if (redecided) {
      // A redrive, a drop or an expiry took the event of this offset out of dead-letter (or it was never there).
      delta.erase(letter_key(offset));
      delta.erase(conflict_key(id, offset));
      const bool conflict = (outcome.flags & outcome_flag::conflict) != 0;
      if (!conflict) {
        WEIR_ASSIGN(const std::optional<std::string> owner, current(letter_id_key(id)));
        if (owner && offset_at_end(*owner) == offset) delta.erase(letter_id_key(id));
      }
    }
  }
  return {};
}

Result<std::vector<Offset>> letters_to_expire(const StateReader& state, const DeadLettersConfig& config, std::uint64_t bytes, std::int64_t now,
                                              std::size_t most) {
  std::vector<Offset> leaving;
  Result<void> good;
  const std::string prefix(1, key_space::letter);
  // By place, which is about by age: a letter that was tried for long is younger than its place.
  WEIR_TRY(state.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
    const auto offset = offset_at_end(key);
    auto letter = decode_letter(value);
    if (!letter || !offset) {
      good = letter ? fail(Errc::state_damaged, "a dead letter has no offset") : fail(std::move(letter.error()));
      return false;
    }
    const bool too_old = config.retain && letter->dead_at < now - config.retain->count();
    const bool too_much = config.bytes_max && bytes > *config.bytes_max;
    if (too_old || too_much) {
      leaving.push_back(*offset);
      bytes -= std::min<std::uint64_t>(bytes, value.size());
    } else if (!config.retain || letter->accepted_at >= now - config.retain->count()) {
      return false;  // nor is whoever came later
    }
    return leaving.size() < most;
  }));
  WEIR_TRY(good);
  return leaving;
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

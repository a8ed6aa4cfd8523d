#include "actors/partition/letter_reads.h"

#include "runtime/engine/letters.h"
#include "runtime/engine/view_key.h"

namespace weir {

Result<std::vector<LetterCopy>> read_letters(const PartitionState& state, const std::vector<Offset>& offsets) {
  std::vector<StateRange> ranges;
  for (const Offset offset : offsets) ranges.push_back({letter_key(offset), prefix_end(letter_key(offset))});
  WEIR_ASSIGN(const PartitionPicture picture, state.picture_of(ranges));
  std::vector<LetterCopy> letters;
  for (const Offset offset : offsets) {
    WEIR_ASSIGN(auto bytes, picture.state->get(letter_key(offset)));
    if (bytes) letters.push_back({offset, std::move(*bytes)});
  }
  return letters;
}

Result<std::vector<Offset>> old_letters(const PartitionState& state, const DeadLettersConfig& config, UnixMicros now, std::size_t most) {
  const StateRange letters{std::string(1, key_space::letter), std::string(1, key_space::letter + 1)};
  WEIR_ASSIGN(const PartitionPicture picture, state.picture_of({&letters, 1}));
  return letters_to_expire(*picture.state, config, picture.at.letter_bytes, now, most);
}

}  // namespace weir

// Messages about dead letters: orders, and what is read for them.
//
//   node -> partition   ChangeLetters;   views -> partition   LettersRead, LettersOld;
//   partition -> supervisor   LettersAnswered
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "actors/messages/caf_forms.h"
#include "actors/messages/messages.h"
#include "runtime/event/letter_orders.h"

namespace weir {

/// To a partition.
struct ChangeLetters {
  std::shared_ptr<LetterRequest> request;
};
/// What the views' actor read for it: letters that are still there.
struct LettersRead {
  std::uint64_t generation = 0;
  Result<std::vector<LetterCopy>> letters;
};
/// What became of a request. To the supervisor, behind the progress of the commit: whoever asks for the ledger next sees it.
struct LettersAnswered {
  std::shared_ptr<LetterRequest> request;
  Result<std::vector<LetterFate>> fates;
};
/// Letters that dead_letters.retain or bytes_max does not keep any more; the views' actor has looked.
struct LettersOld {
  Result<std::vector<Offset>> offsets;
};

}  // namespace weir

WEIR_IN_PROCESS_MESSAGE(ChangeLetters)
WEIR_IN_PROCESS_MESSAGE(LettersRead)
WEIR_IN_PROCESS_MESSAGE(LettersOld)
WEIR_IN_PROCESS_MESSAGE(LettersAnswered)

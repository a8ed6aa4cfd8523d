// Events that crashed earlier lives of the process: what the marks of the last one say is added to what is known, and kept where the
// next one finds it.
#pragma once
#include <string>
#include <vector>

#include "runtime/adapters/system/mapped_marks.h"
#include "runtime/base/result.h"
#include "runtime/engine/poison_book.h"

namespace weir {

/// What the file `suspects.json` of a data directory holds.
struct Suspects {
  std::uint64_t life = 0;  // the last life of the process whose marks are counted
  std::vector<std::vector<Suspect>> partitions;

  [[nodiscard]] std::string encode() const;
  /// For so many partitions. Error state_damaged: it is not that.
  [[nodiscard]] static Result<Suspects> decode(std::string_view text, std::uint32_t partitions);
};

/// A suspect that did not crash anything in so many lives is forgotten: it was a bystander, or was decided.
inline constexpr std::uint32_t kQuietLivesMax = 3;

/// Counts the marks of life `life` once. Where somebody could say why the process died, only that one is blamed; else (SIGKILL, the
/// kernel's out-of-memory killer) everybody who was inside a stage.
void count_marks(Suspects& suspects, std::uint64_t life, const std::vector<FormerMark>& marks);

/// "SIGSEGV", "longer than limits.stage_stall_max with one event".
[[nodiscard]] std::string cause_text(std::uint64_t cause);

}  // namespace weir

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

/// A suspect is forgotten when so many lives have ended without a crash that somebody is blamed for: it was a bystander, or was decided.
inline constexpr std::uint32_t kQuietLivesMax = 3;

/// What is left of a life of the process.
struct FormerLife {
  std::uint64_t life = 0;  // MappedMarks::former_life()
  std::uint64_t end = 0;   // MappedMarks::former_end()
  std::vector<FormerMark> marks;
};

/// Of a death that nobody can explain (SIGKILL, the kernel's out-of-memory killer) only a call is suspected that had lasted so long: it
/// is not that of an ordinary event.
inline constexpr std::chrono::milliseconds kUnexplainedStay{100};

/// Of a view of a plugin, which marks itself as `view NAME` (ViewWriter::mark_with). Its events are committed: none of them can be set aside any
/// more, and its crash says nothing of the stages.
[[nodiscard]] bool is_view(const FormerMark& mark);

/// Counts the marks of a life once. Where a stage is known to have ended it, that one is blamed; where it ended elsewhere, or on
/// purpose, nobody; where nobody can say, whoever had been in one call for longest, and for kUnexplainedStay at least. A view of a plugin is never.
void count_marks(Suspects& suspects, const FormerLife& former);

/// "SIGSEGV", "longer than limits.stage_stall_max with one event".
[[nodiscard]] std::string cause_text(std::uint64_t cause);

}  // namespace weir

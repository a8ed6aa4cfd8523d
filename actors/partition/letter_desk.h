// Orders for the dead letters of one partition, one at a time: read the letters, change them in a commit, say what became of each. So
// nothing but the window's own commits can come between the reading and the change, and those it knows of.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "actors/partition/window.h"
#include "runtime/event/letter_orders.h"

namespace weir {

/// A decider; lives in the partition actor, which carries out what it wants.
class LetterDesk {
 public:
  /// Tells who asked. The answer comes when what it says can be seen: its commit is durable, and the views have applied it.
  using Answer = std::function<void(std::shared_ptr<LetterRequest> request, Result<std::vector<LetterFate>> fates)>;
  explicit LetterDesk(Answer answer = {}) : answer_(std::move(answer)) {}

  /// Letters of one request at most; whoever has more asks again.
  static constexpr std::size_t kLettersMax = 512;  // NodeAccess::kLettersAtOnce
  static constexpr std::size_t kRequestsMax = 64;

  /// Refused at once (limit_reached) when too many wait, or for too many letters. Its offsets ascend (asserted).
  void take(std::shared_ptr<LetterRequest> request);
  [[nodiscard]] bool idle() const noexcept { return requests_.empty(); }

  /// What is to be read of the views now, with the number the answer must bear; once for each reading.
  struct Wanted {
    std::uint64_t generation = 0;
    std::vector<Offset> offsets;
  };
  [[nodiscard]] std::optional<Wanted> to_read();
  /// An older generation is ignored.
  void read(std::uint64_t generation, Result<std::vector<LetterCopy>> letters);
  /// The commit of what was read, when there is one; the window has none outstanding. Answers what needs no commit. Errors: of the window.
  [[nodiscard]] Result<bool> prepare(PartitionWindow& window, UnixMicros wall);
  /// The commit of this sequence is durable.
  void committed(CommitSequence sequence);
  /// The views have applied it.
  void applied(CommitSequence sequence);
  /// The partition begins again from what is durable: a commit that was on its way may have been written, or not; what was read is void.
  void begin_again();

 private:
  enum class Phase : std::uint8_t { waiting, reading, read, committing, applying };
  void finish(Result<std::vector<LetterFate>> fates);

  Answer answer_;
  std::deque<std::shared_ptr<LetterRequest>> requests_;
  Phase phase_ = Phase::waiting;  // of the first
  std::uint64_t generation_ = 0;
  std::vector<LetterCopy> letters_;
  std::vector<LetterFate> fates_;
  std::vector<bool> done_before_;  // by letter of the first: a commit whose reply was lost may have changed it
  CommitSequence sequence_;
};

}  // namespace weir

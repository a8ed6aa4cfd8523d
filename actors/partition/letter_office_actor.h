// The part of a partition's actor that carries out what its letter desk wants: has letters read by the views' actor, and lets go of those
// that are kept no longer.
#pragma once
#include <caf/event_based_actor.hpp>

#include "actors/messages/letter_messages.h"
#include "actors/partition/letter_desk.h"
#include "actors/partition/partition_actor.h"
#include "actors/partition/partition_notes.h"

namespace weir {

/// Lives in the partition actor `self`; the others outlive it.
class LetterOffice {
 public:
  LetterOffice(caf::event_based_actor* self, caf::actor_addr supervisor, const PartitionSetup& setup, const PartitionNotes& notes);

  [[nodiscard]] LetterDesk& desk() noexcept { return desk_; }
  /// Has the letters read that the desk wants, as of commit `sequence` or later; LettersRead comes.
  void read(const caf::actor& views, CommitSequence sequence);
  /// Looks for letters that dead_letters.retain and bytes_max do not keep; LettersOld comes, once. As many as one order changes: the rest
  /// have their turn when time passes again.
  void look_for_old(const caf::actor& views, const Ledger& ledger);
  void take_old(LettersOld& old, bool running);

 private:
  template <class Look, class Message>
  void visit(const caf::actor& views, CommitSequence sequence, Look look, Message message);

  caf::event_based_actor* self_;
  const PartitionSetup& setup_;
  const PartitionNotes& notes_;
  LetterDesk desk_;
  bool looking_ = false;
};

}  // namespace weir

#include "actors/partition/letter_office_actor.h"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <utility>

#include "actors/partition/letter_reads.h"

namespace weir {

LetterOffice::LetterOffice(caf::event_based_actor* self, caf::actor_addr supervisor, const PartitionSetup& setup, const PartitionNotes& notes)
    : self_(self), setup_(setup), notes_(notes),
      desk_([self, supervisor = std::move(supervisor)](std::shared_ptr<LetterRequest> request, Result<std::vector<LetterFate>> fates) {
        if (const auto parent = caf::actor_cast<caf::actor>(supervisor)) self->send(parent, LettersAnswered{std::move(request), std::move(fates)});
      }) {}

template <class Look, class Message>
void LetterOffice::visit(const caf::actor& views, CommitSequence sequence, Look look, Message message) {
  const caf::actor to = caf::actor_cast<caf::actor>(self_);
  const StateVisitor visitor = [to, look = std::move(look), message = std::move(message)](Result<const PartitionState*> state, const std::shared_ptr<const void>&) {
    caf::anon_send(to, message(look(std::move(state))));
  };
  self_->send(views, VisitState{std::make_shared<StateVisit>(setup_.partition, Offset{}, sequence, visitor)});
}

void LetterOffice::read(const caf::actor& views, CommitSequence sequence) {
  auto wanted = desk_.to_read();
  if (!wanted) return;
  const auto look = [offsets = std::move(wanted->offsets)](Result<const PartitionState*> state) -> Result<std::vector<LetterCopy>> {
    if (!state) return fail(std::move(state.error()));
    return read_letters(**state, offsets);
  };
  visit(views, sequence, look, [generation = wanted->generation](Result<std::vector<LetterCopy>> letters) { return LettersRead{generation, std::move(letters)}; });
}

void LetterOffice::look_for_old(const caf::actor& views, const Ledger& ledger) {
  const DeadLettersConfig& config = setup_.dead_letters;
  if ((!config.retain && !config.bytes_max) || ledger.dead_lettered == 0 || !desk_.idle() || std::exchange(looking_, true)) return;
  const auto look = [config, now = setup_.clock->wall()](Result<const PartitionState*> state) -> Result<std::vector<Offset>> {
    if (!state) return fail(std::move(state.error()));
    return old_letters(**state, config, now, LetterDesk::kLettersMax);
  };
  visit(views, CommitSequence{}, look, [](Result<std::vector<Offset>> offsets) { return LettersOld{std::move(offsets)}; });
}

void LetterOffice::take_old(LettersOld& old, bool running) {
  looking_ = false;
  if (running && old.offsets && !old.offsets->empty()) desk_.take(notes_.expiry(std::move(*old.offsets)));
}

}  // namespace weir

// Orders for dead letters: redrive, edit, drop, and expiry. An order is a commit of its own that moves no position.
//
// A letter is changed when it is still the open one of its id (compare and set on id and place), and when no event of the id is on its
// way: that one was judged by the letter as it is, and may be about to supersede it.
#include <algorithm>

#include "actors/partition/window.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/id_state.h"

namespace weir {

bool PartitionWindow::on_its_way(std::string_view id) {
  if (parking_.set().holds_id(id)) return true;
  return in_flight_.find(index_->hash_of(id), [&](const EventPlace& p) { return id_of(at(p.serial), p.index) == id; }).has_value();
}

Result<LetterFate> PartitionWindow::fate_of(const LetterOrder& order, const StoredLetter& letter, Offset offset) {
  const bool takes_conflicts = order.kind == LetterOrder::Kind::drop || order.kind == LetterOrder::Kind::expire;
  if (letter.conflict) return takes_conflicts ? LetterFate::changed : LetterFate::conflict;
  WEIR_ASSIGN(const auto entry, index_->find(index_->hash_of(letter.id), letter.id));
  if (WEIR_DEFECT("redrive_without_compare")) return LetterFate::changed;
  if (!entry || entry->state != DedupeState::dead_lettered || entry->offset != offset) return LetterFate::gone;
  return on_its_way(letter.id) ? LetterFate::later : LetterFate::changed;
}

void PartitionWindow::park_redriven(LetterView letter, OutcomeBatchBuilder& out) {
  // Earlier lives may know it as poison: whoever redrives it wants it tried again.
  poison_->decided(xxh3_128(given_bytes(letter)).low);
  if (!WEIR_DEFECT("redrive_keeps_attempts")) letter.attempts = 0;  // retry.attempts_max counts anew
  letter.details = {};
  out.park(letter, {0, wall_, {}, true});
}

Result<std::vector<LetterFate>> PartitionWindow::change_letters(LetterOrder order, std::string_view payload, std::span<const LetterCopy> letters,
                                                                UnixMicros wall) {
  INVARIANT(!prepared_, "one commit of a partition at a time");
  set_time(wall);
  std::vector<LetterFate> fates;
  auto body = std::make_shared<CommitBody>();
  body->meta = meta_;
  Ledger& ledger = body->meta.ledger;
  OutcomeBatchBuilder out{position_.committed};
  std::size_t parked_bytes = 0;
  order.offsets.clear();
  std::vector<std::string> ids;
  for (const LetterCopy& copy : letters) {
    WEIR_ASSIGN(const StoredLetter stored, decode_letter(copy.bytes));
    WEIR_ASSIGN(LetterFate fate, fate_of(order, stored, copy.offset));
    LetterView letter = stored.letter;
    if (fate == LetterFate::changed && order.kind == LetterOrder::Kind::redrive) {
      parked_bytes += copy.bytes.size() + sizeof(ParkedEvent) + 256 + stored.id.size();
      if (!parking_.fits(out.outcomes() + 1, parked_bytes)) fate = LetterFate::later;
    }
    fates.push_back(fate);
    if (fate != LetterFate::changed || (order.kind == LetterOrder::Kind::edit && letter.edited == payload)) continue;
    order.offsets.push_back(copy.offset);
    ids.emplace_back(stored.id);
    out.next_is(copy.offset);
    const OutcomeBatchBuilder::Event head{stored.id, stored.digest, stored.accepted_at};
    const auto flags = static_cast<std::uint8_t>(outcome_flag::from_letter | (stored.conflict ? outcome_flag::conflict : 0));
    Outcome to = Outcome::dead_lettered;
    switch (order.kind) {
      case LetterOrder::Kind::redrive:
        to = Outcome::retrying;
        out.add(head, to, flags);
        park_redriven(letter, out);
        ++ledger.redriven;
        ++ledger.retrying;
        break;
      case LetterOrder::Kind::edit:
        out.add(head, to, flags);
        letter.edited = payload;
        out.letter(letter);
        ++ledger.edited;
        continue;  // a dead letter as before
      case LetterOrder::Kind::drop:
        to = Outcome::dropped;
        out.add(head, to, flags);
        ++(WEIR_DEFECT("drop_counted_as_expired") ? ledger.expired : ledger.dropped);
        break;
      case LetterOrder::Kind::expire:
        to = Outcome::expired;
        out.add(head, to, flags);
        ++ledger.expired;
        break;
    }
    --ledger.dead_lettered;
    if (stored.conflict) continue;
    body->meta.state_sum -= id_state_hash(stored.id, Outcome::dead_lettered, stored.letter.reason);
    body->meta.state_sum += id_state_hash(stored.id, to, {});
  }
  if (order.offsets.empty()) return fates;
  changed_ids_ = std::move(ids);
  body->batches.push_back(out.finish());
  if (order.kind != LetterOrder::Kind::expire && !WEIR_DEFECT("audit_skipped")) body->orders.push_back(std::move(order));
  const std::size_t bytes = body->batches.front().size();
  PreparedCommit commit = prepare_to(position_.committed, std::move(body), wall);
  commit.tables.resize(1);
  commit.bytes += bytes;
  prepared_ = std::move(commit);
  return fates;
}

}  // namespace weir

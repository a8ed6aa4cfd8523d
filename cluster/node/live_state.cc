#include "cluster/node/live_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/messages/letter_messages.h"
#include "runtime/base/fail_point.h"

namespace weir {

namespace {

/// Collects the pictures of one question. Shared by the visits under way and by the timer.
class Gathering : public std::enable_shared_from_this<Gathering> {
 public:
  Gathering(std::vector<PartitionId> partitions, LaterWork work, PicturesDone done)
      : partitions_(std::move(partitions)),
        pictures_(partitions_.size()),
        left_(partitions_.size()),
        work_(std::move(work)),
        done_(std::move(done)) {}

  void take(std::size_t index, Result<PartitionPicture> picture) {
    const std::scoped_lock lock(mutex_);
    if (!done_) return;
    if (!picture) return finish(fail(std::move(picture.error())));
    pictures_[index] = std::move(*picture);
    if (--left_ != 0) return;
    std::vector<PartitionPicture> pictures;
    for (auto& one : pictures_) pictures.push_back(std::move(*one));
    finish(std::move(pictures));
  }
  void time_is_over() {
    const std::scoped_lock lock(mutex_);
    if (!done_) return;
    std::string missing;
    for (std::size_t i = 0; i < partitions_.size(); ++i)
      if (!pictures_[i]) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", partitions_[i].value);
    finish(fail(Errc::not_ready, "partition {} has not yet applied what was asked for; ask again, or wait longer",
                missing));
  }
  [[nodiscard]] bool over() const {
    const std::scoped_lock lock(mutex_);
    return !done_;
  }

 private:
  /// As posted work, never on the thread of an actor. Too many there: the answer is said here, it is short.
  void finish(Result<std::vector<PartitionPicture>> result) {
    pictures_.clear();
    pictures_.resize(partitions_.size());
    auto done = std::make_shared<PicturesDone>(std::exchange(done_, nullptr));
    auto shared = std::make_shared<Result<std::vector<PartitionPicture>>>(std::move(result));
    if (!work_.post([done, shared] { (*done)(std::move(*shared)); }))
      (*done)(fail(Errc::limit_reached, "too many questions wait for an answer; ask again later"));
  }

  std::vector<PartitionId> partitions_;
  mutable std::mutex mutex_;
  std::vector<std::optional<PartitionPicture>> pictures_;
  std::size_t left_;
  LaterWork work_;
  PicturesDone done_;
};

}  // namespace

LiveState::LiveState(std::uint32_t partitions, Digest128 log_id, LaterWork work)
    : log_id_(log_id), work_(std::move(work)), slots_(partitions) {}

void LiveState::on_ready(const PartitionReady& ready) {
  const std::scoped_lock lock(mutex_);
  slots_[ready.partition.value].started = ready.progress.sequence;
}

void LiveState::on_progress(const PartitionProgress& progress) {
  const std::scoped_lock lock(mutex_);
  LivePartition& known = slots_[progress.partition.value].known;
  known.committed = progress.committed;
  known.sequence = progress.sequence;
  known.epoch = progress.epoch;
  known.ledger = progress.ledger;
  known.ids = progress.ids;
}

void LiveState::on_routes(const Routes& routes) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t p = 0; p < slots_.size() && p < routes.partitions.size(); ++p) {
    slots_[p].views = routes.views[p];
    slots_[p].partition = routes.partitions[p];
    slots_[p].known.ready = static_cast<bool>(routes.partitions[p]);
    slots_[p].known.quarantined = routes.quarantined[p];
    slots_[p].known.error = routes.errors[p];
  }
}

void LiveState::set_http_door(caf::actor door) {
  const std::scoped_lock lock(mutex_);
  http_door_ = std::move(door);
}

void LiveState::forget() {
  const std::scoped_lock lock(mutex_);
  http_door_ = nullptr;
  for (Slot& slot : slots_) slot.views = slot.partition = nullptr;
}

void LiveState::change_letters(PartitionId partition, std::shared_ptr<LetterRequest> request) {
  caf::actor owner;
  {
    const std::scoped_lock lock(mutex_);
    if (partition.value < slots_.size()) owner = slots_[partition.value].partition;
  }
  if (owner) caf::anon_send(owner, ChangeLetters{std::move(request)});
}

void LiveState::visit_flushed(PartitionId partition, StateVisitor visitor) {
  caf::actor views;
  {
    const std::scoped_lock lock(mutex_);
    views = slots_.at(partition.value).views;
  }
  auto visit = std::make_shared<StateVisit>(partition, Offset{}, CommitSequence{}, std::move(visitor));
  visit->when_flushed();
  if (views) caf::anon_send(views, VisitState{std::move(visit)});  // without one it answers by itself
}

caf::actor LiveState::http_door() const {
  const std::scoped_lock lock(mutex_);
  return http_door_;
}

std::optional<std::uint64_t> LiveState::epoch_of(PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  if (partition.value >= slots_.size() || slots_[partition.value].known.epoch == Epoch{}) return std::nullopt;
  return slots_[partition.value].known.epoch.value;
}

std::vector<LivePartition> LiveState::partitions() const {
  const std::scoped_lock lock(mutex_);
  std::vector<LivePartition> partitions;
  for (const Slot& slot : slots_) partitions.push_back(slot.known);
  return partitions;
}

bool LiveState::started() const {
  const std::scoped_lock lock(mutex_);
  return std::all_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.known.ready || slot.known.quarantined; });
}

Result<void> LiveState::check(const ReadToken& token) const {
  if (token.log_id() != log_id_)
    return fail(Errc::data_foreign,
                "the token is of another log: this node's data was made anew since, or it belongs to another node");
  if (!token.parts().empty() && token.parts().back().partition.value >= slots_.size())
    return fail(Errc::invalid_argument, "the token names partition {}, there are {}",
                token.parts().back().partition.value, slots_.size());
  return {};
}

void LiveState::pictures(PictureMaker make, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                         PicturesDone done) {
  if (token) {
    if (auto good = check(*token); !good) return done(fail(std::move(good.error())));
  }
  std::vector<Asked> all;
  {
    const std::scoped_lock lock(mutex_);
    for (std::uint32_t p = 0; p < slots_.size(); ++p) all.push_back(asked(p));
  }
  gather(std::move(all), make, token, wait, std::move(done));
}

void LiveState::picture(PartitionId partition, PictureMaker make, std::chrono::milliseconds wait, PicturesDone done) {
  std::vector<Asked> one;
  {
    const std::scoped_lock lock(mutex_);
    one.push_back(asked(partition.value));
  }
  gather(std::move(one), make, std::nullopt, wait, std::move(done));
}

LiveState::Asked LiveState::asked(std::uint32_t partition) const {
  const Slot& slot = slots_[partition];
  return {PartitionId{partition}, slot.views, slot.started, slot.known.quarantined};
}

void LiveState::gather(std::vector<Asked> asked, const PictureMaker& make, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                       PicturesDone done) {
  for (const Asked& one : asked) {
    if (one.views) continue;
    if (one.quarantined)
      return done(fail(
          Errc::not_ready,
          "partition {} is quarantined: it has no owner, and an answer without it would be wrong; see /v1/partitions",
          one.partition.value));
    return done(fail(Errc::not_ready, "partition {} is being opened; ask again", one.partition.value));
  }
  std::vector<PartitionId> ids;
  for (const Asked& one : asked) ids.push_back(one.partition);
  auto gathering = std::make_shared<Gathering>(std::move(ids), work_, std::move(done));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const bool heeded = token && !WEIR_DEFECT("token_ignored");
    const ReadToken::Part part = heeded ? token->part(asked[i].partition) : ReadToken::Part{asked[i].partition, {}, {}};
    auto visit =
        std::make_shared<StateVisit>(asked[i].partition, part.offset, std::max(part.sequence, asked[i].sequence),
                                     [gathering, i, make, partition = asked[i].partition](
                                         Result<const PartitionState*> state, const std::shared_ptr<const void>& keep) {
                                       if (!state) return gathering->take(i, fail(std::move(state.error())));
                                       auto picture = make(partition, **state);
                                       if (picture) picture->keep = keep;
                                       gathering->take(i, std::move(picture));
                                     });
    visit->abandoned_when([gathering] { return gathering->over(); });
    caf::anon_send(asked[i].views, VisitState{std::move(visit)});
  }
  work_.post_later(wait, [gathering] { gathering->time_is_over(); });
}

}  // namespace weir

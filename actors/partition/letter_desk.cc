#include "actors/partition/letter_desk.h"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"

namespace weir {

void LetterDesk::take(std::shared_ptr<LetterRequest> request) {
  if (requests_.size() >= kRequestsMax)
    return request->answer(fail(Errc::limit_reached, "{} requests for dead letters wait already; ask again later", requests_.size()));
  if (request->order.offsets.size() > kLettersMax)
    return request->answer(fail(Errc::limit_reached, "{} letters at once, at most {} are allowed", request->order.offsets.size(), kLettersMax));
  const std::vector<Offset>& offsets = request->order.offsets;
  INVARIANT(std::adjacent_find(offsets.begin(), offsets.end(), [](Offset a, Offset b) { return a >= b; }) == offsets.end(),
            "a letter is ordered to be changed once");
  requests_.push_back(std::move(request));
}

std::optional<LetterDesk::Wanted> LetterDesk::to_read() {
  if (requests_.empty() || phase_ != Phase::waiting) return std::nullopt;
  phase_ = Phase::reading;
  return Wanted{++generation_, requests_.front()->order.offsets};
}

void LetterDesk::read(std::uint64_t generation, Result<std::vector<LetterCopy>> letters) {
  if (phase_ != Phase::reading || generation != generation_) return;
  if (!letters) return finish(fail(std::move(letters.error())));
  letters_ = std::move(*letters);
  phase_ = Phase::read;
}

Result<bool> LetterDesk::prepare(PartitionWindow& window, UnixMicros wall) {
  while (!requests_.empty() && phase_ == Phase::read) {
    const LetterRequest& request = *requests_.front();
    WEIR_ASSIGN(const auto fates, window.change_letters(request.order, request.payload, letters_, wall));
    // By place: those that were not read are gone.
    fates_.assign(request.order.offsets.size(), LetterFate::gone);
    for (std::size_t i = 0, read = 0; i < fates_.size() && read < letters_.size(); ++i) {
      if (request.order.offsets[i] != letters_[read].offset) continue;
      fates_[i] = fates[read++];
    }
    // What an earlier commit changed whose reply was lost: it is gone because of us.
    for (std::size_t i = 0; i < done_before_.size(); ++i) {
      if (done_before_[i] && fates_[i] == LetterFate::gone) fates_[i] = LetterFate::changed;
    }
    if (window.commit_outstanding()) {
      WEIR_FAIL_POINT_TRY("redrive_prepared");
      sequence_ = window.outstanding().part.sequence;
      phase_ = Phase::committing;
      return true;
    }
    finish(std::move(fates_));
    if (phase_ == Phase::waiting) return false;
  }
  return false;
}

void LetterDesk::committed(CommitSequence sequence) {
  if (phase_ == Phase::committing && sequence == sequence_) phase_ = Phase::applying;
  if (phase_ == Phase::applying && WEIR_DEFECT("told_before_applied")) finish(std::move(fates_));
}

void LetterDesk::applied(CommitSequence sequence) {
  if (phase_ != Phase::applying || sequence < sequence_) return;
  WEIR_FAIL_POINT("redrive_before_answer");
  finish(std::move(fates_));
}

void LetterDesk::begin_again() {
  if (phase_ == Phase::committing) {
    done_before_.resize(fates_.size());
    for (std::size_t i = 0; i < fates_.size(); ++i) done_before_[i] = done_before_[i] || fates_[i] == LetterFate::changed;
  }
  if (phase_ == Phase::committing || phase_ == Phase::read) phase_ = Phase::waiting;
  if (phase_ == Phase::reading) {
    ++generation_;
    phase_ = Phase::waiting;
  }
}

void LetterDesk::finish(Result<std::vector<LetterFate>> fates) {
  std::shared_ptr<LetterRequest> request = std::move(requests_.front());
  requests_.pop_front();
  if (answer_) {
    answer_(std::move(request), std::move(fates));
  } else {
    request->answer(std::move(fates));
  }
  phase_ = Phase::waiting;
  letters_.clear();
  fates_.clear();
  done_before_.clear();
}

}  // namespace weir

#include "runtime/engine/poison_book.h"

#include <algorithm>

#include "runtime/base/fail_point.h"

namespace weir {

namespace {

bool overlap(const Suspect& batch, Offset first, Offset end) { return batch.first < end && first < batch.first + batch.count; }

}  // namespace

void PoisonBook::remember(std::vector<Suspect> suspects) {
  for (Suspect& suspect : suspects) (void)crashed(suspect);
}

bool PoisonBook::crashed(const Suspect& crash) {
  if (crash.count == 1) {
    if (events_.size() >= kSuspectsMax && !events_.contains(crash.fingerprint)) {
      const auto oldest = std::min_element(events_.begin(), events_.end(), [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
      events_.erase(oldest);
    }
    const auto [known, fresh] = events_.try_emplace(crash.fingerprint, crash);
    Suspect& suspect = known->second;
    if (!fresh) {
      const std::uint32_t crashes = suspect.crashes + crash.crashes;
      suspect = crash;
      suspect.crashes = crashes;
    }
    return suspect.crashes >= crashes_max_;
  }
  const Offset end = crash.first + crash.count;
  const auto known = std::find_if(batches_.begin(), batches_.end(), [&](const Suspect& batch) { return overlap(batch, crash.first, end); });
  if (known != batches_.end()) {
    // Cut otherwise than last time: whatever both have in common, and the rest.
    const Offset both_end = std::max(end, known->first + known->count);
    known->first = std::min(known->first, crash.first);
    known->count = static_cast<std::uint32_t>(both_end - known->first);
    known->crashes += crash.crashes;
    known->stage = crash.stage;
    known->cause = crash.cause;
    known->quiet_lives = crash.quiet_lives;
    return false;
  }
  if (batches_.size() >= kSuspectsMax) batches_.erase(batches_.begin());
  batches_.push_back(crash);
  return false;
}

const Suspect* PoisonBook::poison(std::uint64_t fingerprint) const {
  const auto known = events_.find(fingerprint);
  return known != events_.end() && (known->second.crashes >= crashes_max_ || WEIR_DEFECT("poison_at_once")) ? &known->second : nullptr;
}

bool PoisonBook::must_part(Offset first, Offset end) const {
  return std::any_of(batches_.begin(), batches_.end(),
                     [&](const Suspect& batch) { return batch.crashes >= kBatchCrashesMax && overlap(batch, first, end); });
}

void PoisonBook::parted(Offset first, Offset end) {
  std::vector<Suspect> rest;
  for (const Suspect& batch : batches_) {
    if (!overlap(batch, first, end)) {
      rest.push_back(batch);
      continue;
    }
    const Offset batch_end = batch.first + batch.count;
    for (const auto& [from, to] : {std::pair{batch.first, std::max(batch.first, first)}, {std::min(batch_end, end), batch_end}}) {
      if (from >= to) continue;
      rest.push_back(batch);
      rest.back().first = from;
      rest.back().count = static_cast<std::uint32_t>(to - from);
    }
  }
  batches_ = std::move(rest);
}

std::vector<Suspect> PoisonBook::suspects() const {
  std::vector<Suspect> all = batches_;
  for (const auto& [fingerprint, suspect] : events_) all.push_back(suspect);
  std::sort(all.begin(), all.end(), [](const Suspect& a, const Suspect& b) { return a.first < b.first; });
  return all;
}

}  // namespace weir

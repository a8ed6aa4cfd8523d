#include "runtime/engine/dedupe_numbers.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/bytes.h"

namespace weir {

namespace {
constexpr std::int64_t kBuckets = 16;
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kVersionOfNumbers = 1;  // buckets had the number of their sixteenth instead of its end

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - ((a % b != 0) && (a < 0)); }
}  // namespace

DedupeNumbers::DedupeNumbers(std::chrono::microseconds remember)
    : width_(std::max<std::int64_t>(1, remember.count() / kBuckets)), remember_(remember.count()) {}

std::int64_t DedupeNumbers::end_of_bucket(std::int64_t partition_time) const noexcept {
  return (floor_div(partition_time, width_) + 1) * width_;
}

bool DedupeNumbers::on_commit(std::int64_t partition_time) {
  if (partition_time == kNoTime) return false;
  const std::int64_t end = end_of_bucket(partition_time);
  if (buckets_.empty() || buckets_.back().end <= partition_time) {
    buckets_.push_back({end, end_});
  } else {
    // Buckets were wider: partition time never goes back, so all that is in this one is before the end of the narrower one.
    buckets_.back().end = std::min(buckets_.back().end, end);
  }
  const std::uint64_t before = begin_;
  // The last bucket is the one being filled: it never leaves.
  while (buckets_.size() > 1 && left(buckets_.front(), partition_time)) {
    buckets_.pop_front();
    begin_ = buckets_.front().first;
  }
  return begin_ != before;
}

bool DedupeNumbers::would_drop(std::int64_t partition_time) const noexcept {
  if (begin_ == end_ || partition_time == kNoTime) return false;
  return left(buckets_.front(), partition_time);
}

std::string DedupeNumbers::encode() const {
  std::string out(4 + 16 + buckets_.size() * sizeof(Bucket), '\0');
  store(out.data(), kVersion);
  store(out.data() + 4, begin_);
  store(out.data() + 12, end_);
  char* at = out.data() + 20;
  for (const Bucket& bucket : buckets_) {
    store(at, bucket.end);
    store(at + 8, bucket.first);
    at += sizeof(Bucket);
  }
  return out;
}

Result<void> DedupeNumbers::restore(std::string_view bytes) {
  if (bytes.size() < 20 || (bytes.size() - 20) % sizeof(Bucket) != 0) return fail(Errc::state_damaged, "dedupe buckets: {} bytes", bytes.size());
  const auto version = load<std::uint32_t>(bytes.data());
  if (version != kVersion && version != kVersionOfNumbers)
    return fail(Errc::format_newer, "dedupe buckets have version {}, this weir reads up to {}", version, kVersion);
  begin_ = load<std::uint64_t>(bytes.data() + 4);
  end_ = load<std::uint64_t>(bytes.data() + 12);
  buckets_.clear();
  for (std::size_t at = 20; at < bytes.size(); at += sizeof(Bucket))
    buckets_.push_back({load<std::int64_t>(bytes.data() + at), load<std::uint64_t>(bytes.data() + at + 8)});
  if (version == kVersionOfNumbers)
    for (Bucket& bucket : buckets_) bucket.end = (bucket.end + 1) * width_;
  if (begin_ > end_) return fail(Errc::state_damaged, "dedupe buckets: begin {} is behind end {}", begin_, end_);
  if (begin_ != end_ && buckets_.empty()) return fail(Errc::state_damaged, "dedupe buckets: none for entries {} to {}", begin_, end_);
  return {};
}

bool dedupe_entry_of(const OutcomeBatch& batch, std::uint32_t index, DedupeEntry& entry) {
  const OutcomeEntry& outcome = batch.outcome(index);
  if (!DedupeNumbers::owns(outcome)) return false;
  entry.id = batch.id(index);
  entry.reason = {};
  entry.digest = outcome.digest;
  entry.accepted_at = outcome.accepted_at;
  entry.offset = batch.offset(index);
  entry.state = DedupeState::done;
  if (outcome.outcome == Outcome::dead_lettered) {
    entry.state = DedupeState::dead_lettered;
    entry.reason = batch.letter(outcome.first_record).reason;
  } else if (outcome.outcome == Outcome::retrying) {
    entry.state = DedupeState::retrying;
  } else if (outcome.outcome == Outcome::expired) {
    entry.state = DedupeState::closed;
  } else if (outcome.outcome == Outcome::dropped) {
    entry.state = DedupeState::closed;
    entry.reason = kDroppedReason;
  }
  return true;
}

}  // namespace weir

#include "runtime/engine/tap_ring.h"

#include <algorithm>
#include <utility>

namespace weir {

std::uint64_t TapRing::admit(std::uint64_t count, TimePoint now) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) {
    missed_.fetch_add(count);
    return 0;
  }
  // A second's worth at most, in hundredths: what comes in one piece is shown, and the next one a little later.
  const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now - refilled_);
  const std::uint64_t fresh = static_cast<std::uint64_t>(std::clamp<std::int64_t>(passed.count(), 0, 1'000'000)) * kTapItemsPerSecond / 1'000'000;
  if (fresh != 0) {
    tokens_ = std::min(kTapItemsPerSecond, tokens_ + fresh);
    refilled_ = now;
  }
  const std::uint64_t admitted = std::min(count, tokens_);
  tokens_ -= admitted;
  last_ += count - admitted + missed_.exchange(0);
  return admitted;
}

void TapRing::put(std::vector<TapItem> items) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) {
    missed_.fetch_add(items.size());
    return;
  }
  last_ += missed_.exchange(0);
  for (TapItem& item : items) {
    bytes_ += item.bytes();
    kept_.push_back({++last_, std::move(item)});
  }
  while (bytes_ > bytes_max_) {
    bytes_ -= kept_.front().item.bytes();
    kept_.pop_front();
  }
}

std::uint64_t TapRing::begin(TimePoint now) {
  const std::scoped_lock lock(mutex_);
  if (!wanted(now)) {
    kept_.clear();  // of whoever asked before
    bytes_ = 0;
  }
  want(now);
  last_ += missed_.exchange(0);
  return last_;
}

TapPage TapRing::take(std::uint64_t after, std::size_t items_max, TimePoint now) {
  const std::scoped_lock lock(mutex_);
  want(now);
  last_ += missed_.exchange(0);
  TapPage page;
  after = std::min(after, last_);
  page.next = after;
  auto at = std::lower_bound(kept_.begin(), kept_.end(), after, [](const Kept& kept, std::uint64_t number) { return kept.number <= number; });
  for (; at != kept_.end() && page.items.size() < items_max; ++at) {
    page.items.push_back(at->item);
    page.next = at->number;
  }
  if (at == kept_.end()) page.next = last_;
  page.dropped = page.next - after - page.items.size();
  return page;
}

}  // namespace weir

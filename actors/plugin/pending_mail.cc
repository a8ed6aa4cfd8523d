#include "actors/plugin/pending_mail.h"

#include <utility>

namespace weir {

void PendingMail::expect(std::uint64_t ticket) {
  const std::scoped_lock lock(mutex_);
  expected_.insert(ticket);
}

void PendingMail::forget(std::uint64_t ticket) noexcept {
  const std::scoped_lock lock(mutex_);
  expected_.erase(ticket);
}

void PendingMail::put(std::uint64_t ticket, Letter::Kind kind, std::string_view text) {
  const std::scoped_lock lock(mutex_);
  if (expected_.erase(ticket) == 0) {
    gauges_->unwanted.fetch_add(1);
    return;
  }
  letters_.push_back({ticket, kind, std::string(text)});
  if (letters_.size() == 1) wake_();
}

std::vector<PendingMail::Letter> PendingMail::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(letters_, {});
}

void PendingMail::close() noexcept {
  const std::scoped_lock lock(mutex_);
  expected_.clear();
  gauges_->unwanted.fetch_add(letters_.size());
  letters_.clear();
  wake_ = nullptr;
}

}  // namespace weir

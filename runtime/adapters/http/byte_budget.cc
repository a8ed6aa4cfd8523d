#include "runtime/adapters/http/byte_budget.h"

#include <vector>

namespace weir::http {

void ByteLease::give_back() noexcept {
  if (budget_ && size_ != 0) budget_->give_back(std::exchange(size_, 0));
}

void ByteLease::add(ByteLease other) noexcept {
  size_ += std::exchange(other.size_, 0);
  if (!budget_) budget_ = std::move(other.budget_);
}

std::uint64_t ByteBudget::take(std::uint64_t size, ByteLease& lease, Granted granted) {
  const std::scoped_lock lock(mutex_);
  if (waiting_.empty() && held_ + size <= bytes_max_) {
    held_ += size;
    lease = ByteLease(shared_from_this(), size);
    return 0;
  }
  const std::uint64_t number = ++last_number_;
  if (!closed_) waiting_.emplace(number, Waiting{size, std::move(granted)});
  return number;
}

void ByteBudget::cancel(std::uint64_t number) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_.erase(number);
  }
  serve();  // smaller ones behind it may fit
}

std::uint64_t ByteBudget::held() const {
  const std::scoped_lock lock(mutex_);
  return held_;
}

void ByteBudget::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  waiting_.clear();
}

void ByteBudget::give_back(std::uint64_t size) noexcept {
  {
    const std::scoped_lock lock(mutex_);
    held_ -= size;
  }
  serve();
}

void ByteBudget::serve() noexcept {
  std::vector<Waiting> served;
  {
    const std::scoped_lock lock(mutex_);
    while (!waiting_.empty() && held_ + waiting_.begin()->second.size <= bytes_max_) {
      held_ += waiting_.begin()->second.size;
      served.push_back(std::move(waiting_.begin()->second));
      waiting_.erase(waiting_.begin());
    }
  }
  // Not under the lock: a lease that nobody wants comes straight back.
  for (Waiting& one : served) one.granted(ByteLease(shared_from_this(), one.size));
}

}  // namespace weir::http

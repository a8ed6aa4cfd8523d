// Credits bound a queue on the sender's side: CAF mailboxes have no limit of their own.
#pragma once
#include <cstddef>
#include <cstdint>

#include "runtime/base/invariant.h"

namespace weir {

/// What may be on its way to one receiver. Spend before sending, give back when the receiver says so. Not thread-safe.
class CreditGate {
 public:
  CreditGate(std::uint64_t events_max, std::uint64_t bytes_max) : events_max_(events_max), bytes_max_(bytes_max) {}

  /// An empty gate takes one message of any size, so that a large one cannot wait for ever.
  [[nodiscard]] bool open() const noexcept { return events_ == 0 || (events_ < events_max_ && bytes_ < bytes_max_); }
  void spend(std::uint64_t events, std::uint64_t bytes) noexcept {
    events_ += events;
    bytes_ += bytes;
  }
  void give_back(std::uint64_t events, std::uint64_t bytes) {
    INVARIANT(events <= events_, "no more credits come back than were spent");
    INVARIANT(bytes <= bytes_, "no more bytes come back than were spent");
    events_ -= events;
    bytes_ -= bytes;
  }
  /// The receiver died: everything on its way is void.
  void reset() noexcept { events_ = bytes_ = 0; }
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t events_left() const noexcept { return events_max_ - (events_ < events_max_ ? events_ : events_max_); }

 private:
  std::uint64_t events_max_;
  std::uint64_t bytes_max_;
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace weir

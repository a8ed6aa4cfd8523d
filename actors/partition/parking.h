// What one partition has parked, and what its window is about to: which keys are held, how long an event waits for its next try, how much
// may be parked. A decider beside the window: the retry set says what is committed, this adds what is sealed and on its way there.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine/retry_policy.h"
#include "runtime/engine/retry_set.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/order_key.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Of one window batch: what it parks, as far as that is known.
struct BatchParks {
  bool again = false;  // of events that are parked already: it adds none
  std::map<std::string, std::uint32_t, std::less<>> keys;  // ordering keys it holds: by which of its events first
  std::size_t events = 0;
  std::size_t bytes = 0;  // they will take in the retry set
};

/// What becomes of an event that a stage could not decide.
struct NextTry {
  bool given_up = false;        // dead letter retries_exhausted
  std::uint32_t attempts = 0;   // made, this one included
  UnixMicros first_at = 0;
  UnixMicros due_at = 0;        // not of given_up
  std::string details;          // all attempts, and why it is given up; a JSON array
};

/// Not thread-safe. `retries` holds what is committed; whoever applies a commit to it tells this.
class Parking {
 public:
  Parking(const RetrySettings& settings, char csv_separator, RetrySet& retries);

  [[nodiscard]] const RetrySet& set() const noexcept { return *retries_; }
  /// A commit is durable: what it says of parked events is now so.
  void committed(const CommitBody& body);
  /// Everything that is on its way is forgotten.
  void restart();

  // ---- order

  /// Events are ordered by a key beside their id.
  [[nodiscard]] bool keyed() const noexcept { return key_finder_.has_value(); }
  [[nodiscard]] std::string_view key_of(const IngestBatch& batch, std::uint32_t index) { return key_finder_->of(batch, index); }
  /// An event in front of event `index` of that batch is parked with this key.
  [[nodiscard]] bool holds(std::string_view key, const BatchParks& batch, std::uint32_t index) const;

  // ---- tries

  /// `parked`: what it was before this try; null: it came new. Chance that is the same whoever asks: of the event and its attempt.
  [[nodiscard]] NextTry next_try(const ParkedEvent* parked, const Rejection& why, const Digest128& digest, Offset offset, UnixMicros wall) const;
  /// Parked events that are due and not admitted, by offset, so many that at most `most` are admitted.
  [[nodiscard]] std::vector<const ParkedEvent*> due(UnixMicros wall, std::size_t most) const;
  [[nodiscard]] std::optional<UnixMicros> next_due() const { return retries_->next_due(admitted_); }
  [[nodiscard]] std::size_t admitted() const noexcept { return admitted_.size(); }
  void admit(Offset offset) { admitted_.insert(offset); }
  void admitted_gone(Offset offset) { admitted_.erase(offset); }

  // ---- how much

  /// Whether the set takes what a batch of `batch_events` parks. One event is always taken.
  [[nodiscard]] bool fits(const BatchParks& batch, std::size_t batch_events) const;
  /// Whether the set takes `events` of `bytes` in all, which nobody has sealed.
  [[nodiscard]] bool fits(std::size_t events, std::size_t bytes) const { return fits(BatchParks{false, {}, events, bytes}, events); }
  /// A batch is sealed, or gone again (committed, withdrawn).
  void sealed(const BatchParks& batch);
  void gone(const BatchParks& batch);
  /// Too much is parked: from refuse() on, until a quarter is free; else every event that leaves would let one in, and most of what is
  /// admitted be thrown away.
  [[nodiscard]] bool full() const noexcept { return full_; }
  void refuse();

 private:
  void see_whether_full();
  [[nodiscard]] std::size_t held_keys() const noexcept { return keyed() ? retries_->keys() : retries_->ids(); }

  RetrySettings settings_;
  RetrySet* retries_;
  RetryPolicy policy_;
  std::optional<OrderKeyFinder> key_finder_;
  std::set<Offset> admitted_;
  std::map<std::string, std::uint32_t, std::less<>> keys_;  // by sealed batches; a key once for each of them
  std::size_t events_ = 0;                                  // by sealed batches of new events
  std::size_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace weir

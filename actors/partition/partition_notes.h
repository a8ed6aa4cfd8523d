// What a partition says of itself: gauges, its places on the board, lines in the log.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "actors/partition/partition_actor.h"
#include "actors/partition/window.h"
#include "runtime/event/letter_orders.h"

namespace weir {

/// Lives in the partition actor; `setup` outlives it.
class PartitionNotes {
 public:
  PartitionNotes(const PartitionSetup& setup, std::string who) : setup_(setup), who_(std::move(who)) {}

  void views(std::shared_ptr<ActorEntry> entry) { views_ = std::move(entry); }
  /// A commit is durable: latencies, retries, what was found to be poison.
  void committed(const CommitBody& body, PartitionWindow& window, const RetrySet& retries);
  void memory(const PartitionWindow& window, const DedupeIndex& index, const RetrySet& retries);
  /// Events in the window, and bytes of commits on their way to the views.
  void load(std::uint64_t events, std::uint64_t bytes);
  void stage_crashed();
  /// A commit is on its way to the log, from now on where none was.
  void handed_in();
  /// The log has no space, once for each time; until done_waiting().
  void waiting(const Error& error);
  void done_waiting();
  /// The order that lets these letters go, and says so when it is done: nothing leaves in silence.
  [[nodiscard]] std::shared_ptr<LetterRequest> expiry(std::vector<Offset> offsets) const;

 private:
  void latency(const CommitBody& body);
  void retried(const CommitBody& body, bool full, const RetrySet& retries);
  void poisoned(PartitionWindow& window);

  const PartitionSetup& setup_;
  std::string who_;
  std::shared_ptr<ActorEntry> views_;
  bool told_full_ = false;
  bool told_waiting_ = false;
};

}  // namespace weir

// What a commit says about one partition: a head that evolves (Cap'n Proto) and the long lists, packed.
//
// body = head | packed batch | packed batch | …   (outcome_batch.h)
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/event/letter_orders.h"
#include "runtime/event/outcome_batch.h"

namespace weir {

/// Cumulative counts of one partition, as design and interface name them.
struct Ledger {
  std::uint64_t served = 0;
  std::uint64_t filtered = 0;
  std::uint64_t duplicate = 0;
  std::uint64_t shed = 0;
  std::uint64_t expired = 0;
  std::uint64_t dropped = 0;
  std::uint64_t superseded = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t retrying = 0;
  std::uint64_t redriven = 0;
  std::uint64_t edited = 0;
  std::uint64_t records = 0;
  std::uint64_t conflicts = 0;
  friend bool operator==(const Ledger&, const Ledger&) = default;
  Ledger& operator+=(const Ledger& other) noexcept;
  /// What must equal the number of offsets below the committed position.
  [[nodiscard]] std::uint64_t decided() const noexcept {
    return served + filtered + duplicate + shed + expired + dropped + superseded + dead_lettered + retrying;
  }
};

inline constexpr std::int64_t kNoTime = INT64_MIN;

/// The head of a body. Field meanings: runtime/event/formats.capnp, CommitMeta.
struct CommitMeta {
  std::uint64_t incarnation = 0;
  std::int64_t partition_time = kNoTime;
  Ledger ledger;
  Digest128 state_sum;
  std::int64_t event_time_max = kNoTime;
  Digest128 rules_hash;
  std::uint32_t batches = 0;
  std::int64_t committed_at = 0;
  std::string node;  // the owner's name; empty: written before it was kept
  std::string code;  // version of weir that decided; empty: likewise
  friend bool operator==(const CommitMeta&, const CommitMeta&) = default;
};

/// A decoded body.
struct CommitBody {
  CommitMeta meta;
  std::vector<OutcomeBatch> batches;
  std::vector<LetterOrder> orders{};

  /// The pieces a log writes: the head, then the batches as they are. Sets meta.batches.
  [[nodiscard]] std::vector<SharedBytes> encode() const;
  /// Errors: log_damaged, format_newer.
  [[nodiscard]] static Result<CommitBody> decode(const SharedBytes& bytes);
};

}  // namespace weir

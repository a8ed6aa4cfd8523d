// Dedupe entries, packed: what an id's first event was and what became of it. The unit that is kept in the state store
// (64 entries a block, 100 times cheaper than an entry each) and in memory until it is there.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

enum class DedupeState : std::uint8_t {
  done = 1,           // served or filtered
  closed = 2,         // dropped by hand or expired
  dead_lettered = 3,  // an open dead letter; `offset` finds it
  retrying = 4,       // parked in the retry set
};

inline constexpr std::string_view kDroppedReason = "dropped";

/// What is known of one id. Views live as long as the block.
struct DedupeEntry {
  std::string_view id;
  std::string_view reason;     // of dead_lettered: the letter's reason; of closed: kDroppedReason where it was dropped by hand
  Digest128 digest;            // of the original bytes
  std::int64_t accepted_at = 0;
  Offset offset;               // of the event that owns the entry
  DedupeState state = DedupeState::done;
};

/// Entries per block. Part of the stored format.
inline constexpr std::uint64_t kDedupeBlockEntries = 64;

/// Up to kDedupeBlockEntries entries, in commit order, in one piece of memory that is laid out as it is stored: a full block
/// goes into the state without being written anew. Copyable, not thread-safe while it is filled.
class DedupeBlock {
 public:
  [[nodiscard]] bool full() const noexcept { return count_ == kDedupeBlockEntries; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// Bytes held, about.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.capacity(); }
  /// Must not be full.
  void add(const DedupeEntry& entry);
  [[nodiscard]] DedupeEntry entry(std::size_t index) const noexcept;
  /// What encode() would say of a full block (asserted), without a copy.
  [[nodiscard]] std::string_view stored() const noexcept;
  [[nodiscard]] std::string encode() const;
  /// Errors: state_damaged, format_newer.
  [[nodiscard]] static Result<DedupeBlock> decode(std::string_view bytes);

 private:
  struct Head {
    std::uint8_t version;
    std::uint8_t count;
    std::uint16_t reserved;
    std::uint32_t text;
  };
  static_assert(sizeof(Head) == 8);
  struct Fixed {
    Digest128 digest;
    std::int64_t accepted_at;
    std::uint64_t offset;
    std::uint16_t text_offset;  // at most 64 * (512 + 255)
    std::uint16_t id_length;
    std::uint8_t reason_length;
    DedupeState state;
    std::uint16_t reserved;
  };
  static_assert(sizeof(Fixed) == 40);
  static constexpr std::size_t kText = sizeof(Head) + kDedupeBlockEntries * sizeof(Fixed);
  [[nodiscard]] Fixed fixed(std::size_t index) const noexcept;
  std::string bytes_;  // head, room for all fixed parts, text, free room; empty without entries
  std::size_t end_ = 0;  // of the text
  std::size_t count_ = 0;
};

}  // namespace weir

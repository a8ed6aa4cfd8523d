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

/// What is known of one id. Views live as long as the block.
struct DedupeEntry {
  std::string_view id;
  std::string_view reason;     // of dead_lettered: the letter's reason
  Digest128 digest;            // of the original bytes
  std::int64_t accepted_at = 0;
  Offset offset;               // of the event that owns the entry
  CommitSequence sequence;     // of the commit that decided it
  DedupeState state = DedupeState::done;
};

/// Entries per block. Part of the stored format.
inline constexpr std::uint64_t kDedupeBlockEntries = 64;

/// Up to kDedupeBlockEntries entries, in commit order. Copyable, not thread-safe.
class DedupeBlock {
 public:
  [[nodiscard]] bool full() const noexcept { return fixed_.size() == kDedupeBlockEntries; }
  [[nodiscard]] std::size_t size() const noexcept { return fixed_.size(); }
  /// Bytes held, about.
  [[nodiscard]] std::size_t bytes() const noexcept { return fixed_.capacity() * sizeof(Fixed) + text_.capacity(); }
  /// Must not be full.
  void add(const DedupeEntry& entry);
  [[nodiscard]] DedupeEntry entry(std::size_t index) const noexcept;
  [[nodiscard]] std::string encode() const;
  /// Errors: state_damaged, format_newer.
  [[nodiscard]] static Result<DedupeBlock> decode(std::string_view bytes);

 private:
  struct Fixed {
    Digest128 digest;
    std::int64_t accepted_at;
    std::uint64_t offset;
    std::uint64_t sequence;
    std::uint32_t text_offset;
    std::uint16_t id_length;
    std::uint8_t reason_length;
    DedupeState state;
  };
  static_assert(sizeof(Fixed) == 48);
  std::vector<Fixed> fixed_;
  std::string text_;
};

}  // namespace weir

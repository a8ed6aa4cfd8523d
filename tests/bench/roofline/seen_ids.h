// The ids seen so far, in memory: 48 bytes each, where weir keeps 24 and finds the rest in its state.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/ids.h"

namespace weir::roofline {

struct Seen {
  std::uint64_t id_high, id_low;
  Digest128 digest;
};

/// Every id with the digest of its first event: a table of fingerprints over entries that tell for certain.
class SeenIds {
 public:
  SeenIds() { slots_.resize(1u << 16); }
  void prefetch(std::uint64_t hash) const { fetch_ahead(&slots_[hash >> shift_]); }
  /// The entry of the id; a new one is made of `fresh`.
  Seen* find(std::uint64_t hash, const Seen& fresh) {
    if (size_ * 2 >= slots_.size()) grow();
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at] == 0) {
        if (size_ % kChunk == 0) chunks_.push_back(std::make_unique_for_overwrite<Seen[]>(kChunk));
        chunks_.back()[size_ % kChunk] = fresh;
        slots_[at] = std::uint64_t{tag} << 32 | ++size_;
        return nullptr;
      }
      if (slots_[at] >> 32 != tag) continue;
      const std::uint64_t number = (slots_[at] & 0xffffffffu) - 1;
      Seen& seen = chunks_[number / kChunk][number % kChunk];
      if (seen.id_high == fresh.id_high && seen.id_low == fresh.id_low) return &seen;
    }
  }

 private:
  static constexpr std::size_t kChunk = 64 * 1024;
  void grow() {
    std::vector<std::uint64_t> old(slots_.size() * 2);
    old.swap(slots_);
    --shift_;
    for (const std::uint64_t slot : old) {
      if (slot == 0) continue;
      // The tag is the upper half of the hash and holds every bit that chooses a slot.
      std::size_t at = (slot >> 32 << 32) >> shift_;
      while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }
  std::vector<std::uint64_t> slots_;
  std::vector<std::unique_ptr<Seen[]>> chunks_;
  std::uint64_t size_ = 0;
  unsigned shift_ = 64 - 16;
};

}  // namespace weir::roofline

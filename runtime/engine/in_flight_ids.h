// The ids of one partition that are in the window and not yet committed: id hash -> place of the newest event with that id.
// Cleared as a whole when the window is driven again, so the committed index never has to be rolled back.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/base/bytes.h"

namespace weir {

/// An event in the window: batch serial (counted up per window, below 2^47) and index inside (below 65,536).
struct EventPlace {
  std::uint64_t serial = 0;
  std::uint32_t index = 0;
  friend bool operator==(const EventPlace&, const EventPlace&) = default;
};

/// Open addressing, removal by backward shift. Hash collisions are the caller's: it compares ids. Not thread-safe.
class InFlightIds {
 public:
  InFlightIds() : slots_(1024) {}

  /// Calls `matches(place)` for every entry with this hash until it returns true; returns that place.
  template <class Matches>
  [[nodiscard]] std::optional<EventPlace> find(std::uint64_t hash, const Matches& matches) const {
    for (std::size_t at = home(hash); slots_[at].place != kFree; at = next(at)) {
      if (slots_[at].hash == hash && matches(unpacked(slots_[at].place))) return unpacked(slots_[at].place);
    }
    return std::nullopt;
  }
  /// Hides the cost of the memory access of a later find or insert. For many ids: with other work between the calls (fetch_ahead).
  void prefetch(std::uint64_t hash) const noexcept { fetch_ahead(&slots_[home(hash)]); }
  void insert(std::uint64_t hash, EventPlace place);
  /// The entry at `from` now stands at `to`. False when there is none.
  bool move(std::uint64_t hash, EventPlace from, EventPlace to);
  /// False when there is none.
  bool erase(std::uint64_t hash, EventPlace place);
  void clear();
  [[nodiscard]] std::size_t size() const noexcept { return used_; }

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  /// 16 bytes: the table of a busy partition should stay in a core's own cache.
  struct Slot {
    std::uint64_t hash = 0;
    std::uint64_t place = kFree;
  };
  [[nodiscard]] static EventPlace unpacked(std::uint64_t place) noexcept {
    return {place >> 16, static_cast<std::uint32_t>(place & 0xffff)};
  }
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept { return hash & (slots_.size() - 1); }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return (at + 1) & (slots_.size() - 1); }
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace weir

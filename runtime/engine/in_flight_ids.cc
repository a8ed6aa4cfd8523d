#include "runtime/engine/in_flight_ids.h"

#include <utility>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

std::uint64_t packed(EventPlace place) {
  INVARIANT(place.index <= 0xffff && place.serial >> 47 == 0, "a place in the window fits into 64 bits");
  return place.serial << 16 | place.index;
}

}  // namespace

void InFlightIds::insert(std::uint64_t hash, EventPlace place) {
  if ((used_ + 1) * 2 > slots_.size()) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    used_ = 0;
    for (const Slot& slot : old) {
      if (slot.place != kFree) insert(slot.hash, unpacked(slot.place));
    }
  }
  std::size_t at = home(hash);
  while (slots_[at].place != kFree) at = next(at);
  slots_[at] = {hash, packed(place)};
  ++used_;
}

bool InFlightIds::move(std::uint64_t hash, EventPlace from, EventPlace to) {
  const std::uint64_t wanted = packed(from);
  for (std::size_t at = home(hash); slots_[at].place != kFree; at = next(at)) {
    if (slots_[at].hash == hash && slots_[at].place == wanted) {
      slots_[at].place = packed(to);
      return true;
    }
  }
  return false;
}

bool InFlightIds::erase(std::uint64_t hash, EventPlace place) {
  const std::uint64_t gone = packed(place);
  std::size_t at = home(hash);
  while (slots_[at].place != kFree && !(slots_[at].hash == hash && slots_[at].place == gone)) at = next(at);
  if (slots_[at].place == kFree) return false;
  std::size_t hole = at;
  for (std::size_t probe = next(hole); slots_[probe].place != kFree; probe = next(probe)) {
    const std::size_t wanted = home(slots_[probe].hash);
    // Cyclically outside (hole, probe]: the slot may not stay behind the hole.
    const bool stays = hole <= probe ? (hole < wanted && wanted <= probe) : (hole < wanted || wanted <= probe);
    if (stays) continue;
    slots_[hole] = slots_[probe];
    hole = probe;
  }
  slots_[hole].place = kFree;
  --used_;
  return true;
}

void InFlightIds::clear() {
  slots_.assign(1024, Slot{});
  used_ = 0;
}

}  // namespace weir

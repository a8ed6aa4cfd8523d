#include "runtime/engine/in_flight_ids.h"

#include <utility>

namespace weir {

void InFlightIds::insert(std::uint64_t hash, EventPlace place) {
  if ((used_ + 1) * 2 > slots_.size()) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    used_ = 0;
    for (const Slot& slot : old) {
      if (slot.used) insert(slot.hash, slot.place);
    }
  }
  std::size_t at = home(hash);
  while (slots_[at].used) at = next(at);
  slots_[at] = {hash, place, true};
  ++used_;
}

bool InFlightIds::move(std::uint64_t hash, EventPlace from, EventPlace to) {
  for (std::size_t at = home(hash); slots_[at].used; at = next(at)) {
    if (slots_[at].hash == hash && slots_[at].place == from) {
      slots_[at].place = to;
      return true;
    }
  }
  return false;
}

bool InFlightIds::erase(std::uint64_t hash, EventPlace place) {
  std::size_t at = home(hash);
  while (slots_[at].used && !(slots_[at].hash == hash && slots_[at].place == place)) at = next(at);
  if (!slots_[at].used) return false;
  std::size_t hole = at;
  for (std::size_t probe = next(hole); slots_[probe].used; probe = next(probe)) {
    const std::size_t wanted = home(slots_[probe].hash);
    // Cyclically outside (hole, probe]: the slot may not stay behind the hole.
    const bool stays = hole <= probe ? (hole < wanted && wanted <= probe) : (hole < wanted || wanted <= probe);
    if (stays) continue;
    slots_[hole] = slots_[probe];
    hole = probe;
  }
  slots_[hole].used = false;
  --used_;
  return true;
}

void InFlightIds::clear() {
  slots_.assign(1024, Slot{});
  used_ = 0;
}

}  // namespace weir

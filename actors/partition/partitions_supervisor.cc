#include "actors/partition/partitions_supervisor.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir {

std::optional<Error> first_quarantine(const std::vector<PartitionSlot>& slots) {
  for (std::size_t p = 0; p < slots.size(); ++p) {
    if (!slots[p].quarantined) continue;
    const Error& error = slots[p].record.error();
    const std::string place = fmt::format("partition {}: ", p);
    return Error{error.code, error.context.starts_with(place) ? error.context : place + error.context};
  }
  return std::nullopt;
}

std::vector<PartitionProgress> known_progress(const std::vector<PartitionSlot>& slots) {
  std::vector<PartitionProgress> known;
  for (const PartitionSlot& slot : slots) {
    if (slot.progress) known.push_back(*slot.progress);
  }
  return known;
}

bool all_decided(const std::vector<PartitionSlot>& slots, const EventLog& log) {
  for (std::uint32_t p = 0; p < slots.size(); ++p) {
    if (slots[p].quarantined) continue;
    if (!slots[p].ready || slots[p].committed < log.status(PartitionId{p}).ingest_reserved) return false;
  }
  return true;
}

bool any_parked(const std::vector<PartitionSlot>& slots) {
  return std::any_of(slots.begin(), slots.end(), [](const PartitionSlot& slot) { return !slot.quarantined && slot.progress && slot.progress->ledger.retrying != 0; });
}

bool all_opened(const std::vector<PartitionSlot>& slots) {
  return std::all_of(slots.begin(), slots.end(), [](const PartitionSlot& slot) { return slot.ever_ready || slot.quarantined; });
}

}  // namespace weir

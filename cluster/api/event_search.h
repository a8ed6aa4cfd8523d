// What a search over accepted events gives, slice by slice.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/base/ids.h"

namespace weir {

struct SearchPlace {
  PartitionId partition{0};
  Offset offset{0};
};

/// Valid during the visit.
struct FoundEvent {
  std::string_view id;
  PartitionId partition;
  Offset offset;
  std::string_view door;
  std::uint64_t line = 0;  // place in its source; 0: unknown
  std::int64_t accepted_at = 0;
};

struct SearchSlice {
  std::optional<SearchPlace> next;  // where to go on; none: everything kept was looked at
  std::uint64_t with_fields = 0;    // events of this slice that have all fields, whatever their values
  std::uint64_t scanned = 0;        // events in front of `next`
  std::uint64_t total = 0;          // events kept in all partitions
};

}  // namespace weir

// The value that a pipeline keeps its order by (retry.order_by), found in the bytes of an event as its id is: known before anything is
// parsed, and for events that cannot be parsed as well.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/event/event_id.h"
#include "runtime/event/ingest_batch.h"

namespace weir {

/// Not thread-safe; one per partition.
class OrderKeyFinder {
 public:
  /// `path`: of the field; of CloudEvents it is looked for in the envelope, then in `data`, as with ids.
  OrderKeyFinder(const std::vector<std::string>& path, char csv_separator);

  /// Empty: there is none (the field is missing, null, an object, an array, over 512 bytes or not to be reached from the left). Valid
  /// until the next call.
  [[nodiscard]] std::string_view of(const IngestBatch& batch, std::uint32_t index);

 private:
  EventIdFinder plain_;
  EventIdFinder cloud_;
  char separator_;
  std::string csv_header_;  // whose columns plain_ knows
  bool csv_known_ = false;
};

}  // namespace weir

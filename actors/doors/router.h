// From frames to batches: finds the id of each frame, the partition of the id, and collects what is appended together.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/doors/framer.h"
#include "runtime/base/calendar.h"
#include "runtime/engine/id_rule.h"
#include "runtime/event/event_id.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

struct RouterConfig {
  std::uint32_t partitions = 8;
  FrameFormat format = FrameFormat::json;
  EventIdRule id;
  char separator = ',';
  std::string door;                           // at most 1 KiB, e.g. "file:incoming/a.csv.gz"
  std::uint32_t batch_events_max = 512;       // 1..65'535
  std::size_t group_bytes_max = 1024 * 1024;  // a group is ready from here on; one frame may go over it
};

/// Not thread-safe; one per door.
class Router {
 public:
  explicit Router(RouterConfig config);

  /// CSV, before its first record and at every change of header; the router must be empty (asserted). Returns the id
  /// rule's fields that are no column: their events get the digest.
  [[nodiscard]] std::vector<std::string> set_csv_header(std::string_view header,
                                                        const std::vector<std::string>& columns);

  /// Copies the frame. True: the group is ready and must be taken before the next add (asserted).
  [[nodiscard]] bool add(const Frame& frame);

  [[nodiscard]] bool ready() const noexcept { return ready_; }
  [[nodiscard]] bool empty() const noexcept { return events_ == 0; }
  [[nodiscard]] std::uint32_t events() const noexcept { return events_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// What was collected, by partition, events in the order they came; every event is accepted at `accepted_at`. Not
  /// called when empty (asserted). Positions and durability are the door's to add.
  [[nodiscard]] AppendGroup take(UnixMicros accepted_at);

 private:
  [[nodiscard]] EventIdFinder::Id id_of(const Frame& frame);

  RouterConfig config_;
  EventIdFinder finder_;
  std::string csv_header_;
  std::vector<IngestBatchBuilder> builders_;  // by partition
  std::uint32_t events_ = 0;
  std::size_t bytes_ = 0;
  bool ready_ = false;
};

}  // namespace weir

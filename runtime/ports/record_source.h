// Where a door of somebody else's reads: records come when they are asked for, each with the place behind it.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir {

struct PolledRecord {
  std::string frame;                    // one event as it came: a JSON document, a CloudEvent
  std::optional<std::string> position;  // of the source, behind this record; not empty, at most 4 KiB. Nothing: it does not say
};

struct PolledRecords {
  std::vector<PolledRecord> records;
  std::chrono::milliseconds pause{0};  // when to ask again; 0: at once
  bool ended = false;                  // nothing comes behind these, until the next start
  std::string failed;                  // it could not be asked, which may pass; empty: it could
};

/// Owned by one door; one call at a time, each on the door's own thread, where it may block: the node stops between two calls only. What a
/// call throws is a crash of the door, which is started again with a source of its own, from the newest durable position on.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// First. `position`: of the last record that is durable; empty: none is.
  virtual void open(const std::string& position) = 0;
  [[nodiscard]] virtual PolledRecords poll() = 0;
  /// Everything up to this position is durable: never asked for again. In order; not every position is named.
  virtual void durable(const std::string& position) = 0;
};

}  // namespace weir

// The log of one machine: two journals (ingest, output) in one directory. Facade over the lanes that write them.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/adapters/embedded_log/log_progress.h"
#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/rng.h"

namespace weir {

namespace files {
class FileOps;
}  // namespace files
namespace journal {
using files::FileOps;
}  // namespace journal

struct EmbeddedLogOptions {
  std::string directory;         // made when missing
  std::uint32_t partitions = 8;  // 1..65'536, fixed when the log is created
  /// 64 KiB..1 GiB (a configuration file allows 4 MiB or more). A group larger than a segment gets a file of its own.
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  /// Queued groups are merged into one frame up to here. One sync per frame: larger is cheaper and slower to answer.
  std::uint64_t frame_bytes_max = std::uint64_t{1} << 20;
  /// Appended and not yet synced; beyond it an append is refused with log_busy, and no single append may be larger.
  std::uint64_t outstanding_bytes_max = std::uint64_t{256} << 20;
  /// Only what is older may be trimmed. Empty: `retain: all`, nothing is ever trimmed.
  std::optional<std::chrono::microseconds> retain;
  /// A frame with nothing behind it for this long is sealed.
  std::chrono::milliseconds seal_delay{100};
  bool direct_io = true;  // false: through the page cache (buffered where the file system has no O_DIRECT anyway)
  journal::FileOps* files = nullptr;  // null: the operating system's
  LogProgress progress;               // of reading whole segments again, where their index is missing or damaged
};

/// What opening found; to be logged and counted.
struct LogRecovery {
  struct Journal {
    std::string name;          // "ingest", "output"
    std::uint64_t frames = 0;  // scanned
    std::uint64_t segments = 0;
    std::uint64_t last_sequence = 0;
    bool closed_cleanly = false;
    bool checkpoint_used = false;
    std::string checkpoint_rebuilt;    // why it was not used
    std::uint64_t torn_frames = 0;     // cut, never acknowledged: 0 or 1
    std::string torn;                  // where and why
    std::vector<std::string> missing;  // gone or damaged batches known so far: reads of them answer log_damaged
  };
  bool created = false;
  Journal ingest;
  Journal output;
};

/// Thread-safe, as EventLog. Three threads: one per journal, one for reads.
class EmbeddedLog : public EventLog {
 public:
  [[nodiscard]] virtual const LogRecovery& recovery() const = 0;
  /// Appended and not yet synced, held in memory. Thread-safe.
  [[nodiscard]] virtual std::uint64_t outstanding_bytes() const = 0;
};

/// Opens or creates. The clock must outlive the log; the rng is used during the call only.
/// Errors: data_locked (another process or log uses the directory), data_foreign (other partition count), format_newer,
/// log_damaged (named: journal, segment, byte, frame; nothing is changed), invalid_argument, disk_full, io_failed.
[[nodiscard]] Result<std::unique_ptr<EmbeddedLog>> open_embedded_log(const EmbeddedLogOptions& options,
                                                                     const Clock& clock, Rng& rng);

}  // namespace weir

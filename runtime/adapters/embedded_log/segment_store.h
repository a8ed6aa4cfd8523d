// The files of one journal's directory and their life: spare -> segment -> spare again, side files of lagging
// partitions.
//
//   segment-<generation>           frames; fixed size, preallocated
//   spare-<n>                      a segment to be: made ahead, or given back by trim. The last one is the disk-full
//   reserve carry-<partition>-<generation> what a lagging partition still needs of a segment that was recycled index
//   checkpoint of the catalog
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/adapters/embedded_log/recovery.h"
#include "runtime/base/result.h"

namespace weir::journal {

struct CarryName {
  std::uint32_t partition = 0;
  std::uint64_t generation = 0;
  friend auto operator<=>(const CarryName&, const CarryName&) = default;
};

struct StoreListing {
  std::vector<std::uint64_t> segments;  // generations, ascending
  std::vector<CarryName> carries;       // ascending
  std::vector<std::string> spares;
  bool checkpoint = false;
};

/// What is known of a segment that holds frames still kept.
struct LiveSegment {
  std::uint64_t generation = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t used_bytes = 0;
  std::int64_t newest_at = 0;    // wall time of its newest frame, microseconds since 1970
  std::uint64_t body_bytes = 0;  // of all batches it was written with, needed or not
};

struct StoreOptions {
  std::string directory;
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  bool direct = true;  // false: through the page cache
  std::uint32_t spares_max = 2;
};

/// Writer-side calls from one thread; `reader` from any.
class SegmentStore {
 public:
  SegmentStore(FileOps& files, StoreOptions options) : files_(files), options_(std::move(options)) {}

  [[nodiscard]] const StoreOptions& options() const noexcept { return options_; }
  [[nodiscard]] FileOps& files() noexcept { return files_; }

  /// Files with other names are left alone and not listed. Errors: not_found (no such directory), io_failed.
  [[nodiscard]] Result<StoreListing> list();
  /// Takes the spares of a listing over; those of another size are removed.
  [[nodiscard]] Result<void> adopt_spares(const StoreListing& listing);

  /// Makes a segment of at least `bytes` bytes, from a spare where there is one, durable in the directory before it
  /// returns. Errors: disk_full, io_failed; nothing of the generation is then used again.
  [[nodiscard]] Result<std::unique_ptr<File>> begin(std::uint64_t generation, std::uint64_t bytes, std::uint64_t& size);
  /// Makes sure that a spare is there. Errors: disk_full, io_failed.
  [[nodiscard]] Result<void> prepare_spare();
  [[nodiscard]] std::size_t spares() const noexcept { return spares_.size(); }
  /// A segment nobody needs becomes a spare, or goes away where there are enough. False: someone still reads it, ask
  /// again.
  [[nodiscard]] Result<bool> retire(std::uint64_t generation);
  [[nodiscard]] Result<void> remove_carry(const CarryName& name);

  /// Reads through the page cache, for serving. Kept open until retired.
  [[nodiscard]] Result<std::shared_ptr<File>> reader(std::uint64_t generation, bool carried, std::uint32_t partition);
  /// Reads as from the device, for verification.
  [[nodiscard]] Result<std::unique_ptr<SegmentBytes>> verifier(const std::string& name);

  [[nodiscard]] std::string path(const std::string& name) const { return options_.directory + "/" + name; }
  [[nodiscard]] static std::string segment_name(std::uint64_t generation);
  [[nodiscard]] static std::string carry_name(const CarryName& name);

 private:
  [[nodiscard]] std::string fresh_spare_name();

  FileOps& files_;
  StoreOptions options_;
  std::vector<std::string> spares_;
  std::uint64_t spare_number_ = 0;
  std::mutex readers_mutex_;
  std::map<std::string, std::shared_ptr<File>> readers_;
};

}  // namespace weir::journal

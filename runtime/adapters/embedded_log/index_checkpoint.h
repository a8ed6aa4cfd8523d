// The catalog of a journal in a file of its own, so that opening reads only what came after it. It is a shortcut:
// missing or damaged, it is rebuilt by scanning; but one that speaks of frames the journal does not have proves that
// frames are gone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/embedded_log/catalog.h"
#include "runtime/adapters/embedded_log/journal.h"
#include "runtime/base/result.h"

namespace weir::journal {

struct IndexCheckpoint {
  explicit IndexCheckpoint(Catalog c) : catalog(std::move(c)) {}
  Catalog catalog;
  FrameRef last;                 // the newest frame it covers
  std::uint64_t generation = 0;  // of the segment that frame lies in
  std::vector<LiveSegment> segments;
};

/// File name inside the journal's directory.
inline constexpr const char* kCheckpointName = "index";

[[nodiscard]] std::string encode_checkpoint(const JournalIdentity& identity, const Catalog& catalog,
                                            const FrameRef& last, std::uint64_t generation,
                                            const std::vector<LiveSegment>& segments);
/// Errors: log_damaged (checksum, bounds, another log), format_newer.
[[nodiscard]] Result<IndexCheckpoint> decode_checkpoint(const JournalIdentity& identity, std::string_view bytes);
/// Errors: as decode_checkpoint, io_failed.
[[nodiscard]] Result<IndexCheckpoint> load_checkpoint(SegmentStore& store, const JournalIdentity& identity);

}  // namespace weir::journal

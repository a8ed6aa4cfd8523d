// What a file door writes into the log beside its events: how far its source has been read.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actors/doors/frame_format.h"
#include "runtime/base/result.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/input_stream.h"

namespace weir {

/// Name of a source in the log: what is in the file, not where it lies, so that a file that was moved goes on and
/// another one under the same name begins. `occurrence` tells apart the times one run names the same content, counted
/// from 1.
[[nodiscard]] std::string source_name(const InputIdentity& identity, std::uint32_t occurrence);

/// Where reading a source goes on.
struct SourceProgress {
  Framing framing = Framing::lines;  // a place means something to this framing alone
  FramePlace place;
  bool finished = false;  // a run over it has ended: the next one reads it again from the start
};

/// What marks a source as finished: appended alone, last, after every event was terminal and the summary was printed.
[[nodiscard]] AppendGroup finished_mark(std::string source);

/// "1 FRAMING BYTES LINE STATE" or "1 finished", 1 being the version; FRAMING is lines, csv, json or geojson.
[[nodiscard]] std::string write_progress(const SourceProgress& progress);
/// Errors: format_newer (another version), state_damaged (not what write_progress writes).
[[nodiscard]] Result<SourceProgress> parse_progress(std::string_view text);

}  // namespace weir

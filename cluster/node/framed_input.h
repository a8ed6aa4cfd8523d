// An input framed, identified and routed as its door would do it, all at once and in memory.
#pragma once
#include <string>
#include <vector>

#include "runtime/ports/door_feed.h"
#include "runtime/ports/input_stream.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// Unpacked bytes of an input that is held in memory. Arbitrary: far more than a test needs; `weir run` reads files of
/// any size.
inline constexpr std::uint64_t kFramedInputMax = 64ull << 20;

struct FramedInputConfig {
  std::string name;                         // for messages; of a file its name, which may say the format
  std::string door = "test";                // of the events, as dead letters show it
  RecordFormat format = RecordFormat::any;  // any: of the name, else of the pipeline
  UnixMicros accepted_at = 0;
  std::uint64_t events_enough = 0;  // the rest is not read once so many are there; 0: all of it is read
};

/// Errors: input_unreadable (it cannot be framed, a CSV header lacks a required column), invalid_argument (nothing says
/// its format), limit_reached (over kFramedInputMax); each names the input.
[[nodiscard]] Result<std::vector<DoorGroup>> frame_text(const PipelineConfig& pipeline, std::string_view text,
                                                        const FramedInputConfig& config);
/// The same for a file, `.gz` and `.zst` read through.
[[nodiscard]] Result<std::vector<DoorGroup>> frame_file(const PipelineConfig& pipeline,
                                                        const FramedInputConfig& config);

}  // namespace weir

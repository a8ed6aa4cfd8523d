// Which framing an input gets, and what its frames are.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "actors/doors/framer.h"
#include "runtime/base/result.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

enum class Framing : std::uint8_t { lines, csv, json, geojson };

struct InputFormat {
  Framing framing = Framing::lines;
  FrameFormat frames = FrameFormat::json;
  friend bool operator==(const InputFormat&, const InputFormat&) = default;
};

/// The names people use: json, ndjson, csv, cloudevents, geojson. Error invalid_argument names what is allowed.
[[nodiscard]] Result<RecordFormat> parse_record_format(std::string_view text);
/// The name; of any "any".
[[nodiscard]] std::string_view record_format_name(RecordFormat format) noexcept;
/// By the end of a file's name: .ndjson .jsonl .csv .json .geojson, in any case. Passed over are `.gz` and `.zst`, and
/// numbers and dates as rotation adds them (`.1`, `-20260131`). any: not known.
[[nodiscard]] RecordFormat record_format_of_name(std::string_view name) noexcept;
/// By a Content-Type, its parameters passed over, in any case. any: not known.
[[nodiscard]] RecordFormat record_format_of_content_type(std::string_view type) noexcept;

/// What FramePlace::line and Frame::line count: "line", "element" (of a JSON array; a document alone is one), "feature".
[[nodiscard]] std::string_view counted_by(Framing framing) noexcept;

/// The format of a file: what the command says, else its name, else what the pipeline says; CloudEvents of the pipeline
/// are told from other JSON by the pipeline alone (a name says only how they are framed). Error invalid_argument: none
/// of them says.
[[nodiscard]] Result<InputFormat> input_format_of_file(std::string_view name, RecordFormat command,
                                                       RecordFormat pipeline);

struct FramingConfig {
  Framing framing = Framing::lines;
  FramerLimits limits;
  CsvFraming csv;
};
[[nodiscard]] std::unique_ptr<Framer> make_framer(const FramingConfig& config, const std::optional<FramePlace>& resume);

}  // namespace weir

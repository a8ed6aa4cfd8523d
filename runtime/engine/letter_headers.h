// A dead letter as the dead-letter topics of other tools have it: key, value, and headers with the names they use.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/engine/letters_query.h"

namespace weir {

enum class HeaderStyle : std::uint8_t { kafka_connect, spring };
/// "kafka-connect", "spring".
[[nodiscard]] std::optional<HeaderStyle> header_style_of(std::string_view name) noexcept;

/// Appends one JSON object: topic, partition, offset, timestamp (milliseconds since 1970), key, headers (an array of name and value),
/// value. What is not UTF-8, and what the tool writes in binary (Spring's partition, offset and timestamp, big-endian), comes as value_base64.
/// The topic is `PIPELINE.ingest`; the value is the original frame, as both tools keep it. Neither tool's stack trace is there: weir has none.
void append_letter_message(std::string& json, const PlacedLetter& letter, HeaderStyle style, std::string_view pipeline);

}  // namespace weir

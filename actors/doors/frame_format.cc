#include "actors/doors/frame_format.h"

#include <array>
#include <utility>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool same(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}
bool drop_end(std::string_view& name, std::string_view end) noexcept {
  if (name.size() < end.size() || !same(name.substr(name.size() - end.size()), end)) return false;
  name.remove_suffix(end.size());
  return true;
}

/// A number or date with a dot or dash before it: `.1`, `-20260131`, `.2026-01-31`.
bool drop_rotation(std::string_view& name) noexcept {
  const std::size_t last = name.find_last_not_of("0123456789-");
  const std::size_t begin = last == std::string_view::npos ? name.size() : name[last] == '.' ? last : last + 1;
  if (begin + 2 > name.size() || (name[begin] != '.' && name[begin] != '-')) return false;
  name = name.substr(0, begin);
  return true;
}

using Known = std::pair<std::string_view, RecordFormat>;
constexpr std::array<Known, 5> kNames = {{{"json", RecordFormat::json},
                                          {"ndjson", RecordFormat::ndjson},
                                          {"csv", RecordFormat::csv},
                                          {"cloudevents", RecordFormat::cloudevents},
                                          {"geojson", RecordFormat::geojson}}};
constexpr std::array<Known, 5> kEnds = {{{".ndjson", RecordFormat::ndjson},
                                         {".jsonl", RecordFormat::ndjson},
                                         {".csv", RecordFormat::csv},
                                         {".json", RecordFormat::json},
                                         {".geojson", RecordFormat::geojson}}};
constexpr std::array<Known, 7> kTypes = {{{"application/json", RecordFormat::json},
                                          {"application/x-ndjson", RecordFormat::ndjson},
                                          {"application/ndjson", RecordFormat::ndjson},
                                          {"text/csv", RecordFormat::csv},
                                          {"application/cloudevents+json", RecordFormat::cloudevents},
                                          {"application/cloudevents-batch+json", RecordFormat::cloudevents},
                                          {"application/geo+json", RecordFormat::geojson}}};

/// How a file of `format` is framed; CloudEvents in a file are lines unless their name says that it is one document.
InputFormat input_format(RecordFormat format, RecordFormat named) {
  switch (format) {
    case RecordFormat::ndjson:
      return {Framing::lines, FrameFormat::json};
    case RecordFormat::csv:
      return {Framing::csv, FrameFormat::csv};
    case RecordFormat::json:
      return {Framing::json, FrameFormat::json};
    case RecordFormat::geojson:
      return {Framing::geojson, FrameFormat::json};
    case RecordFormat::cloudevents:
      return {named == RecordFormat::json ? Framing::json : Framing::lines, FrameFormat::cloudevents};
    case RecordFormat::any:
      break;
  }
  INVARIANT(false, "a format is known before a file is framed");
  return {};
}

}  // namespace

Result<RecordFormat> parse_record_format(std::string_view text) {
  for (const auto& [name, format] : kNames)
    if (name == text) return format;
  return fail(Errc::invalid_argument, "'{}' is not a format; allowed: json, ndjson, csv, cloudevents, geojson", text);
}

std::string_view record_format_name(RecordFormat format) noexcept {
  for (const auto& [name, known] : kNames)
    if (known == format) return name;
  return "any";
}

RecordFormat record_format_of_name(std::string_view name) noexcept {
  if (!drop_end(name, ".gz")) (void)drop_end(name, ".zst");
  // What rotation adds: a number, a date, or both.
  for (int more = 0; more <= 2; ++more) {
    for (const auto& [end, format] : kEnds)
      if (drop_end(name, end)) return format;
    if (!drop_rotation(name)) break;
  }
  return RecordFormat::any;
}

RecordFormat record_format_of_content_type(std::string_view type) noexcept {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  while (type.starts_with(' ') || type.starts_with('\t')) type.remove_prefix(1);
  for (const auto& [name, format] : kTypes)
    if (same(name, type)) return format;
  return RecordFormat::any;
}

std::string_view counted_by(Framing framing) noexcept {
  switch (framing) {
    case Framing::lines:
    case Framing::csv:
      break;
    case Framing::json:
      return "element";
    case Framing::geojson:
      return "feature";
  }
  return "line";
}

Result<InputFormat> input_format_of_file(std::string_view name, RecordFormat command, RecordFormat pipeline) {
  const RecordFormat named = record_format_of_name(name);
  if (command != RecordFormat::any) return input_format(command, named);
  const bool json_name = named == RecordFormat::json || named == RecordFormat::ndjson;
  if (pipeline == RecordFormat::cloudevents && (json_name || named == RecordFormat::any))
    return input_format(pipeline, named);
  if (named != RecordFormat::any) return input_format(named, named);
  if (pipeline != RecordFormat::any) return input_format(pipeline, named);
  return fail(Errc::invalid_argument,
              "nothing says what '{}' holds: its name ends in none of .ndjson .jsonl .csv .json .geojson; say --format "
              "or record.format "
              "(json, ndjson, csv, cloudevents, geojson)",
              name);
}

std::unique_ptr<Framer> make_framer(const FramingConfig& config, const std::optional<FramePlace>& resume) {
  switch (config.framing) {
    case Framing::lines:
      return make_line_framer(config.limits, resume);
    case Framing::csv:
      return make_csv_framer(config.limits, config.csv, resume);
    case Framing::json:
      return make_json_framer(config.limits, resume);
    case Framing::geojson:
      return make_geojson_framer(config.limits, resume);
  }
  return nullptr;
}

}  // namespace weir

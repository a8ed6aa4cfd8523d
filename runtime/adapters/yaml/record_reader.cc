// The section `record`: how bytes become events with an id and a time.
#include <algorithm>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/time_pattern.h"
#include "runtime/base/time_text.h"

namespace weir::yaml {
namespace {

void read_id(Context& context, const Node& node, IdRule& out) {
  const std::string name = "record.id";
  std::vector<FieldPath> fields;
  if (node.kind == Node::Kind::map) {
    MapReader map(context, node, name);
    const Node* list = map.require("fields", "[FIELD, FIELD]");
    map.finish();
    if (list == nullptr || !read_paths(context, *list, name + ".fields", 8, fields)) return;
  } else if (is_text(node) && node.text == "digest") {
    return;
  } else if (!read_paths(context, node, name, 8, fields)) {
    return;
  }
  for (const FieldPath& field : fields) {
    if (field.text == "@source" || !field.envelope()) continue;
    context.findings.add(node.place,
                         fmt::format("\"{}\" cannot be made of \"{}\"; allowed: digest, fields of the record, "
                                     "@source",
                                     name, field.text));
    return;
  }
  out.digest = false;
  out.fields = std::move(fields);
}

void read_time_format(Context& context, const Node& node, TimeRule& out) {
  const std::string name = "record.time.format";
  static const std::vector<std::pair<std::string, TimeFormat>> kFormats = {{"rfc3339", TimeFormat::rfc3339},
                                                                           {"unix", TimeFormat::unix_seconds},
                                                                           {"unix_ms", TimeFormat::unix_ms},
                                                                           {"unix_us", TimeFormat::unix_us}};
  if (!is_text(node) || node.text.find('%') == std::string::npos) {
    if (is_text(node) &&
        std::none_of(kFormats.begin(), kFormats.end(), [&](const auto& f) { return f.first == node.text; })) {
      std::vector<std::string> words;
      for (const auto& format : kFormats) words.push_back(format.first);
      context.findings.add(node.place,
                           fmt::format("\"{}\" must be one of {} or a strptime format such as \"%Y-%m-%d %H:%M:%S\"; "
                                       "found {}{}",
                                       name, join(words), describe_found(node), did_you_mean(node.text, words)));
      return;
    }
    read_enum(context, node, name, kFormats, out.format);
    return;
  }
  if (const auto pattern = TimePattern::compile(node.text); !pattern) {
    context.findings.add(node.place, fmt::format("\"{}\": {}", name, pattern.error().context));
    return;
  }
  out.format = TimeFormat::strptime;
  out.strptime = node.text;
}

void read_time(Context& context, const Node& node, TimeRule& out) {
  if (node.kind != Node::Kind::map) {
    if (is_text(node) && node.text == "acceptance") return;
    context.findings.add(node.place,
                         fmt::format("\"record.time\" must be acceptance or a map such as {{field: ts, format: "
                                     "unix_ms}}, found {}",
                                     describe_found(node)));
    return;
  }
  MapReader map(context, node, "record.time");
  const Node* field = map.require("field", "FIELD");
  const Node* format = map.require("format", "rfc3339, unix, unix_ms, unix_us or a strptime format");
  const Node* zone = map.take("zone");
  map.finish();
  const bool has_field = field != nullptr && read_path(context, *field, map.path("field"), out.field, false);
  if (format != nullptr) read_time_format(context, *format, out);
  if (zone != nullptr && read_text(context, *zone, map.path("zone"), out.zone)) {
    if (!parse_zone_offset(out.zone)) {
      context.findings.add(zone->place,
                           fmt::format("\"record.time.zone\" must be UTC or a fixed offset such as +02:00, found "
                                       "\"{}\"",
                                       out.zone));
    } else if (out.format != TimeFormat::strptime && out.format != TimeFormat::acceptance) {
      context.findings.add(zone->place,
                           "\"record.time.zone\" has no meaning here: only a strptime format lacks a zone of its "
                           "own; leave it out");
    } else if (out.strptime.find("%z") != std::string::npos || out.strptime.find("%Z") != std::string::npos ||
               out.strptime.find("%s") != std::string::npos) {
      context.findings.add(zone->place,
                           "\"record.time.zone\" contradicts the format, which has a zone of its own (%z, %Z or "
                           "%s); keep one of them");
    }
  }
  if (!has_field) out.field = {};
}

void read_csv(Context& context, const Node& node, CsvRule& out) {
  MapReader map(context, node, "record.csv");
  if (const Node* lines = map.take("record_lines_max")) {
    read_integer(context, *lines, map.path("record_lines_max"), Range<std::uint32_t>{1, 10'000}, out.record_lines_max);
  }
  if (const Node* separator = map.take("separator")) {
    static const std::vector<std::pair<std::string, char>> kSeparators = {
        {",", ','}, {";", ';'}, {"\t", '\t'}, {"|", '|'}};
    const auto found = std::find_if(kSeparators.begin(), kSeparators.end(), [&](const auto& s) {
      return separator->kind == Node::Kind::scalar && s.first == separator->text;
    });
    if (found != kSeparators.end()) {
      out.separator = found->second;
    } else {
      context.findings.add(separator->place,
                           fmt::format("\"record.csv.separator\" must be one of \",\", \";\", \"|\", \"\\t\"; "
                                       "found {}",
                                       describe_found(*separator)));
    }
  }
  map.finish();
}

}  // namespace

void read_record(Context& context, const Node& node, RecordConfig& out) {
  MapReader map(context, node, "record");
  const Node* format = map.take("format");
  if (format != nullptr) {
    read_enum(context, *format, map.path("format"),
              std::vector<std::pair<std::string, RecordFormat>>{{"json", RecordFormat::json},
                                                                {"ndjson", RecordFormat::ndjson},
                                                                {"csv", RecordFormat::csv},
                                                                {"cloudevents", RecordFormat::cloudevents},
                                                                {"geojson", RecordFormat::geojson}},
              out.format);
  }
  if (const Node* id = map.take("id")) read_id(context, *id, out.id);
  if (const Node* time = map.take("time")) read_time(context, *time, out.time);
  if (const Node* type = map.take("type")) read_text(context, *type, map.path("type"), out.type);
  if (const Node* csv = map.take("csv")) {
    read_csv(context, *csv, out.csv);
    if (out.format != RecordFormat::csv && out.format != RecordFormat::any) {
      context.findings.add(csv->place, fmt::format("\"record.csv\" contradicts \"record.format: {}\"", format->text));
    }
  }
  map.finish();
}

}  // namespace weir::yaml

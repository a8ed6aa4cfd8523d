#include "runtime/engine/sink_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/letter_headers.h"
#include "runtime/engine/token_equals.h"
#include "runtime/event/document.h"

namespace weir {

namespace {

/// As Hive calls the folder of records that have no value.
constexpr std::string_view kNoValue = "__HIVE_DEFAULT_PARTITION__";
/// Of a value in a folder's name: names of files are at most 255 bytes on most systems, and the field's name stands before it.
constexpr std::size_t kFolderValueMax = 150;

/// A field as its JSON token; empty: it is not there.
std::string token_of(const FieldPath& path, const SinkRecord& record) {
  if (path.envelope()) {
    if (path.text == "@id") return to_json_string(record.id);
    if (path.text == "@time") return to_json_string(to_rfc3339(record.event_time));
    if (path.text == "@type") return to_json_string(record.type);
    if (path.text == "@source") return to_json_string(record.source);
    return std::to_string(record.partition.value);
  }
  const Value value = find_path(record.payload, path.parts);
  if (value.kind == ValueKind::missing) return {};
  if (value.kind == ValueKind::string) return fmt::format("\"{}\"", value.span());
  return std::string(value.span());
}

/// A token as plain text; nothing for null and what is not there.
std::optional<std::string> text_of_token(std::string_view token) {
  if (token.empty() || token == "null") return std::nullopt;
  if (token.front() != '"') return std::string(token);
  std::string text;
  // What is stored was checked when it was parsed.
  static_cast<void>(append_unescaped(text, token.substr(1, token.size() - 2)));
  return text;
}

void append_cell(std::string& to, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    to += text;
    return;
  }
  to += '"';
  for (const char c : text) {
    if (c == '"') to += '"';
    to += c;
  }
  to += '"';
}

/// What names of folders cannot have, or tools would misread, as %XX; anything else as it is.
void append_folder_text(std::string& to, std::string_view text) {
  const std::size_t start = to.size();
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte > 0x20 && byte != 0x7f && std::string_view("\"#%'*/:<=>?\\[]^{|}").find(c) == std::string_view::npos;
    if (plain && !(c == '.' && to.size() == start)) to += c;
    else to += fmt::format("%{:02X}", byte);
  }
  if (to.size() - start <= kFolderValueMax) return;
  // Two long values that begin alike stay apart.
  std::size_t keep = start + kFolderValueMax - 17;
  while (keep > start && (static_cast<unsigned char>(to[keep]) & 0xc0) == 0x80) --keep;
  if (const std::size_t percent = to.rfind('%', keep); percent != std::string::npos && percent >= start && percent + 3 > keep) keep = percent;
  to.resize(keep);
  to += fmt::format("~{:016x}", xxh3_64(text));
}

}  // namespace

SinkTextWriter::SinkTextWriter(const SinkConfig& sink, const PipelineConfig& pipeline, std::vector<std::string> columns)
    : sink_(&sink), pipeline_(pipeline.name), splits_(splits_events(pipeline)), columns_(text_of(sink).columns), learned_(std::move(columns)) {
  if (const auto* files = std::get_if<FilesSinkConfig>(&sink.body)) folders_ = files->partition_by;
  if (!columns_.empty()) learned_.clear();
  for (const std::string& column : learned_) columns_.push_back({{column}, column});
}

bool SinkTextWriter::wanted(const SinkRecord& record) const {
  return !sink_->when || token_equals(token_of(sink_->when->path, record), sink_->when->equals);
}

void SinkTextWriter::append(const SinkRecord& record, std::string& to) {
  const SinkText& text = text_of(*sink_);
  if (text.format == SinkFormat::csv) return append_csv(record, to);
  switch (text.envelope) {
    case SinkEnvelope::none:
      to += record.payload;
      return;
    case SinkEnvelope::cloudevents:
      return append_cloud_event(record, to);
    case SinkEnvelope::kafka_connect:
      return append_letter_message(to, *record.letter, HeaderStyle::kafka_connect, pipeline_);
    case SinkEnvelope::spring:
      return append_letter_message(to, *record.letter, HeaderStyle::spring, pipeline_);
  }
}

void SinkTextWriter::append_cloud_event(const SinkRecord& record, std::string& to) const {
  std::string id;
  append_id(record, id);
  to += R"({"specversion":"1.0","id":)";
  append_json_string(to, id);
  // Both must not be empty; an event without a source came through this pipeline, at least.
  to += R"(,"source":)";
  append_json_string(to, record.source.empty() ? std::string_view(pipeline_) : record.source);
  to += R"(,"type":)";
  append_json_string(to, record.type.empty() ? std::string_view("record") : record.type);
  to += R"(,"time":)";
  append_json_string(to, to_rfc3339(record.event_time));
  to += R"(,"datacontenttype":"application/json","data":)";
  to += record.payload;
  to += '}';
}

void SinkTextWriter::learn(std::string_view payload) {
  ParseProblem problem;
  std::string padded(payload);
  padded.append(kBlockPadding, '\0');
  if (!tree_.parse_trusted(std::string_view(padded).substr(0, payload.size()), problem)) return;
  for (std::uint32_t node = JsonTree::inside(0); node < tree_[0].next; node = tree_[node].next) learned_.push_back(tree_.key_text(node));
  for (const std::string& column : learned_) columns_.push_back({{column}, column});
  tree_.shrink();
}

void SinkTextWriter::append_csv(const SinkRecord& record, std::string& to) {
  if (columns_.empty()) learn(record.payload);
  const std::size_t start = to.size();
  bool first = true;
  for (const FieldPath& column : columns_) {
    if (!std::exchange(first, false)) to += ',';
    if (const auto text = text_of_token(token_of(column, record))) append_cell(to, *text);
  }
  // A line with nothing in it would be no record: quotes make it one.
  if (to.size() == start) to += "\"\"";
}

std::string SinkTextWriter::header() const {
  std::string out;
  if (text_of(*sink_).format != SinkFormat::csv) return out;
  for (const FieldPath& column : columns_) {
    if (!out.empty()) out += ',';
    append_cell(out, column.text);
  }
  return out;
}

void SinkTextWriter::append_folder(const SinkRecord& record, std::string& to) const {
  bool first = true;
  const std::string time = to_rfc3339(record.event_time);
  for (const SinkFolder& folder : folders_) {
    if (!std::exchange(first, false)) to += '/';
    switch (folder.kind) {
      case SinkFolder::Kind::date:
        to += "date=" + time.substr(0, 10);
        break;
      case SinkFolder::Kind::hour:
        to += "hour=" + time.substr(11, 2);
        break;
      case SinkFolder::Kind::field: {
        append_folder_text(to, folder.path.text);
        to += '=';
        const auto text = text_of_token(token_of(folder.path, record));
        if (text && !text->empty()) append_folder_text(to, *text);
        else to += kNoValue;
        break;
      }
    }
  }
}

void SinkTextWriter::append_id(const SinkRecord& record, std::string& to) const {
  if (record.letter != nullptr) {
    to += fmt::format("{}/{}/{}", record.partition.value, record.letter->offset.value, record.sequence.value);
    return;
  }
  to += record.id;
  if (splits_) to += fmt::format("#{}", record.index);
}

}  // namespace weir

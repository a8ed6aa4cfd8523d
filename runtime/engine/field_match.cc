#include "runtime/engine/field_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/event/csv_header.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/query_json.h"
#include "runtime/event/event_id.h"
#include "runtime/event/json_locate.h"

namespace weir {

namespace {

constexpr std::array<std::string_view, 5> kEnvelope{"@id", "@time", "@type", "@source", "@partition"};

}  // namespace

Result<FieldCondition> field_condition(std::string_view name, std::string_view value) {
  if (std::find(kEnvelope.begin(), kEnvelope.end(), name) != kEnvelope.end())
    return fail(Errc::invalid_argument,
                "{} is of the envelope, not a field of the original record; an event is named by its ID, or by a field "
                "such as Country={}",
                name, value);
  return FieldCondition{std::string(name), split_path(name), std::string(value)};
}

Result<FieldCondition> parse_field_condition(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return fail(Errc::invalid_argument,
                "'{}': write NAME=VALUE, a column of CSV or a dotted path of JSON, such as Country=France or "
                "properties.mag=4.5",
                text);
  return field_condition(text.substr(0, equals), text.substr(equals + 1));
}

FieldMatch::FieldMatch(std::vector<FieldCondition> conditions, char separator)
    : conditions_(std::move(conditions)), separator_(separator) {
  for (const FieldCondition& condition : conditions_) {
    auto& below = in_data_.emplace_back(condition.path);
    below.insert(below.begin(), "data");
  }
  columns_.resize(conditions_.size());
}

void FieldMatch::know_header(std::string_view header) {
  if (header_ == header) return;
  header_ = header;
  const auto names = parse_csv_header(header, separator_);
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    columns_[i].reset();
    const std::vector<std::string>& path = conditions_[i].path;
    if (!names || path.size() != 1) continue;
    const auto found = std::find(names->begin(), names->end(), path.front());
    if (found != names->end()) columns_[i] = static_cast<std::uint32_t>(found - names->begin());
  }
}

FieldMatch::Found FieldMatch::in_csv(std::size_t index, std::string_view frame) {
  if (!columns_[index]) return {};
  const auto text = locate_csv(frame, *columns_[index], separator_, buffer_);
  return {text.has_value(), text == conditions_[index].value};
}

FieldMatch::Found FieldMatch::in_json(std::size_t index, std::string_view frame, bool cloud_event) {
  auto piece = locate_json(frame, conditions_[index].path);
  if (!piece && cloud_event) piece = locate_json(frame, in_data_[index]);
  if (!piece) return {};
  const std::string& value = conditions_[index].value;
  switch (piece->kind) {
    case JsonKind::null:
      return {true, value == "null"};
    case JsonKind::boolean:
      return {true, piece->text == value};
    case JsonKind::number:
      return {true, token_means(piece->text, value)};
    case JsonKind::string:
      if (!piece->escapes) return {true, piece->text == value};
      buffer_.clear();
      return {true, append_unescaped(buffer_, piece->text) && buffer_ == value};
    case JsonKind::object:
    case JsonKind::array:
      return {true, false};
  }
  return {};
}

FieldMatch::Answer FieldMatch::look(const IngestHeader& header, std::string_view frame) {
  const bool csv = header.format == FrameFormat::csv;
  if (csv) know_header(header.csv_header);
  Answer answer{true, true};
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    const Found found = csv ? in_csv(i, frame) : in_json(i, frame, header.format == FrameFormat::cloudevents);
    answer.has_fields = answer.has_fields && found.there;
    answer.matches = answer.matches && found.there && found.equal;
  }
  return answer;
}

}  // namespace weir

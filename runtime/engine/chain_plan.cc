#include "runtime/engine/chain_plan.h"

#include <fmt/format.h>

#include <array>

#include "runtime/base/time_text.h"
#include "runtime/event/json_locate.h"

namespace weir {

Result<std::unique_ptr<const ChainPlan>> ChainPlan::compile(const PipelineConfig& config,
                                                            std::span<const FieldPath> view_paths,
                                                            const StageFactory& factory, const ReadFile& read) {
  auto plan = std::unique_ptr<ChainPlan>(new ChainPlan);
  ReferenceTables tables(read);
  StageContext context{plan->fields_, tables, read};
  plan->type_.emplace(config.record.type);
  plan->csv_separator_ = config.record.csv.separator;
  plan->event_bytes_max_ = config.limits.event_bytes_max;
  WEIR_TRY(plan->compile_time(config.record.time));
  std::optional<Error> refused;  // of all stages: whoever mends a file wants to know everything at once
  for (const StageConfig& stage : config.stages) {
    auto compiled = factory(stage, context);
    if (compiled) {
      plan->stages_.push_back(std::move(*compiled));
    } else if (!refused) {
      refused = std::move(compiled.error());
    } else {
      refused->context += "\n" + compiled.error().context;
    }
  }
  if (refused) return fail(std::move(*refused));
  if (const IdRule& id = config.record.id; !id.digest && id.fields.size() == 1 && !id.fields[0].envelope())
    plan->id_note_ = plan->fields_.field(plan->fields_.note(id.fields[0].parts)).note;
  for (const FieldPath& path : view_paths) {
    const Slot slot = plan->fields_.note(path.parts);
    plan->view_notes_.push_back(plan->fields_.field(slot).note);
  }
  return std::unique_ptr<const ChainPlan>(std::move(plan));
}

Result<void> ChainPlan::compile_time(const TimeRule& rule) {
  timed_ = rule.format != TimeFormat::acceptance;
  if (!timed_) return {};
  WEIR_ASSIGN(time_field_, FieldRef::compile(rule.field, fields_));
  time_path_ = rule.field.parts;
  auto reader = TimeReader::compile(rule.format, rule.strptime, rule.zone);
  if (!reader) return fail(reader.error().code, "record.time: {}", reader.error().context);
  time_reader_ = std::move(*reader);
  return {};
}

bool ChainPlan::refused_frame(ChainBatch& batch, ChainEvent& event) const {
  const RawEvent raw = batch.raw(event);
  if ((raw.flags & (frame_flag::oversize | frame_flag::cut | frame_flag::bad_frame)) == 0) return false;
  if ((raw.flags & (frame_flag::oversize | frame_flag::cut)) != 0) {
    std::string what = fmt::format("longer than limits.event_bytes_max, {} bytes", event_bytes_max_);
    if (!raw.note.empty()) what += fmt::format(": {}", raw.note);
    batch.reject(event, "parse", "too_large", what);
    return true;
  }
  batch.reject(event, "parse", "malformed", raw.note.empty() ? std::string_view("no whole frame") : raw.note);
  return true;
}

void ChainPlan::read(ChainBatch& batch, DocumentParser& parser) const {
  batch.set_type(type_->view());
  parser.between_batches();
  const IngestHeader& header = batch.input().header();
  for (ChainEvent& event : batch.events()) {
    if (event.verdict != Verdict::pass) continue;
    const FrameEntry& entry = batch.input().entry(event.index);
    if (entry.flags != 0 && refused_frame(batch, event)) [[unlikely]]
      continue;
    const std::string_view frame{batch.input().area() + entry.raw_offset, entry.raw_length};
    ParseProblem problem;
    bool good = false;
    switch (header.format) {
      case FrameFormat::json:
        good = parser.parse_json(frame, batch.arena(), event.document, problem);
        break;
      case FrameFormat::csv:
        good = parser.parse_csv(frame, header.csv_header, batch.arena(), event.document, problem);
        break;
      case FrameFormat::cloudevents: {
        auto* envelope = batch.arena().take_array<CloudEvent>(1);
        good = parser.parse_cloud_event(frame, batch.arena(), *envelope, event.document, problem);
        if (good) event.envelope = envelope;
        break;
      }
    }
    if (!good) [[unlikely]] {
      reject_frame(batch, event, problem);
    } else if (event.envelope != nullptr) {
      read_cloud_time(batch, event);
    } else if (timed_) {
      read_time(batch, event);
    }
  }
}

void ChainPlan::reject_frame(ChainBatch& batch, ChainEvent& event, const ParseProblem& problem) const {
  switch (problem.kind) {
    case ParseProblem::Kind::encoding:
      return batch.reject(event, "parse", "encoding", problem.what);
    case ParseProblem::Kind::attribute_missing:
      return batch.reject(event, "parse", "field_missing", problem.what);
    case ParseProblem::Kind::attribute_type:
      return batch.reject(event, "parse", "field_type", problem.what);
    case ParseProblem::Kind::attribute_range:
      return batch.reject(event, "parse", "field_range", problem.what);
    case ParseProblem::Kind::malformed:
      break;
  }
  if (problem.fields_expected != 0) {
    return batch.reject(event, "parse", "malformed",
                        fmt::format("{} fields, the header has {}", problem.fields, problem.fields_expected));
  }
  batch.reject(event, "parse", "malformed", fmt::format("at byte {}: {}", problem.at, problem.what));
}

void ChainPlan::read_time(ChainBatch& batch, ChainEvent& event) const {
  take_time(batch, event, time_field_.read(event, batch));
}

void ChainPlan::read_cloud_time(ChainBatch& batch, ChainEvent& event) const {
  if (!timed_) {
    const std::string_view text = event.envelope->time;
    if (text.empty()) return;  // the specification leaves it out where it is not known: the acceptance time stands in
    if (const auto time = parse_rfc3339(text)) {
      event.event_time = *time;
      return;
    }
    return batch.reject(
        event, "parse", "time",
        fmt::format("time: {} is no time of the years 1900 to 2200 as RFC 3339", shown(make_text(text))));
  }
  // As with ids: of the envelope, else of the data.
  if (const auto piece = locate_json(batch.raw(event).raw, time_path_)) {
    ValueKind kind = ValueKind::object;  // or an array: no time either way
    if (piece->kind == JsonKind::null) kind = ValueKind::null;
    if (piece->kind == JsonKind::boolean) kind = ValueKind::boolean;
    if (piece->kind == JsonKind::number) kind = ValueKind::number;
    if (piece->kind == JsonKind::string) kind = ValueKind::string;
    const std::uint8_t flags = piece->escapes ? value_flag::escapes : std::uint8_t{0};
    return take_time(batch, event, make_value(kind, piece->text, flags));
  }
  read_time(batch, event);
}

void ChainPlan::take_time(ChainBatch& batch, ChainEvent& event, const Value& value) const {
  if (const auto time = time_reader_.read(value, batch.arena())) [[likely]] {
    event.event_time = *time;
    return;
  }
  if (value.absent()) {
    batch.reject(event, "parse", "time", fmt::format("{}: {}", time_field_.text(), to_string(value.kind)));
  } else {
    batch.reject(event, "parse", "time",
                 fmt::format("{}: {} is no time of the years 1900 to 2200 as {}", time_field_.text(), shown(value),
                             time_reader_.wanted()));
  }
}

bool ChainPlan::encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out,
                       TokenTable* places) const {
  const std::uint16_t attributes = out.attributes(batch.type(parts.front()), batch.source(parts.front()));
  constexpr std::size_t kFewPaths = 64;
  std::array<TokenPlace, kFewPaths> few;  // the encoder sets what it uses
  std::vector<TokenPlace> more;
  TokenPlace* found = nullptr;
  if ((places != nullptr && places->columns() != 0) || id_note_ != kNoSlot) {
    if (fields_.noted().size() > kFewPaths) more.resize(fields_.noted().size());
    found = more.empty() ? few.data() : more.data();
  }
  std::size_t records = 0;
  std::size_t written = 0;
  for (const ChainEvent& part : parts) {
    if (part.verdict != Verdict::pass) continue;
    ByteArena& payload = out.begin_record();
    const std::size_t start = payload.size();
    encode_document(part.document, fields_, payload, found);
    written += payload.size() - start;
    if (written > event_bytes_max_) {
      if (places != nullptr) places->remove_rows(records);
      return false;
    }
    out.end_record(part.event_time, attributes);
    // A string's token is the text between quotes.
    if (id_note_ != kNoSlot && found[id_note_].length > 2)
      out.id_may_stand_at(found[id_note_].offset + 1, found[id_note_].length - 2);
    ++records;
    if (places == nullptr) continue;
    const std::span<TokenTable::Place> row = places->add_row();
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = {found[view_notes_[i]].offset, found[view_notes_[i]].length};
  }
  return true;
}

}  // namespace weir

#include "cluster/node/tried_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "cluster/node/lookup_answers.h"
#include "cluster/node/pipeline_test.h"
#include "runtime/base/time_text.h"
#include "runtime/event/ingest_batch.h"

namespace weir {

namespace {

/// One framed event with what its batch says of it.
struct Framed {
  IngestBatch batch;
  std::uint32_t index = 0;
  PartitionId partition;
  [[nodiscard]] RawEvent event() const { return batch.event(index); }
};

Result<std::vector<Framed>> events_of(const std::vector<DoorGroup>& groups, std::size_t wanted) {
  std::vector<Framed> events;
  for (const DoorGroup& group : groups) {
    for (const PartitionBatch& part : group.group.batches) {
      WEIR_ASSIGN(const IngestBatch batch, IngestBatch::decode(part.bytes));
      for (std::uint32_t i = 0; i < batch.count(); ++i) events.push_back({batch, i, part.partition});
    }
  }
  if (wanted == 0 && events.size() > kTriedEventsMax)
    return fail(Errc::limit_reached,
                "{} events are too many to look at one by one, at most {} are; use `weir run` for more", events.size(),
                kTriedEventsMax);
  std::stable_sort(events.begin(), events.end(),
                   [](const Framed& a, const Framed& b) { return a.event().line < b.event().line; });
  if (wanted != 0 && events.size() > wanted)
    events.erase(events.begin() + static_cast<std::ptrdiff_t>(wanted), events.end());
  return events;
}

/// The event alone in an append of its own.
DoorGroup alone(const Framed& framed) {
  const RawEvent event = framed.event();
  IngestBatchBuilder builder(1);
  builder.add({event.raw, event.id, event.flags, event.note, event.line});
  DoorGroup group;
  group.group.batches.push_back({framed.partition, 1, builder.finish(framed.batch.header())});
  group.events = 1;
  return group;
}

std::string format_name(FrameFormat format) {
  switch (format) {
    case FrameFormat::json:
      return "json";
    case FrameFormat::csv:
      return "csv";
    case FrameFormat::cloudevents:
      return "cloudevents";
  }
  return "";
}

std::string id_source(const PipelineConfig& pipeline, const RawEvent& event, FrameFormat format) {
  std::string fields;
  for (const FieldPath& path : pipeline.record.id.fields) fields += (fields.empty() ? "" : ", ") + path.text;
  if ((event.flags & frame_flag::id_missing) != 0)
    return fmt::format("digest of the bytes, because no id was found{}", fields.empty() ? "" : " in " + fields);
  if ((event.flags & frame_flag::id_digest) != 0) return "digest of the bytes";
  if (pipeline.record.id.fields.empty() && format == FrameFormat::cloudevents) return "the envelope's id";
  return (pipeline.record.id.fields.size() > 1 ? "fields " : "field ") + fields;
}

void compare_maps(const std::string& prefix, const TestValue& before, const TestValue& after,
                  std::vector<FieldChange>& to) {
  const auto text = [](const TestValue* value) {
    std::string out;
    if (value != nullptr) append_json(out, *value);
    return out;
  };
  const auto name_of = [&prefix](const std::string& field) { return prefix.empty() ? field : prefix + "." + field; };
  for (const auto& [field, value] : before.fields) {
    const TestValue* now = after.find(field);
    if (now != nullptr && value.kind == TestValue::Kind::map && now->kind == TestValue::Kind::map) {
      compare_maps(name_of(field), value, *now, to);
    } else if (text(&value) != text(now)) {
      to.push_back({name_of(field), text(&value), text(now)});
    }
  }
  for (const auto& [field, value] : after.fields) {
    if (before.find(field) == nullptr) to.push_back({name_of(field), "", text(&value)});
  }
}

/// What the step changed in one of the records it left. A part of a split is compared with what it was made of: where
/// several were there before, the one it is most like.
std::vector<FieldChange> changes_of(const SeenStep& seen, std::size_t after) {
  const auto record = parse_test_value(seen.after[after].record);
  std::optional<std::vector<FieldChange>> fewest;
  for (std::size_t i = 0; i < seen.before.size(); ++i) {
    const bool may_be_from = seen.before.size() != seen.after.size() || i == after;
    if (!may_be_from || seen.before[i].verdict != Verdict::pass) continue;
    const auto before = parse_test_value(seen.before[i].record);
    if (!before || !record) continue;
    auto changes = changes_between(*before, *record);
    if (!fewest || changes.size() < fewest->size()) fewest = std::move(changes);
  }
  return std::move(fewest).value_or(std::vector<FieldChange>{});
}

void fill_step(const SeenStep& seen, TriedStep& step) {
  step.reached = std::any_of(seen.before.begin(), seen.before.end(),
                             [](const SeenEvent& event) { return event.verdict == Verdict::pass; });
  step.parts.clear();
  if (!step.reached) return;
  step.skipped =
      std::none_of(seen.before.begin(), seen.before.end(), [](const SeenEvent& event) { return event.applies; });
  for (std::size_t i = 0; i < seen.after.size(); ++i) {
    const SeenEvent& after = seen.after[i];
    TriedPart part;
    part.verdict = after.verdict;
    part.record = after.record;
    if (seen.step != 0 && after.verdict == Verdict::pass) part.changes = changes_of(seen, i);
    step.parts.push_back(std::move(part));
  }
}

Result<void> fill_answers(const CompiledPipeline& pipeline, const MemoryAnswers& answers, TriedEvent& to) {
  to.outcome = answers.ledger.served != 0          ? "served"
               : answers.ledger.dead_lettered != 0 ? "dead_lettered"
               : answers.ledger.filtered != 0      ? "filtered"
                                                   : "expired";
  for (const CuratedRecord& record : answers.records) to.records.push_back(record.payload);
  WEIR_ASSIGN(const auto letters, letter_rows(answers));
  for (const TestValue& letter : letters) {
    to.stage = letter.find("stage")->text;
    to.reason = letter.find("reason")->text;
    for (const TestValue& detail : letter.find("details")->items) to.details.push_back(detail.text);
  }
  for (const View& view : pipeline.views().views()) {
    WEIR_ASSIGN(const auto rows, view_rows(answers, pipeline.views(), view.config.name));
    if (rows.empty()) continue;
    auto& [name, texts] = to.views.emplace_back();
    name = view.config.name;
    for (const TestValue& row : rows) append_json(texts.emplace_back(), row);
  }
  return {};
}

Result<TriedEvent> try_one(const CompiledPipeline& pipeline, const Framed& framed) {
  const PipelineConfig& config = pipeline.config();
  const RawEvent event = framed.event();
  TriedEvent tried;
  tried.line = event.line;
  tried.format = format_name(framed.batch.header().format);
  tried.raw = event.raw;
  tried.id = event.id;
  tried.id_from = id_source(config, event, framed.batch.header().format);
  tried.partition = framed.partition.value;
  tried.steps.push_back({"parse", "parse", false, false, {}});
  for (const StageConfig& stage : config.stages) tried.steps.push_back({stage.name, stage.kind, false, false, {}});
  const StepObserver observer = [&](const SeenStep& seen) {
    fill_step(seen, tried.steps[seen.step]);
    if (!seen.after.empty() && seen.after.front().verdict == Verdict::pass)
      tried.time = to_rfc3339(seen.after.front().event_time);
  };
  WEIR_ASSIGN(LookupAnswers nobody, LookupAnswers::make(config, {}));
  MemoryMachine machine(pipeline, [&nobody](const HttpFetchRequest& request) { return nobody.answer(request); });
  std::vector<DoorGroup> groups;
  groups.push_back(alone(framed));
  WEIR_TRY(machine.run(std::move(groups), framed.batch.header().accepted_at, watch_steps(pipeline, observer)));
  WEIR_ASSIGN(const MemoryAnswers answers, machine.answers());
  WEIR_TRY(fill_answers(pipeline, answers, tried));
  tried.unanswered = nobody.unanswered();
  return tried;
}

}  // namespace

std::vector<FieldChange> changes_between(const TestValue& before, const TestValue& after) {
  std::vector<FieldChange> changes;
  compare_maps("", before, after, changes);
  return changes;
}

Result<std::vector<TriedEvent>> try_events(const CompiledPipeline& pipeline, const std::vector<DoorGroup>& groups,
                                           std::size_t wanted) {
  WEIR_ASSIGN(const auto framed, events_of(groups, wanted));
  std::vector<TriedEvent> events;
  std::map<std::string, std::size_t> first;  // by id
  for (const Framed& one : framed) {
    WEIR_ASSIGN(TriedEvent tried, try_one(pipeline, one));
    const auto [known, fresh] = first.emplace(tried.id, events.size());
    if (!fresh) {
      tried.same_id = events[known->second].line;
      tried.same_bytes = events[known->second].raw == tried.raw;
    }
    events.push_back(std::move(tried));
  }
  return events;
}

}  // namespace weir

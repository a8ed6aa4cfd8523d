#include "cluster/cli/try_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/cli/json_writer.h"
#include "runtime/base/json_text.h"
#include "runtime/base/text_width.h"

namespace weir::cli {

namespace {

constexpr const char* kGreen = "32";
constexpr const char* kRed = "31";
constexpr const char* kYellow = "33";
/// Characters of a value that a stage took away: a reminder, it stands whole in the record before. Arbitrary.
constexpr std::size_t kGoneWidth = 60;

/// Puts lines together, each cut to the width before it is coloured.
class Lines {
 public:
  Lines(bool colours, std::size_t width) : colours_(colours), width_(width) {}
  void add(std::string line, const char* colour = nullptr) {
    cut_to_width(line, width_);
    text_ += colours_ && colour != nullptr ? fmt::format("\033[{}m{}\033[0m\n", colour, line) : line + "\n";
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  bool colours_;
  std::size_t width_;
  std::string text_;
};

void add_change(Lines& lines, std::size_t pad, const FieldChange& change) {
  if (change.before.empty()) return lines.add(fmt::format("    + {:<{}}  {}", change.field, pad, change.after), kGreen);
  if (change.after.empty()) {
    std::string gone = change.before;
    cut_to_width(gone, kGoneWidth);
    return lines.add(fmt::format("    - {:<{}}  {}", change.field, pad, gone), kRed);
  }
  lines.add(fmt::format("    ~ {:<{}}  {} -> {}", change.field, pad, change.before, change.after), kYellow);
}

void add_part(Lines& lines, const TriedStep& step, const TriedPart& part) {
  if (step.kind == "parse") return lines.add("    " + part.record);
  std::size_t pad = 0;
  for (const FieldChange& change : part.changes) pad = std::max(pad, count_code_points(change.field));
  for (const FieldChange& change : part.changes) add_change(lines, pad, change);
}

const char* verdict_of(const TriedStep& step) {
  if (step.skipped) return "skipped: its when does not hold";
  const auto has = [&](Verdict verdict) {
    return std::any_of(step.parts.begin(), step.parts.end(),
                       [&](const TriedPart& part) { return part.verdict == verdict; });
  };
  if (has(Verdict::reject)) return "reject";
  if (has(Verdict::retry)) return "retry";
  if (has(Verdict::pass)) return "pass";
  return "filter";
}

void add_step(Lines& lines, const TriedEvent& event, const TriedStep& step, std::size_t pad) {
  if (!step.reached) return;
  const std::string_view verdict = verdict_of(step);
  std::string title = fmt::format("  {:<{}}  {}", step.name, pad, verdict);
  if (step.kind != step.name) title += fmt::format("  ({})", step.kind);
  if (verdict == "reject") title += "  " + event.reason;
  if (step.parts.size() > 1) title += fmt::format("  {} parts", step.parts.size());
  lines.add(title, verdict == "reject" ? kRed : nullptr);
  if (verdict == "reject") {
    for (const std::string& detail : event.details) lines.add("    " + detail, kRed);
    return;
  }
  if (step.skipped) return;
  for (std::size_t i = 0; i < step.parts.size(); ++i) {
    if (step.parts.size() > 1)
      lines.add(fmt::format("   part {}{}", i, step.parts[i].verdict == Verdict::filter ? ": filtered" : ""));
    add_part(lines, step, step.parts[i]);
  }
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::filter:
      return "filter";
    case Verdict::reject:
      return "reject";
    case Verdict::retry:
      return "retry";
  }
  return "";
}

void add_step(JsonWriter& json, const TriedStep& step) {
  json.open('{').key("stage").string(step.name).key("kind").string(step.kind).key("reached").boolean(step.reached);
  if (step.reached) {
    json.key("skipped").boolean(step.skipped).key("parts").open('[');
    for (const TriedPart& part : step.parts) {
      json.open('{').key("verdict").string(verdict_name(part.verdict));
      if (part.verdict == Verdict::pass) {
        json.key("record").raw(part.record).key("changes").open('[');
        for (const FieldChange& change : part.changes) {
          json.open('{').key("field").string(change.field);
          json.key("before").raw(change.before).key("after").raw(change.after).close('}');
        }
        json.close(']');
      }
      json.close('}');
    }
    json.close(']');
  }
  json.close('}');
}

void add_event(JsonWriter& json, const TriedEvent& event) {
  json.open('{').key("line").number(event.line).key("format").string(event.format).key("id").string(event.id);
  json.key("id_from").string(event.id_from).key("partition").number(event.partition).key("time");
  if (event.time.empty()) {
    json.raw("null");
  } else {
    json.string(event.time);
  }
  if (event.same_id != 0) json.key("same_id_as_line").number(event.same_id);
  json.key("outcome").string(event.outcome);
  if (!event.reason.empty()) {
    json.key("stage").string(event.stage).key("reason").string(event.reason).key("details").open('[');
    for (const std::string& detail : event.details) json.string(detail);
    json.close(']');
  }
  if (!event.unanswered.empty()) {
    json.key("unanswered").open('[');
    for (const std::string& address : event.unanswered) json.string(address);
    json.close(']');
  }
  json.key("steps").open('[');
  for (const TriedStep& step : event.steps) add_step(json, step);
  json.close(']').key("records").open('[');
  for (const std::string& record : event.records) json.raw(record);
  json.close(']').key("views").open('{');
  for (const auto& [name, rows] : event.views) {
    json.key(name).open('[');
    for (const std::string& row : rows) json.raw(row);
    json.close(']');
  }
  json.close('}').close('}');
}

}  // namespace

std::string tried_text(const TriedEvent& event, std::string_view counted_by, std::uint32_t partitions, bool colours,
                       std::size_t width) {
  Lines lines(colours, width);
  lines.add(fmt::format("{} {}: {}, {} bytes", counted_by, event.line, event.format, event.raw.size()));
  lines.add(fmt::format("  id {} ({})", event.id, event.id_from));
  if (event.same_id != 0) {
    lines.add(fmt::format("  the id of {} {}, {}", counted_by, event.same_id,
                          event.same_bytes ? "with the same bytes: behind it this is a duplicate"
                                           : "with other bytes: behind it this is a conflict"),
              kYellow);
  }
  lines.add(fmt::format("  partition {} of {}{}", event.partition, partitions,
                        event.time.empty() ? "" : ", event time " + event.time));
  std::size_t pad = 0;
  for (const TriedStep& step : event.steps) pad = std::max(pad, step.name.size());
  for (const TriedStep& step : event.steps) add_step(lines, event, step, pad);
  for (const std::string& address : event.unanswered)
    lines.add(fmt::format("  asked for {}: servers are not asked here, it was answered 404", address), kYellow);
  if (event.outcome == "dead_lettered") {
    lines.add(fmt::format("  dead letter: stage {}, reason {}", event.stage, event.reason), kRed);
    return lines.take();
  }
  lines.add(event.outcome == "served"
                ? fmt::format("  served: {} record{}", event.records.size(), event.records.size() == 1 ? "" : "s")
                : "  " + event.outcome,
            kGreen);
  for (const std::string& record : event.records) lines.add("    " + record);
  for (const auto& [name, rows] : event.views) {
    lines.add(fmt::format("  view {}", name));
    for (const std::string& row : rows) lines.add("    " + row);
  }
  return lines.take();
}

std::string tried_json(const std::vector<TriedEvent>& events) {
  JsonWriter json;
  json.open('{').key("events").open('[');
  for (const TriedEvent& event : events) add_event(json, event);
  return json.close(']').close('}').take();
}

}  // namespace weir::cli

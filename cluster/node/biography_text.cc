// The life of an event as JSON, for programs, and as text, for people.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "cluster/node/biography.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"

namespace weir {

namespace {

using nlohmann::ordered_json;

/// When each commit that had to do with an attempt was, and what was before it: for the time between.
class Steps {
 public:
  explicit Steps(const Attempt& attempt) : accepted_at_(attempt.accepted_at) {
    if (attempt.sequence.value != 0) at_[attempt.sequence] = attempt.decided_at;
    for (const Parked& parked : attempt.parked) at_[parked.sequence] = parked.at;
    for (const HandChange& change : attempt.changes) {
      at_[change.sequence] = change.at;
      if (change.was) at_[change.was->sequence] = change.was->at;
    }
  }
  /// Microseconds since the step before it, and never less than 0: the clocks of doors and owners are their own.
  [[nodiscard]] std::int64_t took(CommitSequence sequence) const {
    const auto step = at_.find(sequence);
    if (step == at_.end()) return 0;
    const std::int64_t before = step == at_.begin() ? accepted_at_ : std::prev(step)->second;
    return std::max<std::int64_t>(0, step->second - before);
  }

 private:
  std::int64_t accepted_at_;
  std::map<CommitSequence, std::int64_t> at_;
};

double milliseconds(std::int64_t micros) { return static_cast<double>(micros) / 1000.0; }

/// Three digits that a person can take in.
std::string took_text(std::int64_t micros) {
  const double seconds = static_cast<double>(micros) / 1e6;
  if (micros < 1'000) return fmt::format("{} us", micros);
  if (micros < 1'000'000) return fmt::format("{:.3g} ms", milliseconds(micros));
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 7'200) return fmt::format("{:.3g} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{:.3g} h", seconds / 3'600);
  return fmt::format("{:.0f} days", seconds / 86'400);
}

ordered_json details_json(const std::string& details) { return ordered_json::parse(details, nullptr, false); }

void add_reason(ordered_json& one, const std::string& stage, const std::string& reason, const std::string& details) {
  one["stage"] = stage;
  one["reason"] = reason;
  if (!details.empty()) one["details"] = details_json(details);
}

ordered_json parked_json(const Parked& parked, const Steps& steps) {
  ordered_json one;
  one["at"] = to_rfc3339(parked.at);
  one["after_ms"] = milliseconds(steps.took(parked.sequence));
  one["commit"] = parked.sequence.value;
  if (parked.attempts != 0 || parked.held) one["attempts"] = parked.attempts;
  if (parked.held) {
    one["held"] = true;
    return one;
  }
  add_reason(one, parked.stage, parked.reason, parked.details);
  if (parked.due_at != 0) one["due_at"] = to_rfc3339(parked.due_at);
  return one;
}

ordered_json change_json(const HandChange& change, const Steps& steps) {
  ordered_json one;
  one["at"] = to_rfc3339(change.at);
  one["after_ms"] = milliseconds(steps.took(change.sequence));
  one["commit"] = change.sequence.value;
  one["change"] = change.change;
  one["who"] = change.who;
  one["role"] = change.role;
  one["why"] = change.why;
  if (!change.was) return one;
  ordered_json was;
  was["decided_at"] = to_rfc3339(change.was->at);
  was["after_ms"] = milliseconds(steps.took(change.was->sequence));
  was["commit"] = change.was->sequence.value;
  was["rules"] = change.was->rules;
  add_reason(was, change.was->stage, change.was->reason, change.was->details);
  if (change.was->tries > 1) was["attempts"] = change.was->tries;
  one["was"] = std::move(was);
  return one;
}

std::string dump(const ordered_json& json) { return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

std::string attempt_json(const Attempt& attempt) {
  const Steps steps(attempt);
  ordered_json one;
  one["offset"] = attempt.offset.value;
  one["door"] = attempt.door;
  if (attempt.line != 0) one["line"] = attempt.line;
  one["accepted_at"] = to_rfc3339(attempt.accepted_at);
  one["outcome"] = attempt.outcome;
  if (attempt.sequence.value != 0) {
    one["decided_at"] = to_rfc3339(attempt.decided_at);
    one["after_ms"] = milliseconds(steps.took(attempt.sequence));
    one["commit"] = attempt.sequence.value;
    if (attempt.epoch.value != 0) one["epoch"] = attempt.epoch.value;
    if (!attempt.node.empty()) one["owner"] = {{"node", attempt.node}, {"incarnation", attempt.incarnation}};
    if (!attempt.code.empty()) one["code"] = attempt.code;
    one["rules"] = attempt.rules;
  }
  if (!attempt.reason.empty()) add_reason(one, attempt.stage, attempt.reason, attempt.details);
  if (attempt.tries > 1) one["attempts"] = attempt.tries;
  if (attempt.supersedes) one["supersedes"] = true;
  if (attempt.records_count != 0) {
    ordered_json output{{"commit", attempt.sequence.value}};
    if (attempt.first_record) output["record"] = *attempt.first_record;
    output["records"] = attempt.records_count;
    one["output"] = std::move(output);
  }
  if (attempt.summary) one["summary"] = true;
  for (const Parked& parked : attempt.parked) one["parked"].push_back(parked_json(parked, steps));
  for (const HandChange& change : attempt.changes) one["changes"].push_back(change_json(change, steps));
  std::string text = dump(one);
  if (!attempt.records.empty()) {
    // As they stand in the log: read and written again, 15.30 would be 15.3.
    text.pop_back();
    text += fmt::format(R"(,"records":[{}]}})", fmt::join(attempt.records, ","));
  }
  return text;
}

std::string reason_text(const std::string& stage, const std::string& reason, const std::string& details) {
  return fmt::format("  stage {}, reason {}{}\n", stage, reason, details.empty() ? "" : ": " + details);
}

/// On one line, whatever somebody typed.
std::string on_a_line(const std::string& text) {
  const std::string quoted = to_json_string(text);
  return quoted.substr(1, quoted.size() - 2);
}

/// "2024-01-01T00:00:05Z  served in commit 5 after 12 ms".
std::string step_line(std::int64_t at, std::string_view done, CommitSequence sequence, const Steps& steps) {
  return fmt::format("{}  {} in commit {} after {}", to_rfc3339(at), done, sequence.value, took_text(steps.took(sequence)));
}

std::string change_text(const HandChange& change, const Steps& steps) {
  const bool by_hand = change.change != "expire";
  const std::string done = change.change == "redrive" ? "redriven"
                           : change.change == "edit"  ? "edited"
                           : change.change == "drop"  ? "dropped"
                           : by_hand                  ? change.change
                                                      : "expired";
  std::string line = step_line(change.at, done, change.sequence, steps);
  if (!change.who.empty()) line += " by " + change.who;
  if (!change.why.empty()) line += ": " + on_a_line(change.why);
  return line + "\n";
}

std::string parked_text(const Parked& parked, const Steps& steps) {
  if (parked.held) return step_line(parked.at, "held", parked.sequence, steps) + ": an earlier event of its id or ordering key is parked\n";
  std::string line = step_line(parked.at, "parked", parked.sequence, steps);
  if (parked.attempts != 0) line += fmt::format(", {} attempt{} so far, due {}", parked.attempts, parked.attempts == 1 ? "" : "s", to_rfc3339(parked.due_at));
  return line + "\n" + reason_text(parked.stage, parked.reason, parked.details);
}

std::string decision_text(const Attempt& attempt, const Steps& steps) {
  std::string text = step_line(attempt.decided_at, attempt.outcome, attempt.sequence, steps);
  if (attempt.supersedes) text += ", an earlier dead letter is superseded";
  if (!attempt.node.empty()) text += fmt::format(", by {}", attempt.node);
  if (attempt.epoch.value != 0) text += fmt::format(", epoch {}", attempt.epoch.value);
  text += fmt::format(", rules {}", attempt.rules.substr(0, 8));
  if (!attempt.code.empty()) text += fmt::format(", weir {}", attempt.code);
  text += "\n";
  if (!attempt.reason.empty()) text += reason_text(attempt.stage, attempt.reason, attempt.details);
  if (attempt.records_count > attempt.records.size()) text += fmt::format("  {} record{}, which the log no longer holds\n", attempt.records_count, attempt.records_count == 1 ? "" : "s");
  for (const std::string& record : attempt.records) text += "  record " + record + "\n";
  return text;
}

/// Everything that was done with it, by commit.
std::string steps_text(const Attempt& attempt) {
  const Steps steps(attempt);
  std::map<CommitSequence, std::string> lines;
  for (const Parked& parked : attempt.parked) lines[parked.sequence] += parked_text(parked, steps);
  for (const HandChange& change : attempt.changes) {
    if (change.was)
      lines[change.was->sequence] = step_line(change.was->at, "dead_lettered", change.was->sequence, steps) +
                                    fmt::format(", rules {}\n", change.was->rules.substr(0, 8)) +
                                    reason_text(change.was->stage, change.was->reason, change.was->details);
    lines[change.sequence] += change_text(change, steps);
  }
  // What is parked, or was changed last, says so itself.
  const bool said = attempt.outcome == to_string(Outcome::retrying) || (!attempt.changes.empty() && attempt.changes.back().sequence == attempt.sequence);
  if (!said) lines[attempt.sequence] += decision_text(attempt, steps);
  std::string text;
  for (const auto& [sequence, line] : lines) text += line;
  return text;
}

}  // namespace

std::string biography_json(const Biography& biography) {
  ordered_json json;
  json["id"] = biography.id;
  json["partition"] = biography.partition.value;
  if (biography.kept_since != kNoTime) json["kept_since"] = to_rfc3339(biography.kept_since);
  std::string attempts;
  for (const Attempt& attempt : biography.attempts) attempts += (attempts.empty() ? "" : ",") + attempt_json(attempt);
  std::string text = dump(json);
  text.pop_back();
  return text + fmt::format(R"(,"attempts":[{}]}})", attempts);
}

std::string biography_text(const Biography& biography) {
  std::string out = fmt::format("event {}\npartition {}\n", biography.id, biography.partition.value);
  for (const Attempt& attempt : biography.attempts) {
    out += fmt::format("\n{}  accepted{}{}, offset {}\n", to_rfc3339(attempt.accepted_at), attempt.door.empty() ? "" : " by " + attempt.door,
                       attempt.line != 0 ? fmt::format(" line {}", attempt.line) : "", attempt.offset.value);
    out += attempt.sequence.value == 0 ? "  in flight: accepted, not yet decided\n" : steps_text(attempt);
    if (attempt.summary) out += "  (told from the index: the log no longer holds all of it)\n";
  }
  return out;
}

std::string never_seen_text(const std::string& id, std::int64_t kept_since) {
  if (kept_since == kNoTime) return fmt::format("{} was never seen", id);
  return fmt::format("{} was not seen since {}; what was decided before is no longer known (biography.retain, biography.bytes_max)", id, to_rfc3339(kept_since));
}

}  // namespace weir

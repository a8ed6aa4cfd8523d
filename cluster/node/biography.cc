#include "cluster/node/biography.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/ingest_batch.h"

namespace weir {

namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 20;

/// Calls `visit(offset, header, event)` for everything in ingest of a partition that is kept, until it returns false.
template <class Visit>
Result<void> scan_ingest(const LogReader& log, PartitionId partition, Visit visit) {
  const PartitionStatus status = log.status(partition);
  for (Offset at = status.ingest_begin; at < status.ingest_durable;) {
    WEIR_ASSIGN(const auto slices, log.read_ingest({partition, at, kReadBytes}));
    if (slices.empty()) break;
    for (const IngestSlice& slice : slices) {
      WEIR_ASSIGN(const IngestBatch batch, IngestBatch::decode(slice.bytes));
      for (std::uint32_t i = 0; i < batch.count(); ++i) {
        if (!visit(slice.first + i, batch.header(), batch.event(i))) return {};
      }
      at = slice.first + slice.count;
    }
  }
  return {};
}

/// The biographies of one partition that are being written, by id. Views into the ids of what they point to.
using ById = std::unordered_map<std::string_view, Biography*>;

Result<void> read_ingest(const LogReader& log, PartitionId partition, const ById& wanted) {
  return scan_ingest(log, partition, [&](Offset offset, const IngestHeader& header, const RawEvent& event) {
    const auto found = wanted.find(event.id);
    if (found == wanted.end()) return true;
    Attempt attempt;
    attempt.offset = offset;
    attempt.door = header.door;
    attempt.line = event.line;
    attempt.accepted_at = header.accepted_at;
    attempt.outcome = "in_flight";
    found->second->attempts.push_back(std::move(attempt));
    return true;
  });
}

const LetterOrder* order_of(const CommitBody& body, Offset offset) {
  for (const LetterOrder& order : body.orders)
    if (std::find(order.offsets.begin(), order.offsets.end(), offset) != order.offsets.end()) return &order;
  return nullptr;
}

/// A commit that carries out an order. An edit leaves the event what it is; all others take the letter out of the attempt.
void note_order(Attempt& attempt, const LetterOrder* order, Outcome outcome, const CommitRecord& commit, const CommitBody& body) {
  HandChange change{body.meta.committed_at, commit.sequence, order != nullptr ? std::string(to_string(order->kind)) : "expire", {}, {}, {}, {}};
  if (order != nullptr) {
    change.who = order->who;
    change.role = order->role;
    change.why = order->why;
  }
  if (outcome != Outcome::dead_lettered) {
    // Without a reason the commit that made the letter is not kept any more.
    if (!attempt.reason.empty())
      change.was = DeadLettered{attempt.decided_at, attempt.sequence, std::exchange(attempt.stage, {}), std::exchange(attempt.reason, {}),
                                std::exchange(attempt.details, {}), std::exchange(attempt.tries, 0), attempt.rules};
    attempt.outcome = to_string(outcome);
    attempt.decided_at = body.meta.committed_at;
    attempt.sequence = commit.sequence;
    attempt.epoch = commit.epoch;
  }
  attempt.changes.push_back(std::move(change));
}

void fill(Attempt& attempt, const OutcomeBatch& batch, std::uint32_t i, const CommitRecord& commit, const CommitBody& body) {
  const OutcomeEntry& outcome = batch.outcome(i);
  attempt.offset = batch.offset(i);
  attempt.accepted_at = outcome.accepted_at;
  attempt.decided_at = body.meta.committed_at;
  attempt.sequence = commit.sequence;
  attempt.epoch = commit.epoch;
  attempt.outcome = to_string(outcome.outcome);
  attempt.supersedes = attempt.supersedes || (outcome.flags & outcome_flag::supersedes) != 0;
  attempt.rules = to_hex(body.meta.rules_hash);
  if (outcome.outcome == Outcome::retrying) {
    const LetterView letter = batch.letter(outcome.first_record);
    const ParkView park = batch.park(outcome.record_count);
    Parked parked{body.meta.committed_at, commit.sequence, park.held, letter.attempts, park.due_at, {}, {}, {}};
    if (!park.held) {
      parked.stage = letter.stage;
      parked.reason = letter.reason;
      parked.details = letter.details;
    }
    attempt.door = letter.door;
    attempt.line = letter.line;
    attempt.parked.push_back(std::move(parked));
  }
  if (outcome.outcome == Outcome::dead_lettered) {
    const LetterView letter = batch.letter(outcome.first_record);
    attempt.tries = letter.attempts;
    attempt.stage = letter.stage;
    attempt.reason = letter.reason;
    attempt.details = letter.details;
    attempt.door = letter.door;
    attempt.line = letter.line;
  }
  if (outcome.outcome == Outcome::served) {
    for (std::uint32_t r = 0; r < outcome.record_count; ++r) attempt.records.emplace_back(batch.record(outcome.first_record + r).payload);
  }
}

void note_outcome(Biography& biography, const OutcomeBatch& batch, std::uint32_t i, const CommitRecord& commit, const CommitBody& body) {
  const Offset offset = batch.offset(i);
  const auto found = std::find_if(biography.attempts.begin(), biography.attempts.end(), [&](const Attempt& a) { return a.offset == offset; });
  // Ingest may have been trimmed below what the output log still holds.
  Attempt& attempt = found == biography.attempts.end() ? biography.attempts.emplace_back() : *found;
  const OutcomeEntry& outcome = batch.outcome(i);
  if ((outcome.flags & outcome_flag::from_letter) == 0) return fill(attempt, batch, i, commit, body);
  attempt.offset = offset;
  attempt.accepted_at = outcome.accepted_at;
  note_order(attempt, order_of(body, offset), outcome.outcome, commit, body);
}

Result<void> read_output(const LogReader& log, PartitionId partition, const ById& wanted) {
  const PartitionStatus status = log.status(partition);
  for (CommitSequence after = status.output_begin; after < status.position.sequence;) {
    WEIR_ASSIGN(const auto commits, log.read_output({partition, after, kReadBytes}));
    if (commits.empty()) break;
    for (const CommitRecord& commit : commits) {
      WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
      for (const OutcomeBatch& batch : body.batches) {
        for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
          if (const auto found = wanted.find(batch.id(i)); found != wanted.end()) note_outcome(*found->second, batch, i, commit, body);
        }
      }
      after = commit.sequence;
    }
  }
  return {};
}

}  // namespace

Result<Biography> biography_of(const LogReader& log, const std::string& id) {
  WEIR_ASSIGN(auto one, biographies_of(log, {id}));
  return std::move(one.front());
}

Result<std::vector<Biography>> biographies_of(const LogReader& log, const std::vector<std::string>& ids) {
  std::vector<Biography> lives(ids.size());
  std::map<PartitionId, ById> wanted;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    lives[i].id = ids[i];
    lives[i].partition = partition_of(ids[i], log.partitions());
    wanted[lives[i].partition].emplace(lives[i].id, &lives[i]);
  }
  for (const auto& [partition, by_id] : wanted) {
    WEIR_TRY(read_ingest(log, partition, by_id));
    WEIR_TRY(read_output(log, partition, by_id));
  }
  for (Biography& life : lives)
    std::sort(life.attempts.begin(), life.attempts.end(), [](const Attempt& a, const Attempt& b) { return a.offset < b.offset; });
  return lives;
}

Result<std::optional<std::string>> id_of_raw(const LogReader& log, std::string_view raw) {
  std::optional<std::string> id;
  for (std::uint32_t p = 0; p < log.partitions(); ++p) {
    WEIR_TRY(scan_ingest(log, PartitionId{p}, [&](Offset, const IngestHeader&, const RawEvent& event) {
      if (event.raw == raw) id = event.id;
      return !id;
    }));
    if (id) break;
  }
  return id;
}

namespace {

nlohmann::ordered_json parked_json(const Parked& parked) {
  nlohmann::ordered_json one;
  one["at"] = to_rfc3339(parked.at);
  one["commit"] = parked.sequence.value;
  one["attempts"] = parked.attempts;
  if (parked.held) {
    one["held"] = true;
    return one;
  }
  one["stage"] = parked.stage;
  one["reason"] = parked.reason;
  one["details"] = nlohmann::ordered_json::parse(parked.details, nullptr, false);
  one["due_at"] = to_rfc3339(parked.due_at);
  return one;
}

void add_reason(nlohmann::ordered_json& one, const std::string& stage, const std::string& reason, const std::string& details) {
  one["stage"] = stage;
  one["reason"] = reason;
  one["details"] = nlohmann::ordered_json::parse(details, nullptr, false);
}

nlohmann::ordered_json change_json(const HandChange& change) {
  nlohmann::ordered_json one;
  one["at"] = to_rfc3339(change.at);
  one["commit"] = change.sequence.value;
  one["change"] = change.change;
  one["who"] = change.who;
  one["role"] = change.role;
  one["why"] = change.why;
  if (!change.was) return one;
  nlohmann::ordered_json was;
  was["decided_at"] = to_rfc3339(change.was->at);
  was["commit"] = change.was->sequence.value;
  was["rules"] = change.was->rules;
  add_reason(was, change.was->stage, change.was->reason, change.was->details);
  if (change.was->tries > 1) was["attempts"] = change.was->tries;
  one["was"] = std::move(was);
  return one;
}

std::string reason_text(const std::string& stage, const std::string& reason, const std::string& details) {
  return fmt::format("  stage {}, reason {}: {}\n", stage, reason, details);
}

/// On one line, whatever somebody typed.
std::string on_a_line(const std::string& text) {
  const std::string quoted = to_json_string(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string change_text(const HandChange& change) {
  if (change.change == "expire") return fmt::format("{}  expired in commit {}\n", to_rfc3339(change.at), change.sequence.value);
  const std::string done = change.change == "redrive" ? "redriven" : change.change == "edit" ? "edited" : change.change == "drop" ? "dropped" : change.change;
  return fmt::format("{}  {} in commit {} by {}{}\n", to_rfc3339(change.at), done, change.sequence.value, change.who, change.why.empty() ? "" : ": " + on_a_line(change.why));
}

std::string parked_text(const Parked& parked) {
  if (parked.held) return fmt::format("{}  held in commit {}: an earlier event of its id or ordering key is parked\n", to_rfc3339(parked.at), parked.sequence.value);
  return fmt::format("{}  parked in commit {} after {} attempts, due {}\n", to_rfc3339(parked.at), parked.sequence.value, parked.attempts, to_rfc3339(parked.due_at)) +
         reason_text(parked.stage, parked.reason, parked.details);
}

std::string decision_text(const Attempt& attempt) {
  std::string text = fmt::format("{}  {}{} in commit {}, epoch {}, rules {}\n", to_rfc3339(attempt.decided_at), attempt.outcome,
                                 attempt.supersedes ? " (an earlier dead letter is superseded)" : "", attempt.sequence.value, attempt.epoch.value,
                                 attempt.rules.substr(0, 8));
  if (!attempt.reason.empty()) text += reason_text(attempt.stage, attempt.reason, attempt.details);
  for (const std::string& record : attempt.records) text += "  record " + record + "\n";
  return text;
}

/// Everything that was done with it, by commit.
std::string steps_text(const Attempt& attempt) {
  std::map<std::uint64_t, std::string> steps;
  for (const Parked& parked : attempt.parked) steps[parked.sequence.value] += parked_text(parked);
  for (const HandChange& change : attempt.changes) {
    if (change.was)
      steps[change.was->sequence.value] = fmt::format("{}  dead_lettered in commit {}, rules {}\n", to_rfc3339(change.was->at), change.was->sequence.value, change.was->rules.substr(0, 8)) +
                                          reason_text(change.was->stage, change.was->reason, change.was->details);
    steps[change.sequence.value] += change_text(change);
  }
  // What is parked, or was changed last, says so itself.
  const bool said = attempt.outcome == to_string(Outcome::retrying) || (!attempt.changes.empty() && attempt.changes.back().sequence == attempt.sequence);
  if (!said) steps[attempt.sequence.value] += decision_text(attempt);
  std::string text;
  for (const auto& [sequence, step] : steps) text += step;
  return text;
}

}  // namespace

std::string biography_json(const Biography& biography) {
  using nlohmann::ordered_json;
  ordered_json json;
  json["id"] = biography.id;
  json["partition"] = biography.partition.value;
  std::string attempts;
  for (const Attempt& attempt : biography.attempts) {
    ordered_json one;
    one["offset"] = attempt.offset.value;
    one["door"] = attempt.door;
    if (attempt.line != 0) one["line"] = attempt.line;
    one["accepted_at"] = to_rfc3339(attempt.accepted_at);
    one["outcome"] = attempt.outcome;
    if (attempt.sequence.value != 0) {
      one["decided_at"] = to_rfc3339(attempt.decided_at);
      one["commit"] = attempt.sequence.value;
      one["epoch"] = attempt.epoch.value;
      one["rules"] = attempt.rules;
    }
    if (!attempt.reason.empty()) {
      add_reason(one, attempt.stage, attempt.reason, attempt.details);
    }
    if (attempt.tries > 1) one["attempts"] = attempt.tries;
    if (attempt.supersedes) one["supersedes"] = true;
    for (const Parked& parked : attempt.parked) one["parked"].push_back(parked_json(parked));
    for (const HandChange& change : attempt.changes) one["changes"].push_back(change_json(change));
    std::string text = one.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    if (!attempt.records.empty()) {
      // As they stand in the log: read and written again, 15.30 would be 15.3.
      text.pop_back();
      text += fmt::format(R"(,"records":[{}]}})", fmt::join(attempt.records, ","));
    }
    attempts += (attempts.empty() ? "" : ",") + text;
  }
  std::string text = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  text.pop_back();
  return text + fmt::format(R"(,"attempts":[{}]}})", attempts);
}

std::string biography_text(const Biography& biography) {
  std::string out = fmt::format("event {}\npartition {}\n", biography.id, biography.partition.value);
  for (const Attempt& attempt : biography.attempts) {
    out += fmt::format("\n{}  accepted by {}{}, offset {}\n", to_rfc3339(attempt.accepted_at), attempt.door,
                       attempt.line != 0 ? fmt::format(" line {}", attempt.line) : "", attempt.offset.value);
    if (attempt.sequence.value == 0) {
      out += "  in flight: accepted, not yet decided\n";
      continue;
    }
    out += steps_text(attempt);
  }
  return out;
}

}  // namespace weir

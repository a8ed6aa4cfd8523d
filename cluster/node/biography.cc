#include "cluster/node/biography.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "runtime/base/hash.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/ingest_batch.h"

namespace weir {

namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 20;

/// The log let go of what was to be read at `at`: that moves to where it begins now.
template <class Place>
bool trimmed_meanwhile(const Error& error, Place begin, Place& at) {
  if (error.code != Errc::below_horizon || begin <= at) return false;
  at = begin;
  return true;
}

/// Calls `visit(offset, header, event)` for everything in ingest of a partition from `from` on, until it returns false.
template <class Visit>
Result<void> scan_ingest(const LogReader& log, PartitionId partition, Offset from, Visit visit) {
  const PartitionStatus status = log.status(partition);
  for (Offset at = std::max(from, status.ingest_begin); at < status.ingest_durable;) {
    auto slices = log.read_ingest({partition, at, kReadBytes});
    if (!slices && trimmed_meanwhile(slices.error(), log.status(partition).ingest_begin, at)) continue;
    if (!slices) return fail(std::move(slices.error()));
    if (slices->empty()) break;
    for (const IngestSlice& slice : *slices) {
      WEIR_ASSIGN(const IngestBatch batch, IngestBatch::decode(slice.bytes));
      for (std::uint32_t i = 0; i < batch.count(); ++i) {
        if (slice.first + i < from) continue;  // the batch that holds `from` begins before it
        if (!visit(slice.first + i, batch.header(), batch.event(i))) return {};
      }
      at = slice.first + slice.count;
    }
  }
  return {};
}

/// The biographies of one partition that are being written, by id. Views into the ids of what they point to.
using ById = std::unordered_map<std::string_view, Biography*>;

const LetterOrder* order_of(const CommitBody& body, Offset offset) {
  for (const LetterOrder& order : body.orders)
    if (std::find(order.offsets.begin(), order.offsets.end(), offset) != order.offsets.end()) return &order;
  return nullptr;
}

Attempt& attempt_at(Biography& biography, Offset offset) {
  const auto found = std::find_if(biography.attempts.begin(), biography.attempts.end(), [&](const Attempt& a) { return a.offset == offset; });
  if (found != biography.attempts.end()) return *found;
  Attempt& attempt = biography.attempts.emplace_back();
  attempt.offset = offset;
  return attempt;
}

/// Who decided what when.
struct Decision {
  CommitSequence sequence;
  Outcome outcome;
  std::int64_t at;
  Epoch epoch;
  std::string node;
  std::uint64_t incarnation;
  std::string code;
  std::string rules;
};

void decide(Attempt& attempt, const Decision& by) {
  attempt.outcome = to_string(by.outcome);
  attempt.decided_at = by.at;
  attempt.sequence = by.sequence;
  attempt.epoch = by.epoch;
  attempt.node = by.node;
  attempt.incarnation = by.incarnation;
  attempt.code = by.code;
}

/// A commit that carries out an order, or lets a letter expire. An edit leaves the event what it is; all others take the letter out of the
/// attempt.
void note_change(Attempt& attempt, HandChange change, const Decision& by) {
  if (by.outcome != Outcome::dead_lettered) {
    // Without a reason the commit that made the letter is not known any more.
    if (!attempt.reason.empty())
      change.was = DeadLettered{attempt.decided_at, attempt.sequence, std::exchange(attempt.stage, {}), std::exchange(attempt.reason, {}),
                                std::exchange(attempt.details, {}), std::exchange(attempt.tries, 0), attempt.rules};
    decide(attempt, by);
  }
  attempt.changes.push_back(std::move(change));
}

Decision decision_of(const CommitRecord& commit, const CommitBody& body, Outcome outcome) {
  return {commit.sequence,          outcome,        body.meta.committed_at, commit.epoch, body.meta.node,
          body.meta.incarnation, body.meta.code, to_hex(body.meta.rules_hash)};
}

/// The number of the first record of outcome `i` of `batch` among all of the commit.
std::uint64_t first_record_of(const CommitBody& body, const OutcomeBatch& batch, std::uint32_t i) {
  std::uint64_t before = batch.outcome(i).first_record;
  for (const OutcomeBatch& other : body.batches) {
    if (&other == &batch) break;
    before += other.records();
  }
  return before;
}

void note_parked(Attempt& attempt, const OutcomeBatch& batch, const OutcomeEntry& outcome, const Decision& by) {
  const LetterView letter = batch.letter(outcome.first_record);
  const ParkView park = batch.park(outcome.record_count);
  Parked parked{by.at, by.sequence, park.held, letter.attempts, park.due_at, {}, {}, {}};
  if (!park.held) {
    parked.stage = letter.stage;
    parked.reason = letter.reason;
    parked.details = letter.details;
  }
  attempt.door = letter.door;
  attempt.line = letter.line;
  attempt.parked.push_back(std::move(parked));
}

void note_outcome(Biography& biography, const OutcomeBatch& batch, std::uint32_t i, const CommitRecord& commit, const CommitBody& body) {
  const OutcomeEntry& outcome = batch.outcome(i);
  Attempt& attempt = attempt_at(biography, batch.offset(i));
  attempt.accepted_at = outcome.accepted_at;
  const Decision by = decision_of(commit, body, outcome.outcome);
  if ((outcome.flags & outcome_flag::from_letter) != 0) {
    const LetterOrder* const order = order_of(body, attempt.offset);
    HandChange change{by.at, by.sequence, order != nullptr ? std::string(to_string(order->kind)) : "expire", {}, {}, {}, {}};
    if (order != nullptr) {
      change.who = order->who;
      change.role = order->role;
      change.why = order->why;
    }
    return note_change(attempt, std::move(change), by);
  }
  decide(attempt, by);
  attempt.rules = by.rules;
  attempt.supersedes = attempt.supersedes || (outcome.flags & outcome_flag::supersedes) != 0;
  if (!batch.door().empty()) attempt.door = batch.door();
  if (outcome.outcome == Outcome::retrying) note_parked(attempt, batch, outcome, by);
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
    attempt.records_count = outcome.record_count;
    attempt.first_record = first_record_of(body, batch, i);
    for (std::uint32_t r = 0; r < outcome.record_count; ++r) attempt.records.emplace_back(batch.record(outcome.first_record + r).payload);
  }
}

/// What has left the log.
void note_entry(Biography& biography, const BiographyEntry& entry) {
  Attempt& attempt = attempt_at(biography, entry.offset);
  attempt.summary = true;
  attempt.accepted_at = entry.accepted_at;
  if (!entry.door.empty()) attempt.door = entry.door;
  const Decision by{entry.sequence, entry.outcome, entry.committed_at, {}, entry.node, entry.incarnation, entry.code, to_hex(entry.rules)};
  if ((entry.flags & outcome_flag::from_letter) != 0) {
    const char* const change = entry.outcome == Outcome::retrying  ? "redrive"
                               : entry.outcome == Outcome::dropped ? "drop"
                               : entry.outcome == Outcome::expired ? "expire"
                                                                   : "edit";
    return note_change(attempt, {by.at, by.sequence, change, {}, {}, {}, {}}, by);
  }
  decide(attempt, by);
  attempt.rules = by.rules;
  attempt.supersedes = attempt.supersedes || (entry.flags & outcome_flag::supersedes) != 0;
  if (entry.outcome == Outcome::retrying) attempt.parked.push_back({by.at, by.sequence, entry.reason.empty(), 0, 0, entry.stage, entry.reason, {}});
  if (entry.outcome == Outcome::dead_lettered) {
    attempt.stage = entry.stage;
    attempt.reason = entry.reason;
  }
  if (entry.outcome == Outcome::served) attempt.records_count = entry.records;
}

Result<void> note_commit(const CommitRecord& commit, const ById& wanted) {
  WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
  for (const OutcomeBatch& batch : body.batches) {
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
      if (const auto found = wanted.find(batch.id(i)); found != wanted.end()) note_outcome(*found->second, batch, i, commit, body);
    }
  }
  return {};
}

/// Every commit after `after` up to `through`.
Result<void> scan_output(const LogReader& log, PartitionId partition, CommitSequence after, CommitSequence through, const ById& wanted) {
  while (after < through) {
    auto commits = log.read_output({partition, after, kReadBytes});
    if (!commits && trimmed_meanwhile(commits.error(), log.status(partition).output_begin, after)) continue;
    if (!commits) return fail(std::move(commits.error()));
    if (commits->empty()) break;
    for (const CommitRecord& commit : *commits) {
      if (commit.sequence > through) return {};
      WEIR_TRY(note_commit(commit, wanted));
      after = commit.sequence;
    }
  }
  return {};
}

/// What the index knows, in the order of the log; what the log still holds is read there.
Result<void> read_indexed(const LogReader& log, PartitionId partition, CommitSequence trimmed, const BiographyAnswer& answer,
                          const std::vector<Biography*>& lives, const ById& wanted) {
  std::set<CommitSequence> commits;
  for (std::size_t i = 0; i < lives.size(); ++i) {
    for (const BiographyEntry& entry : answer.entries[i]) {
      if (entry.sequence <= trimmed) note_entry(*lives[i], entry);
      else commits.insert(entry.sequence);
    }
  }
  for (const CommitSequence sequence : commits) {
    auto read = log.read_output({partition, CommitSequence{sequence.value - 1}, 1});
    if (!read && read.error().code == Errc::below_horizon && log.status(partition).output_begin >= sequence) {  // trimmed meanwhile
      for (std::size_t i = 0; i < lives.size(); ++i)
        for (const BiographyEntry& entry : answer.entries[i])
          if (entry.sequence == sequence) note_entry(*lives[i], entry);
      continue;
    }
    WEIR_ASSIGN(const auto one, std::move(read));
    if (one.empty() || one.front().sequence != sequence)
      return fail(Errc::log_damaged, "partition {}: the log does not hold commit {}, which its index names", partition.value, sequence.value);
    WEIR_TRY(note_commit(one.front(), wanted));
  }
  return {};
}

/// Door and place of what was decided, and everything that was not.
Result<void> read_ingest(const LogReader& log, PartitionId partition, const PartitionStatus& status, const ById& wanted) {
  for (const auto& [id, life] : wanted) {
    for (Attempt& attempt : life->attempts) {
      if (attempt.offset < status.ingest_begin || attempt.offset >= status.position.committed) continue;
      auto read = log.read_ingest({partition, attempt.offset, 1});
      if (!read && read.error().code == Errc::below_horizon) continue;  // trimmed meanwhile
      WEIR_ASSIGN(const auto slices, std::move(read));
      if (slices.empty()) continue;
      WEIR_ASSIGN(const IngestBatch batch, IngestBatch::decode(slices.front().bytes));
      const std::uint64_t index = attempt.offset - slices.front().first;
      if (index >= batch.count()) return fail(Errc::log_damaged, "partition {}: ingest does not hold offset {}", partition.value, attempt.offset.value);
      attempt.door = batch.header().door;
      attempt.line = batch.event(static_cast<std::uint32_t>(index)).line;
    }
  }
  return scan_ingest(log, partition, status.position.committed, [&](Offset offset, const IngestHeader& header, const RawEvent& event) {
    const auto found = wanted.find(event.id);
    if (found == wanted.end()) return true;
    Attempt& attempt = attempt_at(*found->second, offset);
    attempt.door = header.door;
    attempt.line = event.line;
    attempt.accepted_at = header.accepted_at;
    if (attempt.outcome.empty()) attempt.outcome = "in_flight";
    return true;
  });
}

Result<void> read_partition(const LogReader& log, PartitionId partition, const IndexOf& index, const std::vector<Biography*>& lives) {
  ById wanted;
  std::vector<std::string_view> ids;
  for (Biography* life : lives) {
    wanted.emplace(life->id, life);
    ids.push_back(life->id);
  }
  WEIR_ASSIGN(const auto state, index(partition));
  BiographyAnswer answer;
  answer.entries.resize(ids.size());
  if (state) {
    WEIR_ASSIGN(answer, look_up_biographies(*state, ids));
  }
  // After the index: what it covers is in the log by now.
  const PartitionStatus status = log.status(partition);
  const CommitSequence trimmed = status.output_begin;
  for (Biography* life : lives) life->kept_since = answer.cover.dropped_time;
  // Of a log that is older than its index.
  WEIR_TRY(scan_output(log, partition, trimmed, std::min(answer.cover.after, status.position.sequence), wanted));
  WEIR_TRY(read_indexed(log, partition, trimmed, answer, lives, wanted));
  WEIR_TRY(scan_output(log, partition, std::max(trimmed, answer.cover.through), status.position.sequence, wanted));
  return read_ingest(log, partition, status, wanted);
}

}  // namespace

Result<std::shared_ptr<const StateReader>> no_index(PartitionId) { return std::shared_ptr<const StateReader>(); }

Result<Biography> biography_of(const LogReader& log, const IndexOf& index, const std::string& id) {
  WEIR_ASSIGN(auto one, biographies_of(log, index, {id}));
  return std::move(one.front());
}

Result<std::vector<Biography>> biographies_of(const LogReader& log, const IndexOf& index, const std::vector<std::string>& ids) {
  std::vector<Biography> lives(ids.size());
  std::map<PartitionId, std::vector<Biography*>> wanted;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    lives[i].id = ids[i];
    lives[i].partition = partition_of(ids[i], log.partitions());
    wanted[lives[i].partition].push_back(&lives[i]);
  }
  for (const auto& [partition, of_it] : wanted) WEIR_TRY(read_partition(log, partition, index, of_it));
  for (Biography& life : lives)
    std::sort(life.attempts.begin(), life.attempts.end(), [](const Attempt& a, const Attempt& b) { return a.offset < b.offset; });
  return lives;
}

Result<std::optional<std::string>> id_of_raw(const LogReader& log, std::string_view raw) {
  std::optional<std::string> id;
  for (std::uint32_t p = 0; p < log.partitions(); ++p) {
    WEIR_TRY(scan_ingest(log, PartitionId{p}, Offset{0}, [&](Offset, const IngestHeader&, const RawEvent& event) {
      if (event.raw == raw) id = event.id;
      return !id;
    }));
    if (id) break;
  }
  return id;
}

}  // namespace weir

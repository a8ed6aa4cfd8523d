// The judgement: what lies in the log and in the state after a run, against the model.
//   I1 I2 every event of the feed is in ingest once, in order, unchanged      I3 I9 I16 outcomes, records, letters as
//   the model's, under the rules of the node that decided them; what clients were told and saw is judged in
//   sim_judge_clients.cc I4 I5 commits gapless, in order   I7 epochs never fall   I8 state = replay   I14 the ledger is
//   the model's
#include <fmt/format.h>

#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/base/hash.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/digest.h"
#include "runtime/engine/id_state.h"
#include "runtime/engine/view_value.h"
#include "tests/simulation/sim_run.h"

namespace weir::sim {

namespace {

constexpr std::chrono::hours kRemember{24 * 7};

/// What was accepted, in order. The events of the feed must be there once each, in its order; those of clients are
/// judged with them.
std::string read_ingest(const MemoryPartition& log, std::uint32_t partition, const std::vector<SimEvent>& fed,
                        PartitionTruth& truth) {
  std::size_t at = 0;
  for (const IngestSlice& slice : log.batches) {
    if (slice.first.value != truth.events.size())
      return fmt::format("I5 partition {}: a batch begins at {}, {} events lie before it", partition, slice.first.value,
                         truth.events.size());
    const auto batch = IngestBatch::decode(slice.bytes);
    if (!batch) return "I15 a batch cannot be read: " + describe(batch.error());
    const bool of_feed = batch->header().door == kFeedDoor;
    for (std::uint32_t i = 0; i < batch->count(); ++i) {
      const RawEvent event = batch->event(i);
      truth.events.push_back({{std::string(event.id), std::string(event.raw)}, of_feed});
      if (!of_feed) continue;
      if (at == fed.size()) return fmt::format("I2 partition {}: {} was never given by the feed", partition, event.raw);
      if (event.raw != fed[at].raw || event.id != fed[at].id)
        return fmt::format("I1 partition {}: event {} of the feed is {}, it gave {}", partition, at, event.raw,
                           fed[at].raw);
      ++at;
    }
  }
  if (at != fed.size())
    return fmt::format("I1 partition {}: {} of {} events of the feed were accepted", partition, at, fed.size());
  if (log.position.committed.value != truth.events.size())
    return fmt::format("I11 partition {}: committed {}, accepted {}", partition, log.position.committed.value,
                       truth.events.size());
  return {};
}

std::string judge_outcome(const OutcomeBatch& batch, std::uint32_t i, const SimEvent& event, const Expected& expected,
                          const SimRules& rules) {
  const OutcomeEntry& outcome = batch.outcome(i);
  if (batch.id(i) != event.id) return fmt::format("the id is {}", batch.id(i));
  if (outcome.digest != xxh3_128(event.raw)) return "the digest is of other bytes";
  const bool conflict = (outcome.flags & outcome_flag::conflict) != 0;
  const bool supersedes = (outcome.flags & outcome_flag::supersedes) != 0;
  const bool reopens = (outcome.flags & outcome_flag::reopens) != 0;
  const bool behind = (outcome.flags & outcome_flag::behind_id) != 0;
  if (!expected.wrong.empty()) return fmt::format("{}: {}", to_string(outcome.outcome), expected.wrong);
  if (outcome.outcome != expected.outcome || conflict != expected.conflict || supersedes != expected.supersedes ||
      reopens != expected.reopens || behind != expected.behind)
    return fmt::format("{} (conflict {}, supersedes {}, reopens {}, behind {}), the model says {} ({}, {}, {}, {})",
                       to_string(outcome.outcome), conflict, supersedes, reopens, behind, to_string(expected.outcome),
                       expected.conflict, expected.supersedes, expected.reopens, expected.behind);
  if (outcome.outcome == Outcome::retrying) {
    if (batch.letter(outcome.first_record).original != event.raw) return "I9 what is parked does not hold the original bytes";
  } else if (outcome.outcome == Outcome::dead_lettered) {
    const LetterView letter = batch.letter(outcome.first_record);
    if (letter.original != event.raw) return "I9 the letter does not hold the original bytes";
    if (letter.stage != expected.stage || letter.reason != expected.reason || letter.attempts != expected.attempts)
      return fmt::format("I9 the letter says {} {} {}, the model {} {} {}", letter.stage, letter.reason, letter.attempts, expected.stage,
                         expected.reason, expected.attempts);
  }
  if (outcome.outcome == Outcome::served) {
    if (outcome.record_count != 1) return fmt::format("{} records", outcome.record_count);
    const RecordView record = batch.record(outcome.first_record);
    const std::string& given = expected.given.empty() ? event.raw : expected.given;
    if (record.payload != given || record.event_time != event_time_of(given))
      return "I2 the record is not what the encoder writes";
    if (record.type != rules.record_type())
      return fmt::format("the record was made by {}, the node ran under {}", record.type, rules.record_type());
  } else if (outcome.outcome != Outcome::dead_lettered && outcome.outcome != Outcome::retrying && outcome.record_count != 0) {
    return "records of an event that was not served";
  }
  return {};
}

/// One commit's outcomes, against the model under the rules of the node that made it.
std::string judge_commit(const CommitRecord& commit, const CommitBody& body, const SimRules& rules,
                         PartitionTruth& truth, Model& model, Witness& witness) {
  if (body.meta.rules_hash != rules.hash())
    return fmt::format("commit {} names other rules than {}, under which it was made", commit.sequence.value,
                       rules.record_type());
  std::size_t ordered = 0;
  for (const OutcomeBatch& batch : body.batches) {
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
      const std::size_t position = batch.offset(i).value;
      if (batch.redecided() ? position >= truth.decided.size() : position != truth.decided.size() || position >= truth.events.size())
        return fmt::format("I2 an outcome for offset {}", batch.offset(i).value);
      const SimEvent& event = truth.events[position].event;
      const OutcomeEntry& outcome = batch.outcome(i);
      NodeSaid node{outcome.outcome, batch.redecided()};
      node.behind = (outcome.flags & outcome_flag::behind_id) != 0;
      node.order = (outcome.flags & outcome_flag::from_letter) != 0;
      if (outcome.outcome == Outcome::dead_lettered) node.attempts = batch.letter(outcome.first_record).attempts;
      if (node.order && outcome.outcome == Outcome::dead_lettered) node.edited = batch.letter(outcome.first_record).edited;
      ordered += node.order;
      if (outcome.outcome == Outcome::retrying) {
        node.held = batch.park(outcome.record_count).held;
        node.attempts = batch.letter(outcome.first_record).attempts;
        ++witness.parked;
        witness.held += node.held;
      }
      Expected expected = model.take(event, position, rules, node);
      const std::string wrong = judge_outcome(batch, i, event, expected, rules);
      if (!wrong.empty()) return fmt::format("I3 offset {} ({}{}): {}", position, event.raw, node.again ? ", again" : "", wrong);
      if (!batch.redecided()) {
        truth.decided.emplace_back();
        truth.at_first.push_back(expected.outcome);
        truth.decided_in.emplace_back();
      }
      // What it took over when it was parked it has taken over.
      expected.supersedes = expected.supersedes || truth.decided[position].supersedes;
      expected.reopens = expected.reopens || truth.decided[position].reopens;
      truth.decided[position] = std::move(expected);
      truth.decided_in[position] = commit.sequence.value;
    }
  }
  std::size_t orders = 0;
  for (const LetterOrder& order : body.orders) orders += order.who == kOperator ? order.offsets.size() : 0;
  if (orders != ordered) return fmt::format("commit {} changes {} letters, and says who ordered it of {}", commit.sequence.value, ordered, orders);
  if (truth.decided.size() != commit.to.value)
    return fmt::format("I3 commit {} decides up to {} and says {}", commit.sequence.value, truth.decided.size(),
                       commit.to.value);
  if (!(body.meta.ledger == model.ledger()))
    return fmt::format("I14 the ledger of commit {} is not the model's", commit.sequence.value);
  if (body.meta.event_time_max != model.greatest())
    return fmt::format("the greatest event time of commit {} is {}, the model's {}", commit.sequence.value,
                       body.meta.event_time_max, model.greatest());
  return {};
}

std::string judge_commits(const MemoryPartition& log, std::uint32_t partition, const History& history,
                          PartitionTruth& truth, Model& model, Witness& witness) {
  std::uint64_t sequence = 0, epoch = 0, incarnation = 0;
  CommitMeta last;
  for (const CommitRecord& commit : log.commits) {
    if (commit.sequence.value != ++sequence)
      return fmt::format("I5 partition {}: commit {} follows {}", partition, commit.sequence.value, sequence - 1);
    if (commit.from.value != truth.decided.size() || commit.to < commit.from)
      return fmt::format("I3 partition {}: commit {} is {} -> {} at {}", partition, sequence, commit.from.value,
                         commit.to.value, truth.decided.size());
    if (commit.epoch.value < epoch)
      return fmt::format("I7 partition {}: epoch {} after {}", partition, commit.epoch.value, epoch);
    epoch = commit.epoch.value;
    const auto body = CommitBody::decode(commit.body);
    if (!body) return "I15 a body cannot be read: " + describe(body.error());
    const SimRules* rules = history.rules_of(body->meta.incarnation);
    if (rules == nullptr || body->meta.incarnation < incarnation)
      return fmt::format("I7 partition {}: commit {} is of start {}, after {} of {}", partition, sequence,
                         body->meta.incarnation, incarnation, history.rules.size());
    incarnation = body->meta.incarnation;
    if (std::string wrong = judge_commit(commit, *body, *rules, truth, model, witness); !wrong.empty())
      return fmt::format("partition {}: {}", partition, wrong);
    truth.ends.push_back(commit.to.value);
    if (body->meta.partition_time < last.partition_time && sequence != 1)
      return fmt::format("partition {}: partition time went back", partition);
    last = body->meta;
  }
  Digest128 sum;
  for (const auto& [id, state] : model.ids()) sum += id_state_hash(id, state.outcome, state.reason);
  if (sequence != 0 && last.state_sum != sum)
    return fmt::format("I8 partition {}: the sum of the ids' states is not the model's", partition);
  return {};
}

struct Replayed {
  std::unique_ptr<MemoryState> store;
  std::unique_ptr<DedupeLog> dedupe;
  std::unique_ptr<PartitionState> state;
};

Result<Replayed> replay(const MemoryPartition& log, std::uint32_t partition, Digest128 log_id,
                        std::shared_ptr<MemoryStateDisk> disk, const SimRules& rules, const ViewMerger& merger) {
  Replayed replayed;
  replayed.store = std::make_unique<MemoryState>(std::move(disk), merger, [](std::function<void()> task) { task(); });
  replayed.dedupe = std::make_unique<DedupeLog>(kRemember);
  replayed.state = std::make_unique<PartitionState>(PartitionStateOptions{PartitionId{partition}, 1 << 20, log_id},
                                                    rules.views(), *replayed.store);
  replayed.state->join(*replayed.dedupe);
  WEIR_ASSIGN(const CommitSequence after, replayed.state->recover());
  const auto extractor = rules.extractor()();
  for (const CommitRecord& commit : log.commits) {
    if (commit.sequence <= after) continue;
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
    WEIR_TRY(replayed.state->apply(commit, body, *extractor));
  }
  return replayed;
}

/// The answers as one partition would give them that took all events, one after another.
Result<Digest128> answers_of_the_model(const std::vector<PartitionTruth>& truths, const std::vector<Model>& models,
                                       const SimRules& rules, const ViewMerger& merger) {
  MemoryState store{std::make_shared<MemoryStateDisk>(), merger, [](std::function<void()> task) { task(); }};
  PartitionState state{PartitionStateOptions{PartitionId{0}, 1 << 20, {}}, rules.views(), store};
  WEIR_ASSIGN(const CommitSequence start, state.recover());
  (void)start;
  CommitBody body;
  OutcomeBatchBuilder out{Offset{0}};
  std::uint64_t events = 0;
  for (const PartitionTruth& truth : truths) {
    for (std::size_t i = 0; i < truth.decided.size(); ++i, ++events) {
      const SimEvent& event = truth.events[i].event;
      const Expected& expected = truth.decided[i];
      const std::string& given = expected.given.empty() ? event.raw : expected.given;
      const std::uint8_t flags = static_cast<std::uint8_t>((expected.conflict ? outcome_flag::conflict : 0) |
                                                           (expected.supersedes ? outcome_flag::supersedes : 0) |
                                                           (expected.reopens ? outcome_flag::reopens : 0));
      out.add({event.id, xxh3_128(event.raw), 0}, expected.outcome, flags);
      if (expected.outcome == Outcome::served) {
        const std::uint16_t attributes = out.attributes("sim", "test");
        out.begin_record().append(given);
        out.end_record(event_time_of(given), attributes);
      } else if (expected.outcome == Outcome::dead_lettered) {
        LetterView letter;
        letter.original = event.raw;
        letter.stage = expected.stage;
        letter.reason = expected.reason;
        out.letter(letter);
      }
    }
  }
  body.batches.push_back(out.finish());
  for (const Model& model : models) {
    body.meta.ledger += model.ledger();
    body.meta.event_time_max = std::max(body.meta.event_time_max, model.greatest());
    for (const auto& [id, s] : model.ids()) body.meta.state_sum += id_state_hash(id, s.outcome, s.reason);
  }
  const auto extractor = rules.extractor()();
  WEIR_TRY(state.apply(CommitRecord{Epoch{1}, CommitSequence{1}, Offset{0}, Offset{events}, {}}, body, *extractor));
  WEIR_ASSIGN(const PartitionPicture picture, state.picture());
  return answer_digest({picture}, rules.views());
}

}  // namespace

std::string judge_disk(MemoryDisk& disk) {
  for (const MemoryPartition& partition : disk.state()->partitions) {
    if (partition.position.committed > partition.ingest_end)
      return fmt::format("I5 partition {}: committed {}, ingest is durable up to {}",
                         partition.position.partition.value, partition.position.committed.value,
                         partition.ingest_end.value);
  }
  return {};
}

namespace {

/// The state of one partition as it was left, and as a replay from zero makes it: I8.
std::string judge_state(const MemoryPartition& log, std::uint32_t p, Digest128 log_id,
                        const std::shared_ptr<MemoryStateDisk>& disk, const SimRules& rules, const ViewMerger& merger,
                        std::vector<Replayed>& kept) {
  auto live = replay(log, p, log_id, disk, rules, merger);
  if (!live) return fmt::format("I8 partition {}: the state cannot be opened: {}", p, describe(live.error()));
  if (!log.commits.empty() && live->state->durable().value != log.commits.back().sequence.value)
    return fmt::format("partition {}: the state was not flushed at the end", p);
  auto zero = replay(log, p, log_id, std::make_shared<MemoryStateDisk>(), rules, merger);
  if (!zero) return fmt::format("I8 partition {}: replay from zero: {}", p, describe(zero.error()));
  const auto a = live->state->state_digest();
  const auto b = zero->state->state_digest();
  if (!a || !b) return fmt::format("I8 partition {}: no digest: {}", p, describe(a ? b.error() : a.error()));
  if (*a != *b) return fmt::format("I8 partition {}: the state is not what a replay from zero gives", p);
  kept.push_back(std::move(*live));
  return {};
}

}  // namespace

std::string judge(const Workload& workload, const History& history, MemoryDisk& disk,
                  std::vector<std::shared_ptr<MemoryStateDisk>>& states, Witness& witness) {
  std::vector<std::vector<SimEvent>> fed(workload.partitions);
  for (std::uint64_t i = 0; i < workload.events; ++i) {
    SimEvent event = event_at(workload, i);
    fed[partition_of(event.id, workload.partitions).value].push_back(std::move(event));
  }
  const SimRules& rules = *history.rules.back();
  const ViewMerger merger;
  std::vector<PartitionTruth> truths(workload.partitions);
  std::vector<Model> models(workload.partitions);
  std::vector<Replayed> kept;
  std::vector<PartitionPicture> pictures;
  for (std::uint32_t p = 0; p < workload.partitions; ++p) {
    const MemoryPartition& log = disk.state()->partitions[p];
    if (std::string wrong = read_ingest(log, p, fed[p], truths[p]); !wrong.empty()) return wrong;
    if (std::string wrong = judge_commits(log, p, history, truths[p], models[p], witness); !wrong.empty()) return wrong;
    witness.duplicates += models[p].ledger().duplicate;
    witness.conflicts += models[p].ledger().conflicts;
    witness.superseded += models[p].ledger().superseded;
    witness.late += models[p].late();
    witness.exhausted += models[p].exhausted();
    witness.poisoned += models[p].poisoned();
    witness.redriven += models[p].ledger().redriven;
    witness.edited += models[p].ledger().edited;
    witness.dropped += models[p].ledger().dropped;
    if (models[p].ledger().retrying != 0) return fmt::format("I11 partition {}: {} events are parked for ever", p, models[p].ledger().retrying);
    witness.reopened += models[p].reopened();
  }
  if (std::string wrong = judge_clients(history, truths); !wrong.empty()) return wrong;
  for (std::uint32_t p = 0; p < workload.partitions; ++p) {
    if (std::string wrong =
            judge_state(disk.state()->partitions[p], p, disk.state()->log_id, states[p], rules, merger, kept);
        !wrong.empty())
      return wrong;
    if (std::string wrong = judge_lives(disk.state()->partitions[p], states[p], merger); !wrong.empty()) return wrong;
    auto picture = kept.back().state->picture();
    if (!picture) return describe(picture.error());
    pictures.push_back(std::move(*picture));
  }
  const auto got = answer_digest(pictures, rules.views());
  const auto expected = answers_of_the_model(truths, models, rules, merger);
  if (!got || !expected) return "no answer digest: " + describe(got ? expected.error() : got.error());
  if (*got != *expected) return "the views do not answer what one partition would that took one event at a time";
  return {};
}

}  // namespace weir::sim

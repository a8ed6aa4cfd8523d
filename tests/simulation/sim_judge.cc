// The judgement: what lies in the log and in the state after a run, against the model.
//   I1 I2 every event of the feed is in ingest once, in order, unchanged      I3 I9 I16 outcomes, records, letters as the model's
//   I4 I5 commits gapless, in order   I7 epochs never fall   I8 state = replay   I14 the ledger is the model's
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

std::string judge_ingest(const MemoryPartition& log, std::uint32_t partition, const std::vector<SimEvent>& events) {
  std::size_t at = 0;
  for (const IngestSlice& slice : log.batches) {
    if (slice.first.value != at) return fmt::format("I5 partition {}: a batch begins at {}, {} events lie before it", partition, slice.first.value, at);
    const auto batch = IngestBatch::decode(slice.bytes);
    if (!batch) return "I15 a batch cannot be read: " + describe(batch.error());
    for (std::uint32_t i = 0; i < batch->count(); ++i, ++at) {
      if (at >= events.size()) return fmt::format("I2 partition {}: event {} was never sent", partition, at);
      if (batch->event(i).raw != events[at].raw || batch->event(i).id != events[at].id)
        return fmt::format("I1 partition {}: offset {} holds {}, the feed gave {}", partition, at, batch->event(i).raw, events[at].raw);
    }
  }
  if (at != events.size()) return fmt::format("I1 partition {}: {} of {} events were accepted", partition, at, events.size());
  if (log.position.committed.value != at) return fmt::format("I11 partition {}: committed {}, accepted {}", partition, log.position.committed.value, at);
  return {};
}

std::string judge_outcome(const OutcomeBatch& batch, std::uint32_t i, const SimEvent& event, const Expected& expected) {
  const OutcomeEntry& outcome = batch.outcome(i);
  if (batch.id(i) != event.id) return fmt::format("the id is {}", batch.id(i));
  if (outcome.digest != xxh3_128(event.raw)) return "the digest is of other bytes";
  const bool conflict = (outcome.flags & outcome_flag::conflict) != 0;
  const bool supersedes = (outcome.flags & outcome_flag::supersedes) != 0;
  const bool reopens = (outcome.flags & outcome_flag::reopens) != 0;
  if (outcome.outcome != expected.outcome || conflict != expected.conflict || supersedes != expected.supersedes || reopens != expected.reopens)
    return fmt::format("{} (conflict {}, supersedes {}, reopens {}), the model says {} ({}, {}, {})", to_string(outcome.outcome), conflict,
                       supersedes, reopens, to_string(expected.outcome), expected.conflict, expected.supersedes, expected.reopens);
  if (outcome.outcome == Outcome::dead_lettered) {
    const LetterView letter = batch.letter(outcome.first_record);
    if (letter.original != event.raw) return "I9 the letter does not hold the original bytes";
    if (letter.stage != expected.stage || letter.reason != expected.reason || letter.attempts != 1)
      return fmt::format("I9 the letter says {} {}, the model {} {}", letter.stage, letter.reason, expected.stage, expected.reason);
  }
  if (outcome.outcome == Outcome::served) {
    if (outcome.record_count != 1) return fmt::format("{} records", outcome.record_count);
    const RecordView record = batch.record(outcome.first_record);
    if (record.payload != event.raw || record.event_time != event_time_of(event.raw)) return "I2 the record is not what the encoder writes";
  } else if (outcome.outcome != Outcome::dead_lettered && outcome.record_count != 0) {
    return "records of an event that was not served";
  }
  return {};
}

std::string judge_commits(const MemoryPartition& log, std::uint32_t partition, const std::vector<SimEvent>& events, Model& model) {
  std::uint64_t sequence = 0, position = 0, epoch = 0;
  CommitMeta last;
  for (const CommitRecord& commit : log.commits) {
    if (commit.sequence.value != ++sequence) return fmt::format("I5 partition {}: commit {} follows {}", partition, commit.sequence.value, sequence - 1);
    if (commit.from.value != position || commit.to < commit.from) return fmt::format("I3 partition {}: commit {} is {} -> {} at {}", partition, sequence, commit.from.value, commit.to.value, position);
    if (commit.epoch.value < epoch) return fmt::format("I7 partition {}: epoch {} after {}", partition, commit.epoch.value, epoch);
    epoch = commit.epoch.value;
    const auto body = CommitBody::decode(commit.body);
    if (!body) return "I15 a body cannot be read: " + describe(body.error());
    for (const OutcomeBatch& batch : body->batches) {
      for (std::uint32_t i = 0; i < batch.outcomes(); ++i, ++position) {
        if (position >= events.size() || batch.offset(i).value != position) return fmt::format("I2 partition {}: an outcome for offset {}", partition, batch.offset(i).value);
        const std::string wrong = judge_outcome(batch, i, events[position], model.take(events[position]));
        if (!wrong.empty()) return fmt::format("I3 partition {} offset {} ({}): {}", partition, position, events[position].raw, wrong);
      }
    }
    if (position != commit.to.value) return fmt::format("I3 partition {}: commit {} decides up to {} and says {}", partition, sequence, position, commit.to.value);
    if (!(body->meta.ledger == model.ledger())) return fmt::format("I14 partition {}: the ledger of commit {} is not the model's", partition, sequence);
    if (body->meta.event_time_max != model.greatest())
      return fmt::format("partition {}: the greatest event time of commit {} is {}, the model's {}", partition, sequence, body->meta.event_time_max, model.greatest());
    if (body->meta.partition_time < last.partition_time && sequence != 1) return fmt::format("partition {}: partition time went back", partition);
    last = body->meta;
  }
  Digest128 sum;
  for (const auto& [id, state] : model.ids()) sum += id_state_hash(id, state.outcome, state.reason);
  if (sequence != 0 && last.state_sum != sum) return fmt::format("I8 partition {}: the sum of the ids' states is not the model's", partition);
  return {};
}

struct Replayed {
  std::unique_ptr<MemoryState> store;
  std::unique_ptr<DedupeLog> dedupe;
  std::unique_ptr<PartitionState> state;
};

Result<Replayed> replay(const MemoryPartition& log, std::uint32_t partition, Digest128 log_id, std::shared_ptr<MemoryStateDisk> disk,
                        const ViewSet& views, const ViewMerger& merger) {
  Replayed replayed;
  replayed.store = std::make_unique<MemoryState>(std::move(disk), merger, [](std::function<void()> task) { task(); });
  replayed.dedupe = std::make_unique<DedupeLog>(kRemember);
  replayed.state = std::make_unique<PartitionState>(PartitionStateOptions{PartitionId{partition}, 1 << 20, log_id}, views, *replayed.store);
  replayed.state->join(*replayed.dedupe);
  WEIR_ASSIGN(const CommitSequence after, replayed.state->recover());
  const auto extractor = sim_extractor();
  for (const CommitRecord& commit : log.commits) {
    if (commit.sequence <= after) continue;
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
    WEIR_TRY(replayed.state->apply(commit, body, *extractor));
  }
  return replayed;
}

/// The answers as one partition would give them that took all events in the order of the feed.
Result<Digest128> answers_of_the_model(const Workload& workload, const ViewSet& views, const ViewMerger& merger) {
  MemoryState store{std::make_shared<MemoryStateDisk>(), merger, [](std::function<void()> task) { task(); }};
  PartitionState state{PartitionStateOptions{PartitionId{0}, 1 << 20, {}}, views, store};
  WEIR_ASSIGN(const CommitSequence start, state.recover());
  (void)start;
  // What is late is decided by what came before in the same partition.
  std::vector<Model> models(workload.partitions, Model{workload.late});
  CommitBody body;
  OutcomeBatchBuilder out{Offset{0}};
  for (std::uint64_t i = 0; i < workload.events; ++i) {
    const SimEvent event = event_at(workload, i);
    const Expected expected = models[partition_of(event.id, workload.partitions).value].take(event);
    const std::uint8_t flags = static_cast<std::uint8_t>((expected.conflict ? outcome_flag::conflict : 0) | (expected.supersedes ? outcome_flag::supersedes : 0) |
                                                         (expected.reopens ? outcome_flag::reopens : 0));
    out.add({event.id, xxh3_128(event.raw), 0}, expected.outcome, flags);
    if (expected.outcome == Outcome::served) {
      const std::uint16_t attributes = out.attributes("sim", "test");
      out.begin_record().append(event.raw);
      out.end_record(event_time_of(event.raw), attributes);
    } else if (expected.outcome == Outcome::dead_lettered) {
      LetterView letter;
      letter.original = event.raw;
      letter.stage = expected.stage;
      letter.reason = expected.reason;
      out.letter(letter);
    }
  }
  body.batches.push_back(out.finish());
  for (const Model& model : models) {
    body.meta.ledger += model.ledger();
    body.meta.event_time_max = std::max(body.meta.event_time_max, model.greatest());
    for (const auto& [id, s] : model.ids()) body.meta.state_sum += id_state_hash(id, s.outcome, s.reason);
  }
  const auto extractor = sim_extractor();
  WEIR_TRY(state.apply(CommitRecord{Epoch{1}, CommitSequence{1}, Offset{0}, Offset{workload.events}, {}}, body, *extractor));
  WEIR_ASSIGN(const PartitionPicture picture, state.picture());
  return answer_digest({picture}, views);
}

}  // namespace

std::string judge_disk(MemoryDisk& disk) {
  for (const MemoryPartition& partition : disk.state()->partitions) {
    if (partition.position.committed > partition.ingest_end)
      return fmt::format("I5 partition {}: committed {}, ingest is durable up to {}", partition.position.partition.value,
                         partition.position.committed.value, partition.ingest_end.value);
  }
  return {};
}

std::string judge(const Workload& workload, MemoryDisk& disk, std::vector<std::shared_ptr<MemoryStateDisk>>& states, Witness& witness) {
  std::vector<std::vector<SimEvent>> sent(workload.partitions);
  for (std::uint64_t i = 0; i < workload.events; ++i) {
    SimEvent event = event_at(workload, i);
    sent[partition_of(event.id, workload.partitions).value].push_back(std::move(event));
  }
  const ViewSet views = sim_views();
  const ViewMerger merger;
  std::vector<Replayed> kept;
  std::vector<PartitionPicture> pictures;
  for (std::uint32_t p = 0; p < workload.partitions; ++p) {
    const MemoryPartition& log = disk.state()->partitions[p];
    if (std::string wrong = judge_ingest(log, p, sent[p]); !wrong.empty()) return wrong;
    Model model{workload.late};
    if (std::string wrong = judge_commits(log, p, sent[p], model); !wrong.empty()) return wrong;
    witness.duplicates += model.ledger().duplicate;
    witness.conflicts += model.ledger().conflicts;
    witness.superseded += model.ledger().superseded;
    witness.late += model.late();
    witness.reopened += model.reopened();

    auto live = replay(log, p, disk.state()->log_id, states[p], views, merger);
    if (!live) return fmt::format("I8 partition {}: the state cannot be opened: {}", p, describe(live.error()));
    if (!log.commits.empty() && live->state->durable().value != log.commits.back().sequence.value)
      return fmt::format("partition {}: the state was not flushed at the end", p);
    auto zero = replay(log, p, disk.state()->log_id, std::make_shared<MemoryStateDisk>(), views, merger);
    if (!zero) return fmt::format("I8 partition {}: replay from zero: {}", p, describe(zero.error()));
    const auto a = live->state->state_digest();
    const auto b = zero->state->state_digest();
    if (!a || !b) return fmt::format("I8 partition {}: no digest: {}", p, describe(a ? b.error() : a.error()));
    if (*a != *b) return fmt::format("I8 partition {}: the state is not what a replay from zero gives", p);
    auto picture = live->state->picture();
    if (!picture) return describe(picture.error());
    pictures.push_back(std::move(*picture));
    kept.push_back(std::move(*live));
  }
  const auto got = answer_digest(pictures, views);
  const auto expected = answers_of_the_model(workload, views, merger);
  if (!got || !expected) return "no answer digest: " + describe(got ? expected.error() : got.error());
  if (*got != *expected) return "the views do not answer what one partition would that took one event at a time";
  return {};
}

}  // namespace weir::sim

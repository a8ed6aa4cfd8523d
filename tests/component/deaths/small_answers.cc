// What a run has left behind, as one text that can be compared.
#include <fmt/format.h>

#include "runtime/adapters/memory/memory_disk.h"
#include "runtime/base/hash.h"
#include "runtime/event/ingest_batch.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/digest.h"
#include "tests/component/deaths/small_node.h"

namespace weir::deaths {

namespace {

struct OpenedState {
  std::unique_ptr<MemoryState> store;
  std::unique_ptr<DedupeLog> dedupe;
  std::unique_ptr<PartitionState> state;
};

Result<OpenedState> replay(const MemoryPartition& log, std::uint32_t partition, Digest128 log_id, std::shared_ptr<MemoryStateDisk> disk,
                           const CompiledPipeline& pipeline) {
  OpenedState opened;
  opened.store = std::make_unique<MemoryState>(std::move(disk), pipeline.merger(), [](std::function<void()> task) { task(); });
  opened.dedupe = std::make_unique<DedupeLog>(pipeline.config().dedupe.remember);
  opened.state = std::make_unique<PartitionState>(PartitionStateOptions{PartitionId{partition}, 1 << 20, log_id}, pipeline.views(), *opened.store);
  opened.state->join(*opened.dedupe);
  WEIR_ASSIGN(const CommitSequence after, opened.state->recover());
  const auto extractor = pipeline.extractor()();
  for (const CommitRecord& commit : log.commits) {
    if (commit.sequence <= after) continue;
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
    WEIR_TRY(opened.state->apply(commit, body, *extractor));
  }
  return opened;
}

/// Every event of a partition's ingest log, by offset: id and digest.
std::vector<std::string> ingest_of(const MemoryPartition& log) {
  std::vector<std::string> events;
  for (const IngestSlice& slice : log.batches) {
    const auto batch = IngestBatch::decode(slice.bytes);
    for (std::uint32_t i = 0; batch && i < batch->count(); ++i)
      events.push_back(fmt::format("{} {}", batch->event(i).id, to_hex(xxh3_128(batch->event(i).raw))));
  }
  return events;
}

/// An outcome that is not of the event at its offset says so in the text.
std::string outcomes_of(const OutcomeBatch& batch, const std::vector<std::string>& ingest) {
  std::string text;
  for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
    const OutcomeEntry& outcome = batch.outcome(i);
    const std::uint64_t offset = batch.offset(i).value;
    if (offset >= ingest.size() || ingest[offset] != fmt::format("{} {}", batch.id(i), to_hex(outcome.digest)))
      text += fmt::format("NOT WHAT LIES IN THE LOG, {}: ", offset < ingest.size() ? ingest[offset] : "nothing");
    text += fmt::format("{} {} {} {} {}", offset, batch.id(i), to_hex(outcome.digest), to_string(outcome.outcome), outcome.flags);
    if (outcome.outcome == Outcome::dead_lettered) {
      const LetterView letter = batch.letter(outcome.first_record);
      text += fmt::format(" {} {} {} {} {} {}", letter.stage, letter.reason, letter.details, letter.original, letter.line, letter.attempts);
    } else {
      for (std::uint32_t r = 0; r < outcome.record_count; ++r) text += fmt::format(" {}", batch.record(outcome.first_record + r).payload);
    }
    text += '\n';
  }
  return text;
}

std::string ledger_of(const Ledger& ledger) {
  return fmt::format("served {} filtered {} duplicate {} superseded {} dead-lettered {} conflicts {} records {}\n", ledger.served, ledger.filtered,
                     ledger.duplicate, ledger.superseded, ledger.dead_lettered, ledger.conflicts, ledger.records);
}

}  // namespace

std::string SmallMachine::answers() const {
  std::string text;
  std::vector<OpenedState> kept;
  std::vector<PartitionPicture> pictures;
  for (std::uint32_t p = 0; p < states_.size(); ++p) {
    const MemoryPartition& log = disk_->state()->partitions[p];
    text += fmt::format("partition {}: {} accepted, {} decided\n", p, log.ingest_end.value, log.position.committed.value);
    const std::vector<std::string> ingest = ingest_of(log);
    CommitMeta last;
    for (const CommitRecord& commit : log.commits) {
      const auto body = CommitBody::decode(commit.body);
      if (!body) return describe(body.error());
      for (const OutcomeBatch& batch : body->batches) text += outcomes_of(batch, ingest);
      last = body->meta;
    }
    text += ledger_of(last.ledger);
    auto live = replay(log, p, disk_->state()->log_id, states_[p], *pipeline_);
    const auto zero = replay(log, p, disk_->state()->log_id, std::make_shared<MemoryStateDisk>(), *pipeline_);
    if (!live || !zero) return describe(live ? zero.error() : live.error());
    if (!log.commits.empty() && live->state->durable() != log.commits.back().sequence) return text + "the state was not flushed at the end\n";
    const auto a = live->state->state_digest();
    const auto b = zero->state->state_digest();
    if (!a || !b || *a != *b) return text + "the state is not what a replay from zero gives\n";
    auto picture = live->state->picture();
    if (!picture) return describe(picture.error());
    pictures.push_back(std::move(*picture));
    kept.push_back(std::move(*live));
  }
  const auto digest = answer_digest(pictures, pipeline_->views());
  return text + (digest ? "answers " + to_hex(*digest) : describe(digest.error())) + "\n";
}

std::string SmallMachine::digest() const {
  const std::string text = answers();
  const std::size_t wrong = text.find("NOT WHAT");
  if (wrong != std::string::npos) return text.substr(wrong, text.find('\n', wrong) - wrong);
  return text.substr(text.rfind('\n', text.size() - 2) + 1);
}

std::vector<SmallMachine::Record> SmallMachine::records() const {
  std::vector<Record> found;
  for (const MemoryPartition& log : disk_->state()->partitions) {
    for (const CommitRecord& commit : log.commits) {
      const auto body = CommitBody::decode(commit.body);
      if (!body) throw std::runtime_error(describe(body.error()));
      for (const OutcomeBatch& batch : body->batches) {
        for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
          for (std::uint32_t r = 0; r < batch.outcome(i).record_count; ++r)
            found.push_back({body->meta.rules_hash, commit.epoch, std::string(batch.record(batch.outcome(i).first_record + r).payload)});
        }
      }
    }
  }
  return found;
}

std::uint64_t SmallMachine::accepted(PartitionId partition) const { return disk_->state()->partitions[partition.value].ingest_end.value; }

Ledger SmallMachine::ledger() const {
  Ledger ledger;
  for (const MemoryPartition& partition : disk_->state()->partitions) {
    if (!partition.commits.empty()) ledger += CommitBody::decode(partition.commits.back().body)->meta.ledger;
  }
  return ledger;
}

std::uint64_t SmallMachine::decided(PartitionId partition) const { return disk_->state()->partitions[partition.value].position.committed.value; }

}  // namespace weir::deaths

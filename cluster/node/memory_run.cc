#include "cluster/node/memory_run.h"

#include <utility>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

/// The same log id in every run: nothing in a test is left to chance.
class FixedRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++value_; }

 private:
  std::uint64_t value_ = 0;
};

/// Of a life that goes on the store is behind the log: what it does not have yet is applied, as after a crash.
Result<MemoryAnswers::State> open_state(std::uint32_t partition, const MemoryPartition& log, Digest128 log_id,
                                        const std::shared_ptr<MemoryStateDisk>& disk,
                                        const CompiledPipeline& pipeline, bool lives) {
  MemoryAnswers::State opened;
  opened.store =
      std::make_unique<MemoryState>(disk, pipeline.merger(), [](const std::function<void()>& task) { task(); });
  opened.dedupe = std::make_unique<DedupeLog>(pipeline.config().dedupe.remember);
  PartitionStateOptions options;
  options.partition = PartitionId{partition};
  options.log_id = log_id;
  opened.state = std::make_unique<PartitionState>(options, pipeline.views(), *opened.store);
  opened.state->join(*opened.dedupe);
  WEIR_ASSIGN(const CommitSequence after, opened.state->recover());
  if (!lives && after != log.position.sequence) {
    return fail(Errc::state_damaged, "partition {}: the state stands at commit {}, the log ends at {}", partition,
                after.value, log.position.sequence.value);
  }
  const auto extractor = pipeline.extractor()();
  for (const CommitRecord& record : log.commits) {
    if (record.sequence <= after) continue;
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(record.body));
    WEIR_TRY(opened.state->apply(record, body, *extractor));
  }
  return opened;
}

Result<void> add_records(std::uint32_t partition, const MemoryPartition& log, std::vector<CuratedRecord>& to) {
  for (const CommitRecord& commit : log.commits) {
    WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
    for (const OutcomeBatch& batch : body.batches) {
      for (std::uint32_t i = 0; i < batch.records(); ++i) {
        const RecordView record = batch.record(i);
        to.push_back({std::string(batch.id(record.outcome_index)), PartitionId{partition}, record.index,
                      record.event_time, std::string(record.type), std::string(record.source),
                      std::string(record.payload)});
      }
    }
  }
  return {};
}

}  // namespace

MemoryMachine::MemoryMachine(const CompiledPipeline& pipeline, MemoryHttpFetch::Script servers, MemorySinks::MakeTarget target)
    : pipeline_(&pipeline), servers_(std::move(servers)), sinks_(pipeline.config(), std::move(target)) {
  FixedRng rng;
  const std::uint32_t partitions = pipeline.config().partitions;
  disk_ = std::make_shared<MemoryDisk>(partitions, rng);
  for (std::uint32_t p = 0; p < partitions; ++p) states_.push_back(std::make_shared<MemoryStateDisk>());
}

MemoryMachine::~MemoryMachine() = default;

void MemoryMachine::begin(MemoryLifeSetup setup) {
  setup.pipeline = pipeline_;
  setup.disk = disk_;
  setup.states = states_;
  setup.servers = servers_;
  setup.sinks = &sinks_;
  setup.lookups = lookups_;
  setup.pending = pending_;
  setup.incarnation = ++incarnation_;
  life_ = std::make_unique<MemoryLife>(std::move(setup));
}

Result<void> MemoryMachine::end() {
  ended_at_ = life_->ended_at();
  const std::unique_ptr<MemoryLife> life = std::move(life_);
  return life->result();
}

Result<void> MemoryMachine::run(std::vector<DoorGroup> groups, UnixMicros wall, const StepsWrapper& wrap, std::vector<SourceFeedConfig> sources) {
  MemoryLifeSetup setup;
  setup.groups = std::move(groups);
  setup.wall = wall;
  setup.wrap = wrap;
  setup.sources = std::move(sources);
  begin(std::move(setup));
  INVARIANT(life_->go_on(std::nullopt), "with time that passes by itself it ends");
  return end();
}

Result<MemoryAnswers> MemoryMachine::answers() const {
  MemoryAnswers answers;
  answers.lookups = lookups_->lines();
  answers.sunk = sinks_.taken();
  const MemoryDiskState& disk = *disk_->state();
  for (std::uint32_t p = 0; p < states_.size(); ++p) {
    const MemoryPartition& log = disk.partitions[p];
    WEIR_ASSIGN(MemoryAnswers::State state, open_state(p, log, disk.log_id, states_[p], *pipeline_, life_ != nullptr));
    WEIR_ASSIGN(PartitionPicture picture, state.state->picture());
    WEIR_TRY(add_records(p, log, answers.records));
    const Ledger& ledger = state.state->meta().ledger;
    const std::uint64_t committed = log.position.committed.value;
    answers.ledger += ledger;
    answers.accepted += log.ingest_end.value;
    answers.in_flight += log.ingest_end.value - committed;
    answers.balanced = answers.balanced && ledger.decided() == committed;
    answers.pictures.push_back(std::move(picture));
    answers.states.push_back(std::move(state));
  }
  return answers;
}

}  // namespace weir

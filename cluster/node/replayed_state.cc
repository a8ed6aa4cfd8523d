#include "cluster/node/replayed_state.h"

#include <future>

#include "cluster/node/compiled_pipeline.h"

namespace weir {

namespace {
/// What one read of the log brings: bounds what a replay holds beside the state.
constexpr std::size_t kReadBytes = std::size_t{4} << 20;
/// As much as PartitionState takes: what is never flushed must not ask for it.
constexpr std::size_t kDeltaMax = std::size_t{1} << 30;
}  // namespace

Result<void> flush_and_wait(StateStore& store, StateFlush flush) {
  std::promise<Result<void>> answer;
  auto future = answer.get_future();
  store.flush(std::move(flush), [&answer](Result<void> result) { answer.set_value(std::move(result)); });
  return future.get();
}

Result<std::unique_ptr<ReplayedState>> ReplayedState::open(std::unique_ptr<StateStore> store, const ReplaySetup& setup) {
  std::unique_ptr<ReplayedState> made(new ReplayedState);
  made->setup_ = setup;
  made->store_ = std::move(store);
  made->dedupe_ = std::make_unique<DedupeLog>(setup.remember);
  PartitionStateOptions options;
  options.partition = setup.partition;
  options.delta_bytes_max = setup.delta_bytes_max == 0 ? kDeltaMax : setup.delta_bytes_max;
  options.log_id = setup.log_id;
  made->state_ = std::make_unique<PartitionState>(options, *setup.views, *made->store_);
  made->state_->join(*made->dedupe_);
  WEIR_ASSIGN(made->through_, made->state_->recover(setup.trimmed));
  return made;
}

ReplayedState::~ReplayedState() {
  state_.reset();
  if (store_) store_->close();
}

Result<void> ReplayedState::flush() {
  WEIR_ASSIGN(StateFlush sealed, state_->seal());
  const Result<void> flushed = flush_and_wait(*store_, std::move(sealed));
  state_->flushed(flushed);
  return flushed;
}

Result<void> ReplayedState::replay(const ReadOutput& read, CommitSequence last, const Step& step) {
  const std::uint32_t p = setup_.partition.value;
  if (through_ > last) return fail(Errc::state_damaged, "partition {}: the state stands at commit {}, the output log ends at {}", p, through_.value, last.value);
  const auto extractor = payload_extractor(*setup_.views)();
  while (through_ < last) {
    if (step && !step(through_)) return fail(Errc::cancelled, "partition {}: the replay was broken off at commit {} of {}", p, through_.value, last.value);
    WEIR_ASSIGN(const auto records, read({setup_.partition, through_, kReadBytes}));
    if (records.empty()) return fail(Errc::log_damaged, "partition {}: the output log has no commit after {}", p, through_.value);
    for (const CommitRecord& record : records) {
      if (record.sequence > last) break;
      WEIR_ASSIGN(const CommitBody body, CommitBody::decode(record.body));
      WEIR_TRY(state_->apply(record, body, *extractor));
      through_ = record.sequence;
      if (setup_.delta_bytes_max != 0 && state_->wants_flush()) WEIR_TRY(flush());
    }
  }
  return {};
}

}  // namespace weir

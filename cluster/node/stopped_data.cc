#include "cluster/node/stopped_data.h"

#include <fmt/format.h>

#include "cluster/node/compiled_pipeline.h"
#include "cluster/node/views_file.h"
#include "runtime/adapters/system/data_directory.h"

namespace weir {

Result<std::unique_ptr<StoppedData>> StoppedData::open(const std::string& directory, bool held, const LogProgress& progress) {
  WEIR_ASSIGN(const DataIdentity identity, DataDirectory::look(directory, held));
  std::unique_ptr<StoppedData> data(new StoppedData);
  WEIR_ASSIGN(data->config_, read_views_file(directory));
  WEIR_ASSIGN(data->views_, ViewSet::compile(data->config_.views));
  WEIR_ASSIGN(data->log_, open_log_read_only(log_directory(directory), nullptr, progress));
  if (data->log_->partitions() != identity.partitions)
    return fail(Errc::data_foreign, "{}: the log has {} partitions, the identity says {}", directory, data->log_->partitions(),
                identity.partitions);
  data->partitions_.reserve(identity.partitions);
  for (std::uint32_t p = 0; p < identity.partitions; ++p) WEIR_TRY(data->open_partition(directory, PartitionId{p}, progress));
  return data;
}

Result<void> StoppedData::open_partition(const std::string& directory, PartitionId id, const LogProgress& progress) {
  Partition& partition = partitions_.emplace_back();
  partition.id = id;
  partition.status = log_->status(id);
  WEIR_ASSIGN(partition.store, stores_.open_read_only(state_directory(directory, id), merger_));
  partition.dedupe = std::make_unique<DedupeLog>(config_.dedupe.remember);
  PartitionStateOptions options;
  options.partition = id;
  options.delta_bytes_max = std::size_t{1} << 30;
  options.log_id = log_->log_id();
  partition.state = std::make_unique<PartitionState>(options, views_, *partition.store);
  partition.state->join(*partition.dedupe);
  WEIR_ASSIGN(CommitSequence after, partition.state->recover(partition.status.output_begin));
  const CommitSequence last = partition.status.position.sequence;
  if (after > last)
    return fail(Errc::state_damaged, "partition {}: the state stands at commit {}, the output log ends at {}", id.value, after.value, last.value);
  const auto extractor = payload_extractor(views_)();
  const CommitSequence first = after;
  const std::string what = fmt::format("applying commits of partition {}", id.value);
  while (after < last) {
    if (progress) progress(what, "commits", after.value - first.value, last.value - first.value);
    WEIR_ASSIGN(const auto records, log_->read_output({id, after, std::size_t{4} << 20}));
    if (records.empty()) return fail(Errc::log_damaged, "partition {}: the output log has no commit after {}", id.value, after.value);
    for (const CommitRecord& record : records) {
      WEIR_ASSIGN(const CommitBody body, CommitBody::decode(record.body));
      WEIR_TRY(partition.state->apply(record, body, *extractor));
      after = record.sequence;
    }
  }
  return {};
}

StoppedData::~StoppedData() {
  for (Partition& partition : partitions_) {
    partition.state.reset();
    if (partition.store) partition.store->close();
  }
}

Result<std::shared_ptr<const StateReader>> StoppedData::flushed(PartitionId partition) const {
  WEIR_ASSIGN(auto picture, partitions_[partition.value].store->snapshot());
  return std::shared_ptr<const StateReader>(std::move(picture));
}

Result<std::vector<PartitionPicture>> StoppedData::pictures() const {
  std::vector<PartitionPicture> pictures;
  for (const Partition& partition : partitions_) {
    WEIR_ASSIGN(auto picture, partition.state->picture());
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace weir

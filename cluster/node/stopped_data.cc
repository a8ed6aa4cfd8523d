#include "cluster/node/stopped_data.h"

#include <fmt/format.h>

#include "actors/plugin/plugin_view.h"
#include "cluster/node/views_file.h"
#include "runtime/adapters/system/data_directory.h"

namespace weir {

Result<std::unique_ptr<StoppedData>> StoppedData::open(const std::string& directory, const PluginKinds& plugins, bool held, const LogProgress& progress) {
  WEIR_ASSIGN(const DataIdentity identity, DataDirectory::look(directory, held));
  std::unique_ptr<StoppedData> data(new StoppedData);
  WEIR_ASSIGN(data->config_, read_views_file(directory, plugins));
  WEIR_ASSIGN(data->views_, ViewSet::compile(data->config_.views, PluginView::make));
  WEIR_ASSIGN(data->log_, open_log_read_only(log_directory(directory), nullptr, progress));
  if (data->log_->partitions() != identity.partitions)
    return fail(Errc::data_foreign, "{}: the log has {} partitions, the identity says {}", directory, data->log_->partitions(),
                identity.partitions);
  data->partitions_.reserve(identity.partitions);
  for (std::uint32_t p = 0; p < identity.partitions; ++p) WEIR_TRY(data->open_partition(directory, PartitionId{p}, progress));
  return data;
}

Result<void> StoppedData::check_loaded(std::string_view name) const {
  for (const ViewConfig& view : config_.views) {
    if (!view.plugin || view.plugin->kind != nullptr || (!name.empty() && view.name != name)) continue;
    return fail(Errc::config_invalid, "the view '{}' is one of a plugin, of the kind {}: name the plugin's file with --plugin", view.name, view.plugin->kind_name);
  }
  return {};
}

Result<void> StoppedData::open_partition(const std::string& directory, PartitionId id, const LogProgress& progress) {
  Partition& partition = partitions_.emplace_back();
  partition.id = id;
  partition.status = log_->status(id);
  WEIR_ASSIGN(auto store, stores_.open_read_only(state_directory(directory, id), *views_.merger()));
  ReplaySetup setup;
  setup.partition = id;
  setup.log_id = log_->log_id();
  setup.views = &views_;
  setup.remember = config_.dedupe.remember;
  setup.trimmed = partition.status.output_begin;
  WEIR_ASSIGN(partition.replayed, ReplayedState::open(std::move(store), setup));
  partition.state = &partition.replayed->state();
  const CommitSequence first = partition.replayed->through(), last = partition.status.position.sequence;
  const std::string what = fmt::format("applying commits of partition {}", id.value);
  const auto step = [&](CommitSequence at) {
    if (progress) progress(what, "commits", at.value - first.value, last.value - first.value);
    return true;
  };
  return partition.replayed->replay([this](const OutputRead& read) { return log_->read_output(read); }, last, step);
}

Result<std::shared_ptr<const StateReader>> StoppedData::flushed(PartitionId partition) const {
  WEIR_ASSIGN(auto picture, partitions_[partition.value].state->store().snapshot());
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

#include "cluster/node/stopped_trial.h"

#include "cluster/node/stopped_data.h"
#include "runtime/adapters/directory_snapshots/directory_snapshots.h"
#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/adapters/system/data_directory.h"

namespace weir {

Result<std::vector<TrialFate>> try_out_stopped(const StoppedTrial& trial, const Clock& clock, const LogProgress& progress) {
  WEIR_ASSIGN(const DataIdentity identity, DataDirectory::look(trial.data));
  WEIR_ASSIGN(const auto data, StoppedData::open(trial.data, false, progress));
  const auto store = make_directory_snapshots(journal::system_file_ops(), snapshot_directory(trial.data, trial.snapshots));
  const ViewMerger merger;
  RocksdbStates states;
  SnapshotGround ground;
  ground.pipeline = &data->config();
  ground.views = &data->views();
  ground.merger = &merger;
  ground.states = &states;
  ground.store = store.get();
  ground.files = &journal::system_file_ops();
  ground.clock = &clock;
  ground.place = snapshot_place(identity.partitions, identity.wall_text, data->log().log_id());
  ground.data = trial.data;
  const auto named = parse_snapshot_id(trial.base.id);
  if (named && named->partition.value >= identity.partitions)
    return fail(Errc::not_found, "there is no snapshot {}; weir snapshot list shows them", trial.base.id);
  std::vector<TrialFate> fates;
  for (const StoppedData::Partition& partition : data->partitions()) {
    if (named && named->partition != partition.id) continue;
    TrialFate fate;
    fate.partition = partition.id;
    fate.good = true;
    if (partition.status.position.sequence != CommitSequence{}) {
      PresentState present{partition.state->sequence(), {}, partition.state->picture()};
      WEIR_ASSIGN(present.digest, partition.state->state_digest());
      TrialSetup setup;
      setup.partition = partition.id;
      setup.status = partition.status;
      setup.read = [&data](const OutputRead& read) { return data->log().read_output(read); };
      setup.aside = fmt::format("{}/{}", trial.scratch, partition.id.value);
      WEIR_ASSIGN(fate, try_out(ground, setup, trial.base, present));
    }
    fates.push_back(std::move(fate));
  }
  return fates;
}

}  // namespace weir

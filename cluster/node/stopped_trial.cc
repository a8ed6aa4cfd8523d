#include "cluster/node/stopped_trial.h"

#include "cluster/node/stopped_ground.h"

namespace weir {

Result<std::vector<TrialFate>> try_out_stopped(const StoppedTrial& trial, const Clock& clock, const LogProgress& progress) {
  WEIR_ASSIGN(const auto stopped, StoppedGround::open(trial.data, trial.plugins, trial.snapshots, clock, progress));
  const SnapshotGround& ground = stopped->ground();
  const StoppedData* data = &stopped->data();
  const auto named = parse_snapshot_id(trial.base.id);
  if (named && named->partition.value >= data->partitions().size())
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
      setup.read = [data](const OutputRead& read) { return data->log().read_output(read); };
      setup.aside = fmt::format("{}/{}", trial.scratch, partition.id.value);
      WEIR_ASSIGN(fate, try_out(ground, setup, trial.base, present));
    }
    fates.push_back(std::move(fate));
  }
  return fates;
}

}  // namespace weir

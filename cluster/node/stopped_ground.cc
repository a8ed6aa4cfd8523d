#include "cluster/node/stopped_ground.h"

#include "runtime/adapters/directory_snapshots/directory_snapshots.h"
#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/adapters/system/data_directory.h"

namespace weir {

Result<std::unique_ptr<StoppedGround>> StoppedGround::open(const std::string& directory, const PluginKinds& plugins, const std::string& snapshots, const Clock& clock, const LogProgress& progress) {
  WEIR_ASSIGN(const DataIdentity identity, DataDirectory::look(directory));
  std::unique_ptr<StoppedGround> made(new StoppedGround);
  WEIR_ASSIGN(made->data_, StoppedData::open(directory, plugins, false, progress));
  WEIR_TRY(made->data_->check_loaded());
  made->store_ = make_directory_snapshots(journal::system_file_ops(), snapshot_directory(directory, snapshots));
  SnapshotGround& ground = made->ground_;
  ground.pipeline = &made->data_->config();
  ground.views = &made->data_->views();
  ground.merger = made->data_->views().merger().get();
  ground.states = &made->states_;
  ground.store = made->store_.get();
  ground.files = &journal::system_file_ops();
  ground.clock = &clock;
  ground.place = snapshot_place(identity.partitions, identity.wall_text, made->data_->log().log_id());
  ground.data = directory;
  return made;
}

}  // namespace weir

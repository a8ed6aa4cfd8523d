// What snapshots of a stopped node's data are restored with.
#pragma once
#include <memory>
#include <string>

#include "cluster/node/snapshot_maker.h"
#include "cluster/node/stopped_data.h"

namespace weir {

class StoppedGround {
 public:
  /// `snapshots`: where they are kept; empty: in the data directory. `clock` outlives it. Errors: as StoppedData::open()
  /// and check_loaded(): a state without some of its views is another one.
  [[nodiscard]] static Result<std::unique_ptr<StoppedGround>> open(const std::string& directory, const PluginKinds& plugins, const std::string& snapshots, const Clock& clock, const LogProgress& progress);
  [[nodiscard]] const StoppedData& data() const noexcept { return *data_; }
  [[nodiscard]] const SnapshotGround& ground() const noexcept { return ground_; }

 private:
  StoppedGround() = default;
  std::unique_ptr<StoppedData> data_;
  std::unique_ptr<SnapshotStore> store_;
  RocksdbStates states_;
  SnapshotGround ground_;
};

}  // namespace weir

#include "cluster/node/view_drop.h"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/node/replayed_state.h"
#include "cluster/node/views_file.h"
#include "runtime/adapters/embedded_log/read_only_log.h"
#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/base/fail_point.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/partition_state.h"

namespace weir {

namespace {

/// One flush, waited for.
Result<void> flush(PartitionState& state, StateStore& store) {
  WEIR_ASSIGN(StateFlush sealed, state.seal());
  const Result<void> flushed = flush_and_wait(store, std::move(sealed));
  state.flushed(flushed);
  return flushed;
}

/// The partition's state stays where it stands in the log: nothing is replayed for this.
Result<bool> drop_from(PartitionState& state, StateStore& store, const std::string& view) {
  WEIR_TRY(state.recover());
  if (!state.drop_view(view)) return false;
  while (state.erasing()) WEIR_TRY(flush(state, store));
  return true;
}

}  // namespace

Result<std::uint32_t> drop_view(const std::string& directory, const std::string& view, const Clock& clock, Rng& rng) {
  WEIR_ASSIGN(const DataIdentity identity, DataDirectory::look(directory));
  auto locked = DataDirectory::open(directory, identity, clock, rng);
  if (!locked) return fail(std::move(locked.error()));
  WEIR_ASSIGN(const PipelineConfig config, read_views_file(directory, {}));
  WEIR_ASSIGN(const ViewSet views, ViewSet::compile(config.views));
  if (std::any_of(config.views.begin(), config.views.end(), [&view](const ViewConfig& one) { return one.name == view; }))
    return fail(Errc::invalid_argument,
                "the pipeline {} has the view '{}': take it out of the pipeline file and run the pipeline once, then drop it", config.name, view);
  Digest128 log_id;
  {
    WEIR_ASSIGN(const auto log, open_log_read_only(log_directory(directory)));
    log_id = log->log_id();
  }
  RocksdbStates stores;
  std::uint32_t dropped = 0;
  for (std::uint32_t p = 0; p < identity.partitions; ++p) {
    auto store = stores.open(state_directory(directory, PartitionId{p}), *views.merger());
    if (!store) return fail(std::move(store.error()));
    Result<bool> had = false;
    {
      DedupeLog dedupe(config.dedupe.remember);
      PartitionStateOptions options;
      options.partition = PartitionId{p};
      options.log_id = log_id;
      PartitionState state(options, views, **store);
      state.join(dedupe);
      had = drop_from(state, **store, view);
    }
    (*store)->close();
    if (!had) return fail(std::move(had.error()));
    dropped += *had ? 1 : 0;
    WEIR_FAIL_POINT_TRY("view_drop_partition_done");
  }
  if (dropped == 0) return fail(Errc::not_found, "{} holds no rows of a view '{}'; `weir view list --data {}` names what it holds", directory, view, directory);
  return dropped;
}

}  // namespace weir

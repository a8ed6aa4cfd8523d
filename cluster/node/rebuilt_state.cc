#include "cluster/node/rebuilt_state.h"

#include <algorithm>

#include "runtime/adapters/directory_snapshots/directory_files.h"
#include "runtime/base/hash.h"

namespace weir {

namespace {

/// The digest of a manifest is of the views there were then: of others it says nothing.
bool comparable(const SnapshotManifest& manifest, const ViewSet& views) {
  if (manifest.digest_version != kStateDigestVersion || manifest.views.size() != views.views().size()) return false;
  return std::all_of(manifest.views.begin(), manifest.views.end(), [&views](const SnapshotView& then) {
    const View* now = views.find(then.name);
    return now != nullptr && now->hash == then.hash;
  });
}

}  // namespace

Result<RebuiltState> rebuild_state(const SnapshotGround& ground, const RebuildSetup& setup, const StoredSnapshot* base, CommitSequence until) {
  RebuiltState rebuilt;
  const auto seconds_since = [&ground](TimePoint begun) { return std::chrono::duration<double>(ground.clock->now() - begun).count(); };
  if (base != nullptr) {
    const TimePoint begun = ground.clock->now();
    DirectoryTarget target(*ground.files, setup.aside);
    WEIR_TRY(ground.store->restore(base->id, target));
    rebuilt.measure.bytes = base->manifest->bytes();
    rebuilt.measure.restore_seconds = seconds_since(begun);
  }
  WEIR_ASSIGN(auto store, ground.states->open(setup.aside, *ground.merger));
  ReplaySetup replay;
  replay.partition = setup.partition;
  replay.log_id = ground.place.log_id;
  replay.views = ground.views;
  replay.remember = ground.pipeline->dedupe.remember;
  replay.trimmed = setup.status.output_begin;
  replay.delta_bytes_max = setup.delta_bytes_max;
  WEIR_ASSIGN(rebuilt.state, ReplayedState::open(std::move(store), replay));
  const PartitionState& state = rebuilt.state->state();
  if (base != nullptr) {
    if (state.sequence() != base->manifest->sequence)
      return fail(Errc::state_damaged, "the manifest says commit {}, the state in it stands at commit {}", base->manifest->sequence.value, state.sequence().value);
    if (setup.check_digest && comparable(*base->manifest, *ground.views)) {
      WEIR_ASSIGN(const Digest128 digest, state.state_digest());
      if (digest != base->manifest->state_digest)
        rebuilt.wrong_from_the_start = fmt::format("as restored, its state digest is {}, its manifest says {}", to_hex(digest), to_hex(base->manifest->state_digest));
    }
  }
  const TimePoint begun = ground.clock->now();
  const Offset before = state.committed();
  WEIR_TRY(rebuilt.state->replay(setup.read, until, [&ground](CommitSequence) { return ground.ending == nullptr || !*ground.ending; }));
  rebuilt.measure.events = state.committed() - before;
  rebuilt.measure.replay_seconds = seconds_since(begun);
  return rebuilt;
}

}  // namespace weir

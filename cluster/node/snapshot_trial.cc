#include "cluster/node/snapshot_trial.h"

#include <algorithm>

#include "runtime/adapters/directory_snapshots/directory_files.h"
#include "runtime/base/hash.h"
#include "runtime/engine/state_difference.h"

namespace weir {

namespace {

/// Removes a directory now and at the end.
class Aside {
 public:
  explicit Aside(std::string directory) : directory_(std::move(directory)) { remove_directory(directory_); }
  ~Aside() { remove_directory(directory_); }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

 private:
  std::string directory_;
};

/// Errors of what was tried out, as opposed to those of trying.
bool says_something(Errc code) {
  return code == Errc::state_damaged || code == Errc::format_newer || code == Errc::not_found || code == Errc::log_damaged || code == Errc::data_foreign;
}

/// The digest of a manifest is of the views there were then: of others it says nothing.
bool comparable(const SnapshotManifest& manifest, const ViewSet& views) {
  if (manifest.digest_version != kStateDigestVersion || manifest.views.size() != views.views().size()) return false;
  return std::all_of(manifest.views.begin(), manifest.views.end(), [&views](const SnapshotView& then) {
    const View* now = views.find(then.name);
    return now != nullptr && now->hash == then.hash;
  });
}

/// The base, restored and led on to the present; the digest it had before, where it can be compared.
struct Rebuilt {
  std::unique_ptr<ReplayedState> state;
  RebuildMeasure measure;
  std::optional<std::string> wrong_from_the_start;
};

Result<Rebuilt> rebuild(const SnapshotGround& ground, const TrialSetup& setup, const std::optional<StoredSnapshot>& base, CommitSequence until) {
  Rebuilt rebuilt;
  const auto seconds_since = [&ground](TimePoint begun) { return std::chrono::duration<double>(ground.clock->now() - begun).count(); };
  if (base) {
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
  if (base) {
    if (state.sequence() != base->manifest->sequence)
      return fail(Errc::state_damaged, "the manifest says commit {}, the state in it stands at commit {}", base->manifest->sequence.value, state.sequence().value);
    if (comparable(*base->manifest, *ground.views)) {
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

}  // namespace

Result<TrialBase> parse_trial_base(std::string_view text) {
  if (text.empty() || text == "newest") return TrialBase{};
  if (text == "zero") return TrialBase{TrialBase::Kind::zero, {}};
  if (parse_snapshot_id(text)) return TrialBase{TrialBase::Kind::id, std::string(text)};
  return fail(Errc::invalid_argument, "'{}' is neither newest nor zero nor an id such as weir snapshot list shows", text);
}

Result<std::optional<StoredSnapshot>> choose_trial_base(const SnapshotGround& ground, PartitionId partition, const PartitionStatus& status, const TrialBase& base) {
  if (base.kind == TrialBase::Kind::zero && status.output_begin == CommitSequence{}) return std::nullopt;
  WEIR_ASSIGN(const auto known, ground.store->list(partition));
  const RestoreChoice choice = choose_base(known, ground.place, status.output_begin, status.position.sequence);
  if (base.kind == TrialBase::Kind::id) {
    for (const StoredSnapshot* candidate : choice.candidates)
      if (candidate->id == base.id) return *candidate;
    for (const auto& refusal : choice.refused)
      if (refusal.id == base.id) return fail(Errc::state_damaged, "snapshot {} cannot be used: {}", base.id, refusal.why);
    return fail(Errc::not_found, "there is no snapshot {} in {}; weir snapshot list shows them", base.id, ground.store->place());
  }
  if (!choice.candidates.empty()) return base.kind == TrialBase::Kind::zero ? *choice.candidates.back() : *choice.candidates.front();
  std::string refused;
  for (const auto& refusal : choice.refused) refused += fmt::format("; {}: {}", refusal.id, refusal.why);
  return fail(choice.refused.empty() ? Errc::not_found : Errc::state_damaged, "partition {}: there is no snapshot that can be used in {}{}", partition.value,
              ground.store->place(), refused);
}

Result<TrialFate> try_out(const SnapshotGround& ground, const TrialSetup& setup, const TrialBase& base, const PresentState& present) {
  const Aside aside(setup.aside);
  TrialFate fate;
  fate.partition = setup.partition;
  fate.until = present.sequence;
  const auto refused = [&fate](const Error& error) -> Result<TrialFate> {
    if (!says_something(error.code)) return fail(error);
    fate.error = error.context;
    return fate;
  };
  const auto chosen = choose_trial_base(ground, setup.partition, setup.status, base);
  if (!chosen) {
    fate.tried = chosen.error().code != Errc::not_found;
    return refused(chosen.error());
  }
  if (*chosen) {
    fate.base = (*chosen)->id;
    fate.from = (*chosen)->manifest->sequence;
  }
  const auto rebuilt = rebuild(ground, setup, *chosen, present.sequence);
  if (!rebuilt) return refused(rebuilt.error());
  const auto digest = rebuilt->state->state().state_digest();
  if (!digest) return refused(digest.error());
  fate.digest = *digest;
  fate.measure = rebuilt->measure;
  if (*digest != present.digest) {
    const auto picture = rebuilt->state->state().picture();
    if (picture && present.picture) {
      const auto found = first_difference(*picture, *present.picture, *ground.views, "the replayed state", "the present one");
      if (found) fate.difference = found->value_or("what is remembered of ids");
    }
    if (fate.difference.empty()) fate.difference = "the states cannot be read any more";
  } else if (rebuilt->wrong_from_the_start) {
    fate.difference = *rebuilt->wrong_from_the_start;
  }
  fate.good = fate.difference.empty();
  if (fate.good && *chosen)
    if (const auto marked = ground.store->mark_verified(fate.base, ground.clock->wall()); !marked) return fail(marked.error());
  return fate;
}

}  // namespace weir

#include "cluster/node/snapshot_trial.h"

#include <algorithm>

#include "cluster/node/rebuilt_state.h"
#include "runtime/base/hash.h"
#include "runtime/engine/state_difference.h"

namespace weir {

namespace {

/// Errors of what was tried out, as opposed to those of trying.
bool says_something(Errc code) {
  return code == Errc::state_damaged || code == Errc::format_newer || code == Errc::not_found || code == Errc::log_damaged || code == Errc::data_foreign;
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
  const RebuildSetup rebuild{setup.partition, setup.status, setup.read, setup.aside, setup.delta_bytes_max, true};
  const auto rebuilt = rebuild_state(ground, rebuild, *chosen ? &**chosen : nullptr, present.sequence);
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

#include "cluster/node/state_opening.h"

#include <filesystem>

#include "runtime/adapters/directory_snapshots/directory_files.h"
#include "runtime/adapters/system/data_directory.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/event/state_cursor.h"

namespace weir {

namespace {

namespace fs = std::filesystem;

/// Damage that shows within so long after a restore is laid to what was restored. Arbitrary: longer than any replay is meant to take.
constexpr std::chrono::minutes kSameDamage{10};

bool is_there(const std::string& directory) {
  std::error_code code;
  return fs::exists(directory, code) && !(fs::is_directory(directory, code) && fs::is_empty(directory, code));
}

Result<void> rename(const std::string& from, const std::string& to) {
  std::error_code code;
  fs::rename(from, to, code);
  if (code) return fail(Errc::io_failed, "cannot rename {} to {}: {}", from, to, code.message());
  return {};
}

/// A restore that is broken off when the node ends: it is done again at the next start.
class UntilEnding final : public FileTarget {
 public:
  UntilEnding(FileTarget& target, const std::atomic<bool>* ending) : target_(target), ending_(ending) {}
  Result<void> begin(const std::string& name) override { return target_.begin(name); }
  Result<void> write(std::string_view piece) override {
    if (ending_ != nullptr && *ending_) return fail(Errc::cancelled, "the node is stopping");
    return target_.write(piece);
  }
  Result<void> end() override { return target_.end(); }
  Result<void> finish() override { return target_.finish(); }

 private:
  FileTarget& target_;
  const std::atomic<bool>* ending_;
};

}  // namespace

StateOpening::StateOpening(const SnapshotGround& ground, Status status, Logbook& logbook)
    : ground_(ground), status_(std::move(status)), logbook_(logbook), slots_(ground.pipeline->partitions) {}

Result<std::shared_ptr<StateStore>> StateOpening::open(PartitionId partition) {
  Slot& slot = slots_.at(partition.value);
  slot.hopeless = false;
  const std::string directory = state_directory(ground_.data, partition);
  std::string why;
  if (slot.damaged) {
    why = "damaged";
  } else if (!is_there(directory) && status_(partition).position.sequence != CommitSequence{}) {
    why = "missing";
  } else {
    auto store = ground_.states->open(directory, *ground_.merger);
    if (store) return std::shared_ptr<StateStore>(std::move(*store));
    if (store.error().code != Errc::state_damaged) return fail(std::move(store.error()));
    logbook_.write(LogLevel::warn, fmt::format("partition/{}", partition.value), describe(store.error()));
    why = "damaged";
  }
  auto other = replace(partition, why);
  if (!other) {
    slot.hopeless = other.error().code == Errc::state_damaged;
    return fail(std::move(other.error()));
  }
  slot.damaged = false;
  return std::shared_ptr<StateStore>(std::move(*other));
}

/// The newest base there is. `why` its own state cannot be used: "missing", "damaged".
Result<std::unique_ptr<StateStore>> StateOpening::replace(PartitionId partition, const std::string& why) {
  Slot& slot = slots_[partition.value];
  const std::string who = fmt::format("partition/{}", partition.value), directory = state_directory(ground_.data, partition);
  const PartitionStatus status = status_(partition);
  WEIR_ASSIGN(auto known, ground_.store->list(partition));
  for (StoredSnapshot& snapshot : known)
    if (slot.spoilt.contains(snapshot.id)) snapshot.trouble = "it was restored a moment ago, and the state was damaged all the same";
  RestoreChoice choice = choose_base(known, ground_.place, status.output_begin, status.position.sequence);
  for (const StoredSnapshot* candidate : choice.candidates) {
    auto restored = restore(partition, *candidate);
    if (restored) {
      slot.base = candidate->id;
      slot.from_log = false;
      slot.restored.fetch_add(1);
      logbook_.write(LogLevel::warn, who,
                     fmt::format("its state is {}: restored from snapshot {}; commits {} to {} of the log follow", why, candidate->id,
                                 candidate->manifest->sequence.value + 1, status.position.sequence.value));
      return ground_.states->open(directory, *ground_.merger);
    }
    // What says nothing of the snapshot is no reason to take an older one.
    if (restored.error().code != Errc::state_damaged && restored.error().code != Errc::format_newer && restored.error().code != Errc::not_found)
      return fail(std::move(restored.error()));
    logbook_.write(LogLevel::warn, who, describe(restored.error()));
    choice.refused.push_back({candidate->id, restored.error().context});
  }
  std::string refused;
  for (const auto& refusal : choice.refused) refused += fmt::format("; {}: {}", refusal.id, refusal.why);
  if (status.output_begin != CommitSequence{})
    return fail(Errc::state_damaged,
                "partition {}: its state is {}, no snapshot in {} can be its base{}, and the log begins behind commit {}: put a snapshot back, or a copy of {}",
                partition.value, why, ground_.store->place(), refused.empty() ? " (there is none)" : refused, status.output_begin.value, directory);
  if (is_there(directory)) WEIR_TRY(put_in_place(partition, {}));
  slot.base.clear();
  slot.from_log = true;
  logbook_.write(LogLevel::warn, who,
                 fmt::format("its state is {}, and no snapshot can be its base{}: it is made anew from all {} commits of the log", why,
                             refused.empty() ? " (there is none)" : refused, status.position.sequence.value));
  return ground_.states->open(directory, *ground_.merger);
}

/// True; what it was restored from is in its place. Errors: as SnapshotStore::restore().
Result<bool> StateOpening::restore(PartitionId partition, const StoredSnapshot& snapshot) {
  const std::string aside = state_directory(ground_.data, partition) + ".restoring";
  remove_directory(aside);
  DirectoryTarget files(*ground_.files, aside);
  UntilEnding target(files, ground_.ending);
  const auto manifest = ground_.store->restore(snapshot.id, target);
  const auto good = manifest ? check_restored(partition, *manifest, aside) : Result<void>(fail(manifest.error()));
  if (!good) {
    remove_directory(aside);
    return fail(good.error());
  }
  WEIR_FAIL_POINT_TRY("restore_before_rename");
  WEIR_TRY(put_in_place(partition, aside));
  return true;
}

/// Every byte is what was published; whether that is what the manifest says is told by the cursor inside.
Result<void> StateOpening::check_restored(PartitionId partition, const SnapshotManifest& manifest, const std::string& directory) const {
  WEIR_ASSIGN(const auto store, ground_.states->open_read_only(directory, *ground_.merger));
  auto bytes = store->cursor();
  store->close();
  if (!bytes) return fail(std::move(bytes.error()));
  WEIR_ASSIGN(const StateCursor cursor, StateCursor::decode(*bytes));
  if (cursor.sequence == manifest.sequence && cursor.log_id == manifest.log_id && cursor.committed == manifest.committed) return {};
  return fail(Errc::state_damaged, "partition {}: snapshot {} says commit {}, the state in it stands at commit {} of log {}", partition.value,
              manifest.id(), manifest.sequence.value, cursor.sequence.value, to_hex(cursor.log_id));
}

/// The damaged one is kept beside it for whoever wants to know, in place of one that was kept before. `directory` empty: nothing comes
/// in its place.
Result<void> StateOpening::put_in_place(PartitionId partition, const std::string& directory) {
  const std::string place = state_directory(ground_.data, partition);
  if (is_there(place)) {
    remove_directory(place + ".damaged");
    WEIR_TRY(rename(place, place + ".damaged"));
  } else {
    remove_directory(place);
  }
  WEIR_FAIL_POINT_TRY("restore_between_renames");
  if (!directory.empty()) WEIR_TRY(rename(directory, place));
  return ground_.files->sync_directory(fs::path(place).parent_path().string());
}

bool StateOpening::mend(PartitionId partition) {
  Slot& slot = slots_.at(partition.value);
  if (slot.hopeless) return false;
  // A state that is ahead of the log is not damaged: the log has lost what it had, and an older state would hide it.
  if (const auto store = ground_.states->open_read_only(state_directory(ground_.data, partition), *ground_.merger)) {
    const auto bytes = (*store)->cursor();
    (*store)->close();
    const auto cursor = bytes && !bytes->empty() ? StateCursor::decode(*bytes) : Result<StateCursor>(StateCursor{});
    if (cursor && cursor->sequence > status_(partition).position.sequence) return false;
  }
  const TimePoint now = ground_.clock->now();
  const bool again = slot.mended_at != TimePoint{} && now - slot.mended_at < kSameDamage;
  if (!again) {
    slot.spoilt.clear();
    slot.from_log = false;
    slot.base.clear();
  }
  if (slot.from_log) return false;
  if (!slot.base.empty()) slot.spoilt.insert(slot.base);
  slot.damaged = true;
  slot.mended_at = now;
  return true;
}

}  // namespace weir

#include "tests/simulation/sim_snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cluster/node/replayed_state.h"
#include "runtime/base/bytes.h"
#include "runtime/engine/snapshot_plan.h"
#include "runtime/event/state_cursor.h"

namespace weir::sim {

namespace {

constexpr std::uint32_t kKeep = 3;
/// Few, so that snapshots have files in common.
constexpr std::size_t kEntriesPerFile = 40;

void append(std::string& to, std::string_view text) {
  char size[4];
  store(size, static_cast<std::uint32_t>(text.size()));
  to.append(size, sizeof size).append(text);
}

/// Nothing: it ends within a text.
std::optional<std::string> take(std::string_view& from) {
  if (from.size() < 4) return std::nullopt;
  const std::size_t size = load<std::uint32_t>(from.data());
  from.remove_prefix(4);
  if (size > from.size()) return std::nullopt;
  std::string text(from.substr(0, size));
  from.remove_prefix(size);
  return text;
}

MemoryFolder files_of(const MemoryStateDisk::Picture& picture) {
  MemoryFolder files;
  files.content["cursor"] = picture.cursor;
  std::size_t number = 0;
  for (const auto& [key, value] : picture.entries) {
    std::string& file = files.content[fmt::format("entries-{}", number++ / kEntriesPerFile)];
    append(file, key);
    append(file, value);
  }
  return files;
}

std::optional<MemoryStateDisk::Picture> picture_of(const MemoryFolder& files) {
  MemoryStateDisk::Picture picture;
  for (const auto& [name, content] : files.content) {
    if (name == "cursor") picture.cursor = content;
    if (name == "cursor") continue;
    std::string_view rest = content;
    while (!rest.empty()) {
      auto key = take(rest), value = take(rest);
      if (!key || !value) return std::nullopt;
      picture.entries.insert_or_assign(std::move(*key), std::move(*value));
    }
  }
  return picture;
}

}  // namespace

Snapshots::Snapshots(Digest128 log_id, SeededRng& rng, Witness& witness, const StateMerger& merger)
    : rng_(rng), witness_(witness), merger_(merger), store_(disk_), log_id_(log_id) {}

void Snapshots::make(PartitionId partition, const MemoryStateDisk& state, const SimRules& rules, UnixMicros wall) {
  const auto picture = state.picture();
  if (picture->cursor.empty()) return;
  auto copy = std::make_shared<MemoryStateDisk>();
  copy->replace(picture);
  ReplaySetup setup;
  setup.partition = partition;
  setup.log_id = log_id_;
  setup.views = &rules.views();
  setup.remember = std::chrono::hours(24 * 7);
  const auto opened = ReplayedState::open(std::make_unique<MemoryState>(copy, merger_, [](const std::function<void()>& task) { task(); }), setup);
  if (!opened || (*opened)->through() < (*opened)->state().at().sequence) return;  // a view is still to be filled
  const StateCursor& at = (*opened)->state().at();
  SnapshotManifest manifest;
  manifest.partition = partition;
  manifest.log_id = at.log_id;
  manifest.sequence = at.sequence;
  manifest.committed = at.committed;
  manifest.epoch = at.epoch;
  manifest.partition_time = at.meta.partition_time;
  manifest.rules_hash = at.meta.rules_hash;
  manifest.created_at = wall;
  const auto digest = (*opened)->state().state_digest();
  if (!digest) return;
  manifest.state_digest = *digest;
  // Now and then the process dies in the middle of it, or the disk is full.
  if (rng_.chance(4)) disk_->fail_from(1 + rng_.below(4));
  const auto id = store_.publish(std::move(manifest), files_of(*picture));
  disk_->mend();
  if (!id) {
    ++witness_.snapshots_failed;
    return;
  }
  ++witness_.snapshots;
  for (const std::string& old : snapshots_to_remove(*store_.list(partition), {log_id_, {}}, kKeep)) (void)store_.remove(old);
}

void Snapshots::damage(PartitionId partition) {
  auto& files = disk_->partitions[partition.value].files;
  if (files.empty()) return;
  auto file = std::next(files.begin(), static_cast<std::ptrdiff_t>(rng_.below(files.size())));
  if (file->second.empty()) return;
  file->second[rng_.below(file->second.size())] ^= static_cast<char>(1 + rng_.below(255));
  ++witness_.snapshots_damaged;
}

bool Snapshots::can_restore(PartitionId partition, const PartitionStatus& log) {
  if (log.output_begin == CommitSequence{}) return true;
  const auto known = store_.list(partition);
  const RestoreChoice choice = choose_base(*known, {log_id_, {}}, log.output_begin, log.position.sequence);
  return std::any_of(choice.candidates.begin(), choice.candidates.end(), [this](const StoredSnapshot* candidate) {
    MemoryFolder files;
    return store_.restore(candidate->id, files) && picture_of(files);
  });
}

std::optional<TrimPoint> Snapshots::verify_and_trim(PartitionId partition, const PartitionStatus& log, const SinkNeed& sinks, UnixMicros wall) {
  const auto known = store_.list(partition);
  const RestoreChoice choice = choose_base(*known, {log_id_, {}}, log.output_begin, log.position.sequence);
  if (choice.candidates.empty()) return std::nullopt;
  MemoryFolder files;
  const std::string& newest = choice.candidates.front()->id;
  if (!store_.restore(newest, files) || !store_.mark_verified(newest, wall)) return std::nullopt;
  return plan_trim(partition, *store_.list(partition), {log_id_, {}}, log, sinks).point;
}

std::string Snapshots::restore(PartitionId partition, const PartitionStatus& log, MemoryStateDisk& state) {
  const CommitSequence log_end = log.position.sequence;
  const auto known = store_.list(partition);
  if (!known) return "snapshots cannot be listed: " + describe(known.error());
  const RestoreChoice choice = choose_base(*known, {log_id_, {}}, log.output_begin, log_end);
  for (const StoredSnapshot* candidate : choice.candidates) {
    MemoryFolder files;
    const auto manifest = store_.restore(candidate->id, files);
    if (!manifest) {
      if (manifest.error().code != Errc::state_damaged) return "a snapshot cannot be restored: " + describe(manifest.error());
      ++witness_.restores_refused;
      continue;
    }
    auto picture = picture_of(files);
    const auto cursor = picture ? StateCursor::decode(picture->cursor) : fail(Errc::state_damaged, "it cannot be read");
    if (!cursor) return fmt::format("I15 partition {}: what snapshot {} gave is damaged: {}", partition.value, candidate->id, describe(cursor.error()));
    if (cursor->sequence != manifest->sequence || cursor->sequence > log_end)
      return fmt::format("I8 partition {}: snapshot {} holds commit {}, the log ends at {}", partition.value, candidate->id, cursor->sequence.value, log_end.value);
    state.replace(std::make_shared<const MemoryStateDisk::Picture>(std::move(*picture)));
    ++witness_.restored;
    return {};
  }
  if (log.output_begin != CommitSequence{}) return fmt::format("I12 partition {}: its log begins behind commit {}, and no snapshot reaches back to it", partition.value, log.output_begin.value);
  if (!known->empty()) ++witness_.from_zero;
  return {};
}

}  // namespace weir::sim

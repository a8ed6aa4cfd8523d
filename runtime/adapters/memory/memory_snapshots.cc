#include "runtime/adapters/memory/memory_snapshots.h"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"

namespace weir {

namespace {

using Partition = MemorySnapshotDisk::Partition;

/// Small, so that tests see several.
constexpr std::size_t kPiece = 1024;

std::string stored_name(const SnapshotFile& file) { return fmt::format("{}-{}", file.size, to_hex(file.checksum)); }

/// Counts a change; fails it where it is to fail.
Result<void> changing(MemorySnapshotDisk& disk, const char* what) {
  ++disk.calls;
  if (disk.fail_at != 0 && disk.calls >= disk.fail_at) return fail(disk.failure, "memory snapshots: {} failed as asked", what);
  return {};
}

Result<SnapshotManifest> read_manifest(const Partition& partition, const std::string& id) {
  const auto bytes = partition.manifests.find(id);
  if (bytes == partition.manifests.end()) return fail(Errc::not_found, "there is no snapshot {} in memory", id);
  auto manifest = SnapshotManifest::decode(bytes->second);
  if (!manifest) return fail(manifest.error().code, "snapshot {}: {}", id, manifest.error().context);
  if (manifest->id() != id) return fail(Errc::state_damaged, "snapshot {}: this is the manifest of {}", id, manifest->id());
  return manifest;
}

Result<void> collect(MemorySnapshotDisk& disk, Partition& partition) {
  std::set<std::string> named;
  for (const auto& [id, bytes] : partition.manifests) {
    const auto manifest = read_manifest(partition, id);
    if (!manifest && manifest.error().code != Errc::state_damaged) return {};
    if (!manifest) continue;
    for (const SnapshotFile& file : manifest->files) named.insert(stored_name(file));
  }
  for (auto it = partition.files.begin(); it != partition.files.end();) {
    if (named.contains(it->first)) {
      ++it;
      continue;
    }
    WEIR_TRY(changing(disk, "removing a file"));
    it = partition.files.erase(it);
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> MemoryFolder::names() const {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : content) names.push_back(name);
  return names;
}

Result<void> MemoryFolder::read(const std::string& name, const PieceTaker& take) const {
  const auto file = content.find(name);
  if (file == content.end()) return fail(Errc::not_found, "{}: no such file", name);
  for (std::size_t at = 0; at < file->second.size(); at += kPiece) WEIR_TRY(take(std::string_view(file->second).substr(at, kPiece)));
  return {};
}

Result<void> MemoryFolder::begin(const std::string& name) {
  finished = false;
  name_ = name;
  open_.clear();
  return {};
}
Result<void> MemoryFolder::write(std::string_view piece) {
  open_.append(piece);
  return {};
}
Result<void> MemoryFolder::end() {
  content[name_] = std::exchange(open_, {});
  return {};
}
Result<void> MemoryFolder::finish() {
  finished = true;
  return {};
}

void MemorySnapshotDisk::fail_from(std::uint64_t n, Errc code) {
  const std::scoped_lock lock(mutex);
  fail_at = calls + n;
  failure = code;
}

void MemorySnapshotDisk::mend() {
  const std::scoped_lock lock(mutex);
  fail_at = 0;
}

Result<std::string> MemorySnapshots::publish(SnapshotManifest manifest, const FileSource& files) {
  const std::scoped_lock lock(disk_->mutex);
  Partition& partition = disk_->partitions[manifest.partition.value];
  WEIR_TRY(collect(*disk_, partition));
  manifest.files.clear();
  WEIR_ASSIGN(const auto names, files.names());
  for (const std::string& name : names) {
    std::string bytes;
    WEIR_TRY(files.read(name, [&](std::string_view piece) -> Result<void> {
      bytes.append(piece);
      return {};
    }));
    const SnapshotFile file{name, bytes.size(), xxh3_128(bytes)};
    manifest.files.push_back(file);
    if (partition.files.contains(stored_name(file))) continue;
    WEIR_TRY(changing(*disk_, "writing a file"));
    partition.files[stored_name(file)] = std::move(bytes);
  }
  std::string id = manifest.id();
  WEIR_TRY(changing(*disk_, "writing a manifest"));
  partition.manifests[id] = manifest.encode();
  return id;
}

Result<std::vector<StoredSnapshot>> MemorySnapshots::list(PartitionId id) const {
  const std::scoped_lock lock(disk_->mutex);
  const Partition& partition = disk_->partitions[id.value];
  std::vector<StoredSnapshot> found;
  for (const auto& [name, bytes] : partition.manifests) {
    StoredSnapshot one;
    one.id = name;
    auto manifest = read_manifest(partition, name);
    if (!manifest) {
      one.trouble = std::move(manifest.error().context);
    } else {
      one.manifest = std::move(*manifest);
      for (const SnapshotFile& file : one.manifest->files)
        if (one.trouble.empty() && !partition.files.contains(stored_name(file))) one.trouble = fmt::format("snapshot {}: its file {} is missing", name, file.name);
    }
    if (const auto mark = partition.verified.find(name); mark != partition.verified.end()) one.verified_at = mark->second;
    found.push_back(std::move(one));
  }
  const auto order = [](const StoredSnapshot& snapshot) {
    const auto name = parse_snapshot_id(snapshot.id);
    return std::tuple(name ? name->sequence.value : 0, snapshot.manifest ? snapshot.manifest->created_at : 0, std::string_view(snapshot.id));
  };
  std::sort(found.begin(), found.end(), [&](const StoredSnapshot& a, const StoredSnapshot& b) { return order(a) > order(b); });
  return found;
}

Result<SnapshotManifest> MemorySnapshots::restore(const std::string& id, FileTarget& target) {
  const std::scoped_lock lock(disk_->mutex);
  const auto name = parse_snapshot_id(id);
  if (!name) return fail(Errc::not_found, "'{}' is no id of a snapshot", id);
  Partition& partition = disk_->partitions[name->partition.value];
  WEIR_ASSIGN(SnapshotManifest manifest, read_manifest(partition, id));
  for (const SnapshotFile& file : manifest.files) {
    const auto stored = partition.files.find(stored_name(file));
    if (stored == partition.files.end()) return fail(Errc::state_damaged, "snapshot {}: its file {} is missing", id, file.name);
    if ((stored->second.size() != file.size || xxh3_128(stored->second) != file.checksum) && !WEIR_DEFECT("restore_unverified")) {
      partition.files.erase(stored);
      return fail(Errc::state_damaged, "snapshot {}: its file {} is damaged", id, file.name);
    }
    WEIR_TRY(target.begin(file.name));
    for (std::size_t at = 0; at < stored->second.size(); at += kPiece) WEIR_TRY(target.write(std::string_view(stored->second).substr(at, kPiece)));
    WEIR_TRY(target.end());
  }
  WEIR_TRY(target.finish());
  return manifest;
}

Result<void> MemorySnapshots::mark_verified(const std::string& id, UnixMicros at) {
  const std::scoped_lock lock(disk_->mutex);
  const auto name = parse_snapshot_id(id);
  if (!name) return fail(Errc::not_found, "'{}' is no id of a snapshot", id);
  Partition& partition = disk_->partitions[name->partition.value];
  WEIR_TRY(read_manifest(partition, id));
  WEIR_TRY(changing(*disk_, "writing a mark"));
  partition.verified[id] = at;
  return {};
}

Result<void> MemorySnapshots::remove(const std::string& id) {
  const std::scoped_lock lock(disk_->mutex);
  const auto name = parse_snapshot_id(id);
  if (!name) return fail(Errc::not_found, "'{}' is no id of a snapshot", id);
  Partition& partition = disk_->partitions[name->partition.value];
  if (!partition.manifests.contains(id)) return {};
  WEIR_TRY(changing(*disk_, "removing a manifest"));
  partition.manifests.erase(id);
  partition.verified.erase(id);
  return collect(*disk_, partition);
}

}  // namespace weir

#include "runtime/adapters/directory_snapshots/directory_snapshots.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <set>

#include "runtime/adapters/directory_snapshots/directory_files.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/streamed_digest.h"

namespace weir {

namespace {

using files::FileOps;
using files::OpenMode;

constexpr std::string_view kManifest = ".manifest";
constexpr std::string_view kVerified = ".verified";
constexpr std::string_view kDamaged = ".damaged";
constexpr const char* kIncoming = "incoming.new";
/// Of a manifest or a mark: a state of a hundred thousand files.
constexpr std::size_t kManifestMax = std::size_t{32} << 20;

std::string stored_name(const SnapshotFile& file) { return fmt::format("{}-{}", file.size, to_hex(file.checksum)); }

/// "verified 1700000000000000 6c7f…": when, and a checksum over that.
std::string verified_text(const std::string& id, UnixMicros at) {
  return fmt::format("verified {} {}\n", at, to_hex(xxh3_128(fmt::format("{} {}", id, at))));
}
std::optional<UnixMicros> parse_verified(const std::string& id, std::string_view text) {
  constexpr std::string_view kHead = "verified ";
  UnixMicros at = 0;
  if (!text.starts_with(kHead)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + kHead.size(), text.data() + text.size(), at);
  if (error != std::errc{} || text != verified_text(id, at)) return std::nullopt;
  return at;
}

/// Where one partition's snapshots lie.
struct Place {
  std::string partition;
  std::string files;
  std::string manifests;
};

class DirectorySnapshots final : public SnapshotStore {
 public:
  DirectorySnapshots(FileOps& files, std::string root) : ops_(files), root_(std::move(root)) {}

  Result<std::string> publish(SnapshotManifest manifest, const FileSource& files) override;
  Result<std::vector<StoredSnapshot>> list(PartitionId partition) const override;
  Result<SnapshotManifest> restore(const std::string& id, FileTarget& target) override;
  Result<void> mark_verified(const std::string& id, UnixMicros at) override;
  Result<void> remove(const std::string& id) override;
  std::string place() const override { return root_; }

 private:
  [[nodiscard]] Place place_of(PartitionId partition) const {
    std::string path = fmt::format("{}/{}", root_, partition.value);
    return {path, path + "/files", path + "/manifests"};
  }
  [[nodiscard]] Result<Place> place_of(const std::string& id) const {
    const auto name = parse_snapshot_id(id);
    if (!name) return fail(Errc::not_found, "'{}' is no id of a snapshot; weir snapshot list shows them", id);
    return place_of(name->partition);
  }
  /// Names in a directory; none where there is no such directory.
  [[nodiscard]] Result<std::vector<std::string>> names_in(const std::string& directory) const;
  [[nodiscard]] Result<void> make(const Place& place);
  [[nodiscard]] Result<std::unique_ptr<files::FileLock>> lock(const Place& place);
  [[nodiscard]] Result<SnapshotManifest> read_manifest(const Place& place, const std::string& id) const;
  [[nodiscard]] Result<void> collect(const Place& place);
  [[nodiscard]] Result<void> copy(const Place& place, const FileSource& files, const SnapshotFile& file);
  [[nodiscard]] Result<void> restore_file(const Place& place, const std::string& id, const SnapshotFile& file, FileTarget& target);

  FileOps& ops_;
  const std::string root_;
  std::mutex changing_;
  std::set<std::string> made_;  // of partitions: durable, as far as this process knows
};

Result<std::vector<std::string>> DirectorySnapshots::names_in(const std::string& directory) const {
  auto names = ops_.list(directory);
  if (!names && names.error().code == Errc::not_found) return std::vector<std::string>{};
  return names;
}

/// The directories, durable: a snapshot below a name that a power cut takes back would be none.
Result<void> DirectorySnapshots::make(const Place& place) {
  if (made_.contains(place.partition)) return {};
  WEIR_TRY(ops_.make_directory(place.files));
  WEIR_TRY(ops_.make_directory(place.manifests));
  WEIR_TRY(ops_.sync_directory(place.partition));
  WEIR_TRY(ops_.sync_directory(root_));
  if (const std::size_t slash = root_.rfind('/'); slash != std::string::npos && slash != 0) WEIR_TRY(ops_.sync_directory(root_.substr(0, slash)));
  made_.insert(place.partition);
  return {};
}

Result<std::unique_ptr<files::FileLock>> DirectorySnapshots::lock(const Place& place) {
  auto held = ops_.lock(place.partition + "/lock");
  if (!held && held.error().code == Errc::data_locked)
    return fail(Errc::data_locked, "snapshots {}: another process changes them; give each node a directory of its own, or wait for that one",
                place.partition);
  return held;
}

Result<SnapshotManifest> DirectorySnapshots::read_manifest(const Place& place, const std::string& id) const {
  const std::string path = fmt::format("{}/{}{}", place.manifests, id, kManifest);
  auto bytes = files::read_file(ops_, path, kManifestMax);
  if (!bytes) {
    if (bytes.error().code == Errc::not_found) return fail(Errc::not_found, "there is no snapshot {} in {}; weir snapshot list shows them", id, root_);
    if (bytes.error().code == Errc::limit_reached) return fail(Errc::state_damaged, "snapshot {}: {}", id, bytes.error().context);
    return fail(std::move(bytes.error()));
  }
  auto manifest = SnapshotManifest::decode(*bytes);
  if (!manifest) return fail(manifest.error().code, "snapshot {}: {}: {}", id, path, manifest.error().context);
  if (manifest->id() != id) return fail(Errc::state_damaged, "snapshot {}: {} is the manifest of {}", id, path, manifest->id());
  return manifest;
}

/// Throws away what no manifest names: leavings of what was cut short, and of snapshots that were removed.
Result<void> DirectorySnapshots::collect(const Place& place) {
  WEIR_ASSIGN(const auto manifests, names_in(place.manifests));
  std::set<std::string> named, ids;
  bool all_known = true;
  for (const std::string& name : manifests) {
    if (!name.ends_with(kManifest)) continue;
    const std::string id = name.substr(0, name.size() - kManifest.size());
    ids.insert(id);
    const auto manifest = read_manifest(place, id);
    if (manifest) {
      for (const SnapshotFile& file : manifest->files) named.insert(stored_name(file));
    } else if (manifest.error().code != Errc::state_damaged) {
      all_known = false;  // of a newer weir, or it cannot be read just now: what it names is not known
    }
  }
  bool changed = false;
  for (const std::string& name : manifests) {
    const bool mark = name.ends_with(kVerified) && !ids.contains(name.substr(0, name.size() - kVerified.size()));
    if (!mark && !name.ends_with(".new")) continue;
    WEIR_TRY(ops_.unlink(place.manifests + "/" + name));
    changed = true;
  }
  if (changed) WEIR_TRY(ops_.sync_directory(place.manifests));
  if (!all_known) return {};
  WEIR_ASSIGN(const auto stored, names_in(place.files));
  for (const std::string& name : stored) {
    const std::string content = name.ends_with(kDamaged) ? name.substr(0, name.size() - kDamaged.size()) : name;
    if (!named.contains(content)) WEIR_TRY(ops_.unlink(place.files + "/" + name));
  }
  return {};
}

Result<void> DirectorySnapshots::copy(const Place& place, const FileSource& files, const SnapshotFile& file) {
  DirectoryTarget target(ops_, place.files);
  StreamedDigest digest;
  WEIR_TRY(target.begin(kIncoming));
  WEIR_TRY(files.read(file.name, [&](std::string_view piece) {
    digest.add(piece);
    return target.write(piece);
  }));
  WEIR_TRY(target.end());
  if (digest.digest() != file.checksum) return fail(Errc::internal, "snapshot: the file {} changed while it was read", file.name);
  WEIR_FAIL_POINT_TRY("publish_file_copied");
  return ops_.rename(place.files + "/" + kIncoming, place.files + "/" + stored_name(file));
}

Result<std::string> DirectorySnapshots::publish(SnapshotManifest manifest, const FileSource& files) {
  const std::scoped_lock changing(changing_);
  const Place place = place_of(manifest.partition);
  WEIR_TRY(make(place));
  WEIR_ASSIGN(const auto held, lock(place));
  WEIR_TRY(collect(place));
  WEIR_ASSIGN(const auto stored, names_in(place.files));
  std::set<std::string> there(stored.begin(), stored.end());
  manifest.files.clear();
  WEIR_ASSIGN(const auto names, files.names());
  for (const std::string& name : names) {
    SnapshotFile file{name, 0, {}};
    StreamedDigest digest;
    WEIR_TRY(files.read(name, [&](std::string_view piece) -> Result<void> {
      file.size += piece.size();
      digest.add(piece);
      return {};
    }));
    file.checksum = digest.digest();
    if (there.insert(stored_name(file)).second) WEIR_TRY(copy(place, files, file));
    manifest.files.push_back(std::move(file));
  }
  // Also where nothing was copied: a copy of an earlier try may not be durable under its name.
  WEIR_TRY(ops_.sync_directory(place.files));
  WEIR_FAIL_POINT_TRY("publish_before_manifest");
  std::string id = manifest.id();
  WEIR_TRY(files::replace_file(ops_, place.manifests, id + std::string(kManifest), manifest.encode()));
  return id;
}

Result<std::vector<StoredSnapshot>> DirectorySnapshots::list(PartitionId partition) const {
  const Place place = place_of(partition);
  WEIR_ASSIGN(const auto names, names_in(place.manifests));
  WEIR_ASSIGN(const auto stored, names_in(place.files));
  const std::set<std::string> there(stored.begin(), stored.end());
  std::vector<StoredSnapshot> found;
  for (const std::string& name : names) {
    if (!name.ends_with(kManifest)) continue;
    StoredSnapshot one;
    one.id = name.substr(0, name.size() - kManifest.size());
    auto manifest = read_manifest(place, one.id);
    if (!manifest && manifest.error().code == Errc::not_found) continue;  // removed meanwhile
    if (!manifest && manifest.error().code == Errc::io_failed) return fail(std::move(manifest.error()));
    if (!manifest) {
      one.trouble = std::move(manifest.error().context);
    } else {
      one.manifest = std::move(*manifest);
      for (const SnapshotFile& file : one.manifest->files) {
        if (there.contains(stored_name(file))) continue;
        one.trouble = fmt::format("snapshot {}: its file {} ({}/{}) is {}", one.id, file.name, place.files, stored_name(file),
                                  there.contains(stored_name(file) + std::string(kDamaged)) ? "damaged and was set aside" : "missing");
        break;
      }
    }
    if (const auto mark = files::read_file(ops_, fmt::format("{}/{}{}", place.manifests, one.id, kVerified), kManifestMax)) one.verified_at = parse_verified(one.id, *mark);
    found.push_back(std::move(one));
  }
  const auto order = [](const StoredSnapshot& snapshot) {
    const auto name = parse_snapshot_id(snapshot.id);
    return std::tuple(name ? name->sequence.value : 0, snapshot.manifest ? snapshot.manifest->created_at : 0, std::string_view(snapshot.id));
  };
  std::sort(found.begin(), found.end(), [&](const StoredSnapshot& a, const StoredSnapshot& b) { return order(a) > order(b); });
  return found;
}

Result<void> DirectorySnapshots::restore_file(const Place& place, const std::string& id, const SnapshotFile& file, FileTarget& target) {
  const std::string path = place.files + "/" + stored_name(file);
  WEIR_TRY(target.begin(file.name));
  std::uint64_t size = 0;
  StreamedDigest digest;
  // From the device: what the page cache holds proves nothing about a copy.
  auto read = read_in_pieces(ops_, path, OpenMode::read_direct, [&](std::string_view piece) {
    size += piece.size();
    digest.add(piece);
    return target.write(piece);
  });
  if (!read) {
    if (read.error().code != Errc::not_found) return read;
    return fail(Errc::state_damaged, "snapshot {}: its file {} ({}) is missing; an older snapshot, or the log, must do", id, file.name, path);
  }
  if ((size == file.size && digest.digest() == file.checksum) || WEIR_DEFECT("restore_unverified")) return target.end();
  static_cast<void>(ops_.rename(path, path + std::string(kDamaged)));
  return fail(Errc::state_damaged,
              "snapshot {}: its file {} ({}) is damaged: {} bytes with checksum {}, must be {} bytes with {}; an older snapshot, or the log, must do",
              id, file.name, path, size, to_hex(digest.digest()), file.size, to_hex(file.checksum));
}

Result<SnapshotManifest> DirectorySnapshots::restore(const std::string& id, FileTarget& target) {
  WEIR_ASSIGN(const Place place, place_of(id));
  WEIR_ASSIGN(SnapshotManifest manifest, read_manifest(place, id));
  for (const SnapshotFile& file : manifest.files) {
    WEIR_TRY(restore_file(place, id, file, target));
    WEIR_FAIL_POINT_TRY("restore_file_taken");
  }
  WEIR_TRY(target.finish());
  return manifest;
}

Result<void> DirectorySnapshots::mark_verified(const std::string& id, UnixMicros at) {
  const std::scoped_lock changing(changing_);
  WEIR_ASSIGN(const Place place, place_of(id));
  WEIR_TRY(read_manifest(place, id));
  WEIR_ASSIGN(const auto held, lock(place));
  return files::replace_file(ops_, place.manifests, id + std::string(kVerified), verified_text(id, at));
}

Result<void> DirectorySnapshots::remove(const std::string& id) {
  const std::scoped_lock changing(changing_);
  WEIR_ASSIGN(const Place place, place_of(id));
  WEIR_ASSIGN(const auto names, names_in(place.manifests));
  if (std::find(names.begin(), names.end(), id + std::string(kManifest)) == names.end()) return {};
  WEIR_ASSIGN(const auto held, lock(place));
  WEIR_TRY(ops_.unlink(fmt::format("{}/{}{}", place.manifests, id, kManifest)));
  // Before its files go: a manifest that comes back after a power cut must find them.
  WEIR_TRY(ops_.sync_directory(place.manifests));
  return collect(place);
}

}  // namespace

std::unique_ptr<SnapshotStore> make_directory_snapshots(FileOps& files, std::string root) {
  return std::make_unique<DirectorySnapshots>(files, std::move(root));
}

}  // namespace weir

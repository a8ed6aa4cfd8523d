// Where snapshots are kept: per partition, named files with checksums and a manifest over them.
//
// Content-addressed: a file is known by its size and checksum, so a snapshot costs what is new since the one before. The manifest
// is written last: what was cut short before it does not exist, and its files are thrown away by the next change. What is read is
// checked first, and damage is named with its file and place, never handed out as good.
//
// tests/contract/snapshot_store runs the same suite on every implementation.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/event/snapshot_manifest.h"
#include "runtime/ports/clock.h"

namespace weir {

/// Takes a file in pieces, in order; an error it returns ends the reading and is handed on.
using PieceTaker = std::function<Result<void>(std::string_view piece)>;

/// Files that do not change while they are looked at: a checkpoint of a state. Of one thread at a time.
class FileSource {
 public:
  virtual ~FileSource() = default;
  [[nodiscard]] virtual Result<std::vector<std::string>> names() const = 0;
  /// Errors: not_found, io_failed.
  [[nodiscard]] virtual Result<void> read(const std::string& name, const PieceTaker& take) const = 0;
};

/// Takes whole files, each with begin, any number of pieces, end; after the last one finish makes all of them durable. What was
/// begun and not finished is the taker's to throw away. Of one thread. Errors: disk_full, io_failed.
class FileTarget {
 public:
  virtual ~FileTarget() = default;
  [[nodiscard]] virtual Result<void> begin(const std::string& name) = 0;
  [[nodiscard]] virtual Result<void> write(std::string_view piece) = 0;
  [[nodiscard]] virtual Result<void> end() = 0;
  [[nodiscard]] virtual Result<void> finish() = 0;
};

/// One snapshot, as it is listed.
struct StoredSnapshot {
  std::string id;
  std::optional<SnapshotManifest> manifest;  // none: see `trouble`
  std::optional<UnixMicros> verified_at;     // it was restored and gave its own digest then
  std::string trouble;                       // why it must not be used: a manifest that is damaged or of a newer weir. Empty: none
};

/// Thread-safe. The changes of one partition are done one after the other; with another process that changes the same partition they
/// are refused (data_locked). All calls block, some for as long as it takes to copy a state: never on an actor's thread.
class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;

  /// Copies what the store does not have and writes the manifest; returns its id. `manifest.files` is filled in by this call, from
  /// `files`. Success: durable, and listed from now on. Any error: nothing of it is listed.
  /// Errors: disk_full, io_failed, data_locked, internal (a file changed while it was read), and those of `files`.
  [[nodiscard]] virtual Result<std::string> publish(SnapshotManifest manifest, const FileSource& files) = 0;

  /// Newest commit first. Manifests are read, files are not. A partition without any: empty. Errors: io_failed.
  [[nodiscard]] virtual Result<std::vector<StoredSnapshot>> list(PartitionId partition) const = 0;

  /// Hands every file to `target`, whole and checked, and finishes it; returns the manifest. A file that is not what its name says
  /// is set aside, so that the next snapshot that has it brings it anew. Errors: not_found (no such id), state_damaged (names file
  /// and place; `target` may have got a part), format_newer, io_failed, and those of `target`.
  [[nodiscard]] virtual Result<SnapshotManifest> restore(const std::string& id, FileTarget& target) = 0;

  /// Notes that it was tried out. Errors: not_found, disk_full, io_failed, data_locked.
  [[nodiscard]] virtual Result<void> mark_verified(const std::string& id, UnixMicros at) = 0;

  /// Takes it from the list, then throws away the files that no other snapshot of the partition names. Success also when there is no
  /// such id. Errors: io_failed, data_locked.
  [[nodiscard]] virtual Result<void> remove(const std::string& id) = 0;

  /// Where it is, for messages: a directory.
  [[nodiscard]] virtual std::string place() const = 0;
};

/// Reads everything and throws it away: whether the snapshot can be restored. Errors: as restore().
[[nodiscard]] Result<SnapshotManifest> check_snapshot(SnapshotStore& store, const std::string& id);

}  // namespace weir

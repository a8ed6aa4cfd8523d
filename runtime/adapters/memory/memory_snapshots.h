// The memory twin of the snapshot store: the same promises without a disk, with faults on request.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/ports/snapshot_store.h"

namespace weir {

/// Files in memory: what is published from and restored to in tests.
class MemoryFolder final : public FileSource, public FileTarget {
 public:
  std::map<std::string, std::string> content;
  bool finished = false;  // everything that was begun has ended well

  [[nodiscard]] Result<std::vector<std::string>> names() const override;
  [[nodiscard]] Result<void> read(const std::string& name, const PieceTaker& take) const override;
  [[nodiscard]] Result<void> begin(const std::string& name) override;
  [[nodiscard]] Result<void> write(std::string_view piece) override;
  [[nodiscard]] Result<void> end() override;
  [[nodiscard]] Result<void> finish() override;

 private:
  std::string name_;
  std::string open_;
};

/// What survives a MemorySnapshots, as a disk would hold it. Thread-safe under its mutex.
struct MemorySnapshotDisk {
  struct Partition {
    std::map<std::string, std::string> files;      // by size and checksum
    std::map<std::string, std::string> manifests;  // by id
    std::map<std::string, UnixMicros> verified;
  };
  std::mutex mutex;
  std::map<std::uint32_t, Partition> partitions;
  std::uint64_t calls = 0;     // changes so far
  std::uint64_t fail_at = 0;   // this change and all later ones fail, 0: none
  Errc failure = Errc::io_failed;

  /// The n-th change from now (1: the next) fails, and all after it: the process dies there, or the disk is full, until mend().
  void fail_from(std::uint64_t n, Errc code = Errc::io_failed);
  void mend();
};

class MemorySnapshots final : public SnapshotStore {
 public:
  explicit MemorySnapshots(std::shared_ptr<MemorySnapshotDisk> disk) : disk_(std::move(disk)) {}

  Result<std::string> publish(SnapshotManifest manifest, const FileSource& files) override;
  Result<std::vector<StoredSnapshot>> list(PartitionId partition) const override;
  Result<SnapshotManifest> restore(const std::string& id, FileTarget& target) override;
  Result<void> mark_verified(const std::string& id, UnixMicros at) override;
  Result<void> remove(const std::string& id) override;
  std::string place() const override { return "memory"; }

 private:
  std::shared_ptr<MemorySnapshotDisk> disk_;
};

}  // namespace weir

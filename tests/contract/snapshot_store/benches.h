// The snapshot stores under test, made alike: opened over something that survives them, crashed, damaged, looked at.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/adapters/directory_snapshots/directory_snapshots.h"
#include "runtime/adapters/memory/memory_snapshots.h"
#include "runtime/ports/snapshot_store.h"
#include "tests/contract/event_log/fault_disk.h"

namespace weir::test {

/// One kind of store with what survives it.
class SnapshotBench {
 public:
  virtual ~SnapshotBench() = default;
  [[nodiscard]] virtual std::unique_ptr<SnapshotStore> open() = 0;
  /// The process dies at the n-th change from now.
  virtual void crash_at(std::uint64_t n) = 0;
  /// After a crash, or a disk that was full; what was opened before is not to be used any more.
  virtual void reboot() = 0;
  /// From now on the disk is full.
  virtual void fill_up() = 0;
  [[nodiscard]] virtual std::uint64_t changes() const = 0;
  /// What it stores, one name each: contents, manifests.
  [[nodiscard]] virtual std::vector<std::string> contents() const = 0;
  [[nodiscard]] virtual std::vector<std::string> manifests() const = 0;
  [[nodiscard]] virtual std::size_t size(const std::string& stored) const = 0;
  virtual void flip(const std::string& stored, std::size_t byte, unsigned bit) = 0;
  virtual void lose(const std::string& stored) = 0;
};

class MemorySnapshotBench final : public SnapshotBench {
 public:
  std::unique_ptr<SnapshotStore> open() override { return std::make_unique<MemorySnapshots>(disk_); }
  void crash_at(std::uint64_t n) override { disk_->fail_from(n); }
  void reboot() override { disk_->mend(); }
  void fill_up() override { disk_->fail_from(1, Errc::disk_full); }
  std::uint64_t changes() const override { return disk_->calls; }
  std::vector<std::string> contents() const override { return names('f'); }
  std::vector<std::string> manifests() const override { return names('m'); }
  std::size_t size(const std::string& stored) const override { return const_cast<MemorySnapshotBench*>(this)->bytes(stored).size(); }
  void flip(const std::string& stored, std::size_t byte, unsigned bit) override {
    char& at = bytes(stored).at(byte);
    at = static_cast<char>(at ^ (1 << bit));
  }
  void lose(const std::string& stored) override { disk_->partitions[0].files.erase(stored.substr(2)); }

 private:
  [[nodiscard]] std::vector<std::string> names(char kind) const {
    std::vector<std::string> found;
    for (const auto& [name, bytes] : kind == 'f' ? disk_->partitions[0].files : disk_->partitions[0].manifests)
      found.push_back(std::string{kind, ':'} + name);
    return found;
  }
  std::string& bytes(const std::string& stored) {
    auto& partition = disk_->partitions[0];
    return (stored.front() == 'f' ? partition.files : partition.manifests).at(stored.substr(2));
  }
  std::shared_ptr<MemorySnapshotDisk> disk_ = std::make_shared<MemorySnapshotDisk>();
};

/// What the disk keeps of writes that were not synced is chosen by Kept.
template <Survival Kept>
class DirectoryBench : public SnapshotBench {
 public:
  std::unique_ptr<SnapshotStore> open() override { return make_directory_snapshots(disk_, "/disk/snapshots"); }
  void crash_at(std::uint64_t n) override { disk_.crash_at(n); }
  void reboot() override {
    disk_.crash_now();
    disk_.reboot(Kept);
    disk_.set_writes_full(false);
  }
  void fill_up() override { disk_.set_writes_full(true); }
  std::uint64_t changes() const override { return disk_.calls(); }
  std::vector<std::string> contents() const override { return names("/files/"); }
  std::vector<std::string> manifests() const override { return names("/manifests/"); }
  std::size_t size(const std::string& stored) const override { return disk_.content(stored).size(); }
  void flip(const std::string& stored, std::size_t byte, unsigned bit) override { disk_.flip(stored, byte, bit); }
  void lose(const std::string& stored) override { disk_.remove(stored); }
  [[nodiscard]] FaultDisk& disk() { return disk_; }

 private:
  [[nodiscard]] std::vector<std::string> names(const std::string& part) const {
    std::vector<std::string> found;
    for (const std::string& path : disk_.paths())
      if (path.find(part) != std::string::npos) found.push_back(path);
    return found;
  }
  FaultDisk disk_{7};
};
using DirectoryKeepsNothing = DirectoryBench<Survival::nothing>;
using DirectoryKeepsAll = DirectoryBench<Survival::all>;
using DirectoryKeepsSome = DirectoryBench<Survival::sectors>;

}  // namespace weir::test

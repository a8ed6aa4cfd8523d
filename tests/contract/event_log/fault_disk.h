// A disk for tests: what is not synced is lost or torn at a crash, sectors survive one by one, space runs out, calls
// fail on request, and any bit can be flipped. In memory, thread-safe, deterministic for a seed.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/adapters/embedded_log/file_ops.h"

namespace weir::test {

/// What a crash leaves of writes that were not synced.
enum class Survival : std::uint8_t {
  nothing,  // all of it is gone
  all,      // all of it was on the disk already
  sectors,  // each 512 bytes by chance
  pages,    // each 4096 bytes by chance
};

class FaultDisk final : public journal::FileOps {
 public:
  explicit FaultDisk(std::uint64_t seed);
  ~FaultDisk() override;

  // FileOps
  Result<std::unique_ptr<journal::File>> open(const std::string& path, journal::OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<void> make_directory(const std::string& path) override;
  Result<std::unique_ptr<journal::FileLock>> lock(const std::string& path) override;

  /// The process dies at the n-th changing call from now (1: the next). That call and all later ones fail.
  void crash_at(std::uint64_t n);
  void crash_now();
  [[nodiscard]] bool crashed() const;
  /// After a crash: what survives is what is there. Files still open are dead.
  void reboot(Survival survival);
  /// Changing calls (write, sync, allocate, truncate, rename, remove, directory sync) so far since the last reboot.
  [[nodiscard]] std::uint64_t calls() const;

  /// The n-th sync of a file from now fails; what it should have made durable never is. 0: none.
  void fail_sync_at(std::uint64_t n);
  /// The n-th write from now fails with io_failed, half of it written.
  void fail_write_at(std::uint64_t n);
  /// Files together at most this many bytes. 0: no limit.
  void set_capacity(std::uint64_t bytes);
  /// Writes take at most this many bytes per call. 0: no limit.
  void set_write_max(std::size_t bytes);
  /// Every write fails with disk_full while true, though the space was allocated (copy-on-write file systems).
  void set_writes_full(bool full);

  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] std::string content(const std::string& path) const;
  void set_content(const std::string& path, std::string bytes);
  void flip(const std::string& path, std::uint64_t byte, unsigned bit);
  void remove(const std::string& path);
  [[nodiscard]] std::uint64_t bytes_used() const;

 private:
  friend class FaultFile;
  friend class FaultLock;
  struct Node;
  struct Change;
  using Entries = std::map<std::string, std::shared_ptr<Node>>;
  [[nodiscard]] Result<void> changing(const char* what);
  void commit(Node& node);
  void survive(Node& node, Survival survival);
  [[nodiscard]] std::uint64_t next_random();
  [[nodiscard]] bool coin() { return (next_random() & 1) != 0; }
  [[nodiscard]] Result<void> change_entries(std::function<void(Entries&)> change);

  mutable std::mutex mutex_;
  std::uint64_t random_;
  Entries entries_;  // as the process sees them
  Entries durable_entries_;
  std::vector<std::function<void(Entries&)>> pending_;  // metadata in order, not synced
  std::set<std::string> directories_;
  std::set<std::string> locks_;
  std::uint64_t boot_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t crash_at_ = 0;
  bool crashed_ = false;
  std::uint64_t fail_sync_in_ = 0;
  std::uint64_t fail_write_in_ = 0;
  std::uint64_t capacity_ = 0;
  std::size_t write_max_ = 0;
  bool writes_full_ = false;
};

}  // namespace weir::test

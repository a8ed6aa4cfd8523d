#include "tests/contract/event_log/fault_disk.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <utility>

namespace weir::test {

using journal::File;
using journal::FileLock;
using journal::OpenMode;

/// One change of a file's bytes or length that is not synced yet.
struct FaultDisk::Change {
  std::uint64_t place = 0;
  std::string bytes;
  bool resize = false;
  std::uint64_t length = 0;
};

struct FaultDisk::Node {
  std::string current;
  std::string durable;
  std::vector<Change> pending;
};

namespace {
constexpr std::size_t kSector = 512;
constexpr std::size_t kPage = 4096;

void put(std::string& to, std::uint64_t place, std::string_view bytes) {
  if (to.size() < place + bytes.size()) to.resize(place + bytes.size());
  std::memcpy(to.data() + place, bytes.data(), bytes.size());
}

std::string directory_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}
}  // namespace

class FaultFile final : public File {
 public:
  FaultFile(FaultDisk& disk, std::shared_ptr<FaultDisk::Node> node, bool direct)
      : disk_(disk), node_(std::move(node)), direct_(direct), boot_(disk.boot_) {}

  Result<std::size_t> write_some(std::string_view bytes, std::uint64_t place) override {
    const std::scoped_lock lock(disk_.mutex_);
    WEIR_TRY(alive());
    check_aligned(reinterpret_cast<std::uintptr_t>(bytes.data()), place, bytes.size());
    if (disk_.crashed_) return fail(Errc::io_failed, "write: the process is dead");
    const std::size_t count = disk_.write_max_ == 0 ? bytes.size() : std::min(bytes.size(), disk_.write_max_);
    auto allowed = disk_.changing("write");
    const bool half = !allowed || (disk_.fail_write_in_ != 0 && --disk_.fail_write_in_ == 0);
    if (disk_.writes_full_) return fail(Errc::disk_full, "write: no space");
    const std::string_view taken = bytes.substr(0, half ? count / 2 / kSector * kSector : count);
    put(node_->current, place, taken);
    node_->pending.push_back({place, std::string(taken), false, 0});
    WEIR_TRY(std::move(allowed));
    if (half) return fail(Errc::io_failed, "write: failed as asked");
    return count;
  }
  Result<std::size_t> read_some(char* to, std::size_t bytes, std::uint64_t place) override {
    const std::scoped_lock lock(disk_.mutex_);
    WEIR_TRY(alive());
    check_aligned(reinterpret_cast<std::uintptr_t>(to), place, bytes);
    const std::string& content = node_->current;
    if (place >= content.size()) return std::size_t{0};
    const std::size_t count = std::min<std::uint64_t>(bytes, content.size() - place);
    std::memcpy(to, content.data() + place, count);
    return count;
  }
  Result<void> sync() override {
    const std::scoped_lock lock(disk_.mutex_);
    WEIR_TRY(alive());
    WEIR_TRY(disk_.changing("sync"));
    if (disk_.fail_sync_in_ != 0 && --disk_.fail_sync_in_ == 0) {
      node_->pending.clear();  // the kernel marks the pages clean: they never reach the disk
      return fail(Errc::io_failed, "sync: failed as asked");
    }
    disk_.commit(*node_);
    return {};
  }
  Result<void> allocate(std::uint64_t bytes) override {
    return resize(std::max<std::uint64_t>(bytes, node_->current.size()));
  }
  Result<void> truncate(std::uint64_t bytes) override { return resize(bytes); }
  Result<std::uint64_t> size() override {
    const std::scoped_lock lock(disk_.mutex_);
    WEIR_TRY(alive());
    return std::uint64_t{node_->current.size()};
  }
  bool direct() const override { return direct_; }

 private:
  Result<void> alive() const {
    if (boot_ != disk_.boot_) return fail(Errc::io_failed, "the process that opened this file is dead");
    return {};
  }
  Result<void> resize(std::uint64_t bytes) {
    const std::scoped_lock lock(disk_.mutex_);
    WEIR_TRY(alive());
    WEIR_TRY(disk_.changing("resize"));
    std::uint64_t used = 0;
    for (const auto& [path, node] : disk_.entries_) used += node->current.size();
    if (bytes > node_->current.size() && disk_.capacity_ != 0 &&
        used + bytes - node_->current.size() > disk_.capacity_) {
      return fail(Errc::disk_full, "allocate: no space");
    }
    node_->current.resize(bytes);
    node_->pending.push_back({0, {}, true, bytes});
    return {};
  }
  void check_aligned(std::uintptr_t memory, std::uint64_t place, std::size_t bytes) const {
    if (!direct_ || (memory % kPage == 0 && place % kPage == 0 && bytes % kPage == 0)) return;
    std::cerr << "a direct file is used at place " << place << " with " << bytes << " bytes\n";
    std::abort();
  }

  FaultDisk& disk_;
  std::shared_ptr<FaultDisk::Node> node_;
  bool direct_;
  std::uint64_t boot_;
};

class FaultLock final : public FileLock {
 public:
  FaultLock(FaultDisk& disk, std::string path) : disk_(disk), path_(std::move(path)), boot_(disk.boot_) {}
  ~FaultLock() override {
    const std::scoped_lock lock(disk_.mutex_);
    if (boot_ == disk_.boot_) disk_.locks_.erase(path_);
  }

 private:
  FaultDisk& disk_;
  std::string path_;
  std::uint64_t boot_;
};

FaultDisk::FaultDisk(std::uint64_t seed) : random_(seed | 1) {}
FaultDisk::~FaultDisk() = default;

std::uint64_t FaultDisk::next_random() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

/// Counts a changing call; fails it when the process dies here or is dead.
Result<void> FaultDisk::changing(const char* what) {
  if (crashed_) return fail(Errc::io_failed, "{}: the process is dead", what);
  ++calls_;
  if (crash_at_ != 0 && calls_ == crash_at_) {
    crashed_ = true;
    return fail(Errc::io_failed, "{}: the process dies here", what);
  }
  return {};
}

void FaultDisk::commit(Node& node) {
  for (const Change& change : node.pending) {
    if (change.resize) {
      node.durable.resize(change.length);
    } else {
      put(node.durable, change.place, change.bytes);
    }
  }
  node.pending.clear();
}

void FaultDisk::survive(Node& node, Survival survival) {
  const std::size_t unit = survival == Survival::pages ? kPage : kSector;
  for (Change& change : node.pending) {
    if (change.resize) {
      if (survival == Survival::all || (survival != Survival::nothing && coin())) node.durable.resize(change.length);
      continue;
    }
    for (std::size_t at = 0; at < change.bytes.size(); at += unit) {
      const bool stays = survival == Survival::all || (survival != Survival::nothing && coin());
      if (stays) put(node.durable, change.place + at, std::string_view(change.bytes).substr(at, unit));
    }
  }
  node.pending.clear();
  node.current = node.durable;
}

void FaultDisk::reboot(Survival survival) {
  const std::scoped_lock lock(mutex_);
  ++boot_;
  // A file system journals its metadata: of what was not synced the first part survives.
  std::size_t kept = survival == Survival::all ? pending_.size() : 0;
  if (survival == Survival::sectors || survival == Survival::pages) kept = next_random() % (pending_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) pending_[i](durable_entries_);
  pending_.clear();
  entries_ = durable_entries_;
  for (auto& [path, node] : entries_) survive(*node, survival);
  locks_.clear();
  calls_ = crash_at_ = fail_sync_in_ = fail_write_in_ = 0;
  crashed_ = false;
}

Result<void> FaultDisk::change_entries(std::function<void(Entries&)> change) {
  change(entries_);
  pending_.push_back(std::move(change));
  return {};
}

Result<std::unique_ptr<File>> FaultDisk::open(const std::string& path, OpenMode mode) {
  const std::scoped_lock lock(mutex_);
  const bool writes = mode == OpenMode::write_direct || mode == OpenMode::write_buffered;
  const bool direct = mode == OpenMode::write_direct || mode == OpenMode::read_direct;
  if (crashed_) return fail(Errc::io_failed, "open {}: the process is dead", path);
  const auto known = entries_.find(path);
  if (known == entries_.end()) {
    if (!writes) return fail(Errc::not_found, "open {}: no such file", path);
    auto node = std::make_shared<Node>();
    WEIR_TRY(change_entries([path, node](Entries& entries) { entries[path] = node; }));
    return std::make_unique<FaultFile>(*this, node, direct);
  }
  return std::make_unique<FaultFile>(*this, known->second, direct);
}

Result<void> FaultDisk::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  WEIR_TRY(changing("rename"));
  if (!entries_.contains(from)) return fail(Errc::not_found, "rename {}: no such file", from);
  return change_entries([from, to](Entries& entries) {
    const auto node = entries.find(from);
    if (node == entries.end()) return;
    entries[to] = node->second;
    entries.erase(from);
  });
}

Result<void> FaultDisk::unlink(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!entries_.contains(path)) return {};
  WEIR_TRY(changing("unlink"));
  return change_entries([path](Entries& entries) { entries.erase(path); });
}

Result<void> FaultDisk::sync_directory(const std::string&) {
  const std::scoped_lock lock(mutex_);
  WEIR_TRY(changing("sync directory"));
  durable_entries_ = entries_;
  pending_.clear();
  return {};
}

Result<std::vector<std::string>> FaultDisk::list(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!directories_.contains(path)) return fail(Errc::not_found, "list {}: no such directory", path);
  std::vector<std::string> names;
  for (const auto& [name, node] : entries_) {
    if (directory_of(name) == path) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

Result<void> FaultDisk::make_directory(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  directories_.insert(path);
  return {};
}

Result<std::unique_ptr<FileLock>> FaultDisk::lock(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!locks_.insert(path).second) return fail(Errc::data_locked, "{} is locked", path);
  return std::make_unique<FaultLock>(*this, path);
}

void FaultDisk::crash_at(std::uint64_t n) {
  const std::scoped_lock lock(mutex_);
  crash_at_ = n == 0 ? 0 : calls_ + n;
}
void FaultDisk::crash_now() {
  const std::scoped_lock lock(mutex_);
  crashed_ = true;
}
bool FaultDisk::crashed() const {
  const std::scoped_lock lock(mutex_);
  return crashed_;
}
std::uint64_t FaultDisk::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}
void FaultDisk::fail_sync_at(std::uint64_t n) {
  const std::scoped_lock lock(mutex_);
  fail_sync_in_ = n;
}
void FaultDisk::fail_write_at(std::uint64_t n) {
  const std::scoped_lock lock(mutex_);
  fail_write_in_ = n;
}
void FaultDisk::set_capacity(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  capacity_ = bytes;
}
void FaultDisk::set_write_max(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  write_max_ = bytes;
}
void FaultDisk::set_writes_full(bool full) {
  const std::scoped_lock lock(mutex_);
  writes_full_ = full;
}

std::vector<std::string> FaultDisk::paths() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, node] : entries_) paths.push_back(path);
  return paths;
}
std::string FaultDisk::content(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return entries_.at(path)->current;
}
void FaultDisk::set_content(const std::string& path, std::string bytes) {
  const std::scoped_lock lock(mutex_);
  auto node = std::make_shared<Node>();
  node->current = node->durable = std::move(bytes);
  entries_[path] = durable_entries_[path] = node;
}
void FaultDisk::flip(const std::string& path, std::uint64_t byte, unsigned bit) {
  const std::scoped_lock lock(mutex_);
  Node& node = *entries_.at(path);
  node.current.at(byte) = static_cast<char>(node.current.at(byte) ^ (1 << bit));
  node.durable = node.current;
}
void FaultDisk::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(path);
  durable_entries_.erase(path);
}
std::uint64_t FaultDisk::bytes_used() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t used = 0;
  for (const auto& [path, node] : entries_) used += node->current.size();
  return used;
}

}  // namespace weir::test

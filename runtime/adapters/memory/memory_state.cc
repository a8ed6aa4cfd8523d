#include "runtime/adapters/memory/memory_state.h"

#include <condition_variable>
#include <optional>
#include <utility>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

using Picture = MemoryStateDisk::Picture;

tl::unexpected<Error> damaged(std::string_view key) {
  return fail(Errc::state_damaged, "memory state: damage at key '{}'", key);
}

class MemoryScan final : public StateScan {
 public:
  MemoryScan(std::shared_ptr<const Picture> picture, std::string damage, std::string_view from, std::string_view to)
      : picture_(std::move(picture)), damage_(std::move(damage)), from_(from), to_(to) {
    MemoryScan::seek(from);
  }
  [[nodiscard]] bool valid() const override {
    return at_ != picture_->entries.end() && (to_.empty() || at_->first < to_) && !hit();
  }
  [[nodiscard]] std::string_view key() const override { return at_->first; }
  [[nodiscard]] std::string_view value() const override { return at_->second; }
  void next() override { ++at_; }
  void seek(std::string_view key) override {
    at_ = picture_->entries.lower_bound(key < from_ ? std::string_view{from_} : key);
  }
  [[nodiscard]] Result<void> status() const override {
    if (hit()) return damaged(damage_);
    return {};
  }

 private:
  [[nodiscard]] bool hit() const { return !damage_.empty() && at_ != picture_->entries.end() && at_->first == damage_; }
  std::shared_ptr<const Picture> picture_;
  std::string damage_;
  std::string from_;
  std::string to_;
  std::map<std::string, std::string, std::less<>>::const_iterator at_;
};

class MemorySnapshot final : public StateSnapshot {
 public:
  MemorySnapshot(std::shared_ptr<const Picture> picture, std::string damage)
      : picture_(std::move(picture)), damage_(std::move(damage)) {}
  [[nodiscard]] const std::string& cursor() const override { return picture_->cursor; }
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view key) const override {
    if (!damage_.empty() && key == damage_) return damaged(key);
    const auto at = picture_->entries.find(key);
    if (at == picture_->entries.end()) return std::nullopt;
    return at->second;
  }
  [[nodiscard]] Result<std::vector<std::optional<std::string>>> get_many(
      const std::vector<std::string_view>& keys) const override {
    std::vector<std::optional<std::string>> values;
    values.reserve(keys.size());
    for (const std::string_view key : keys) {
      WEIR_ASSIGN(auto value, get(key));
      values.push_back(std::move(value));
    }
    return values;
  }
  [[nodiscard]] std::unique_ptr<StateScan> open_scan(std::string_view from, std::string_view to) const override {
    return std::make_unique<MemoryScan>(picture_, damage_, from, to);
  }

 private:
  std::shared_ptr<const Picture> picture_;
  std::string damage_;
};

}  // namespace

std::shared_ptr<const Picture> MemoryStateDisk::picture() const {
  const std::lock_guard lock(mutex_);
  return picture_;
}

void MemoryStateDisk::replace(std::shared_ptr<const Picture> picture) {
  const std::lock_guard lock(mutex_);
  picture_ = std::move(picture);
}

std::shared_ptr<MemoryStateDisk> MemoryStateDisk::checkpoint(const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  const auto found = checkpoints_.find(directory);
  return found == checkpoints_.end() ? nullptr : found->second;
}

/// What the store and its queued work have in common; outlives the store when work is still queued somewhere.
struct MemoryState::Shared {
  Shared(std::shared_ptr<MemoryStateDisk> disk_, const StateMerger& merger_)
      : disk(std::move(disk_)), merger(&merger_) {}

  struct Pending {
    StateFlush flush;
    StateFlushDone done;
  };

  /// Does the flush that waits, if it still does.
  void work() {
    std::unique_lock lock(mutex);
    if (!pending) return;
    Pending job = std::move(*pending);
    pending.reset();
    const Result<void> result = apply(job.flush);
    job.flush = {};
    // Idle before the completion runs: what it wakes may hand in the next flush at once.
    busy = 0;
    ++telling;
    lock.unlock();
    job.done(result);
    lock.lock();
    --telling;
    told.notify_all();
  }

  Result<void> apply(const StateFlush& flush) {
    if (disk_full) return fail(Errc::disk_full, "memory state: the disk is full (injected)");
    if (failures != 0) {
      --failures;
      return fail(failure, "memory state: the flush failed (injected)");
    }
    if (!flush.cursor.empty() && disk->picture()->cursor == flush.cursor) return {};
    auto next = std::make_shared<Picture>(*disk->picture());
    for (const StateEntry& entry : flush.entries()) {
      switch (entry.op) {
        case StateOp::put:
          next->entries.insert_or_assign(std::string(entry.key), std::string(entry.value));
          break;
        case StateOp::erase:
          next->entries.erase(std::string(entry.key));
          break;
        case StateOp::merge: {
          const auto at = next->entries.find(entry.key);
          std::optional<std::string_view> existing;
          if (at != next->entries.end()) existing = at->second;
          std::string merged;
          if (!merger->merge(entry.key, existing, entry.value, merged)) return damaged(entry.key);
          next->entries.insert_or_assign(std::string(entry.key), std::move(merged));
          break;
        }
      }
    }
    next->cursor = flush.cursor;
    disk->replace(std::move(next));
    if (std::exchange(lose_reply, false)) return fail(Errc::io_failed, "memory state: the reply was lost (injected)");
    return {};
  }

  std::shared_ptr<MemoryStateDisk> disk;
  const StateMerger* merger;
  std::mutex mutex;
  std::condition_variable changed;  // there is work, or the store is closed
  std::condition_variable told;
  std::optional<Pending> pending;
  std::uint32_t busy = 0;     // flushes handed in and not decided: 0 or 1
  std::uint32_t telling = 0;  // completions running
  bool closed = false;
  bool disk_full = false;
  bool lose_reply = false;
  Errc failure = Errc::io_failed;
  std::uint32_t failures = 0;
  std::string damage;
};

MemoryState::MemoryState(std::shared_ptr<MemoryStateDisk> disk, const StateMerger& merger, MemoryStateExecutor executor)
    : shared_(std::make_shared<Shared>(std::move(disk), merger)), executor_(std::move(executor)) {
  if (executor_) return;
  worker_ = std::thread([shared = shared_] {
    for (;;) {
      {
        std::unique_lock lock(shared->mutex);
        shared->changed.wait(lock, [&] { return shared->pending || shared->closed; });
        if (!shared->pending) return;
      }
      shared->work();
    }
  });
}

MemoryState::~MemoryState() {
  MemoryState::close();
}

Result<std::shared_ptr<const StateSnapshot>> MemoryState::snapshot() const {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->closed) return fail(Errc::cancelled, "the state store is closed");
  return std::make_shared<MemorySnapshot>(shared_->disk->picture(), shared_->damage);
}

void MemoryState::flush(StateFlush flush, StateFlushDone done) {
  std::unique_lock lock(shared_->mutex);
  INVARIANT(shared_->busy == 0, "a state store does one flush at a time");
  if (shared_->closed) {
    // The worker is gone and the caller's stack is not for completions.
    lock.unlock();
    std::function<void()> answer = [done = std::move(done)] {
      done(fail(Errc::cancelled, "the state store is closed"));
    };
    if (executor_) {
      executor_(std::move(answer));
    } else {
      std::thread(std::move(answer)).detach();
    }
    return;
  }
  ++shared_->busy;
  shared_->pending = Shared::Pending{std::move(flush), std::move(done)};
  lock.unlock();
  if (executor_) {
    executor_([shared = shared_] { shared->work(); });
  } else {
    shared_->changed.notify_one();
  }
}

Result<void> MemoryState::checkpoint(const std::string& directory) const {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->closed) return fail(Errc::cancelled, "the state store is closed");
  if (shared_->disk_full) return fail(Errc::disk_full, "memory state: the disk is full (injected)");
  if (shared_->failures != 0) {
    --shared_->failures;
    return fail(shared_->failure, "memory state: the checkpoint failed (injected)");
  }
  auto made = std::make_shared<MemoryStateDisk>();
  made->replace(shared_->disk->picture());
  const std::lock_guard disk_lock(shared_->disk->mutex_);
  if (!shared_->disk->checkpoints_.emplace(directory, std::move(made)).second)
    return fail(Errc::invalid_argument, "memory state: {} is there already", directory);
  return {};
}

Result<void> MemoryState::verify() const {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->closed) return fail(Errc::cancelled, "the state store is closed");
  if (!shared_->damage.empty()) return damaged(shared_->damage);
  return {};
}

void MemoryState::close() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;  // a crashed store is closed already, but its thread is still to be joined
  }
  if (executor_) {
    shared_->work();
    std::unique_lock lock(shared_->mutex);
    shared_->told.wait(lock, [this] { return shared_->telling == 0; });
    return;
  }
  shared_->changed.notify_one();
  if (worker_.joinable()) worker_.join();
}

void MemoryState::fail_flushes(Errc code, std::uint32_t count) {
  const std::lock_guard lock(shared_->mutex);
  shared_->failure = code;
  shared_->failures = count;
}

void MemoryState::set_disk_full(bool full) {
  const std::lock_guard lock(shared_->mutex);
  shared_->disk_full = full;
}

void MemoryState::lose_next_reply() {
  const std::lock_guard lock(shared_->mutex);
  shared_->lose_reply = true;
}

void MemoryState::crash() {
  const std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
  shared_->pending.reset();
  shared_->busy = 0;
  shared_->changed.notify_one();
}

void MemoryState::damage(std::string key) {
  const std::lock_guard lock(shared_->mutex);
  shared_->damage = std::move(key);
}

}  // namespace weir

// The state stores under test, made alike: opened over something that survives them, crashed, filled, looked at.
#pragma once
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_state.h"
#include "runtime/adapters/rocksdb_state/rocksdb_shared.h"
#include "runtime/adapters/rocksdb_state/rocksdb_states.h"
#include "runtime/base/result.h"
#include "runtime/ports/state_store.h"
#include "tests/contract/state_store/faulty_files.h"

namespace weir::test {

/// Appends: associative, but the order of operands shows in the result.
class AppendMerger final : public StateMerger {
 public:
  bool merge(std::string_view, std::optional<std::string_view> existing, std::string_view operand,
             std::string& out) const override {
    if (operand == "damaged") return false;
    out.assign(existing.value_or(""));
    out.append(operand);
    return true;
  }
};
inline const AppendMerger kAppend;

using Model = std::map<std::string, std::string>;

/// Owns what the entries of a flush point to.
struct Changes {
  struct Change {
    StateOp op;
    std::string value;
  };
  std::map<std::string, Change> by_key;
  Changes& put(const std::string& key, const std::string& value) { return set(key, {StateOp::put, value}); }
  Changes& merge(const std::string& key, const std::string& value) { return set(key, {StateOp::merge, value}); }
  Changes& erase(const std::string& key) { return set(key, {StateOp::erase, {}}); }
  Changes& set(const std::string& key, Change change) {
    by_key[key] = std::move(change);
    return *this;
  }
  void apply_to(Model& model) const {
    for (const auto& [key, change] : by_key) {
      if (change.op == StateOp::put) model[key] = change.value;
      if (change.op == StateOp::merge) model[key] += change.value;
      if (change.op == StateOp::erase) model.erase(key);
    }
  }
  [[nodiscard]] StateFlush flush(const std::string& cursor) const {
    const auto owner = std::make_shared<const Changes>(*this);
    return {[owner] {
              std::vector<StateEntry> entries;
              for (const auto& [key, change] : owner->by_key) entries.push_back({key, change.value, change.op});
              return entries;
            },
            cursor};
  }
};

/// Hands the flush in and waits for its completion.
inline Result<void> flush_now(StateStore& store, StateFlush flush) {
  std::promise<Result<void>> promise;
  auto future = promise.get_future();
  store.flush(std::move(flush), [&promise](Result<void> result) { promise.set_value(std::move(result)); });
  return future.get();
}

inline Result<Model> everything(const StateReader& reader) {
  Model model;
  WEIR_TRY(reader.scan({}, {}, [&](std::string_view key, std::string_view value) {
    model.emplace(key, value);
    return true;
  }));
  return model;
}
inline Result<Model> everything(const StateStore& store) {
  WEIR_ASSIGN(const auto snapshot, store.snapshot());
  return everything(*snapshot);
}

/// One kind of store with what survives it.
class Bench {
 public:
  virtual ~Bench() = default;
  [[nodiscard]] virtual std::unique_ptr<StateStore> open() = 0;
  /// The next flush meets a full disk (`full`) or a failing one.
  virtual void break_disk(bool full) = 0;
  virtual void mend_disk() = 0;
  /// Where a checkpoint of that name goes, and what is opened there; null: nothing is there.
  [[nodiscard]] virtual std::string checkpoint_place(const std::string& name) const = 0;
  [[nodiscard]] virtual std::unique_ptr<StateStore> open_checkpoint(const std::string& name) = 0;
};

class MemoryBench final : public Bench {
 public:
  std::unique_ptr<StateStore> open() override {
    auto store = std::make_unique<MemoryState>(disk_, kAppend);
    store_ = store.get();
    return store;
  }
  void break_disk(bool full) override {
    if (full) {
      store_->set_disk_full(true);
    } else {
      store_->fail_flushes(Errc::io_failed, 1'000'000);
    }
  }
  void mend_disk() override {
    store_->set_disk_full(false);
    store_->fail_flushes(Errc::io_failed, 0);
  }
  std::string checkpoint_place(const std::string& name) const override { return name; }
  std::unique_ptr<StateStore> open_checkpoint(const std::string& name) override {
    auto made = disk_->checkpoint(name);
    if (!made) return nullptr;
    return std::make_unique<MemoryState>(std::move(made), kAppend);
  }

 private:
  std::shared_ptr<MemoryStateDisk> disk_ = std::make_shared<MemoryStateDisk>();
  MemoryState* store_ = nullptr;
};

/// A directory of its own, gone afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-state-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class RocksdbBench final : public Bench {
 public:
  explicit RocksdbBench(int runs_max = 12) : runs_max_(runs_max) {}
  std::unique_ptr<StateStore> open() override {
    auto store = open_rocksdb_state(shared_, (directory_.path() / "p0").string(), kAppend, false);
    if (!store) throw std::runtime_error(describe(store.error()));
    return std::move(*store);
  }
  void break_disk(bool full) override { files_->fail_writes(full); }
  void mend_disk() override { files_->mend(); }
  std::string checkpoint_place(const std::string& name) const override { return (directory_.path() / name).string(); }
  std::unique_ptr<StateStore> open_checkpoint(const std::string& name) override {
    if (!std::filesystem::exists(checkpoint_place(name))) return nullptr;
    auto store = open_rocksdb_state(shared_, checkpoint_place(name), kAppend, false);
    if (!store) throw std::runtime_error(describe(store.error()));
    return std::move(*store);
  }
  [[nodiscard]] FaultyFiles& files() { return *files_; }
  [[nodiscard]] std::shared_ptr<RocksdbShared> shared() { return shared_; }
  [[nodiscard]] std::filesystem::path directory() const { return directory_.path() / "p0"; }

 private:
  int runs_max_;
  TemporaryDirectory directory_;
  std::shared_ptr<FaultyFiles> files_ = std::make_shared<FaultyFiles>(rocksdb::FileSystem::Default());
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
  std::shared_ptr<RocksdbShared> shared_ = std::make_shared<RocksdbShared>(
      RocksdbStatesOptions{.block_cache_bytes = 4 * 1024 * 1024, .runs_max = runs_max_}, env_.get());
};

}  // namespace weir::test

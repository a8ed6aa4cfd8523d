// Pending changes of one partition's state, in memory over its store: a hash map from key to one operation, in an
// arena. Changes of the same key are merged in place, so a flush carries each key once and the path never reads the
// store.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/ports/state_store.h"

namespace weir {

/// Keys from <= key < to; empty `to`: to the end.
struct StateRange {
  std::string from;
  std::string to;
  [[nodiscard]] static StateRange only(std::string_view key) {
    return {std::string(key), std::string(key).append(1, '\0')};
  }
};
/// Between the two there is one key, `from`.
[[nodiscard]] inline bool is_single_key(std::string_view from, std::string_view to) noexcept {
  return to.size() == from.size() + 1 && to.back() == '\0' && to.starts_with(from);
}

/// What may be written into the next flush. For participants that are no views (dedupe blocks, retry set).
class DeltaWriter {
 public:
  virtual ~DeltaWriter() = default;
  virtual void put(std::string_view key, std::string_view value) = 0;
  /// The same without a copy of the value: `owner` keeps it alive and unchanged.
  virtual void put_shared(std::string_view key, std::string_view value, std::shared_ptr<const void> owner) = 0;
  /// `operand` is a whole value of this key's kind; it is combined by the state's merger.
  virtual void merge(std::string_view key, std::string_view operand) = 0;
  virtual void erase(std::string_view key) = 0;
};

/// Not thread-safe while it is written; read-only (sealed) it may be read from any thread.
class Delta final : public DeltaWriter {
 public:
  /// `merger` must outlive it. `expected`: entries it will have about; any number works.
  explicit Delta(const StateMerger& merger, std::size_t expected = 0);
  Delta(const Delta&) = delete;
  Delta& operator=(const Delta&) = delete;

  /// One key's pending operation. The pointers are stable until resize() of this entry; the entry until the next
  /// slot().
  struct Entry {
    char* key;
    std::uint32_t key_length;
    std::uint32_t value_length;
    std::uint32_t value_capacity;  // bytes reserved behind the key; kShared: a pointer to somebody else's bytes is there
    StateOp op;
    [[nodiscard]] std::string_view key_view() const noexcept { return {key, key_length}; }
    /// Not of a shared value: resize() first.
    [[nodiscard]] char* value() const noexcept { return key + key_length; }
    [[nodiscard]] std::string_view value_view() const noexcept {
      if (value_capacity == kShared) return {load<const char*>(value()), value_length};
      return {value(), value_length};
    }
    static constexpr std::uint32_t kShared = 0xffffffff;
  };

  void put(std::string_view key, std::string_view value) override;
  void put_shared(std::string_view key, std::string_view value, std::shared_ptr<const void> owner) override;
  /// INVARIANT: the operand is one the merger understands.
  void merge(std::string_view key, std::string_view operand) override;
  void erase(std::string_view key) override;

  /// The way of the hot path: the entry of the key, made (op merge, empty value of `room` bytes capacity) when it is
  /// `fresh`. `hash` is hash_of(key). The caller writes the value itself: resize(), then value().
  struct Slot {
    Entry& entry;
    bool fresh;
  };
  [[nodiscard]] Slot slot(std::string_view key, std::uint64_t hash, std::size_t room);
  [[nodiscard]] static std::uint64_t hash_of(std::string_view key) noexcept;
  /// Starts fetching what slot() will look at, in three steps with other work between them: its place in the table, the
  /// entry found there, the entry's key and value.
  void prefetch(std::uint64_t hash) const noexcept { fetch_ahead(&table_[place_of(hash)]); }
  void prefetch_entry(std::uint64_t hash) const noexcept {
    if (const std::uint64_t slot = table_[place_of(hash)]; slot != 0)
      fetch_ahead(&entries_[(slot & 0xffffffff) - 1]);
  }
  void prefetch_bytes(std::uint64_t hash) const noexcept {
    const std::uint64_t slot = table_[place_of(hash)];
    if (slot == 0 || (slot ^ hash) >> 32 != 0) return;
    const char* bytes = entries_[(slot & 0xffffffff) - 1].key;
    fetch_ahead(bytes);
    fetch_ahead(bytes + 64);
  }
  /// Sets the value's length; keeps its bytes up to the smaller length only when `keep`.
  void resize(Entry& entry, std::size_t length, bool keep = false);

  [[nodiscard]] std::optional<StateEntry> find(std::string_view key) const noexcept;
  /// Everything in from <= key < to (empty `to`: to the end), sorted by key; views into this delta.
  /// A single key is found by its hash; anything else walks over all entries.
  [[nodiscard]] std::vector<StateEntry> sorted(std::string_view from = {}, std::string_view to = {}) const;
  /// A delta with what this one has now in the ranges; it may be read while this one is written on.
  [[nodiscard]] std::shared_ptr<const Delta> copy_of(std::span<const StateRange> ranges) const;
  /// Turns every entry for which `drop(key)` holds into an erase.
  template <class Predicate>
  void erase_if(const Predicate& drop) {
    for (Entry& entry : entries_) {
      if (entry.op == StateOp::erase || !drop(entry.key_view())) continue;
      entry.op = StateOp::erase;
      entry.value_length = 0;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// Memory in use: keys, values, entries and their share of the table.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return used_bytes_ + entries_.size() * (sizeof(Entry) + 4 * sizeof(std::uint64_t));
  }

  /// The sorted flush of a delta that is not written any more; it keeps the delta alive.
  [[nodiscard]] static StateFlush seal(const std::shared_ptr<const Delta>& delta, std::string cursor);

 private:
  void add_copy(const StateEntry& entry);
  [[nodiscard]] std::size_t place_of(std::uint64_t hash) const noexcept { return hash >> shift_; }
  [[nodiscard]] char* allocate(std::size_t bytes);
  void grow();

  const StateMerger* merger_;
  std::vector<Entry> entries_;
  // 0: free; else the hash's upper half << 32 | index + 1. A slot is found by the hash's top bits: growing hashes
  // nothing anew.
  std::vector<std::uint64_t> table_;
  std::uint32_t shift_;
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  std::vector<Block> blocks_;  // of one size, or of one big value
  std::vector<std::shared_ptr<const void>> owners_;  // of shared values
  char* free_ = nullptr;
  std::size_t free_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::string scratch_;
};

}  // namespace weir

// The state of ONE partition: a sorted map with an atomic, sorted flush that carries its cursor.
//
// Views, dedupe blocks, dead letters are entries of it. The engine keeps a delta in memory over it
// (runtime/engine/delta.h); the store sees only whole flushes, so a crash leaves it exactly at some cursor. Readers
// take a snapshot: data and cursor of one moment, so that a reader knows whether a flush under way is in what it reads
// (a merge must not count twice).
//
// tests/contract/state_store runs the same suite on every implementation.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir {

enum class StateOp : std::uint8_t {
  put = 1,    // replaces the value
  merge = 2,  // combines with what is there by the store's StateMerger; no read on the writing side
  erase = 3,
};

/// Keys are not empty and their first byte is not 0 (such keys belong to the store itself).
struct StateEntry {
  std::string_view key;
  std::string_view value;  // empty for erase
  StateOp op = StateOp::put;
};

/// Combines values of one key; associative, pure, total (never throws on damaged bytes: it returns false), thread-safe.
/// Given to a store when it is opened; the same bytes must give the same result for ever (it is part of the format).
class StateMerger {
 public:
  virtual ~StateMerger() = default;
  /// `existing` is absent when the key has no value; else a value, or an operand itself (partial merge). Writes the
  /// combined value to `out`, which aliases neither. False: the bytes are damaged.
  [[nodiscard]] virtual bool merge(std::string_view key, std::optional<std::string_view> existing,
                                   std::string_view operand, std::string& out) const = 0;
};

/// Entries and the cursor they bring the store to: applied all or nothing, together. No two flushes have the same cursor,
/// so a flush whose cursor the store already has is one whose reply was lost: it succeeds and changes nothing.
struct StateFlush {
  /// The entries sorted by key (bytewise), each key once; none: the cursor moves alone. Called on a thread of the store
  /// when the flush is its turn, so that only one list is in memory at a time. The views live as long as the function.
  std::function<std::vector<StateEntry>()> entries;
  std::string cursor;
};
/// On success the flush is durable. Errors: disk_full and io_failed (all or nothing of it is there: hand the same flush
/// in again, it is applied once), state_damaged, cancelled (the store is closed), invalid_argument (opened read-only).
using StateFlushDone = std::function<void(Result<void>)>;

/// Walks a range in key order. Not thread-safe; must not outlive the reader it came from.
class StateScan {
 public:
  virtual ~StateScan() = default;
  /// False at the end of the range and after an error: status() tells which.
  [[nodiscard]] virtual bool valid() const = 0;
  /// Only while valid(). The views last until the next move.
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
  virtual void next() = 0;
  /// Goes to the first key at or after `key` (clamped to the range), forwards or backwards.
  virtual void seek(std::string_view key) = 0;
  /// Errors: state_damaged (names the place), io_failed.
  [[nodiscard]] virtual Result<void> status() const = 0;
};

/// Something that reads like one consistent sorted map. Thread-safe unless the implementation says otherwise.
class StateReader {
 public:
  virtual ~StateReader() = default;
  /// Absent: nullopt. Errors: state_damaged (names the place), io_failed.
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
  /// Same length and order as `keys`. Cheaper than as many gets.
  [[nodiscard]] virtual Result<std::vector<std::optional<std::string>>> get_many(
      const std::vector<std::string_view>& keys) const = 0;
  /// Over from <= key < to, standing on the first entry. Empty `to`: to the end.
  [[nodiscard]] virtual std::unique_ptr<StateScan> open_scan(std::string_view from, std::string_view to) const = 0;

  /// Calls `visit` for from <= key < to in order until it returns false.
  [[nodiscard]] Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
    const std::unique_ptr<StateScan> scan = open_scan(from, to);
    for (; scan->valid(); scan->next())
      if (!visit(scan->key(), scan->value())) return {};
    return scan->status();
  }
};

/// The whole store at one moment. Holding one keeps old files on disk: drop it when done. Must not outlive its store's
/// close().
class StateSnapshot : public StateReader {
 public:
  /// Bytes of the cursor of the last flush inside; empty when there never was one.
  [[nodiscard]] virtual const std::string& cursor() const = 0;
};

/// Thread-safe, except close().
class StateStore {
 public:
  virtual ~StateStore() = default;

  /// Errors: state_damaged, io_failed, cancelled (closed).
  [[nodiscard]] virtual Result<std::shared_ptr<const StateSnapshot>> snapshot() const = 0;
  /// Asynchronous, one at a time (a second before the first completed is a broken promise: INVARIANT). `done` comes on
  /// a thread of the store, never on the caller's stack, exactly once.
  virtual void flush(StateFlush flush, StateFlushDone done) = 0;
  /// Puts the flushed state of one moment, data and cursor, into `directory` (made here; must not exist), as files that nobody
  /// changes any more: a store of the same kind opens there. Shares its content with the store instead of copying it, so it costs some
  /// milliseconds whatever the size, and a flush under way goes on; it must be on the store's file system to be cheap, and holds
  /// disk space until it is removed. Blocks: never on an actor's thread. On an error there is no directory.
  /// Errors: disk_full, io_failed, state_damaged, cancelled (closed), invalid_argument (it is there already; opened read-only).
  [[nodiscard]] virtual Result<void> checkpoint(const std::string& directory) const = 0;
  /// Reads everything and checks every checksum. Error state_damaged names the file.
  [[nodiscard]] virtual Result<void> verify() const = 0;
  /// Waits for a flush under way (its completion comes first) and closes. Every snapshot and scan must be gone.
  /// Idempotent.
  virtual void close() = 0;

  /// The value as the newest completed flush left it. Absent: nullopt. Errors: as snapshot() and StateReader::get.
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) const {
    auto picture = snapshot();
    if (!picture) return fail(std::move(picture.error()));
    return (*picture)->get(key);
  }
  /// The calls below take a snapshot each: for single questions.
  [[nodiscard]] Result<std::string> cursor() const {
    auto picture = snapshot();
    if (!picture) return fail(std::move(picture.error()));
    return (*picture)->cursor();
  }
  [[nodiscard]] Result<void> scan(
      std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
    auto picture = snapshot();
    if (!picture) return fail(std::move(picture.error()));
    return (*picture)->scan(from, to, visit);
  }
};

}  // namespace weir

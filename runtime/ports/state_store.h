// The state of ONE partition: a sorted map with an atomic, sorted flush that carries its cursor.
//
// Views, dedupe blocks, dead letters are entries of it. The engine keeps a delta in memory over it (runtime/engine/delta.h);
// the store sees only whole flushes, so a crash leaves it exactly at some cursor.
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

struct StateEntry {
  std::string_view key;
  std::string_view value;  // empty for erase
  StateOp op = StateOp::put;
};

/// Combines values of one key; associative, pure, total (never throws on damaged bytes: it returns false).
/// Given to a store when it is opened; the same bytes must give the same result for ever (it is part of the format).
class StateMerger {
 public:
  virtual ~StateMerger() = default;
  /// `existing` is absent when the key has no value. Writes the combined value to `out`. False: the bytes are damaged.
  [[nodiscard]] virtual bool merge(std::string_view key, std::optional<std::string_view> existing, std::string_view operand,
                                   std::string& out) const = 0;
};

/// Entries sorted by key (bytewise), each key once, and the cursor they bring the store to: applied all or nothing, together.
/// The views point into memory that `owner` keeps alive until the completion.
struct StateFlush {
  std::vector<StateEntry> entries;
  std::string cursor;
  std::shared_ptr<const void> owner;
};
/// On success the flush is durable. Errors: disk_full and io_failed (nothing applied, the same flush may be handed in again),
/// state_damaged.
using StateFlushDone = std::function<void(Result<void>)>;

class StateStore {
 public:
  virtual ~StateStore() = default;

  /// Bytes of the last flush's cursor; empty when there never was one.
  [[nodiscard]] virtual Result<std::string> cursor() const = 0;
  /// Absent: nullopt. Error state_damaged names the place. Thread-safe, like every const function here.
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
  /// Same length and order as `keys`.
  [[nodiscard]] virtual Result<std::vector<std::optional<std::string>>> get_many(
      const std::vector<std::string_view>& keys) const = 0;
  /// Calls `visit` for from <= key < to in order, on a consistent picture, until it returns false. Empty `to`: to the end.
  [[nodiscard]] virtual Result<void> scan(std::string_view from, std::string_view to,
                                          const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
  /// Asynchronous, one at a time (a second before the first completed is a broken promise: INVARIANT). `done` comes on a
  /// thread of the store, never on the caller's stack.
  virtual void flush(StateFlush flush, StateFlushDone done) = 0;
  /// Reads everything and checks every checksum. Error state_damaged names the file.
  [[nodiscard]] virtual Result<void> verify() const = 0;
  /// Waits for a flush under way and closes. Idempotent.
  virtual void close() = 0;
};

}  // namespace weir

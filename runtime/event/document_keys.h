// The keys a parser has met. A key knows its slot and which key followed it last time, so reading an event of a known
// shape costs one comparison of 16 bytes per key. Internal to runtime/event.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/event/chain_arena.h"
#include "runtime/event/field_plan.h"

namespace weir {

struct KeyContext;

/// One key below one path, as plain text. A spelling with escapes is looked up by what it means.
struct alignas(64) Key {
  char head[16];               // the first bytes of `key":`
  std::uint32_t mask = 0;      // which of them count
  std::uint32_t length = 0;    // of the key alone
  Key* next = nullptr;         // who came after it last time
  std::uint64_t stamp = 0;     // the object instance that had it last
  const char* text = nullptr;  // `key":`
  Slot slot = kNoSlot;
  Slot touch = kNoSlot;
  bool high = false;                // not only ASCII: the event must be checked for UTF-8
  bool literal = true;              // stands in JSON as it is: only such keys may be predicted
  KeyContext* in_object = nullptr;  // keys of the object that is its value
  KeyContext* in_array = nullptr;   // keys of objects in the array that is its value; never wanted
  const FieldPlan::Node* node = nullptr;
};

/// The keys of all objects at one path.
struct KeyContext {
  Key* first = nullptr;                   // predicted first key
  const FieldPlan::Node* node = nullptr;  // what is wanted here, or nullptr
  std::uint64_t seed = 0;                 // tells the contexts apart in the table
};

/// Bounded: when full it gives nullptr, and the caller compares keys for itself until clear().
class KeyTable {
 public:
  explicit KeyTable(const FieldPlan& plan);

  [[nodiscard]] KeyContext& top() noexcept { return *top_; }
  /// The key with this text (no escapes), adding it where there is room.
  [[nodiscard]] Key* find_or_add(KeyContext& context, std::string_view text);
  /// The context of what is below `key`, or nullptr when full.
  [[nodiscard]] KeyContext* below(Key& key, bool array);
  [[nodiscard]] bool full() const noexcept {
    return keys_.size() >= kKeysMax || contexts_.size() >= kKeysMax || bytes_ >= kBytesMax;
  }
  /// Forgets all keys but the wanted ones; every Key and KeyContext handed out before is void.
  void clear();

  static constexpr std::size_t kKeysMax = 16'384;
  static constexpr std::size_t kBytesMax = 1 << 20;  // of key text

 private:
  Key* add(KeyContext& context, std::string_view text, std::uint64_t hash);
  void add_wanted(KeyContext& context);
  KeyContext* new_context(const FieldPlan::Node* node);

  const FieldPlan& plan_;
  struct Entry {
    std::uint64_t hash = 0;
    Key* key = nullptr;
  };
  void place(const Entry& entry);
  std::vector<Entry> table_;  // open addressing, at most half full: a probe always ends
  std::deque<Key> keys_;
  std::deque<KeyContext> contexts_;
  ChainArena texts_;
  std::size_t bytes_ = 0;
  KeyContext* top_ = nullptr;
};

}  // namespace weir

// The parked events of one partition: tried in vain and due again, or held behind an earlier event of their key. It is what the
// commits say, no more: rebuilt from the state and the commits behind it, by owner, standby and replay alike.
//
// Of each id, and of each ordering key, only the first event is ever due: the others wait for it, so their order is kept. When it is
// decided the next one is due at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/event/commit_body.h"

namespace weir {

/// One parked event, owning its texts.
struct ParkedEvent {
  Offset offset;
  std::string id;
  Digest128 digest;              // of the original bytes
  std::int64_t accepted_at = 0;  // microseconds since 1970, as all times here
  std::string original;
  std::string edited;            // what the stages are given in its place; empty: nothing
  std::string csv_header;
  std::string door;
  std::uint32_t format = 1;      // FrameFormat
  std::uint16_t frame_flags = 0;
  std::uint64_t line = 0;
  std::uint32_t attempts = 0;    // made so far; 0: it was held before it was tried
  std::string stage;             // of the last attempt; of held: empty
  std::string reason;
  std::string details;           // a JSON array of strings
  std::int64_t first_at = 0;     // the first attempt
  std::int64_t due_at = 0;       // the next one; of held: when it was held
  std::string key;               // the value of retry.order_by; empty: none, or not known before it is read
  bool held = false;             // it was not tried yet: an earlier event of its id or key is parked
  bool behind_id = false;        // of held: owns no dedupe entry (outcome_flag::behind_id)
  /// The bytes that the stages are given.
  [[nodiscard]] std::string_view given() const noexcept { return edited.empty() ? original : edited; }
  /// What it takes in memory, about.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(ParkedEvent) + 256 + id.size() * 2 + original.size() + edited.size() + csv_header.size() + door.size() + details.size() + key.size() * 2;
  }
};

/// What a parked outcome of a commit says.
[[nodiscard]] ParkedEvent parked_event_of(const OutcomeBatch& batch, std::uint32_t index);

/// Not thread-safe.
class RetrySet {
 public:
  /// Applies what a commit parks, tries again in vain, and decides. Errors: log_damaged (it decides an event below its position
  /// that is not parked, or parks one twice).
  [[nodiscard]] Result<void> apply(const CommitBody& body);
  /// From a flushed state. Error state_damaged: it is there already.
  [[nodiscard]] Result<void> add(ParkedEvent event);

  [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
  /// Of memory, about.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] const ParkedEvent* find(Offset offset) const;
  /// The last parked event with this id: the others of it come before; null: there is none.
  [[nodiscard]] const ParkedEvent* last(std::string_view id) const;
  /// Whether any event of this id, or of this ordering key, is parked.
  [[nodiscard]] bool holds_id(std::string_view id) const { return !ids_.empty() && ids_.contains(std::string(id)); }
  [[nodiscard]] bool holds_key(std::string_view key) const { return !keys_.empty() && keys_.contains(std::string(key)); }
  /// Ids, and ordering keys, with parked events.
  [[nodiscard]] std::size_t ids() const noexcept { return ids_.size(); }
  [[nodiscard]] std::size_t keys() const noexcept { return keys_.size(); }

  /// When the next one is due (in the past: now); nothing: none is parked. `but`: those that do not count.
  [[nodiscard]] std::optional<std::int64_t> next_due(const std::set<Offset>& but = {}) const;
  /// Those that are due at `now`, at most `count`, the longest due first.
  [[nodiscard]] std::vector<Offset> due(std::int64_t now, std::size_t count, const std::set<Offset>& but = {}) const;
  /// All, by offset.
  [[nodiscard]] const std::map<Offset, ParkedEvent>& events() const noexcept { return events_; }

 private:
  using Due = std::pair<std::int64_t, Offset>;
  using Queues = std::unordered_map<std::string, std::set<Offset>>;
  void insert(ParkedEvent event);
  void erase(std::map<Offset, ParkedEvent>::iterator event);
  /// Into due_ when it is the first of its id and of its key, else out of it.
  void place(Offset offset);
  void place_first(const Queues& queues, const std::string& of);
  [[nodiscard]] static Due due_of(const ParkedEvent& event) noexcept;

  std::map<Offset, ParkedEvent> events_;
  Queues ids_;
  Queues keys_;
  std::set<Due> due_;  // the first of each
  std::size_t bytes_ = 0;
};

}  // namespace weir

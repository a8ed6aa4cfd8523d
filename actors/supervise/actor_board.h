// The live supervision tree, for people: who is there, in which state, how often it was started again and of what it died last,
// what it has to do. Supervisors and actors write into their own entry, whoever asks reads all of them: nobody has to be asked, so
// an actor that hangs is seen, too.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class ActorState : std::uint8_t {
  starting,     // spawned, not at work yet: it fences, replays, opens its input
  running,
  backing_off,  // dead; the pause before its restart
  failing,      // dead, and has been too often; it is tried again now and then
  quarantined,  // dead; only a person starts it again
  stopped,      // it came to its end: an input that was read, a node that stops
};
inline constexpr ActorState kActorStates[] = {ActorState::starting, ActorState::running,     ActorState::backing_off,
                                              ActorState::failing,  ActorState::quarantined, ActorState::stopped};
[[nodiscard]] std::string_view to_string(ActorState state) noexcept;

/// One place in the tree, whichever actor fills it now. Thread-safe. Outlives its actors.
class ActorEntry {
 public:
  ActorEntry(std::string path, std::string unit, std::uint64_t number) : path_(std::move(path)), unit_(std::move(unit)), number_(number) {}

  void state(ActorState state) noexcept { state_.store(state, std::memory_order_relaxed); }
  /// It died of this, at this moment (microseconds since 1970).
  void died(std::string_view error, std::int64_t at);
  /// What else a person should know of whoever is there now; empty: nothing.
  void note(std::string_view text);
  /// Another actor has taken the place of one that died.
  void restarted() noexcept { restarts_.fetch_add(1, std::memory_order_relaxed); }
  /// What waits for it or is worked on, and how much more its senders may send, both in `unit`.
  void load(std::uint64_t queue, std::uint64_t credits) noexcept {
    queue_.store(queue, std::memory_order_relaxed);
    credits_.store(credits, std::memory_order_relaxed);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  friend class ActorBoard;
  const std::string path_;
  const std::string unit_;
  const std::uint64_t number_;  // in the order in which places were made
  std::atomic<ActorState> state_{ActorState::starting};
  std::atomic<std::uint64_t> restarts_{0};
  std::atomic<std::uint64_t> queue_{0};
  std::atomic<std::uint64_t> credits_{0};
  mutable std::mutex mutex_;
  std::string error_;
  std::int64_t died_at_ = 0;
  std::string note_;
};

struct ActorReport {
  std::string path;  // "pipeline/partition/3/validate"
  ActorState state = ActorState::starting;
  std::uint64_t restarts = 0;
  std::string last_error;     // empty: it never died
  std::int64_t died_at = 0;   // of last_error
  std::uint64_t queue = 0;
  std::uint64_t credits = 0;
  std::string unit;           // of queue and credits: "events"; empty: it has no queue that anybody counts
  std::string note;           // what else there is to know of it: "left alone until ..."; mostly empty
};

/// Thread-safe.
class ActorBoard {
 public:
  /// The entry of this place, made when it is asked for first. `path`: names from the root, with `/` between them; a child's
  /// begins with its supervisor's. `unit` counts the first time.
  [[nodiscard]] std::shared_ptr<ActorEntry> entry(const std::string& path, std::string unit = {});
  /// The place is gone for good (a stage that the rules do not have any more).
  void remove(const std::string& path);
  /// In the order of the tree: every supervisor before its children, children as they were made.
  [[nodiscard]] std::vector<ActorReport> report() const;

 private:
  [[nodiscard]] static ActorReport report_of(const ActorEntry& entry);
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ActorEntry>, std::less<>> entries_;
  std::uint64_t last_number_ = 0;
};

}  // namespace weir

// Which events crash stages: how often each did, and when one is not to be shown to a stage again. A decider: crashes come in, and
// out goes who is driven with others, who alone, who not at all.
//
// An event is known by the fingerprint of its bytes, not by its place: one whose crash took the process along may not have been
// durable, and comes again at another offset.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/ids.h"

namespace weir {

/// What a stage had in its hands when it crashed.
struct Suspect {
  Offset first;                    // as it was then
  std::uint32_t count = 1;         // events from `first` on; 1: this one is to blame
  std::uint64_t fingerprint = 0;   // of the bytes, where count is 1
  std::string stage;
  std::uint32_t crashes = 0;
  std::string cause;               // of the last one: the text of an exception, a signal, a stall
  std::uint32_t quiet_lives = 0;   // of the process, since the last one
};

/// Of one partition. Outlives its actors, one of which uses it at a time. Not thread-safe.
class PoisonBook {
 public:
  /// More are not remembered: the one that crashed first makes room. Arbitrary: stages that crash on more events than these are
  /// ended by their supervisor long before.
  static constexpr std::size_t kSuspectsMax = 4'096;
  /// Crashes of a stage with a batch before its events are driven one by one: the first may have been an accident.
  static constexpr std::uint32_t kBatchCrashesMax = 2;

  /// `crashes_max`: 1 or more; the event that is blamed so often is poison.
  explicit PoisonBook(std::uint32_t crashes_max = 3) : crashes_max_(crashes_max) {}
  /// What earlier lives of the process knew.
  void remember(std::vector<Suspect> suspects);

  /// Nothing is suspected: the common case, asked before anything else.
  [[nodiscard]] bool empty() const noexcept { return events_.empty() && batches_.empty(); }
  /// `crash.crashes` more. True: the event (count 1) is poison from now on.
  bool crashed(const Suspect& crash);
  /// The event crashed a stage crashes_max times; null: it may be driven.
  [[nodiscard]] const Suspect* poison(std::uint64_t fingerprint) const;
  /// Whether events of [first, end) are to be driven one by one.
  [[nodiscard]] bool must_part(Offset first, Offset end) const;
  /// They were, and whoever is to blame is known: the rest of the batch is still suspected.
  void parted(Offset first, Offset end);
  /// The event is decided, or is to be tried as if nothing were known of it.
  void decided(std::uint64_t fingerprint) { events_.erase(fingerprint); }

  [[nodiscard]] std::vector<Suspect> suspects() const;

 private:
  std::uint32_t crashes_max_;
  std::unordered_map<std::uint64_t, Suspect> events_;
  std::vector<Suspect> batches_;
};

}  // namespace weir

// Where a sink writes: one partition's part of it.
//
// What is sent becomes true in two steps, so that a target that can hide what is half done (files) holds every record once, whenever the
// process dies: prepare() makes what was sent durable, still hidden, and says how it can be shown; that text is stored together with the
// cursor, in one atomic write; publish() shows it, and may be repeated. What was sent and not prepared is forgotten by open(). A target
// that cannot hide anything shows at once what it is sent, says so by prepared() == false, and gets some of it again after a death.
#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// Everything in commits up to `through` is done, and the first `taken` records (or letters) of the one behind it.
struct SinkPosition {
  CommitSequence through;
  std::uint32_t taken = 0;
  friend auto operator<=>(const SinkPosition&, const SinkPosition&) = default;
};

/// One record as it is written. The texts live as long as their batch.
struct SinkItem {
  std::string_view text;    // one line, without its end
  std::string_view id;      // of the record
  std::string_view folder;  // of files: "date=2026-11-27/Country=France"; empty: none
  std::string_view type = {};    // of sinks of plugins: the envelope of a record
  std::string_view source = {};  // likewise
  std::int64_t event_time = 0;  // likewise; of a letter: when it was accepted
  SinkPosition behind = {};     // likewise
};

struct SinkBatch {
  SinkPosition from;
  SinkPosition to;
  std::string key;                // the same for the same records, whenever they are sent
  std::vector<SinkItem> items;    // in the order of the log; may be empty: nothing between from and to is for this sink
  std::size_t bytes = 0;          // of the texts
  std::string header;             // of CSV: the header line, without its end
  std::shared_ptr<const void> keep;  // what the texts point into
};

struct SinkAnswer {
  enum class Kind : std::uint8_t {
    taken,
    full,     // taken, and no more before what was sent is published
    failed,   // may pass: to be sent again
    refused,  // something in the batch is not wanted, and never will be
    unusable  // not the batch's fault, and nothing that passes by itself: an address that is not there, a token that is not known
  };
  Kind kind = Kind::taken;
  std::string reason;
  std::chrono::milliseconds pause{0};  // of failed: leave it alone so long
};
using SinkAnswered = std::function<void(SinkAnswer)>;

/// One call at a time, each on the sink's own thread, where it may block. What open(), send() and prepare() throw is a crash of the sink,
/// which is then started again with a target of its own, and goes on behind its cursor.
class SinkTarget {
 public:
  virtual ~SinkTarget() = default;
  /// Whether what is sent stays hidden until it is published.
  [[nodiscard]] virtual bool hides() const = 0;
  /// First, and again after a failed prepare(): what was prepared under `state` (what the cursor says; empty: nothing yet) is published,
  /// what came after it is forgotten. Errors: io_failed, disk_full (to be tried again), state_damaged.
  [[nodiscard]] virtual Result<void> open(const std::string& state) = 0;
  /// `answered` exactly once, here or later on any thread. The same batch may come again after a failure; a part of it that was taken in
  /// spite of that is not doubled where the target hides.
  virtual void send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) = 0;
  /// Everything sent since the last publish() is durable, and hidden. Of a target that hides. Errors: io_failed, disk_full: then only
  /// open() helps.
  [[nodiscard]] virtual Result<std::string> prepare() = 0;
  /// Errors: io_failed (to be tried again).
  [[nodiscard]] virtual Result<void> publish(const std::string& state) = 0;
};

/// What is durable of a sink's progress in one partition.
struct SinkCursor {
  Digest128 log_id;
  SinkPosition position;
  std::uint64_t records = 0;        // taken so far
  std::uint64_t skipped = 0;        // refused and passed over so far
  std::uint64_t log_records = 0;    // of the curated log up to `position.through`
  std::vector<std::string> columns;  // of CSV without columns of its own: those of the first record, each as a path
  std::string state;                 // of the target
  friend bool operator==(const SinkCursor&, const SinkCursor&) = default;
};

}  // namespace weir

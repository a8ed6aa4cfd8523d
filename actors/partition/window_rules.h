// What a partition's window is told, and what it hands out: limits and rules, rounds for the stages, commits for the log.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/engine/dedupe_index.h"
#include "runtime/engine/view_set.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/commit_body.h"
#include "runtime/ports/event_log.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

struct WindowLimits {
  std::uint32_t events_max = 4'096;               // admitted and not committed
  std::size_t bytes_max = 8 * 1024 * 1024;        // of ingest batches admitted and not committed
  std::size_t commit_bytes_max = 16 * 1024 * 1024;  // of one prepared commit; one batch is always taken
  std::uint32_t batch_events_max = kChainEventsMax;  // driven through the stages together; fewer where they may be split
  std::size_t batch_bytes_max = 16 * 1024 * 1024;  // of what they become; where they become more, fewer are taken together
  std::uint32_t rounds_max = 3;                   // with the stages at a time: their memory is used again while it is cached
  std::uint64_t event_bytes_max = 900 * 1024;     // an event with longer records is dead-lettered: output_too_large
};

/// WindowLimits::batch_events_max of a chain that splits events: each may become kEventPartsMax parts, all in memory at once.
inline constexpr std::uint32_t kSplitEventsMax = 32;

/// The pipeline's rules that the window itself applies.
struct WindowRules {
  OnConflict on_conflict = OnConflict::dead_letter;
  LateConfig late;
  RetrySettings retry;
  char csv_separator = ',';  // of the records that retry.order_by is looked for in
};

/// Who decides; every commit says it.
struct CommitOwner {
  std::uint64_t incarnation = 0;
  std::string node;  // its name
  std::string code;  // the version of weir it runs
};

[[nodiscard]] WindowRules window_rules_of(const PipelineConfig& config);

/// How far ahead of the owner's own clock a door's stamp may move partition time.
inline constexpr std::chrono::microseconds kPartitionTimeSlack = std::chrono::minutes(1);

class ChainEncoder;

/// What decides events: one state of the stages and of the files they read.
struct RulesVersion {
  Digest128 hash;                               // of all rules; goes into every commit
  std::shared_ptr<const ChainEncoder> encoder;  // keeps alive what it and the verdicts of its stages point into
};

/// Events of one window batch to be driven through the stages together.
struct ChainRound {
  std::uint64_t drive = 0;  // results of an older drive are ignored
  std::uint64_t serial = 0;
  std::uint32_t round = 0;
  std::shared_ptr<ChainBatch> batch;
  std::shared_ptr<const RulesVersion> version;  // whose stages are to run
};

/// A stage crashed while it worked on a round.
struct StageCrash {
  std::uint64_t drive = 0;
  std::uint64_t serial = 0;
  std::uint32_t round = 0;
  std::optional<Offset> event;  // the one it had in its hands, where that is known
  std::string stage;
  std::string cause;
};

/// What a crash is to whom: an accident of the stage, or of one event.
struct CrashBlame {
  bool of_event = false;              // one event alone is blamed
  std::optional<std::string> poison;  // the id of that event, which no stage will see again
};

/// Writes the output of one decided event of a chain batch (all its parts) into the builder; false when they are together longer
/// than event_bytes_max (then nothing of it counts). Implemented by the chain plan.
class ChainEncoder {
 public:
  virtual ~ChainEncoder() = default;
  /// `tokens` (may be null) gets one row per record, in order.
  [[nodiscard]] virtual bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out,
                                    TokenTable* tokens) const = 0;
  /// An empty table for one packed batch, or null when no view wants values.
  [[nodiscard]] virtual std::shared_ptr<TokenTable> token_table() const = 0;
};

/// One partition's part of a commit group, ready to go.
struct PreparedCommit {
  PartitionCommit part;
  std::shared_ptr<const CommitBody> body;  // what `part` encodes
  std::vector<std::shared_ptr<const TokenTable>> tables;  // of body->batches
  std::shared_ptr<const DedupeBlocks> dedupe;  // by committed(): what the index made of it
  std::size_t bytes = 0;
};

}  // namespace weir

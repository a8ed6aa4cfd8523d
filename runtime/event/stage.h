// What a stage is: a pure function of (events, configuration, reference tables). It keeps no state between batches,
// reads no clock and draws no chance, so one object serves all partitions and threads.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/code_mark.h"
#include "runtime/event/json_tree.h"

namespace weir {

class Stage;

/// What a stage makes for itself when it first works for a partition, such as a running script. Not a place to keep
/// anything from one event to another.
class StageMemory {
 public:
  virtual ~StageMemory() = default;
};

/// All events of the batch are worked on.
inline void mark_all(CodeMark& mark, const ChainBatch& batch) noexcept {
  if (batch.events().empty()) return mark.leave();
  const ChainEvent& first = batch.events().front();
  const std::uint64_t count = batch.offset(batch.events().back()) - batch.offset(first) + 1;  // those between that are not in it, too
  mark.enter(batch.offset(first), static_cast<std::uint32_t>(count), first.fingerprint);
}

/// Memory a stage may use during one process() call; contents are undefined before and after. One per partition.
struct StageScratch {
  std::array<std::uint64_t, kChainEventsMax> numbers;
  std::array<std::uint32_t, kChainEventsMax> rows;
  std::array<std::string_view, kChainEventsMax> views;
  std::string text;
  std::map<const Stage*, std::unique_ptr<StageMemory>> own;  // stays; each stage looks at its own once per batch
  ByteArena bytes;
  JsonTree tree;
  CodeMark* mark = nullptr;  // of whoever runs the stage; may be null

  /// Code of a user's is about to see this event: if it crashes, this one is to blame. For code that sees one event at a time.
  void inside(const ChainBatch& batch, const ChainEvent& event) noexcept {
    if (mark != nullptr) mark->enter(batch.offset(event), 1, event.fingerprint);
  }
  /// From now on it is our own code again, which has all of them.
  void inside_all(const ChainBatch& batch) noexcept {
    if (mark != nullptr) mark_all(*mark, batch);
  }
};

class Stage {
 public:
  virtual ~Stage() = default;
  /// Unique in its pipeline; the `stage` of dead letters.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// validate, enrich, transform, or the user's kind.
  [[nodiscard]] virtual std::string_view kind() const noexcept = 0;
  /// Handles every event of the batch whose verdict is pass; leaves the others alone. Does not catch exceptions of one
  /// event: the batch is then void and is driven again from its input. `scratch` belongs to the caller's partition.
  virtual void process(ChainBatch& batch, StageScratch& scratch) const = 0;
};

}  // namespace weir

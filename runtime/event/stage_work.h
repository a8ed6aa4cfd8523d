// Stages whose answers come later: from a server, another process, a slow library. Nothing waits for them on a thread; the events stay
// where they are, in their round, until all of them are decided.
//
//   begin() ── decided ──> the next stage
//     └────── some wait ── host.post(task), from anywhere ──> task ── host.ready(round) ──> finish() ──> the next stage
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "runtime/event/chain_batch.h"
#include "runtime/event/stage.h"

namespace weir {

/// A round of one StageWork. Never used twice by it.
using RoundNumber = std::uint64_t;

/// What whoever runs a StageWork gives it.
struct StageWorkHost {
  /// From any thread, at any time, also when the work is gone; returns at once. `task` runs where the work runs, never inside another call
  /// of it, and in the order of the posts; when the work is gone by then, it is destroyed without having run.
  std::function<void(std::function<void()> task)> post;
  /// Inside begin() of another round, or inside a task: nothing of `round` waits any more. finish() follows, once, when that is over.
  std::function<void(RoundNumber round)> ready;
  /// Inside the work's own calls: `task` runs as one that is posted when the pause is over.
  std::function<void(std::chrono::nanoseconds pause, std::function<void()> task)> after;
  /// Inside a task: runs `code`, which sees events of `round`, so that it is known whose fault a crash is. Not where the round is gone.
  std::function<void(RoundNumber round, const std::function<void()>& code)> inside;
  /// What a person should know of this work as it is now, in a few words; empty: nothing. Inside the work's own calls.
  std::function<void(std::string_view text)> note;
};

/// One stage's work for one partition: what must not be shared. On one thread at a time; rounds overlap, and may be finished in another
/// order than they were begun in. When it goes, whatever it waits for is nobody's any more.
class StageWork {
 public:
  virtual ~StageWork() = default;
  /// Handles every event of the batch whose verdict is pass, as Stage::process does. True: all are decided. False: some wait; the batch is
  /// this work's, and stays as it is, until finish() or forget(). Both see the batch at the same place.
  [[nodiscard]] virtual bool begin(ChainBatch& batch, RoundNumber round, StageScratch& scratch) = 0;
  /// Decides what waited. Code that sees events belongs here, into begin() and into StageWorkHost::inside: there it is known whose fault a
  /// crash is, in a task alone it is not.
  virtual void finish(ChainBatch& batch, RoundNumber round, StageScratch& scratch) = 0;
  /// Nobody wants this round any more: its batch is void, finish() never comes.
  virtual void forget(RoundNumber round) noexcept = 0;
};

}  // namespace weir

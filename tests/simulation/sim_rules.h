// What the pipeline of a simulated run does, in every version that a run may change it to: stages, late events, views.
// A function of (seed, version), decided by the bytes of an event alone.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/partition/window.h"
#include "actors/supervise/stage_shell.h"
#include "runtime/adapters/system/mapped_marks.h"
#include "runtime/engine/view_set.h"
#include "runtime/engine/views_setup.h"
#include "runtime/event/commit_body.h"

namespace weir::sim {

/// Eight minutes, all before the simulation began: `latest` has ties to break, windows close, some events are late.
[[nodiscard]] std::int64_t event_time_of(std::string_view raw);

/// What the second stage asks about events that say "needs". Whether it answers is the run's to decide.
struct SimDependency {
  bool out = false;
  std::uint64_t refusals = 0;
  std::uint64_t crashes = 0;
  std::optional<FormerMark> died;  // the process has, in a stage that had this in its hands
};
/// Every stage that sees it crashes: with an exception, or with the whole process.
[[nodiscard]] bool is_poison(std::string_view raw);
[[nodiscard]] bool ends_process(std::string_view raw);
[[nodiscard]] bool needs_dependency(std::string_view raw);
/// What retry.order_by finds in the workload's frames.
[[nodiscard]] std::string order_key_of(std::string_view raw);

/// What the stages say of an event, apart from dedupe and from being late.
struct Said {
  Outcome outcome = Outcome::served;  // served, filtered or dead_lettered
  std::string stage = {};
  std::string reason = {};
};

class SimRules {
 public:
  SimRules(std::uint64_t seed, std::uint32_t version);

  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] const LateConfig& late() const noexcept { return late_; }
  /// The same in every version.
  [[nodiscard]] const RetrySettings& retry() const noexcept { return retry_; }
  /// What every commit under this version must name.
  [[nodiscard]] Digest128 hash() const;
  /// The type of every record that was made under this version.
  [[nodiscard]] std::string record_type() const;
  [[nodiscard]] Said say(std::string_view raw) const;

  /// The stages, split over two actors. `dependency` outlives them.
  [[nodiscard]] std::vector<ChainStepFactory> steps(SimDependency& dependency) const;
  /// The payload is the raw frame; one that says "huge" does not fit. Not movable: actors hold it.
  [[nodiscard]] const ChainEncoder& encoder() const { return *encoder_; }
  [[nodiscard]] const ViewSet& views() const noexcept { return views_; }
  [[nodiscard]] ExtractorFactory extractor() const;

 private:
  std::uint32_t version_;
  LateConfig late_;
  RetrySettings retry_;
  ViewSet views_;
  std::unique_ptr<const ChainEncoder> encoder_;
};

}  // namespace weir::sim

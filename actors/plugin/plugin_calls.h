// The calls into one stage of a plugin, as a pipeline file configures it: the plugin decides one event, weir does the rest.
#pragma once
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "actors/plugin/plugin_host.h"
#include "runtime/base/result.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/event/chain_batch.h"
#include "runtime/ports/plugin_kinds.h"

namespace weir {

/// One event in a plugin's hands, and what became of it there.
struct PluginPlace {
  std::size_t event;  // in the batch
  PluginAnswer answer;
  std::deque<weir_event> parts;
  weir_event raw;
};

/// The events of a batch that a stage gets, in their order. Reused.
class PluginPlaces {
 public:
  [[nodiscard]] PluginPlace& next(std::size_t event) {
    if (used_ == places_.size()) places_.emplace_back();
    PluginPlace& place = places_[used_++];
    place.event = event;
    place.answer = {};
    place.parts.clear();
    return place;
  }
  void clear() noexcept { used_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] PluginPlace& operator[](std::size_t at) { return places_[at]; }
  [[nodiscard]] const PluginPlace& operator[](std::size_t at) const { return places_[at]; }

 private:
  std::deque<PluginPlace> places_;
  std::size_t used_ = 0;
};

/// Reasons of dead letters and retries are `stage:REASON`; of a result outside 38 digits `number_range`, of a text that is not UTF-8
/// `encoding`, of too many records `output_too_large`. What a plugin throws, and what it does that it may not do (a reason that is
/// none, a field it did not ask for), is thrown: a crash of the stage. Immutable.
class PluginCalls {
 public:
  /// `config.body` is a PluginStageConfig. Errors: config_invalid (what the plugin's constructor throws, a field's path), with the
  /// stage's name.
  [[nodiscard]] static Result<std::unique_ptr<const PluginCalls>> make(const StageConfig& config, StageContext& context);
  PluginCalls(const PluginCalls&) = delete;
  PluginCalls& operator=(const PluginCalls&) = delete;
  ~PluginCalls();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string_view kind() const noexcept { return kind_->name; }
  [[nodiscard]] bool splits() const noexcept { return kind_->raw.splits != 0; }
  [[nodiscard]] bool in_batches() const noexcept { return kind_->raw.decide_batch != nullptr; }

  [[nodiscard]] bool gets(const ChainEvent& event, ChainBatch& batch) const { return event.verdict == Verdict::pass && when_.holds(event, batch); }
  /// Event `at` of the batch, for one of the following.
  PluginPlace& place(ChainBatch& batch, std::size_t at, PluginPlaces& to) const;
  void decide(PluginPlace& place, PluginMessage& message) const;
  void decide_batch(std::span<weir_event* const> events, PluginMessage& message) const;
  void resume(PluginPlace& place, std::string_view answer, PluginMessage& message) const;

  /// Gives the event its verdict. True: it is pending, and has none yet.
  [[nodiscard]] bool take(ChainBatch& batch, PluginPlace& place) const;
  /// What is to be tried again, for a reason of weir's own; `detail` may be any bytes.
  void put_off(ChainBatch& batch, ChainEvent& event, std::string_view reason, std::string_view detail) const;
  /// Replaces each event by the parts it has, when all are decided.
  void split(ChainBatch& batch, const PluginPlaces& places) const;

 private:
  explicit PluginCalls(const StageConfig& config);
  [[nodiscard]] Result<void> create(const PluginStageConfig& config);
  void give_reason(ChainBatch& batch, ChainEvent& event, const PluginAnswer& answer) const;
  void check_pending(const PluginPlace& place) const;

  std::string name_;
  std::shared_ptr<const PluginStageKind> kind_;
  Condition when_;
  weir_fields fields_;
  void* made_ = nullptr;
};

}  // namespace weir

// The work of a plugin's stage that answers later, in one partition: lets it decide as many events as may be pending, gives it each answer
// when it is there, and lets a round go when all of its events are decided.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/plugin/pending_mail.h"
#include "actors/plugin/pending_stage.h"
#include "actors/plugin/plugin_calls.h"
#include "runtime/engine/waiting_stage.h"

namespace weir {

/// Events are decided in the order in which they came, and resumed as answers come. Memory: a place for each event of the rounds that wait,
/// and at most pending_max answers of kPendingAnswerBytesMax.
class PendingWork final : public StageWork {
 public:
  /// `calls` and the ports outlive it; clock and pending must be there (asserted).
  PendingWork(const PluginCalls& calls, PendingLimits limits, const StagePorts& ports, StageWorkHost host);
  PendingWork(const PendingWork&) = delete;
  PendingWork& operator=(const PendingWork&) = delete;
  ~PendingWork() override;

  [[nodiscard]] bool begin(ChainBatch& batch, RoundNumber number, StageScratch& scratch) override;
  void finish(ChainBatch& batch, RoundNumber number, StageScratch& scratch) override;
  void forget(RoundNumber number) noexcept override;

 private:
  struct Round {
    ChainBatch* batch = nullptr;
    std::unique_ptr<PluginPlaces> places;
    std::size_t next = 0;   // the first place that was not given to the plugin yet
    std::size_t waits = 0;  // places without a verdict
  };
  /// An event whose answer is awaited.
  struct Place {
    RoundNumber round = 0;
    std::size_t place = 0;
  };
  struct Due {
    TimePoint at{};
    std::uint64_t ticket = 0;
  };

  void decide_some(RoundNumber number, Round& round);
  void decide_one(Round& round, PluginPlace& place);
  void decide_several(Round& round, std::size_t count);
  void took(RoundNumber number, Round& round, std::size_t at);
  void read_mail();
  void take_letters();
  void take_letter(Place at, const PendingMail::Letter& letter);
  void decided(Place at);
  void decide_those_who_wait();
  void look_at_deadlines();
  void arm();
  void publish();

  const PluginCalls& calls_;
  PendingLimits limits_;
  StagePorts ports_;
  StageWorkHost host_;
  std::shared_ptr<PendingGauges> gauges_;
  std::shared_ptr<PendingMail> mail_;
  StageScratch* scratch_ = nullptr;  // from the first round on
  std::unordered_map<RoundNumber, Round> rounds_;
  std::unordered_map<std::uint64_t, Place> pending_;  // by ticket
  std::deque<RoundNumber> turn_;  // rounds with events that are not decided yet; those of forgotten ones are passed over
  std::deque<Due> due_;           // in order of time, since all wait equally long; those that are answered are passed over
  std::uint64_t last_ticket_ = 0;
  bool armed_ = false;
  PluginMessage message_;
  std::vector<weir_event*> several_;
  std::vector<std::unique_ptr<PluginPlaces>> spare_;
  std::uint64_t told_pending_ = 0, told_turn_ = 0;  // what the gauges have of this work
  std::uint64_t turn_events_ = 0;
};

}  // namespace weir

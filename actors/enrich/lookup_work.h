// The work of one HTTP lookup in one partition: asks for every event of a round, at most calls_max calls at once, and lets the round go when
// all answers are there. The decisions are HttpLookup's; here are the clock, the fetcher and the events.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/enrich/http_enricher.h"
#include "actors/enrich/http_lookup.h"
#include "runtime/engine/waiting_stage.h"

namespace weir {

/// Events with the same key share one call, also those of different rounds. Memory: the lookup's, and for each event of a round a reply.
class LookupWork final : public StageWork {
 public:
  /// `rules` and the ports outlive it; clock, logbook, fetch and lookups must be there (asserted). `seed` is chance.
  LookupWork(const LookupRules& rules, std::unique_ptr<HttpLookup> lookup, std::uint64_t seed, const StagePorts& ports, StageWorkHost host);
  LookupWork(const LookupWork&) = delete;
  LookupWork& operator=(const LookupWork&) = delete;
  ~LookupWork() override;

  [[nodiscard]] bool begin(ChainBatch& batch, RoundNumber round, StageScratch& scratch) override;
  void finish(ChainBatch& batch, RoundNumber round, StageScratch& scratch) override;
  void forget(RoundNumber round) noexcept override;

 private:
  class Chance final : public Rng {
   public:
    explicit Chance(std::uint64_t seed) : seed_(seed) {}
    [[nodiscard]] std::uint64_t next() override;

   private:
    std::uint64_t seed_;
    std::uint64_t drawn_ = 0;
  };
  /// One event that is asked for.
  struct Question {
    std::uint32_t event = 0;  // of the batch's events
    LookupTicket ticket = 0;  // while a call is under way for it
    LookupReply reply{};
  };
  struct Round {
    ChainBatch* batch = nullptr;
    std::vector<Question> questions;
    std::size_t waits = 0;  // questions without a reply
  };
  struct Place {
    RoundNumber round = 0;
    std::uint32_t question = 0;
  };

  [[nodiscard]] bool ask(Place place);
  void start(HttpLookup::Call call);
  void on_ended(LookupCallId id, const Result<HttpAnswer>& result);
  void land(HttpLookup::Ended ended);
  void answer(Place place, LookupReply reply);
  void ask_those_who_wait();
  void decide(ChainBatch& batch, ChainEvent& event, const LookupReply& reply) const;
  void put_off(ChainBatch& batch, ChainEvent& event, const LookupReply& reply) const;
  [[nodiscard]] TimePoint first_asked(const RetryHistory& history) const;
  void note(const std::optional<BreakerTransition>& transition);
  void publish();

  const LookupRules& rules_;
  std::unique_ptr<HttpLookup> lookup_;
  Chance chance_;
  StagePorts ports_;
  StageWorkHost host_;
  std::shared_ptr<LookupGauges> gauges_;
  std::unordered_map<RoundNumber, Round> rounds_;
  std::unordered_map<LookupTicket, Place> tickets_;
  std::deque<Place> waiting_;  // to ask, when fewer calls are out; those of forgotten rounds are passed over
  RoundNumber beginning_ = 0;  // inside begin()
  std::uint32_t calls_out_ = 0;
  std::uint64_t pending_ = 0;  // questions without a reply
  std::vector<std::string_view> key_;
  // What the gauges have of this work.
  struct Told {
    HttpLookupCounts counts;
    std::uint64_t opened = 0, pending = 0, calls_out = 0, cache_entries = 0, cache_bytes = 0;
    BreakerState breaker = BreakerState::closed;
  };
  Told told_;
};

}  // namespace weir

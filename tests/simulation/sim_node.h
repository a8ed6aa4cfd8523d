// What the HTTP API asks of a simulated node: its live state and its door are the product's, the threads are the
// world's steps.
#pragma once
#include <memory>
#include <string>

#include "cluster/api/node_access.h"
#include "cluster/node/live_state.h"
#include "runtime/adapters/memory/memory_event_log.h"
#include "tests/simulation/sim_rules.h"
#include "tests/simulation/sim_world.h"

namespace weir::sim {

/// Posts and reads of views. The rest of the API has tests of its own, and answers 500 here.
class SimNode final : public NodeAccess {
 public:
  /// All of them must outlive it.
  SimNode(SimScheduler& scheduler, MemoryEventLog& log, const SimRules& rules);

  [[nodiscard]] LiveState& state() noexcept { return state_; }
  [[nodiscard]] const LiveState& live() const noexcept { return state_; }
  /// From now on it takes no work.
  void stopping() { stopping_ = true; }

  const std::string& node() const override { return name_; }
  const PipelineConfig& pipeline() const override { return config_; }
  const ViewSet& views() const override { return rules_.views(); }
  Digest128 rules_hash() const override { return rules_.hash(); }
  Digest128 log_id() const override { return state_.log_id(); }
  Readiness readiness() const override { return {state_.started() && !stopping_, "", {}, {}, {}}; }
  LedgerReport ledger() const override { return {}; }
  std::vector<PartitionReport> partitions() const override { return {}; }
  std::vector<SinkReport> sinks() const override { return {}; }
  void release_sink(const std::string&, std::function<void(std::optional<std::size_t>)> done) override { done(std::nullopt); }
  std::vector<ActorLine> tree() const override { return {}; }
  void release(PartitionId partition, std::function<void(bool released)> done) override;
  Result<SnapshotList> snapshots() override { return {}; }
  void make_snapshots(std::function<void(Result<std::vector<SnapshotFate>>)>) override {}
  void verify_snapshots(const std::string&, std::function<void(Result<std::vector<TrialFate>>)>) override {}
  void change_letters(PartitionId partition, LetterOrder order, std::string payload,
                      std::function<void(Result<std::vector<LetterFate>>)> done) override;
  std::string metrics(bool) const override { return {}; }
  void ingest(HttpRequest request, HttpReply reply) override;
  void pictures(Ranges ranges, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                Pictures done) override;
  void past(const AsOf&, Pictures done) override { done(fail(Errc::internal, "not simulated")); }
  void state_digests(std::function<void(Result<std::vector<Digest128>>)> done) override;
  bool work(std::function<void()> job) override;
  Result<TapAnswer> tap(const TapRequest& request) override;
  PartitionFacts partition_facts(PartitionId partition) const override;
  void event_facts(const std::string& id, std::function<void(Result<std::optional<EventFacts>>)> done) override;
  void biography(const std::string& id, std::function<void(Result<EventLife>)> done) override;
  Result<SearchSlice> search(const std::vector<std::pair<std::string, std::string>>& fields, const SearchPlace& from,
                             const std::function<bool(const FoundEvent&)>& visit) override;

 private:
  SimScheduler& scheduler_;
  const SimRules& rules_;
  LiveState state_;
  PipelineConfig config_;
  std::string name_ = "sim";
  bool stopping_ = false;
};

}  // namespace weir::sim

// What the API asks of a running node, answered from its log, its live state and its actors.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "cluster/api/node_access.h"
#include "cluster/node/doorkeeper.h"
#include "cluster/node/live_state.h"
#include "cluster/node/open_pipeline.h"
#include "cluster/node/past_state.h"
#include "cluster/node/snapshot_keeper.h"
#include "runtime/adapters/prometheus/metrics_text.h"
#include "runtime/adapters/system/work_pool.h"

namespace weir {

/// Thread-safe. `open`, `state`, `pool`, `keeper` and `past` must outlive it.
class LiveNode final : public NodeAccess {
 public:
  LiveNode(OpenPipeline& open, LiveState& state, WorkPool& pool, SnapshotKeeper& keeper, PastStates& past)
      : open_(open), state_(state), pool_(pool), keeper_(keeper), past_(past), rules_hash_(open.compiled().rules()->version.hash) {}

  /// From now on it takes no work.
  void stopping() { stopping_.store(true); }
  /// Batches that come from now on are decided by other rules.
  void rules_changed(const Digest128& hash) {
    const std::scoped_lock lock(rules_mutex_);
    rules_hash_ = hash;
  }

  const std::string& node() const override { return open_.node().node; }
  const PipelineConfig& pipeline() const override { return open_.config(); }
  const ViewSet& views() const override { return open_.compiled().views(); }
  Digest128 rules_hash() const override {
    const std::scoped_lock lock(rules_mutex_);
    return rules_hash_;
  }
  Digest128 log_id() const override { return state_.log_id(); }
  /// Once, before anybody asks. Both outlive this, or it is told so with nullptr.
  void serve_with(const HttpServer* server, const Doorkeeper* doorkeeper) {
    doorkeeper_.store(doorkeeper);
    server_.store(server);
  }
  /// Likewise: whom to send ReleasePartition. Told to forget it before the actor system goes.
  void release_with(caf::actor pipeline) {
    const std::scoped_lock lock(pipeline_mutex_);
    pipeline_ = std::move(pipeline);
  }
  std::string metrics(bool openmetrics) const override;
  Readiness readiness() const override;
  LedgerReport ledger() const override;
  std::vector<PartitionReport> partitions() const override;
  std::vector<ActorLine> tree() const override;
  std::vector<SinkReport> sinks() const override;
  void release_sink(const std::string& sink, std::function<void(std::optional<std::size_t> released)> done) override;
  void release(PartitionId partition, std::function<void(bool released)> done) override;
  void change_letters(PartitionId partition, LetterOrder order, std::string payload,
                      std::function<void(Result<std::vector<LetterFate>>)> done) override;
  Result<SnapshotList> snapshots() override { return keeper_.list(); }
  void make_snapshots(std::function<void(Result<std::vector<SnapshotFate>>)> done) override { keeper_.make(std::move(done)); }
  void verify_snapshots(const std::string& from, std::function<void(Result<std::vector<TrialFate>>)> done) override { keeper_.verify(from, std::move(done)); }
  void ingest(HttpRequest request, HttpReply reply) override;
  void pictures(Ranges ranges, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                Pictures done) override;
  void past(const AsOf& as_of, Pictures done) override { past_.ask(as_of, std::move(done)); }
  void state_digests(std::function<void(Result<std::vector<Digest128>>)> done) override;
  bool work(std::function<void()> job) override { return pool_.post(std::move(job)); }
  PartitionFacts partition_facts(PartitionId partition) const override;
  void event_facts(const std::string& id, std::function<void(Result<std::optional<EventFacts>>)> done) override;
  void biography(const std::string& id, std::function<void(Result<EventLife>)> done) override;
  Result<TapAnswer> tap(const TapRequest& request) override;
  Result<SearchSlice> search(const std::vector<std::pair<std::string, std::string>>& fields, const SearchPlace& from,
                             const std::function<bool(const FoundEvent&)>& visit) override;

 private:
  /// Calls `tell` where it may take its time, with a picture of `ranges` of the partition of `id`, or null where none can be had: it is
  /// being opened, or is quarantined. `tell` has to hold the picture while it reads.
  void with_partition_of(const std::string& id, std::vector<StateRange> ranges, std::function<void(Result<std::shared_ptr<const StateReader>>)> tell);
  OpenPipeline& open_;
  LiveState& state_;
  WorkPool& pool_;
  SnapshotKeeper& keeper_;
  PastStates& past_;
  std::atomic<bool> stopping_{false};
  std::atomic<const HttpServer*> server_{nullptr};
  std::atomic<const Doorkeeper*> doorkeeper_{nullptr};
  std::unique_ptr<MetricsWriter> metrics_ = make_prometheus_writer();
  std::mutex pipeline_mutex_;
  caf::actor pipeline_;
  mutable std::mutex rules_mutex_;
  Digest128 rules_hash_;
};

}  // namespace weir

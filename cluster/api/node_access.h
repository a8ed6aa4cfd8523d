// What the API asks of a node.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/api/event_search.h"
#include "cluster/api/ledger_report.h"
#include "cluster/api/tap.h"
#include "cluster/api/snapshot_report.h"
#include "runtime/engine/as_of.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/read_token.h"
#include "runtime/engine/view_set.h"
#include "runtime/ports/http_server.h"
#include "runtime/ports/pipeline_config.h"

namespace weir {

/// One partition, for /v1/partitions.
struct PartitionReport {
  std::uint32_t partition = 0;
  std::string state;  // running, opening, quarantined
  std::string error;  // of quarantined: why
  std::uint64_t epoch = 0;
  std::uint64_t accepted = 0;
  std::uint64_t committed = 0;
  std::uint64_t sequence = 0;
  std::uint64_t ids = 0;  // remembered by dedupe
};

/// One actor of the supervision tree, for /v1/tree.
struct ActorLine {
  std::string actor;           // "pipeline/partition/3/validate": its place in the tree
  std::string state;           // starting, running, backing_off, failing, quarantined, stopped
  std::uint64_t restarts = 0;
  std::string last_error;      // empty: it never died
  std::int64_t died_at = 0;    // of last_error, microseconds since 1970
  std::uint64_t queue = 0;     // what waits for it or is worked on, in `unit`
  std::uint64_t credits = 0;   // how much more its senders may send
  std::string unit;            // empty: it has no queue that anybody counts
  std::string note;            // what else there is to know of it; mostly empty
};

/// What is known of one event.
struct EventLife {
  std::string json;        // empty: it was never seen in the time kept
  std::string never_seen;  // then: since when nothing is known of it
};

/// One sink in one partition, for /v1/sinks.
struct SinkReport {
  std::string sink;
  std::uint32_t partition = 0;
  std::string kind;   // files, http, stdout
  std::string from;   // curated, dead_letter
  std::string state;  // opening, running, failing (it is tried again), broken
  std::string note;   // of the last two: why
  std::uint64_t commit = 0;   // taken for good, up to this one
  std::uint64_t newest = 0;   // of the log
  std::uint64_t lag_commits = 0;
  std::optional<std::uint64_t> lag_records;  // of curated; of dead letters nobody knows before they are read
  std::uint64_t lag_bytes = 0;               // of these commits, as they lie in the log
  double lag_seconds = 0;                    // since the oldest of them
  std::uint64_t records = 0;  // taken so far
  std::uint64_t skipped = 0;  // refused and passed over so far
  std::uint64_t bytes = 0, batches = 0, failures = 0;  // since the node was started
};

struct Readiness {
  bool ready = false;
  std::string reason;                      // of not ready
  std::vector<std::uint32_t> quarantined;  // named also when ready
  std::vector<std::string> failing;        // likewise: actors that keep dying and are tried again now and then
  std::vector<std::string> broken_sinks;   // likewise: "archive/3"
};

struct PartitionFacts;  // of cluster/api/wait_reasons.h
struct EventFacts;

/// Called on a thread of the HTTP server: everything here is quick, and what takes time ends in a callback or in
/// work(). Thread-safe.
class NodeAccess {
 public:
  virtual ~NodeAccess() = default;
  [[nodiscard]] virtual const std::string& node() const = 0;
  [[nodiscard]] virtual const PipelineConfig& pipeline() const = 0;
  [[nodiscard]] virtual const ViewSet& views() const = 0;
  [[nodiscard]] virtual Digest128 rules_hash() const = 0;
  [[nodiscard]] virtual Digest128 log_id() const = 0;
  [[nodiscard]] virtual Readiness readiness() const = 0;
  [[nodiscard]] virtual LedgerReport ledger() const = 0;
  [[nodiscard]] virtual std::vector<PartitionReport> partitions() const = 0;

  /// Every supervisor before its children.
  [[nodiscard]] virtual std::vector<ActorLine> tree() const = 0;
  /// Tries a quarantined partition again. `done`, once, on any thread: true, it is being opened; false: it was not quarantined, or
  /// there is none of this number. Never called when the node ends meanwhile.
  virtual void release(PartitionId partition, std::function<void(bool released)> done) = 0;

  /// Takes its time. Errors: io_failed.
  [[nodiscard]] virtual Result<SnapshotList> snapshots() = 0;
  /// Makes one of every partition. `done`, once, on any thread, after all of it: seconds, with much state minutes. Errors: limit_reached,
  /// cancelled (the node ends).
  virtual void make_snapshots(std::function<void(Result<std::vector<SnapshotFate>>)> done) = 0;
  /// Tries one out of every partition (`from`: newest, zero), or one snapshot (its id). `done` likewise. Errors: invalid_argument, too.
  virtual void verify_snapshots(const std::string& from, std::function<void(Result<std::vector<TrialFate>>)> done) = 0;
  [[nodiscard]] virtual std::vector<SinkReport> sinks() const = 0;
  /// Tries a broken sink again, in all partitions. `done`, once, on any thread: in how many it was broken; nothing: there is no such sink.
  /// Never called when the node ends meanwhile.
  virtual void release_sink(const std::string& sink, std::function<void(std::optional<std::size_t> released)> done) = 0;

  /// Redrive, edit (`payload`) or drop dead letters of one partition: order.offsets, ascending, at most kLettersAtOnce. `done`, once, on any
  /// thread: the fate of each. Errors: not_ready (it is being rebuilt, is quarantined, or the node ends), limit_reached.
  static constexpr std::size_t kLettersAtOnce = 512;
  virtual void change_letters(PartitionId partition, LetterOrder order, std::string payload,
                              std::function<void(Result<std::vector<LetterFate>>)> done) = 0;

  /// In Prometheus' text format, or OpenMetrics.
  [[nodiscard]] virtual std::string metrics(bool openmetrics) const = 0;

  /// Hands the request to the HTTP door, which answers it.
  virtual void ingest(HttpRequest request, HttpReply reply) = 0;

  /// What is to be read of each partition; called on another thread.
  using Ranges = std::function<Result<std::vector<StateRange>>(PartitionId partition, const StateCursor& at)>;
  using Pictures = std::function<void(Result<std::vector<PartitionPicture>>)>;
  /// `done` is called once, on a thread where it may take its time. Errors: data_foreign, invalid_argument (the token),
  /// not_ready (within `wait`), limit_reached, and what `ranges` says.
  virtual void pictures(Ranges ranges, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                        Pictures done) = 0;
  /// Of what every partition held at a moment of the past, whole. `done` as above. Errors: below_horizon (nothing reaches back so far),
  /// invalid_argument (it is still to come), data_foreign (a token), limit_reached, cancelled (the node ends), log_damaged, state_damaged,
  /// io_failed, disk_full.
  virtual void past(const AsOf& as_of, Pictures done) = 0;
  /// By partition. `done` as above. Errors: not_ready, state_damaged, io_failed.
  virtual void state_digests(std::function<void(Result<std::vector<Digest128>>)> done) = 0;
  /// Runs `job` where it may take its time. False: too much waits already.
  [[nodiscard]] virtual bool work(std::function<void()> job) = 0;
  /// The life of one event. `done` as of pictures(). Errors: log_damaged, state_damaged, io_failed, limit_reached.
  virtual void biography(const std::string& id, std::function<void(Result<EventLife>)> done) = 0;
  /// What is known of why a partition, which is there, or an event waits. `done` as of biography(); none: never seen.
  [[nodiscard]] virtual PartitionFacts partition_facts(PartitionId partition) const = 0;
  virtual void event_facts(const std::string& id, std::function<void(Result<std::optional<EventFacts>>)> done) = 0;
  /// What has come by since request.cursor. Takes its time. Errors: invalid_argument (a place that is not there), log_damaged, io_failed.
  [[nodiscard]] virtual Result<TapAnswer> tap(const TapRequest& request) = 0;
  /// Accepted events whose original record has these values in these fields, from `from` on, until `visit` says false or
  /// a part of the log of fixed size was read. Takes its time. Errors: invalid_argument, log_damaged, io_failed.
  [[nodiscard]] virtual Result<SearchSlice> search(const std::vector<std::pair<std::string, std::string>>& fields, const SearchPlace& from,
                                                   const std::function<bool(const FoundEvent&)>& visit) = 0;
};

}  // namespace weir

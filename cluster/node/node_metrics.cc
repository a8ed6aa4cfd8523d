#include "cluster/node/node_metrics.h"

#include <fmt/format.h>

#include <functional>

#include "cluster/api/ledger_report.h"
#include "cluster/node/metric_rows.h"
#include "runtime/adapters/system/usage.h"
#include "runtime/engine/circuit_breaker.h"
#include "weir_version.h"

namespace weir {

namespace {

/// One value per partition.
template <class Read>
std::function<Samples(const MetricSources&)> by_partition(Read read) {
  return [read](const MetricSources& sources) {
    Samples samples;
    const std::vector<LivePartition> partitions = sources.state->partitions();
    for (std::uint32_t p = 0; p < partitions.size(); ++p)
      samples.push_back(sample(static_cast<double>(read(sources, partitions[p], PartitionId{p})),
                               {{"partition", std::to_string(p)}}));
    return samples;
  };
}
template <class Read>
std::function<Samples(const MetricSources&)> one(Read read) {
  return [read](const MetricSources& sources) { return Samples{sample(static_cast<double>(read(sources)))}; };
}
/// Of the HTTP server; nothing before it runs.
template <class Read>
std::function<Samples(const MetricSources&)> of_server(Read read) {
  return [read](const MetricSources& sources) {
    if (sources.server == nullptr) return Samples{};
    return Samples{sample(static_cast<double>(read(sources.server->status())))};
  };
}
template <class Read>
auto of_gauges(Read read) {
  return by_partition([read](const MetricSources& sources, const LivePartition&, PartitionId p) {
    return read(*sources.open->gauges()[p.value]);
  });
}

Samples ledger(const MetricSources& sources) {
  Samples samples;
  const std::vector<LivePartition> partitions = sources.state->partitions();
  for (std::uint32_t p = 0; p < partitions.size(); ++p)
    for (const auto& [name, field] : kLedgerFields)
      samples.push_back(sample(static_cast<double>(partitions[p].ledger.*field),
                               {{"partition", std::to_string(p)}, {"state", name}}));
  return samples;
}

std::uint64_t accepted(const MetricSources& sources, PartitionId p) {
  return sources.open->log().status(p).ingest_durable.value;
}

std::vector<Metric> events() {
  using enum MetricKind;
  return {
      {{"weir_accepted_events_total", counter, "partition",
        "Events that doors have accepted: durable in the ingest log."},
       by_partition([](const MetricSources& s, const LivePartition&, PartitionId p) { return accepted(s, p); })},
      {{"weir_ledger_events", gauge, "partition, state",
        "Events by what became of them, as `weir ledger` counts them; together with the backlog they are all that was "
        "accepted."},
       ledger},
      {{"weir_curated_records_total", counter, "partition",
        "Records in the curated log; an event that is split has several."},
       by_partition(
           [](const MetricSources&, const LivePartition& known, PartitionId) { return known.ledger.records; })},
      {{"weir_backlog_events", gauge, "partition", "Lag: events accepted and not yet decided."},
       by_partition([](const MetricSources& s, const LivePartition& known, PartitionId p) {
         const std::uint64_t all = accepted(s, p);
         return all - std::min(all, known.committed.value);
       })},
      {{"weir_in_flight_events", gauge, "partition",
        "Events in the partition's window: with the stages, or waiting for their commit."},
       of_gauges([](const PartitionGauges& g) { return g.in_flight_events.load(); })},
      {{"weir_in_flight_bytes", gauge, "partition", "Memory of the events in the window."},
       of_gauges([](const PartitionGauges& g) { return g.in_flight_bytes.load(); })},
      {{"weir_retries_total", counter, "partition",
        "Parked events that were taken up again: tried again or, where they were held, for the first time."},
       of_gauges([](const PartitionGauges& g) { return g.retries.load(); })},
      {{"weir_held_keys", gauge, "partition",
        "Ids, or values of retry.order_by, with parked events: what comes with one of them waits. Bounded by retry.held_keys_max."},
       of_gauges([](const PartitionGauges& g) { return g.held_keys.load(); })},
      {{"weir_parked_bytes", gauge, "partition", "Memory of the events that are to be tried again."},
       of_gauges([](const PartitionGauges& g) { return g.parked_bytes.load(); })},
      {{"weir_dead_letter_bytes", gauge, "partition", "What the open dead letters take; dead_letters.bytes_max bounds it."},
       of_gauges([](const PartitionGauges& g) { return g.letter_bytes.load(); })},
      {{"weir_biography_bytes", gauge, "partition", "What the index of biographies takes; biography.bytes_max bounds the sum."},
       of_gauges([](const PartitionGauges& g) { return g.biography_bytes.load(); })},
      {{"weir_biography_entries", gauge, "partition", "What the index of biographies knows: each time that something was decided of an event."},
       of_gauges([](const PartitionGauges& g) { return g.biography_items.load(); })},
      {{"weir_biography_forgotten_timestamp_seconds", gauge, "partition",
        "What was decided before this moment has left the index of biographies; 0: nothing yet."},
       of_gauges([](const PartitionGauges& g) { return static_cast<double>(g.biography_forgot.load()) / 1e6; })},
      {{"weir_parked_full", gauge, "partition",
        "1: so much is parked that nothing new is taken from the log; the backlog grows until there is less."},
       of_gauges([](const PartitionGauges& g) { return g.parked_full.load() ? 1 : 0; })},
      {{"weir_latency_seconds", histogram, "partition", "From a door's stamp to the commit that decided the event."},
       [](const MetricSources& sources) {
         Samples samples;
         for (std::size_t p = 0; p < sources.open->gauges().size(); ++p)
           samples.push_back(sample(sources.open->gauges()[p]->latency_seconds, {{"partition", std::to_string(p)}}));
         return samples;
       }},
  };
}

std::vector<Metric> partitions() {
  using enum MetricKind;
  return {
      {{"weir_partition_running", gauge, "partition", "1: the partition has an owner that runs."},
       by_partition([](const MetricSources&, const LivePartition& known, PartitionId) { return known.ready ? 1 : 0; })},
      {{"weir_partition_quarantined", gauge, "partition",
        "1: the partition is left alone because of damage or repeated failures; /v1/partitions says why."},
       by_partition(
           [](const MetricSources&, const LivePartition& known, PartitionId) { return known.quarantined ? 1 : 0; })},
      {{"weir_partition_epoch", gauge, "partition", "Grows at every opening of the partition."},
       by_partition([](const MetricSources&, const LivePartition& known, PartitionId) { return known.epoch.value; })},
      {{"weir_partition_commits_total", counter, "partition", "Commits of the partition."},
       by_partition(
           [](const MetricSources&, const LivePartition& known, PartitionId) { return known.sequence.value; })},
      {{"weir_dedupe_ids", gauge, "partition", "Ids that are remembered; `dedupe.ids_max` bounds their sum."},
       by_partition([](const MetricSources&, const LivePartition& known, PartitionId) { return known.ids; })},
      {{"weir_dedupe_bytes", gauge, "partition", "Memory of the ids."},
       of_gauges([](const PartitionGauges& g) { return g.dedupe_bytes.load(); })},
      {{"weir_delta_bytes", gauge, "partition", "Memory of changes that the state store does not have yet."},
       of_gauges([](const PartitionGauges& g) { return g.delta_bytes.load(); })},
      {{"weir_stage_crashes_total", counter, "partition", "Exceptions that left a stage; it was started again each time."},
       of_gauges([](const PartitionGauges& g) { return g.stage_crashes.load(); })},
      {{"weir_poison_events_total", counter, "partition",
        "Events that became dead letters because they crash a stage again and again, since the node was started."},
       of_gauges([](const PartitionGauges& g) { return g.poison_events.load(); })},
      {{"weir_commit_group_bytes", histogram, "", "Size of the commit groups: one write and one sync each."},
       [](const MetricSources& s) { return Samples{sample(s.open->commits()->group_bytes)}; }},
      {{"weir_commit_seconds", histogram, "", "From handing a commit group to the log to its answer."},
       [](const MetricSources& s) { return Samples{sample(s.open->commits()->seconds)}; }},
      {{"weir_commit_not_written_total", counter, "",
        "Commit groups that were refused, failed, or whose answer was lost; their partitions read back and decide "
        "anew."},
       one([](const MetricSources& s) { return s.open->commits()->not_written.load(); })},
  };
}

/// One value per `files` input.
template <class Read>
std::function<Samples(const MetricSources&)> by_input(Read read) {
  return [read](const MetricSources& sources) {
    Samples samples;
    for (const FilesInput& input : sources.open->files_inputs())
      samples.push_back(sample(static_cast<double>(read(*input.gauges)), {{"input", input.name}}));
    return samples;
  };
}

std::vector<Metric> inputs() {
  using enum MetricKind;
  return {
      {{"weir_input_running", gauge, "input",
        "Of a `files` input. 1: it reads, or waits for more; 0: it has ended, and the log says why."},
       by_input([](const FilesGauges& g) { return g.running.load() ? 1 : 0; })},
      {{"weir_input_events_total", counter, "input",
        "Events read from its files. What is read again after a failure of the node's own counts again; duplicates "
        "count."},
       by_input([](const FilesGauges& g) { return g.events.load(); })},
      {{"weir_input_bytes_total", counter, "input", "Bytes read from its files, decompressed."},
       by_input([](const FilesGauges& g) { return g.bytes.load(); })},
      {{"weir_input_unread_bytes", gauge, "input",
        "Lag: bytes of its files, as they are stored, that were not read when it looked last; without files that cannot be "
        "read."},
       by_input([](const FilesGauges& g) { return g.unread_bytes.load(); })},
      {{"weir_input_files", gauge, "input", "Files it follows; `files_max` bounds them."},
       by_input([](const FilesGauges& g) { return g.files.load(); })},
      {{"weir_input_open_files", gauge, "input", "Files it has open; `open_max` bounds them."},
       by_input([](const FilesGauges& g) { return g.open.load(); })},
      {{"weir_input_failing", gauge, "input", "Files and directories that cannot be read now; the log names them."},
       by_input([](const FilesGauges& g) { return g.failing.load(); })},
      {{"weir_input_errors_total", counter, "input",
        "Files and directories that could not be read, each time that began, and files that were gone before they "
        "were read."},
       by_input([](const FilesGauges& g) { return g.errors.load(); })},
      {{"weir_input_restarts_total", counter, "input",
        "Files that were truncated or written anew, and read from their start."},
       by_input([](const FilesGauges& g) { return g.restarts.load(); })},
  };
}

std::vector<Metric> actors() {
  using enum MetricKind;
  return {
      {{"weir_actors", gauge, "state", "Actors of the supervision tree by state; /v1/tree names them."},
       [](const MetricSources& s) {
         std::map<ActorState, std::uint64_t> counts;
         for (const ActorState state : kActorStates) counts[state] = 0;
         for (const ActorReport& report : s.open->board()->report()) ++counts[report.state];
         Samples samples;
         for (const auto& [state, count] : counts)
           samples.push_back(sample(static_cast<double>(count), {{"state", std::string(to_string(state))}}));
         return samples;
       }},
      {{"weir_actor_restarts_total", counter, "actor", "Times that the actor in this place of the supervision tree was started again."},
       [](const MetricSources& s) {
         Samples samples;
         for (const ActorReport& report : s.open->board()->report())
           samples.push_back(sample(static_cast<double>(report.restarts), {{"actor", report.path}}));
         return samples;
       }},
  };
}

/// One value per partition of what is known of its snapshots.
template <class Read>
std::function<Samples(const MetricSources&)> of_snapshots(Read read) {
  return [read](const MetricSources& sources) {
    Samples samples;
    const std::vector<SnapshotStand> stands = sources.keeper->stands();
    for (std::size_t p = 0; p < stands.size(); ++p) {
      const std::optional<double> value = read(stands[p]);
      if (value) samples.push_back(sample(*value, {{"partition", std::to_string(p)}}));
    }
    return samples;
  };
}

template <class Read>
std::function<Samples(const MetricSources&)> of_recovery(Read read) {
  return [read](const MetricSources& sources) {
    Samples samples;
    const std::vector<SnapshotStand> stands = sources.keeper->stands();
    for (std::uint32_t p = 0; p < stands.size(); ++p) {
      const Recoverability needed = recoverability(stands[p].newest_base, sources.open->log().status(PartitionId{p}), stands[p].speed);
      const std::optional<double> value = read(needed);
      if (value) samples.push_back(sample(*value, {{"partition", std::to_string(p)}}));
    }
    return samples;
  };
}

std::vector<Metric> snapshots() {
  using enum MetricKind;
  using Value = std::optional<double>;
  return {
      {{"weir_snapshot_created_timestamp_seconds", gauge, "partition", "When the newest snapshot that can be used was made; nothing where there is none."},
       of_snapshots([](const SnapshotStand& s) { return s.newest_at ? Value{static_cast<double>(*s.newest_at) / 1e6} : Value{}; })},
      {{"weir_snapshots_kept", gauge, "partition", "Snapshots that can be used."},
       of_snapshots([](const SnapshotStand& s) { return Value{static_cast<double>(s.usable)}; })},
      {{"weir_snapshots_kept_bytes", gauge, "partition", "What they take in their store; what several of them have in common counts once."},
       of_snapshots([](const SnapshotStand& s) { return Value{static_cast<double>(s.bytes)}; })},
      {{"weir_snapshots_made_total", counter, "partition", "Snapshots made since the node was started."},
       of_snapshots([](const SnapshotStand& s) { return Value{static_cast<double>(s.made)}; })},
      {{"weir_snapshots_failed_total", counter, "partition", "Snapshots that could not be made; the log says why, and each is tried again."},
       of_snapshots([](const SnapshotStand& s) { return Value{static_cast<double>(s.failed)}; })},
      {{"weir_snapshots_restored_total", counter, "partition",
        "Times since the node was started that a snapshot became the state of the partition, because its own was missing or damaged."},
       by_partition([](const MetricSources& s, const LivePartition&, PartitionId p) { return s.open->restored(p); })},
      {{"weir_snapshot_verified_timestamp_seconds", gauge, "partition",
        "When a snapshot was last restored aside, replayed to the present and found equal; nothing where none ever was."},
       of_snapshots([](const SnapshotStand& s) { return s.verified_at ? Value{static_cast<double>(*s.verified_at) / 1e6} : Value{}; })},
      {{"weir_snapshot_trials_total", counter, "partition", "Times since the node was started that one was tried out so."},
       of_snapshots([](const SnapshotStand& s) { return Value{static_cast<double>(s.tried)}; })},
      {{"weir_replay_mismatch_total", counter, "partition", "Of these, that did not lead to the present state: a snapshot or the log is damaged, or a decision was not repeated. An error in the log says where."},
       of_snapshots([](const SnapshotStand& s) { return Value{static_cast<double>(s.tried_bad)}; })},
      {{"weir_snapshot_bad", gauge, "partition", "1: the last trial did not lead to the present state."},
       of_snapshots([](const SnapshotStand& s) { return Value{s.bad ? 1.0 : 0.0}; })},
      {{"weir_log_trimmed_commit", gauge, "partition", "Commits up to this one have left the log: they are in every snapshot that is kept and verified, every sink has them, and log.embedded.retain is over."},
       by_partition([](const MetricSources& s, const LivePartition&, PartitionId p) { return s.open->log().status(p).output_begin.value; })},
      {{"weir_log_trimmed_offset", gauge, "partition", "Likewise events of the ingest log below this offset."},
       by_partition([](const MetricSources& s, const LivePartition&, PartitionId p) { return s.open->log().status(p).ingest_begin.value; })},
      {{"weir_recovery_possible", gauge, "partition",
        "0: if the state of the partition were lost now, nothing could bring it back: the log begins behind every snapshot that can be used."},
       of_recovery([](const Recoverability& r) { return Value{r.possible ? 1.0 : 0.0}; })},
      {{"weir_recovery_events", gauge, "partition",
        "Events to be read again from the log if the state of the partition were lost now: those behind the newest snapshot that can be used."},
       of_recovery([](const Recoverability& r) { return r.possible ? Value{static_cast<double>(r.events)} : Value{}; })},
      {{"weir_recovery_seconds", gauge, "partition", "About how long that would take, with restoring the snapshot, as fast as the last trial was; nothing before one of some size."},
       of_recovery([](const Recoverability& r) { return r.seconds; })},
      {{"weir_snapshot_last_seconds", gauge, "partition", "What the last one took, from the flush to its manifest; the partition ran on meanwhile."},
       of_snapshots([](const SnapshotStand& s) { return Value{s.seconds}; })},
  };
}

/// One value per stage that asks a server.
template <class Read>
std::function<Samples(const MetricSources&)> by_lookup(Read read) {
  return [read](const MetricSources& sources) {
    Samples samples;
    for (const LookupBoard::Line& line : sources.open->lookups().lines())
      samples.push_back(sample(static_cast<double>(read(*line.gauges)), {{"stage", line.stage}}));
    return samples;
  };
}

/// What became of every event that was asked for.
Samples lookup_events(const MetricSources& sources) {
  Samples samples;
  for (const LookupBoard::Line& line : sources.open->lookups().lines()) {
    const LookupGauges& g = *line.gauges;
    for (const auto& [outcome, count] : {std::pair{"found", &g.found}, {"missing", &g.missing}, {"temporary", &g.temporary},
                                         {"put_off", &g.put_off}, {"exhausted", &g.exhausted}, {"invalid", &g.invalid}})
      samples.push_back(sample(static_cast<double>(count->load()), {{"stage", line.stage}, {"outcome", outcome}}));
  }
  return samples;
}

Samples breakers(const MetricSources& sources) {
  Samples samples;
  for (const LookupBoard::Line& line : sources.open->lookups().lines())
    for (const BreakerState state : {BreakerState::closed, BreakerState::open, BreakerState::half_open})
      samples.push_back(sample(static_cast<double>(line.gauges->breakers[static_cast<std::size_t>(state)].load()),
                               {{"stage", line.stage}, {"state", std::string(to_string(state))}}));
  return samples;
}

std::vector<Metric> lookups() {
  using enum MetricKind;
  return {
      {{"weir_lookup_asked_events_total", counter, "stage", "Events of a stage with `http` that were looked up, in the cache or at the server."},
       by_lookup([](const LookupGauges& g) { return g.asked.load(); })},
      {{"weir_lookup_events_total", counter, "stage, outcome",
        "What became of them: `found`, `missing` (no such key), `temporary` (asked in vain, retried), `put_off` (not asked now, retried), `exhausted` (it was the last time), `invalid` (dead letters)."},
       lookup_events},
      {{"weir_lookup_stale_events_total", counter, "stage", "Of found and missing: by an answer older than its age, because there was no newer one to be had."},
       by_lookup([](const LookupGauges& g) { return g.stale.load(); })},
      {{"weir_lookup_pending_events", gauge, "stage", "Events that wait for an answer, or for their turn to ask."},
       by_lookup([](const LookupGauges& g) { return g.pending.load(); })},
      {{"weir_lookup_calls_total", counter, "stage", "Calls to the server."},
       by_lookup([](const LookupGauges& g) { return g.calls.load(); })},
      {{"weir_lookup_calls_retried_total", counter, "stage", "Of these, for events that were tried before."},
       by_lookup([](const LookupGauges& g) { return g.calls_retried.load(); })},
      {{"weir_lookup_calls_failed_total", counter, "stage", "Of these, that failed: no answer, 429, 5xx, an answer that is none."},
       by_lookup([](const LookupGauges& g) { return g.calls_failed.load(); })},
      {{"weir_lookup_calls_in_flight", gauge, "stage", "Calls under way."},
       by_lookup([](const LookupGauges& g) { return g.calls_out.load(); })},
      {{"weir_lookup_breakers", gauge, "stage, state", "Partitions by the state of their circuit breaker: `closed` (it asks), `open` (it leaves the server alone), `half_open` (it tries)."},
       breakers},
      {{"weir_lookup_breaker_opened_total", counter, "stage", "Times that a breaker opened."},
       by_lookup([](const LookupGauges& g) { return g.breaker_opened.load(); })},
      {{"weir_lookup_cache_entries", gauge, "stage", "Answers that are kept, in all partitions together."},
       by_lookup([](const LookupGauges& g) { return g.cache_entries.load(); })},
      {{"weir_lookup_cache_bytes", gauge, "stage", "Memory of the answers that are kept."},
       by_lookup([](const LookupGauges& g) { return g.cache_bytes.load(); })},
  };
}

/// One value per set of files that the node has.
template <class Read>
std::function<Samples(const MetricSources&)> by_access_files(Read read) {
  return [read](const MetricSources& sources) {
    Samples samples;
    if (sources.doorkeeper == nullptr) return samples;
    const auto add = [&](const AccessGauges* gauges, const char* files) {
      if (gauges != nullptr) samples.push_back(sample(static_cast<double>(read(*gauges)), {{"files", files}}));
    };
    add(sources.doorkeeper->tokens_gauges(), "tokens");
    add(sources.doorkeeper->tls_gauges(), "tls");
    return samples;
  };
}

Samples denied(const MetricSources& sources) {
  if (sources.doorkeeper == nullptr) return {};
  const AccessCounters& counters = sources.doorkeeper->gate().counters();
  const auto one_of = [](const char* reason, const std::atomic<std::uint64_t>& count) {
    return sample(static_cast<double>(count.load()), {{"reason", reason}});
  };
  return {one_of("no_token", counters.no_token), one_of("unknown_token", counters.unknown_token), one_of("role", counters.role),
          one_of("host", counters.host)};
}

std::vector<Metric> access() {
  using enum MetricKind;
  return {
      {{"weir_http_denied_total", counter, "reason",
        "Requests refused for who asked: `no_token`, `unknown_token` (401), `role` (403), and of a node without tokens `host` (421, 403: asked "
        "under another machine's name, or by another site's script)."},
       denied},
      {{"weir_access_changes_total", counter, "files", "Times that changed files of `tokens` or `tls` were taken into use."},
       by_access_files([](const AccessGauges& g) { return g.changes.load(); })},
      {{"weir_access_refused_total", counter, "files",
        "Times that changed files of `tokens` or `tls` could not be used; the log says why, what was read before goes on counting."},
       by_access_files([](const AccessGauges& g) { return g.refusals.load(); })},
      {{"weir_access_stale", gauge, "files", "1: the files cannot be used as they are now; what they held before counts."},
       by_access_files([](const AccessGauges& g) { return g.stale.load() ? 1 : 0; })},
      {{"weir_tls_certificate_expiry_timestamp_seconds", gauge, "", "When the certificate ends that new connections are shown; nothing without `http.tls`."},
       [](const MetricSources& s) {
         if (s.doorkeeper == nullptr || !s.doorkeeper->identities()) return Samples{};
         return Samples{sample(static_cast<double>(s.doorkeeper->identities()->current()->ends() / 1'000'000))};
       }},
      {{"weir_tls_greetings_failed_total", counter, "", "Connections whose handshake came to nothing: no TLS, too slow, a certificate that the client refused."},
       of_server([](const HttpServerStatus& now) { return now.greetings_failed; })},
  };
}

std::vector<Metric> node() {
  using enum MetricKind;
  return {
      {{"weir_build_info", gauge, "version, revision", "Always 1; the labels say what runs."},
       [](const MetricSources&) {
         return Samples{sample(1, {{"version", WEIR_VERSION}, {"revision", WEIR_GIT_HASH}})};
       }},
      {{"weir_ready", gauge, "", "1: the node takes work, as /readyz says."},
       one([](const MetricSources& s) { return s.ready ? 1 : 0; })},
      {{"weir_rules_changes_total", counter, "", "Times that a changed table, schema or script was taken into use."},
       one([](const MetricSources& s) { return s.open->rules().changes.load(); })},
      {{"weir_rules_refused_total", counter, "",
        "Times that a changed file of a stage could not be used; the log says why, the old content goes on deciding."},
       one([](const MetricSources& s) { return s.open->rules().refusals.load(); })},
      {{"weir_rules_stale", gauge, "", "1: a file of a stage cannot be used as it is now; what it held before decides."},
       one([](const MetricSources& s) { return s.open->rules().stale.load() ? 1 : 0; })},
      {{"weir_memory_resident_bytes", gauge, "", "Memory the process has in RAM."},
       one([](const MetricSources&) { return resident_bytes(); })},
      {{"weir_memory_max_bytes", gauge, "", "`limits.memory_max`."},
       one([](const MetricSources& s) { return s.open->node().memory_max; })},
      {{"weir_memory_bytes", gauge, "component", "Memory that is accounted for, by what holds it."},
       [](const MetricSources& s) {
         Samples samples;
         for (const MemoryUse& use : s.open->memory_use())
           samples.push_back(sample(static_cast<double>(use.bytes), {{"component", use.component}}));
         return samples;
       }},
      {{"weir_disk_bytes", gauge, "", "What the data directory holds; looked at every second."},
       one([](const MetricSources& s) { return s.open->pressure().disk_bytes(); })},
      {{"weir_disk_max_bytes", gauge, "", "`limits.disk_max`."},
       one([](const MetricSources& s) { return s.open->node().disk_max; })},
      {{"weir_door_pressure", gauge, "", "0: doors are open; 1: near a limit, they take less; 2: they take nothing."},
       one([](const MetricSources& s) { return static_cast<int>(s.open->pressure().level()); })},
      {{"weir_log_outstanding_bytes", gauge, "", "Appended by doors and not yet synced."},
       one([](const MetricSources& s) { return s.open->log().outstanding_bytes(); })},
      {{"weir_http_connections", gauge, "", "Connections that are open."},
       of_server([](const HttpServerStatus& now) { return now.connections; })},
      {{"weir_http_connections_refused_total", counter, "", "Connections beyond `http.connections_max`."},
       of_server([](const HttpServerStatus& now) { return now.connections_refused; })},
      {{"weir_http_requests_total", counter, "", "Requests taken."},
       of_server([](const HttpServerStatus& now) { return now.requests; })},
      {{"weir_http_requests_in_flight", gauge, "", "Requests that are not answered yet."},
       of_server([](const HttpServerStatus& now) { return now.requests_in_flight; })},
      {{"weir_http_refused_total", counter, "",
        "Requests refused for their form or size, because they came too slowly, or for who asked."},
       of_server([](const HttpServerStatus& now) { return now.refused; })},
      {{"weir_http_bodies_bytes", gauge, "", "Memory of request bodies."},
       of_server([](const HttpServerStatus& now) { return now.bodies_bytes; })},
      {{"weir_queries_waiting", gauge, "", "Queries that wait for a thread."},
       one([](const MetricSources& s) { return s.pool->waiting(); })},
  };
}

const std::vector<Metric>& all_metrics() {
  static const std::vector<Metric> metrics = [] {
    std::vector<Metric> made = events();
    for (auto more : {inputs(), partitions(), snapshots(), lookups(), pending_metrics(), sink_metrics(), actors(), node(), access()}) made.insert(made.end(), more.begin(), more.end());
    return made;
  }();
  return metrics;
}

std::string_view kind_name(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  return "";
}

}  // namespace

std::vector<MetricFamily> node_metrics(const MetricSources& sources) {
  std::vector<MetricFamily> families;
  for (const Metric& metric : all_metrics()) families.push_back({metric.what, metric.read(sources)});
  return families;
}

std::string metrics_page() {
  std::string page =
      "# Metrics\n\n"
      "What a node says at `/metrics`, in Prometheus' text format, or as OpenMetrics when the request asks for it. "
      "This page is made from\n"
      "the descriptions in `cluster/node/node_metrics.cc`; a test compares the two.\n\n"
      "| metric | kind | labels | meaning |\n|---|---|---|---|\n";
  for (const Metric& metric : all_metrics())
    page += fmt::format("| `{}` | {} | {} | {} |\n", metric.what.name, kind_name(metric.what.kind), metric.what.labels,
                        metric.what.help);
  return page;
}

}  // namespace weir

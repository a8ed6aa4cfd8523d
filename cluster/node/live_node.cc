#include "cluster/node/live_node.h"

#include <fmt/format.h>

#include "actors/doors/http_door_actor.h"
#include "actors/messages/letter_messages.h"
#include "actors/messages/sink_messages.h"
#include "cluster/api/wait_reasons.h"
#include "cluster/node/biography.h"
#include "cluster/node/event_facts.h"
#include "cluster/node/event_search.h"
#include "cluster/node/log_reader.h"
#include "cluster/node/log_tap.h"
#include "cluster/node/node_metrics.h"
#include "cluster/node/sink_reports.h"
#include "cluster/node/stage_tap.h"
#include "runtime/base/hash.h"
#include "runtime/engine/circuit_breaker.h"

namespace weir {

namespace {

/// How long a digest waits for the partitions: it reads everything.
constexpr std::chrono::milliseconds kDigestWait{30'000};
constexpr std::chrono::milliseconds kBiographyWait{1'000};  // for the index of a partition; then its log is read without
/// What one request of a search reads of the log: some 100 ms of one of the two threads for questions.
constexpr std::size_t kSearchBytes = std::size_t{32} << 20;

}  // namespace

Readiness LiveNode::readiness() const {
  Readiness now;
  const std::vector<LivePartition> partitions = state_.partitions();
  std::string opening;
  for (std::uint32_t p = 0; p < partitions.size(); ++p) {
    if (partitions[p].quarantined) {
      now.quarantined.push_back(p);
    } else if (!partitions[p].ready) {
      opening += fmt::format("{}{}", opening.empty() ? "" : ", ", p);
    }
  }
  for (const ActorReport& report : open_.board()->report())
    if (report.state == ActorState::failing) now.failing.push_back(report.path);
  for (const SinkBoard::Line& line : open_.sinks().lines())
    if (line.gauges->broken.load()) now.broken_sinks.push_back(fmt::format("{}/{}", line.sink, line.partition.value));
  if (stopping_.load()) {
    now.reason = "the node is stopping";
  } else if (now.quarantined.size() == partitions.size()) {
    now.reason = "every partition is quarantined; see /v1/partitions";
  } else if (!opening.empty()) {
    now.reason = fmt::format("partition {} is being opened", opening);
  } else if (open_.takes_http() && !state_.http_door()) {
    now.reason = "the doors are being opened";
  } else {
    now.ready = true;
  }
  return now;
}

std::string LiveNode::metrics(bool openmetrics) const {
  const std::vector<MetricFamily> families = node_metrics({&open_, &state_, &pool_, &keeper_, server_.load(), doorkeeper_.load(), readiness().ready, sinks()});
  return openmetrics ? metrics_->openmetrics_text(families) : metrics_->prometheus_text(families);
}

LedgerReport LiveNode::ledger() const {
  LedgerReport report;
  report.pipeline = open_.config().name;
  const std::vector<LivePartition> partitions = state_.partitions();
  for (std::uint32_t p = 0; p < partitions.size(); ++p) {
    const LivePartition& known = partitions[p];
    // Read after what is known of commits: it only grows.
    const Offset accepted = open_.log().status(PartitionId{p}).ingest_durable;
    add_line(report, ledger_line(PartitionId{p}, known.epoch, accepted, known.committed, known.ledger));
  }
  return report;
}

std::vector<PartitionReport> LiveNode::partitions() const {
  std::vector<PartitionReport> reports;
  const std::vector<LivePartition> partitions = state_.partitions();
  for (std::uint32_t p = 0; p < partitions.size(); ++p) {
    const LivePartition& known = partitions[p];
    PartitionReport report;
    report.partition = p;
    report.state = known.quarantined ? "quarantined" : known.ready ? "running" : "opening";
    report.error = known.error;
    report.epoch = known.epoch.value;
    report.committed = known.committed.value;
    report.sequence = known.sequence.value;
    report.ids = known.ids;
    report.accepted = open_.log().status(PartitionId{p}).ingest_durable.value;
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<ActorLine> LiveNode::tree() const {
  std::vector<ActorLine> lines;
  for (ActorReport& report : open_.board()->report()) {
    lines.push_back({std::move(report.path), std::string(to_string(report.state)), report.restarts, std::move(report.last_error),
                     report.died_at, report.queue, report.credits, std::move(report.unit), std::move(report.note)});
  }
  return lines;
}

void LiveNode::release(PartitionId partition, std::function<void(bool released)> done) {
  caf::actor pipeline;
  {
    const std::scoped_lock lock(pipeline_mutex_);
    pipeline = pipeline_;
  }
  if (!pipeline) return done(false);  // nothing is quarantined before it is opened
  caf::anon_send(pipeline, ReleasePartition{partition, std::move(done)});
}

std::vector<SinkReport> LiveNode::sinks() const { return sink_reports(open_, state_); }

void LiveNode::release_sink(const std::string& sink, std::function<void(std::optional<std::size_t> released)> done) {
  caf::actor pipeline;
  {
    const std::scoped_lock lock(pipeline_mutex_);
    pipeline = pipeline_;
  }
  if (!pipeline) return done(std::nullopt);  // nothing is broken before it is opened
  caf::anon_send(pipeline, ReleaseSink{sink, std::move(done)});
}

void LiveNode::change_letters(PartitionId partition, LetterOrder order, std::string payload,
                              std::function<void(Result<std::vector<LetterFate>>)> done) {
  state_.change_letters(partition, std::make_shared<LetterRequest>(std::move(order), std::move(payload), std::move(done)));
}

void LiveNode::ingest(HttpRequest request, HttpReply reply) {
  if (!open_.takes_http())
    return reply(
        problem(404, "this pipeline takes no events over HTTP: its `inputs` name others; add http: {} to them"));
  const caf::actor door = state_.http_door();
  if (!door || stopping_.load()) {
    HttpResponse response = problem(
        503, stopping_.load() ? "the node is stopping" : "the node is starting: its partitions are being opened");
    response.headers.emplace_back("Retry-After", "1");
    return reply(std::move(response));
  }
  // A door that dies drops its mailbox: the reply answers by itself then.
  caf::anon_send(door, HttpIngest{std::move(request), sure_reply(std::move(reply))});
}

void LiveNode::pictures(Ranges ranges, const std::optional<ReadToken>& token, std::chrono::milliseconds wait,
                        Pictures done) {
  const PictureMaker make = [ranges = std::move(ranges)](PartitionId partition,
                                                         const PartitionState& state) -> Result<PartitionPicture> {
    WEIR_ASSIGN(const auto wanted, ranges(partition, state.at()));
    return state.picture_of(wanted);
  };
  state_.pictures(make, token, wait, std::move(done));
}

void LiveNode::state_digests(std::function<void(Result<std::vector<Digest128>>)> done) {
  // The digest of what participants hold in memory is made where they live: the partition's views wait for it.
  auto digests = std::make_shared<std::vector<Digest128>>(open_.config().partitions);
  const PictureMaker make = [digests](PartitionId partition, const PartitionState& state) -> Result<PartitionPicture> {
    WEIR_ASSIGN((*digests)[partition.value], state.state_digest());
    return state.picture_of({});
  };
  state_.pictures(make, std::nullopt, kDigestWait,
                  [digests, done = std::move(done)](const Result<std::vector<PartitionPicture>>& pictures) {
                    if (!pictures) return done(fail(pictures.error()));
                    done(*digests);
                  });
}

void LiveNode::with_partition_of(const std::string& id, std::vector<StateRange> ranges, std::function<void(Result<std::shared_ptr<const StateReader>>)> tell) {
  const PictureMaker make = [ranges = std::move(ranges)](PartitionId, const PartitionState& state) { return state.picture_of(ranges); };
  state_.picture(partition_of(id, open_.config().partitions), make, kBiographyWait, [this, tell](const Result<std::vector<PartitionPicture>>& pictures) {
    if (pictures) return tell(pictures->front().state);  // its store is kept by `pictures` meanwhile
    if (pictures.error().code != Errc::not_ready) return tell(fail(pictures.error()));
    if (!work([tell] { tell(std::shared_ptr<const StateReader>()); })) tell(fail(Errc::limit_reached, "too many questions wait for an answer; ask again later"));
  });
}

void LiveNode::biography(const std::string& id, std::function<void(Result<EventLife>)> done) {
  with_partition_of(id, {}, [this, id, done = std::move(done)](const Result<std::shared_ptr<const StateReader>>& index) {
    if (!index) return done(fail(index.error()));
    const auto life = biography_of(LiveLogReader{open_.log()}, [&index](PartitionId) { return index; }, id);
    if (!life) return done(fail(life.error()));
    if (life->attempts.empty()) return done(EventLife{{}, never_seen_text(id, life->kept_since)});
    done(EventLife{biography_json(*life), {}});
  });
}

void LiveNode::event_facts(const std::string& id, std::function<void(Result<std::optional<EventFacts>>)> done) {
  with_partition_of(id, {parked_range()}, [this, id, done = std::move(done)](const Result<std::shared_ptr<const StateReader>>& state) {
    if (!state) return done(fail(state.error()));
    const auto life = biography_of(LiveLogReader{open_.log()}, [&state](PartitionId) { return state; }, id);
    if (!life) return done(fail(life.error()));
    done(event_facts_of(*life, state->get()));
  });
}

PartitionFacts LiveNode::partition_facts(PartitionId partition) const {
  PartitionFacts facts;
  facts.now = open_.clock().wall();
  facts.report = partitions()[partition.value];
  facts.reserved = open_.log().status(partition).ingest_reserved.value;
  facts.parked = state_.partitions()[partition.value].ledger.retrying;
  const PartitionGauges& gauges = *open_.gauges()[partition.value];
  facts.in_flight = gauges.in_flight_events.load();
  facts.committed_at = gauges.committed_at.load();
  facts.commit_out_since = gauges.commit_out_since.load();
  facts.flush_waits = gauges.flush_waits.load();
  facts.held_keys = gauges.held_keys.load();
  facts.parked_bytes = gauges.parked_bytes.load();
  facts.parked_full = gauges.parked_full.load();
  facts.next_due = gauges.next_due.load();
  const std::string place = fmt::format("/partition/{}", partition.value);
  for (ActorLine& actor : tree())
    if (actor.actor.ends_with(place) || actor.actor.find(place + "/") != std::string::npos || actor.actor.ends_with("/committer")) facts.actors.push_back(std::move(actor));
  for (const LookupBoard::Line& line : open_.lookups().lines()) {
    const auto breakers = [&](BreakerState state) { return line.gauges->breakers[static_cast<std::size_t>(state)].load(); };
    facts.lookups.push_back({line.stage, breakers(BreakerState::open) + breakers(BreakerState::half_open), line.gauges->pending.load()});
  }
  for (const PendingBoard::Line& line : open_.pending().lines()) facts.pending.push_back({line.stage, line.gauges->pending.load(), line.gauges->turn.load()});
  facts.pressure = open_.pressure().level();
  facts.pressure_why = open_.pressure().why();
  return facts;
}

Result<TapAnswer> LiveNode::tap(const TapRequest& request) {
  if (!request.on.starts_with(kTapStage)) return tap_log(LiveLogReader{open_.log()}, request, open_.config().record.csv.separator);
  const std::string stage = request.on.substr(kTapStage.size());
  std::string names;
  for (const StageConfig& known : open_.config().stages) {
    if (known.name == stage) return tap_stage(*open_.taps().of(stage), stage, request, open_.clock().now());
    names += (names.empty() ? "" : ", ") + known.name;
  }
  return fail(Errc::invalid_argument, "on: there is no stage '{}'; this pipeline has: {}", stage, names.empty() ? "none" : names);
}

Result<SearchSlice> LiveNode::search(const std::vector<std::pair<std::string, std::string>>& fields, const SearchPlace& from,
                                     const std::function<bool(const FoundEvent&)>& visit) {
  std::vector<FieldCondition> conditions;
  for (const auto& [name, value] : fields) {
    WEIR_ASSIGN(conditions.emplace_back(), field_condition(name, value));
  }
  FieldMatch match(std::move(conditions), open_.config().record.csv.separator);
  return search_slice(LiveLogReader{open_.log()}, match, from, kSearchBytes, visit);
}

}  // namespace weir

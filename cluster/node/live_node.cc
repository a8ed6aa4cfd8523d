#include "cluster/node/live_node.h"

#include <fmt/format.h>

#include "actors/doors/http_door_actor.h"
#include "actors/messages/letter_messages.h"
#include "cluster/node/biography.h"
#include "cluster/node/event_search.h"
#include "cluster/node/log_reader.h"
#include "cluster/node/node_metrics.h"

namespace weir {

namespace {

/// How long a digest waits for the partitions: it reads everything.
constexpr std::chrono::milliseconds kDigestWait{30'000};
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
  const std::vector<MetricFamily> families = node_metrics({&open_, &state_, &pool_, server_.load(), doorkeeper_.load(), readiness().ready});
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

Result<std::string> LiveNode::biography(const std::string& id) {
  WEIR_ASSIGN(const Biography life, biography_of(LiveLogReader{open_.log()}, id));
  return life.attempts.empty() ? std::string() : biography_json(life);
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

#include "actors/doors/http_door_actor.h"

#include <fmt/format.h>
#include <caf/actor_cast.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "actors/doors/ingest_parameters.h"
#include "actors/doors/live_credits.h"
#include "actors/doors/outcome_count.h"
#include "actors/supervise/house_handlers.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/read_token.h"

namespace weir {

namespace {

/// An append that was refused for want of room is tried again after this long, or when one has ended.
constexpr std::chrono::milliseconds kAppendRetry{20};

/// Answers 503 when it goes without an answer: with the door's mailbox, when the door dies.
class SureReply {
 public:
  explicit SureReply(HttpReply reply) : reply_(std::move(reply)) {}
  SureReply(const SureReply&) = delete;
  SureReply& operator=(const SureReply&) = delete;
  ~SureReply() {
    if (!reply_) return;
    HttpResponse lost = problem(503,
                                "the door died before it could answer: some of the events may have been accepted; send "
                                "them again, their ids make that harmless");
    lost.headers.emplace_back("Retry-After", "1");
    reply_(std::move(lost));
  }
  void answer(HttpResponse response) {
    if (const HttpReply reply = std::exchange(reply_, nullptr)) reply(std::move(response));
  }

 private:
  HttpReply reply_;
};

HttpResponse later(int status, std::string_view detail, int seconds) {
  HttpResponse response = problem(status, detail);
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

/// One request on its way.
struct Call {
  HttpReply reply;
  HttpBody body;
  SharedBytes received;  // counts against the server's limit for as long as it is held: until the log has it
  TimePoint arrived{0};
  std::chrono::milliseconds wait{0};
  std::uint64_t number = 0;  // of its append
  std::vector<Offset> first;
  ReadToken token;
  OutcomeCount outcomes;
  bool reading = false;  // the output log is being asked for its outcomes
  bool over = false;     // its wait is
};

class HttpDoorActor : public caf::event_based_actor {
 public:
  HttpDoorActor(caf::actor_config& config, std::shared_ptr<HttpDoorSetup> setup, caf::actor_addr supervisor)
      : caf::event_based_actor(config),
        setup_(std::move(setup)),
        who_("door/http"),
        supervisor_(std::move(supervisor)),
        credits_(setup_->log->partitions(), setup_->live_events_max, setup_->live_bytes_max),
        ids_(setup_->log->partitions(), 0),
        committed_(setup_->log->partitions()) {
    install_house_handlers(this, who_, supervisor_);
    set_down_handler([this](caf::down_msg& down) { quit(down.reason); });
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor_)) monitor(parent);
  }

  const char* name() const override { return "http_door"; }

  /// Whoever still waits is told now: others may hold this actor for longer than it lives.
  void on_exit() override {
    queue_.clear();
    outstanding_.clear();
    waiting_.clear();
    routes_ = {};
  }

  caf::behavior make_behavior() override {
    append_barrier();
    return {
        [this](HttpIngest& ingest) { on_ingest(ingest); },
        [this](AppendEnded& ended) { ended.number == 0 ? on_barrier() : on_ended(ended); },
        [this](const Routes& routes) { on_routes(routes); },
        [this](const PartitionProgress& progress) { on_progress(progress); },
        [this](const RetryAppend&) {
          retry_armed_ = false;
          append_barrier();
          pump();
        },
        [this](const WaitOver& over) { on_wait_over(over); },
        [this](const OutcomesRead& read) { on_outcomes(read); },
        [this](const StopNode&) {
          stopping_ = true;
          for (Call& call : queue_) call.reply(later(503, "the node is stopping", 5));
          queue_.clear();
          for (auto& [number, call] : waiting_) call.over = true;
          while (!waiting_.empty()) answer_with_outcomes(waiting_.begin());
          finish_if_done();
        },
    };
  }

 private:
  // ---- what nobody else would tell the partitions

  /// A predecessor may have appends on their way, and a buffered one is answered before it is durable. An append behind
  /// them ends after they are decided; then partitions look for themselves.
  void append_barrier() {
    if (!barrier_wanted_ || barrier_out_) return;
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    AppendGroup barrier;
    barrier.positions.push_back({"door-start", {}});
    auto receipt = setup_->log->append(std::move(barrier), [self](Result<void> result) {
      caf::anon_send(self, AppendEnded{0, std::move(result)});
    });
    if (!receipt) return try_again_later();  // no room: what is in front of it may still be on its way
    barrier_wanted_ = false;
    barrier_out_ = true;
  }
  void on_barrier() {
    barrier_out_ = false;
    for (const caf::actor& partition : routes_.partitions)
      if (partition) send(partition, IngestDurable{});
    append_barrier();
  }
  void try_again_later() {
    if (!std::exchange(retry_armed_, true)) delayed_send(this, kAppendRetry, RetryAppend{});
  }

  // ---- requests

  void on_ingest(HttpIngest& ingest) {
    Call call;
    call.reply = std::move(ingest.reply);
    call.arrived = setup_->clock->now();
    if (stopping_) return call.reply(later(503, "the node is stopping", 5));
    if (ids() >= setup_->ids_max)
      return call.reply(later(429,
                              fmt::format("{} ids are remembered, dedupe.ids_max is {}: raise it (some 25 bytes of "
                                          "memory each), or shorten dedupe.remember",
                                          ids(), setup_->ids_max),
                              30));
    if (pressure() == Pressure::full) {
      const bool disk = setup_->pressure->disk();
      return call.reply(later(disk ? 507 : 429, setup_->pressure->why(), disk ? 10 : 2));
    }
    const auto parameters = read_ingest_parameters(ingest.request, setup_->wait_max);
    if (!parameters) return call.reply(problem(400, parameters.error().context));
    call.wait = parameters->wait;
    auto body = read_http_body(setup_->body, ingest.request, setup_->clock->wall());
    if (!body)
      return call.reply(problem(body.error().code == Errc::invalid_argument ? 415 : 400, body.error().context));
    call.body = std::move(*body);
    call.body.group.durability = parameters->durability;
    call.token = ReadToken(setup_->log->log_id());
    if (call.body.events == 0) return answer(call);
    call.received = std::move(ingest.request.body);
    queue_.push_back(std::move(call));
    pump();
  }

  void pump() {
    while (!queue_.empty()) {
      Call& call = queue_.front();
      // Whoever sends its next request when this one is answered sends less that way.
      const bool too_soon =
          pressure() != Pressure::none && setup_->clock->now() - call.arrived < setup_->slow_wait;
      if (!too_soon && append(call)) {
        queue_.pop_front();
        continue;
      }
      // Refused for want of room: the others would be, too.
      if (queue_.empty()) return;
      return try_again_later();
    }
  }

  /// False: not yet. True: on its way, or answered.
  bool append(Call& call) {
    const std::uint64_t generation = setup_->log->append_generation();
    for (const PartitionBatch& batch : call.body.group.batches)
      since_[batch.partition] = setup_->log->status(batch.partition).position.sequence;
    const std::uint64_t number = next_number_ + 1;
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    auto receipt = setup_->log->append(call.body.group, [self, number](Result<void> result) {
      caf::anon_send(self, AppendEnded{number, std::move(result)});
    });
    if (!receipt) return refused(call, receipt.error());
    call.received = {};
    call.number = next_number_ = number;
    call.first = std::move(receipt->first);
    for (std::size_t i = 0; i < call.body.group.batches.size(); ++i) {
      PartitionBatch& batch = call.body.group.batches[i];
      const Offset end = call.first[i] + batch.count;
      call.token.note_offset(batch.partition, end);
      if (call.wait.count() != 0) call.outcomes.want(batch.partition, call.first[i], end, since_[batch.partition]);
      const caf::actor to = route(batch.partition);
      if (to && credits_.open()) {
        auto decoded = IngestBatch::decode(batch.bytes);
        INVARIANT(decoded.has_value(), "what a door encodes can be read");
        credits_.spend(batch.partition, end, batch.count, batch.bytes.size());
        send(to, LiveBatch{call.first[i], std::move(*decoded), generation});
      }
      batch.bytes = {};
    }
    note_load();
    if (WEIR_DEFECT("http_ack_before_durable")) answer(call);
    WEIR_FAIL_POINT("http_door_after_append");
    outstanding_.push_back(std::move(call));
    return true;
  }

  bool refused(Call& call, const Error& error) {
    if (error.code == Errc::log_busy && setup_->clock->now() - call.arrived < setup_->busy_max) return false;
    if (WEIR_DEFECT("refused_in_part")) append_what_fits(call);
    switch (error.code) {
      case Errc::log_busy:
        call.reply(later(429, "the disk does not keep up: " + error.context, 1));
        return true;
      case Errc::disk_full:
        call.reply(later(507, error.context, 5));
        return true;
      case Errc::invalid_argument:
        call.reply(problem(413, error.context + "; send it in parts"));
        return true;
      default:
        call.reply(later(503, error.context, 5));
        return true;
    }
  }

  /// The deliberate defect: of a request that is refused, the first partition that takes its part keeps it.
  [[maybe_unused]] void append_what_fits(const Call& call) {
    const caf::actor self = caf::actor_cast<caf::actor>(this);
    for (const PartitionBatch& batch : call.body.group.batches) {
      AppendGroup part;
      part.batches.push_back(batch);
      part.durability = call.body.group.durability;
      const auto tell = [self](Result<void> result) { caf::anon_send(self, AppendEnded{0, std::move(result)}); };
      if (setup_->log->append(std::move(part), tell)) return;
    }
  }

  // ---- appends

  void on_ended(const AppendEnded& ended) {
    INVARIANT(!outstanding_.empty() && outstanding_.front().number == ended.number, "appends end in order");
    Call call = std::move(outstanding_.front());
    outstanding_.pop_front();
    WEIR_FAIL_POINT("http_door_before_answer");
    if (!ended.result) {
      for (std::size_t i = 0; i < call.first.size(); ++i)
        credits_.withdraw(call.body.group.batches[i].partition, call.first[i]);
      give_up(call, ended.result.error());
    } else {
      accepted_ += call.body.events;
      for (const PartitionBatch& batch : call.body.group.batches) {
        ends_[batch.partition] = std::max(ends_[batch.partition], call.token.part(batch.partition).offset);
        if (const caf::actor to = route(batch.partition)) send(to, IngestDurable{});
      }
      const bool waits = call.wait.count() != 0 && !stopping_ && !WEIR_DEFECT("wait_counts_accepted");
      if (call.body.group.durability == Durability::buffered) {
        barrier_wanted_ = true;
        append_barrier();
      }
      if (!waits) {
        if (!WEIR_DEFECT("http_ack_before_durable")) answer(call);
      } else {
        const std::uint64_t number = call.number;
        delayed_send(this, call.wait, WaitOver{number});
        waiting_.emplace(number, std::move(call));
        look_at(number);
      }
    }
    pump();
    finish_if_done();
  }

  void give_up(Call& call, const Error& error) {
    if (error.code == Errc::disk_full) return call.reply(later(507, error.context, 5));
    if (error.code == Errc::outcome_unknown)
      return call.reply(
          later(503,
                fmt::format(
                    "{}: whether the events were accepted is not known; send them again, their ids make that harmless",
                    error.context),
                5));
    call.reply(later(503, fmt::format("nothing was accepted: {}", error.context), 1));
  }

  /// {"accepted":n,"durability":…,"token":…}, with what became of them where that was waited for.
  void answer(Call& call) {
    HttpResponse response;
    response.status = 202;
    const bool durable = call.body.group.durability == Durability::durable;
    response.body = fmt::format(R"({{"accepted":{},"durability":"{}","token":"{}")", call.body.events,
                                durable ? "durable" : "buffered", call.token.encode());
    if (call.wait.count() != 0) {
      const bool granted = WEIR_DEFECT("wait_counts_accepted");
      std::string outcomes;
      for (const Outcome outcome : {Outcome::served, Outcome::filtered, Outcome::duplicate, Outcome::dead_lettered,
                                    Outcome::shed, Outcome::expired, Outcome::retrying}) {
        const bool assumed = granted && outcome == Outcome::served;
        if (const std::uint64_t count = assumed ? call.body.events : call.outcomes.count(outcome); count != 0)
          outcomes += fmt::format(R"({}"{}":{})", outcomes.empty() ? "" : ",", to_string(outcome), count);
      }
      if (const std::uint64_t left = call.body.events - call.outcomes.decided(); left != 0 && !granted)
        outcomes += fmt::format(R"({}"in_flight":{})", outcomes.empty() ? "" : ",", left);
      response.body += fmt::format(R"(,"outcomes":{{{}}})", outcomes);
    }
    response.body += "}\n";
    call.reply(std::move(response));
  }

  // ---- ?wait: what became of the events

  /// Reads on when something may be new: every partition of the request is past its events, or the wait is over.
  void look_at(std::uint64_t number) {
    const auto found = waiting_.find(number);
    if (found == waiting_.end() || found->second.reading) return;
    Call& call = found->second;
    bool all = true;
    for (const ReadToken::Part& part : call.token.parts())
      all = all && (committed_[part.partition.value].committed >= part.offset || quarantined(part.partition));
    if (all || call.over) answer_with_outcomes(found);
  }

  void answer_with_outcomes(std::map<std::uint64_t, Call>::iterator found) {
    Call& call = found->second;
    // Only commits known here: a partition's newest may be just being written.
    const auto read = stopping_
                          ? std::nullopt
                          : call.outcomes.next_read([this](PartitionId p) { return committed_[p.value].sequence; });
    if (read) {
      call.reading = true;
      const caf::actor self = caf::actor_cast<caf::actor>(this);
      setup_->log->read_output(
          *read, [self, number = found->first, partition = read->partition](Result<std::vector<CommitRecord>> records) {
            caf::anon_send(self, OutcomesRead{number, partition, std::move(records)});
          });
      return;
    }
    for (const ReadToken::Part& part : std::vector<ReadToken::Part>(call.token.parts()))
      if (committed_[part.partition.value].committed >= part.offset)
        call.token.note_sequence(part.partition, committed_[part.partition.value].sequence);
    answer(call);
    waiting_.erase(found);
  }

  void on_outcomes(const OutcomesRead& read) {
    const auto found = waiting_.find(read.number);
    if (found == waiting_.end()) return;
    found->second.reading = false;
    const auto taken =
        read.records ? found->second.outcomes.take(read.partition, *read.records) : fail(read.records.error());
    if (!taken) {
      found->second.reply(
          problem(500, "the events are accepted; what became of them cannot be read: " + taken.error().context));
      waiting_.erase(found);
      return;
    }
    answer_with_outcomes(found);
  }

  void on_wait_over(const WaitOver& over) {
    const auto found = waiting_.find(over.number);
    if (found == waiting_.end()) return;
    found->second.over = true;
    look_at(over.number);
  }

  // ---- partitions

  void note_load() {
    if (setup_->entry) setup_->entry->load(credits_.events(), credits_.events_left());
  }

  void on_routes(const Routes& routes) {
    const Routes before = std::exchange(routes_, routes);
    for (std::uint32_t p = 0; p < routes_.partitions.size(); ++p) {
      // What became durable between its own look at the log and now, nobody could tell it.
      const bool known = p < before.partitions.size() && before.partitions[p] == routes_.partitions[p];
      if (routes_.partitions[p] && !known) send(routes_.partitions[p], IngestDurable{});
      if (quarantined(PartitionId{p})) credits_.forget(PartitionId{p});
    }
    look_at_all();
  }

  void on_progress(const PartitionProgress& progress) {
    const PartitionId partition = progress.partition;
    ids_[partition.value] = progress.ids;
    committed_[partition.value] = {progress.committed, progress.sequence, true};
    credits_.committed(partition, progress.committed);
    note_load();
    look_at_all();
  }

  void look_at_all() {
    if (waiting_.empty()) return;
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, call] : waiting_) numbers.push_back(number);
    for (const std::uint64_t number : numbers) look_at(number);
  }

  [[nodiscard]] bool quarantined(PartitionId partition) const {
    return partition.value < routes_.quarantined.size() && routes_.quarantined[partition.value];
  }
  [[nodiscard]] caf::actor route(PartitionId partition) const {
    return partition.value < routes_.partitions.size() ? routes_.partitions[partition.value] : caf::actor{};
  }
  [[nodiscard]] Pressure pressure() const {
    return setup_->pressure ? setup_->pressure->level() : Pressure::none;
  }
  /// Remembered, or to be: what waits here, or is accepted and not decided, may be all new. Nobody decides what a
  /// quarantined partition has.
  [[nodiscard]] std::uint64_t ids() const {
    std::uint64_t sum = 0;
    for (const Call& call : queue_) sum += call.body.events;
    for (std::uint32_t p = 0; p < ids_.size(); ++p) {
      sum += ids_[p];
      if (quarantined(PartitionId{p})) continue;
      const PartitionStatus status = setup_->log->status(PartitionId{p});
      // As far as the ids that are known go; the log may be a commit ahead of what a partition has told.
      const Offset decided = committed_[p].told ? committed_[p].committed : status.position.committed;
      sum += status.ingest_reserved - std::min(status.ingest_reserved, decided);
    }
    return sum;
  }

  void finish_if_done() {
    if (!stopping_ || !outstanding_.empty() || finished_) return;
    finished_ = true;
    DoorFinished fact;
    fact.door = "http";
    for (std::uint32_t p = 0; p < setup_->log->partitions(); ++p) fact.ends.push_back(ends_[PartitionId{p}]);
    fact.events = accepted_;
    if (const auto parent = caf::actor_cast<caf::actor>(supervisor_)) send(parent, std::move(fact));
    quit(caf::exit_reason::normal);
  }

  struct Position {
    Offset committed;
    CommitSequence sequence;
    bool told = false;
  };
  std::shared_ptr<HttpDoorSetup> setup_;
  std::string who_;
  caf::actor_addr supervisor_;
  Routes routes_;
  LiveCredits credits_;
  std::vector<std::uint64_t> ids_;  // remembered, by partition
  std::vector<Position> committed_;
  std::deque<Call> queue_;                       // not appended yet
  std::deque<Call> outstanding_;                 // appended, not durable
  std::map<std::uint64_t, Call> waiting_;        // durable, not decided
  std::map<PartitionId, CommitSequence> since_;  // before the newest append to a partition
  std::map<PartitionId, Offset> ends_;           // of what was accepted here
  std::uint64_t next_number_ = 0;
  std::uint64_t accepted_ = 0;
  bool barrier_wanted_ = true;
  bool barrier_out_ = false;
  bool retry_armed_ = false;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace

HttpReply sure_reply(HttpReply reply) {
  auto sure = std::make_shared<SureReply>(std::move(reply));
  return [sure](HttpResponse response) { sure->answer(std::move(response)); };
}

caf::actor spawn_http_door(caf::event_based_actor* supervisor, HttpDoorSetup setup) {
  return supervisor->spawn<HttpDoorActor, caf::monitored>(std::make_shared<HttpDoorSetup>(std::move(setup)),
                                                          supervisor->address());
}

}  // namespace weir

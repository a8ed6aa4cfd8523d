#include "cluster/api/wait_reasons.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/time_text.h"

namespace weir {

namespace {

/// A commit takes milliseconds; one that takes as long as this has a reason.
constexpr std::int64_t kSlowCommit = 1'000'000;

std::string events(std::uint64_t count) { return fmt::format("{} event{}", count, count == 1 ? "" : "s"); }

std::string seconds_text(std::int64_t micros) {
  const double seconds = static_cast<double>(std::max<std::int64_t>(0, micros)) / 1e6;
  return seconds < 120 ? fmt::format("{:.1f} s", seconds) : seconds < 7'200 ? fmt::format("{:.1f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3'600);
}

std::string name_of(const ActorLine& actor) { return actor.actor.substr(actor.actor.rfind('/') + 1); }
bool is_itself(const ActorLine& actor, std::uint32_t partition) { return actor.actor.ends_with(fmt::format("/partition/{}", partition)); }

bool is_dead(const ActorLine& actor) { return actor.state == "backing_off" || actor.state == "failing" || actor.state == "quarantined"; }

/// Until the partition is at work nothing else matters.
std::vector<Wait> not_at_work(const PartitionFacts& facts) {
  const PartitionReport& report = facts.report;
  const std::uint64_t behind = report.accepted - std::min(report.accepted, report.committed);
  if (report.state == "stopped" && behind == 0 && facts.parked == 0) return {};
  if (report.state == "stopped")
    return {{"start", fmt::format("no node runs on these data: {} accepted and not decided, {} parked", events(behind), facts.parked), "start it: weir up, or weir run"}};
  if (report.state == "quarantined")
    return {{"release", fmt::format("it is quarantined, and nothing is decided until it is released. It died of: {}", report.error),
                fmt::format("mend the cause, then: weir partition release {}", report.partition)}};
  const auto itself = std::find_if(facts.actors.begin(), facts.actors.end(), [&](const ActorLine& a) { return is_itself(a, report.partition); });
  if (itself != facts.actors.end() && is_dead(*itself))
    return {{"restart", fmt::format("it died and is started again after a pause. It died of: {}", itself->last_error), "", itself->died_at}};
  return {{"replay", "it is being opened: its state is read, and what was committed since the last flush is applied again", ""}};
}

void add_actors(const PartitionFacts& facts, std::vector<Wait>& waits) {
  for (const ActorLine& actor : facts.actors) {
    if (is_itself(actor, facts.report.partition)) {
      if (!actor.note.empty()) waits.push_back({"log", "its log takes no commits now; " + actor.note, "free space where `data` is; nothing is lost meanwhile"});
    } else if (is_dead(actor)) {
      waits.push_back({"stage", fmt::format("its {} died {} times, the last time of: {}", name_of(actor), actor.restarts + 1, actor.last_error),
                       "see the log; an event that crashes a stage again and again becomes a dead letter by itself", actor.died_at});
    }
  }
}

void add_parked_full(const PartitionFacts& facts, std::vector<Wait>& waits) {
  if (!facts.parked_full) return;
  waits.push_back({"parked_full",
                   fmt::format("it takes nothing new: {} parked for {} ids or keys, as many as retry.parked_events_max, parked_bytes_max or held_keys_max allow",
                               events(facts.parked), facts.held_keys),
                   "mend what the stages depend on; they are tried again meanwhile", 0, facts.next_due});
}

void add_lookups(const PartitionFacts& facts, std::vector<Wait>& waits) {
  for (const LookupFact& lookup : facts.lookups) {
    if (lookup.breakers_open != 0)
      waits.push_back({"lookup", fmt::format("stage {} does not ask its server: {} partitions found it failing; their events are tried again", lookup.stage, lookup.breakers_open),
                       fmt::format("mend the server that stage {} asks", lookup.stage)});
    else if (lookup.pending != 0)
      waits.push_back({"lookup", fmt::format("stage {} waits for its server: {} of all partitions", lookup.stage, events(lookup.pending)), ""});
  }
}

void add_pending(const PartitionFacts& facts, std::vector<Wait>& waits) {
  for (const PendingFact& stage : facts.pending) {
    if (stage.pending == 0 && stage.turn == 0) continue;
    std::string text = fmt::format("stage {} waits for its answers: {} of all partitions", stage.stage, events(stage.pending));
    if (stage.turn != 0) text += fmt::format(", and {} for a place among its pending_max", events(stage.turn));
    waits.push_back({"lookup", text, ""});
  }
}

void add_log(const PartitionFacts& facts, std::vector<Wait>& waits) {
  if (facts.commit_out_since != 0 && facts.now - facts.commit_out_since >= kSlowCommit)
    waits.push_back({"log", fmt::format("the log has not answered commit {} for {}", facts.report.sequence + 1, seconds_text(facts.now - facts.commit_out_since)),
                     "see whether the disk under `data` is full or slow", facts.commit_out_since});
  if (facts.flush_waits)
    waits.push_back({"store", "the store has no space for what is to be flushed; commits go on until its memory is used", "free space where `data` is"});
  if (facts.reserved > facts.report.accepted)
    waits.push_back({"sync", fmt::format("{} of doors wait for their sync; nobody was told yet that they are accepted", events(facts.reserved - facts.report.accepted)), ""});
}

/// The node as a whole, for whom it concerns: what is not accepted cannot be decided.
void add_pressure(const PartitionFacts& facts, std::vector<Wait>& waits) {
  if (facts.pressure == Pressure::none) return;
  waits.push_back({"limits", fmt::format("doors take {}: {}", facts.pressure == Pressure::full ? "nothing" : "less", facts.pressure_why), ""});
}

void add_turn(const PartitionFacts& facts, std::vector<Wait>& waits) {
  const PartitionReport& report = facts.report;
  if (report.accepted <= report.committed) return;
  std::string text = fmt::format("{} accepted and not decided, {} of them in work", events(report.accepted - report.committed), facts.in_flight);
  if (facts.committed_at != 0) text += fmt::format("; the last commit was {} ago", seconds_text(facts.now - facts.committed_at));
  waits.push_back({"turn", text, "", facts.committed_at});
}

void add_retry(const PartitionFacts& facts, std::vector<Wait>& waits) {
  if (facts.parked == 0) return;
  std::string text = fmt::format("{} parked, to be tried again", events(facts.parked));
  if (facts.next_due != 0) text += fmt::format(", the next at {}", to_rfc3339(facts.next_due));
  waits.push_back({"retry", text, "", 0, facts.next_due});
}

}  // namespace

const std::vector<std::string>& wait_words() {
  static const std::vector<std::string> words = {"start",       "release", "restart", "replay", "decided", "retry_due", "held",
                                                 "parked_full", "stage",   "lookup",  "log",    "store",   "sync",      "limits",
                                                 "turn",        "retry"};
  return words;
}

std::vector<Wait> partition_waits(const PartitionFacts& facts) {
  if (facts.report.state != "running") return not_at_work(facts);
  std::vector<Wait> waits;
  add_parked_full(facts, waits);
  add_actors(facts, waits);
  const bool work = facts.report.accepted > facts.report.committed || facts.parked != 0;
  if (work) add_lookups(facts, waits);
  if (work) add_pending(facts, waits);
  add_log(facts, waits);
  add_pressure(facts, waits);
  add_turn(facts, waits);
  add_retry(facts, waits);
  return waits;
}

std::vector<Wait> event_waits(const std::string& id, const EventFacts& event, const PartitionFacts& facts) {
  std::vector<Wait> waits;
  if (event.outcome == "dead_lettered")
    return {{"decided", fmt::format("it is a dead letter since {}, of stage {}, reason {}: nothing is done with it until somebody redrives, edits or drops it",
                                    to_rfc3339(event.decided_at), event.stage, event.reason),
             fmt::format("weir dlq show {0}; mend the cause, then: weir dlq redrive {0}", id), event.decided_at}};
  if (event.outcome == "retrying" && event.held) {
    waits.push_back({"held",
                     event.behind ? fmt::format("it waits behind event {}, which is parked and has the same id or ordering key", *event.behind)
                                  : std::string("it waits for its turn behind an earlier event of its id or ordering key"),
                     event.behind && *event.behind != id ? "weir why-stuck " + *event.behind : "", event.decided_at});
  } else if (event.outcome == "retrying") {
    std::string text = event.attempts == 0 ? std::string("it is parked, to be tried")
                                           : fmt::format("it is parked after {} attempt{}, the last refused by stage {}, reason {}", event.attempts,
                                                         event.attempts == 1 ? "" : "s", event.stage, event.reason);
    if (!event.details.empty()) text += " " + event.details;
    text += event.due_at > facts.now ? fmt::format("; the next is due in {}, at {}", seconds_text(event.due_at - facts.now), to_rfc3339(event.due_at))
                               : fmt::format("; the next has been due for {}", seconds_text(facts.now - event.due_at));
    waits.push_back({"retry_due", text, "", event.decided_at, event.due_at});
  } else if (event.outcome == "in_flight") {
    const std::uint64_t front = event.offset - std::min(event.offset, facts.report.committed);
    waits.push_back({"turn",
                     fmt::format("it was accepted {} ago and is not decided yet; {} of its partition stand in front of it", seconds_text(facts.now - event.accepted_at),
                                 front == 0 ? std::string("no events") : events(front)),
                     "", event.accepted_at});
  } else {
    return {};
  }
  for (Wait& wait : partition_waits(facts)) {
    // What it does itself was said; of others only what is in its way.
    if (wait.on == "turn" || wait.on == "retry" || wait.on == "limits") continue;
    wait.text = fmt::format("its partition, {}: {}", facts.report.partition, wait.text);
    waits.push_back(std::move(wait));
  }
  return waits;
}

}  // namespace weir

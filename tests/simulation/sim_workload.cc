#include "tests/simulation/sim_workload.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/event/ingest_batch.h"

namespace weir::sim {

namespace {

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ull;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// Duplicates, conflicts, invalid events: few ids, few bodies.
constexpr const char* kKinds[] = {"good", "needs", "good", "fine", "bad", "skip", "huge", "badly"};

const char* kind_of(const Workload& workload, std::uint64_t draw, std::uint64_t body) {
  if (workload.venom == 0 || (draw >> 33) % workload.venom != 0) return kKinds[body % 8];
  return (draw >> 50) % 3 == 0 ? "venom, deadly" : "venom";
}

class Feed final : public DoorFeed {
 public:
  Feed(Workload workload, std::uint64_t at) : workload_(workload), at_(at) {}
  const std::string& name() const override { return name_; }
  Result<std::optional<DoorGroup>> next(UnixMicros accepted_at) override {
    if (at_ >= workload_.events) return std::optional<DoorGroup>{};
    std::map<PartitionId, IngestBatchBuilder> builders;
    const std::uint64_t count = 1 + mix(workload_.seed * 977 + at_) % (workload_.batch_max * 2);
    DoorGroup group;
    for (; group.events < count && at_ < workload_.events; ++at_) {
      const SimEvent event = event_at(workload_, at_);
      auto& builder =
          builders.try_emplace(partition_of(event.id, workload_.partitions), workload_.batch_max * 2).first->second;
      builder.add({event.raw, event.id, 0, {}, at_ + 1});
      ++group.events;
    }
    for (auto& [partition, builder] : builders) {
      const std::uint32_t events = builder.count();
      group.group.batches.push_back(
          {partition, events, builder.finish({FrameFormat::json, accepted_at, 0, name_, ""})});
    }
    group.group.positions.push_back({name_, std::to_string(at_)});
    return std::optional<DoorGroup>{std::move(group)};
  }

 private:
  Workload workload_;
  std::uint64_t at_;
  std::string name_{kFeedDoor};
};

}  // namespace

SimEvent event_at(const Workload& workload, std::uint64_t index) {
  const std::uint64_t draw = mix(workload.seed * 0x9e3779b97f4a7c15ull + index);
  SimEvent event;
  event.id = fmt::format("id{}", draw % workload.ids);
  const std::uint64_t body = (draw >> 20) % 11;
  event.raw = fmt::format(R"({{"id":"{}","kind":"{}","v":{}.{:02}}})", event.id, kind_of(workload, draw, body), body * 3,
                          draw % workload.ids % 100);
  return event;
}

SimEvent posted_event(const Workload& workload, std::uint32_t client, std::uint64_t request, std::uint64_t index) {
  const std::uint64_t draw = mix((workload.seed * 31 + client) * 0x9e3779b97f4a7c15ull + request * 1'000 + index);
  SimEvent event;
  // One in three is an id of the feed or of another client, the others are the client's own, now and then twice.
  event.id =
      draw % 3 == 0 ? fmt::format("id{}", (draw >> 8) % workload.ids) : fmt::format("c{}-{}", client, (draw >> 8) % 90);
  const std::uint64_t body = (draw >> 20) % 11;
  event.raw = fmt::format(R"({{"id":"{}","kind":"{}","v":{}.{:02},"n":"{}.{}.{}"}})", event.id, kind_of(workload, draw, body),
                          body * 3, draw % 100, client, request, index);
  return event;
}

DoorFeedOpener workload_feed(const Workload& workload) {
  return [workload](const EventLog& log) -> Result<std::unique_ptr<DoorFeed>> {
    const auto position = log.source_position(kFeedDoor);
    return std::make_unique<Feed>(workload, position ? std::stoull(*position) : 0);
  };
}

namespace {
/// The first one is in front of all others.
bool first_in(const std::map<std::string, std::set<std::uint64_t>>& parked, const std::string& of, std::uint64_t offset) {
  const auto found = parked.find(of);
  return found == parked.end() || found->second.empty() || offset <= *found->second.begin();
}
}  // namespace

Expected Model::take(const SimEvent& event, std::uint64_t offset, const SimRules& rules, const NodeSaid& node) {
  if (node.order) return take_order(event, offset, node);
  const auto known = parked_.find(offset);
  if (node.again) {
    Expected expected;
    if (known == parked_.end()) {
      expected.wrong = "it was not parked";
      return expected;
    }
    if (!first_in(parked_ids_, event.id, offset)) expected.wrong = "an earlier event of its id is parked";
    if (rules.retry().order_by && known->second.keyed && !first_in(parked_keys_, order_key_of(event.raw), offset)) expected.wrong = "an earlier event of its key is parked";
    const Parked parked = known->second;
    --ledger_.retrying;
    parked_ids_[event.id].erase(offset);
    parked_keys_[order_key_of(event.raw)].erase(offset);
    parked_.erase(known);
    if (!expected.wrong.empty()) return expected;
    if (parked.behind && judge_id(event, offset, expected)) return expected;
    return judge(event, offset, rules, node, parked, std::move(expected));
  }
  Expected expected;
  const auto& of_id = parked_ids_[event.id];
  if (!of_id.empty()) {
    if (!parked_.at(*of_id.rbegin()).behind && ids_.at(event.id).bytes == event.raw) {
      ++ledger_.duplicate;
      expected.outcome = Outcome::duplicate;
      return expected;
    }
    expected.outcome = Outcome::retrying;
    expected.behind = true;
    park(event, offset, {true, 0});
    return expected;
  }
  // When the node looked at it, those of its id that are decided by now may have been parked; then it came behind them.
  if (node.outcome == Outcome::retrying && node.behind) {
    expected.outcome = Outcome::retrying;
    expected.behind = true;
    if (!ids_.contains(event.id)) expected.wrong = "it is held behind nobody";
    park(event, offset, {true, 0});
    return expected;
  }
  if (judge_id(event, offset, expected)) return expected;
  return judge(event, offset, rules, node, {}, std::move(expected));
}

/// Somebody ordered it: it must be an open letter, and then it is what was ordered.
Expected Model::take_order(const SimEvent& event, std::uint64_t offset, const NodeSaid& node) {
  Expected expected;
  const auto found = letters_.find(offset);
  if (found == letters_.end()) {
    expected.wrong = "there is no open letter";
    return expected;
  }
  const Letter letter = found->second;
  expected.outcome = node.outcome;
  expected.conflict = letter.conflict;
  if (node.outcome == Outcome::dead_lettered) {
    if (letter.conflict) expected.wrong = "a conflict letter is edited";
    expected.stage = letter.stage;
    expected.reason = letter.reason;
    expected.attempts = letter.attempts;
    edited_[offset] = node.edited;
    ++ledger_.edited;
    return expected;
  }
  letters_.erase(found);
  --ledger_.dead_lettered;
  if (!letter.conflict) ids_[event.id] = {event.raw, node.outcome, "", offset};
  if (node.outcome == Outcome::dropped) {
    ++ledger_.dropped;
    return expected;
  }
  if (letter.conflict) expected.wrong = "a conflict letter is redriven";
  if (!parked_ids_[event.id].empty()) expected.wrong = "an event of its id is parked";
  if (node.outcome != Outcome::retrying) expected.wrong = "nobody orders that";
  ++ledger_.redriven;
  park(event, offset, {false, 0, false});
  return expected;
}

void Model::park(const SimEvent& event, std::uint64_t offset, const Parked& parked) {
  ++ledger_.retrying;
  parked_[offset] = parked;
  parked_ids_[event.id].insert(offset);
  if (parked.keyed) parked_keys_[order_key_of(event.raw)].insert(offset);
}

/// Whether the id alone decides it.
bool Model::judge_id(const SimEvent& event, std::uint64_t offset, Expected& expected) {
  const auto known = ids_.find(event.id);
  if (known == ids_.end()) return false;
  const State& before = known->second;
  if (before.bytes == event.raw) {
    ++ledger_.duplicate;
    expected.outcome = Outcome::duplicate;
    return true;
  }
  if (before.outcome == Outcome::expired || before.outcome == Outcome::dropped) {
    expected.reopens = true;
    ++reopened_;
  } else if (before.outcome != Outcome::dead_lettered) {
    ++ledger_.dead_lettered;
    ++ledger_.conflicts;
    expected = {Outcome::dead_lettered, true, false, false, "dedupe", "conflict"};
    letters_[offset] = {true, "dedupe", "conflict"};
    return true;
  } else {
    expected.supersedes = true;
    letters_.erase(before.offset);
    --ledger_.dead_lettered;
    ++ledger_.superseded;
  }
  return false;
}

Expected Model::judge(const SimEvent& event, std::uint64_t offset, const SimRules& rules, const NodeSaid& node, const Parked& parked,
                      Expected expected) {
  if (const auto edited = edited_.find(offset); edited != edited_.end()) expected.given = edited->second;
  const std::string& raw = expected.given.empty() ? event.raw : expected.given;
  const std::int64_t time = event_time_of(raw);
  const LateConfig& late = rules.late();
  const bool is_late = !node.again && late.then != OnLate::accept && greatest_ != kNoTime && greatest_ - time > late.after.count();
  const bool keyed = rules.retry().order_by.has_value() && !node.again;
  const bool must_wait = keyed && !parked_keys_[order_key_of(event.raw)].empty();
  Said said = rules.say(raw);
  const std::uint32_t attempts = parked.attempts;
  const bool asks = needs_dependency(raw) && said.outcome == Outcome::served;
  expected.attempts = attempts + 1;
  // Held for its key: it was looked at when an event of that was parked, or it is now.
  if (node.outcome == Outcome::retrying && node.held && keyed) {
    said = {Outcome::retrying};
    expected.attempts = 0;
  } else if (said.reason == "poison") {
    // Every try crashes it so often; where it takes the process along, what earlier lives counted is counted, too.
    constexpr std::uint32_t kCrashesMax = 3;
    expected.attempts = ends_process(raw) ? std::max(kCrashesMax, node.attempts) : kCrashesMax;
    ++poisoned_;
  } else if (is_late) {
    ++lates_;
    said = late.then == OnLate::dead_letter ? Said{Outcome::dead_lettered, "late", "late"} : Said{Outcome::expired};
  } else if (must_wait) {
    said = {Outcome::retrying};
    expected.attempts = 0;
  } else if (asks && node.outcome == Outcome::retrying && !node.held && node.attempts <= attempts + 1 && node.attempts >= attempts &&
             node.attempts < rules.retry().attempts_max) {
    said = {Outcome::retrying};
    expected.attempts = node.attempts;
  } else if (asks && node.outcome == Outcome::dead_lettered && attempts + 1 == rules.retry().attempts_max) {
    said = {Outcome::dead_lettered, "transform", "retries_exhausted"};
    ++exhausted_;
  }
  expected.outcome = said.outcome;
  expected.stage = said.stage;
  expected.reason = said.reason;
  if (said.outcome == Outcome::retrying) park(event, offset, {false, expected.attempts, parked.keyed});
  if (said.outcome == Outcome::dead_lettered) {
    ++ledger_.dead_lettered;
    letters_[offset] = {false, said.stage, said.reason, expected.attempts};
  }
  if (said.outcome == Outcome::expired) ++ledger_.expired;
  if (said.outcome == Outcome::filtered) ++ledger_.filtered;
  ids_[event.id] = {event.raw, expected.outcome, expected.reason, offset};
  if (said.outcome != Outcome::served) return expected;
  ++ledger_.served;
  ++ledger_.records;
  greatest_ = std::max(greatest_, time);
  return expected;
}

}  // namespace weir::sim

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
constexpr const char* kKinds[] = {"good", "good", "good", "fine", "bad", "skip", "huge", "badly"};

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
  event.raw = fmt::format(R"({{"id":"{}","kind":"{}","v":{}.{:02}}})", event.id, kKinds[body % 8], body * 3,
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
  event.raw = fmt::format(R"({{"id":"{}","kind":"{}","v":{}.{:02},"n":"{}.{}.{}"}})", event.id, kKinds[body % 8],
                          body * 3, draw % 100, client, request, index);
  return event;
}

DoorFeedOpener workload_feed(const Workload& workload) {
  return [workload](const EventLog& log) -> Result<std::unique_ptr<DoorFeed>> {
    const auto position = log.source_position(kFeedDoor);
    return std::make_unique<Feed>(workload, position ? std::stoull(*position) : 0);
  };
}

Expected Model::take(const SimEvent& event, const SimRules& rules) {
  Expected expected;
  const auto known = ids_.find(event.id);
  if (known != ids_.end()) {
    const State& before = known->second;
    if (before.bytes == event.raw) {
      ++ledger_.duplicate;
      expected.outcome = Outcome::duplicate;
      return expected;
    }
    if (before.outcome == Outcome::expired) {
      expected.reopens = true;
      ++reopened_;
    } else if (before.outcome != Outcome::dead_lettered) {
      ++ledger_.dead_lettered;
      ++ledger_.conflicts;
      return {Outcome::dead_lettered, true, false, false, "dedupe", "conflict"};
    } else {
      expected.supersedes = true;
      --ledger_.dead_lettered;
      ++ledger_.superseded;
    }
  }
  expected = judge(event, rules, expected);
  ids_[event.id] = {event.raw, expected.outcome, expected.reason};
  return expected;
}

Expected Model::judge(const SimEvent& event, const SimRules& rules, Expected expected) {
  const std::int64_t time = event_time_of(event.raw);
  Said said = rules.say(event.raw);
  const LateConfig& late = rules.late();
  if (late.then != OnLate::accept && greatest_ != kNoTime && greatest_ - time > late.after.count()) {
    ++lates_;
    said = late.then == OnLate::dead_letter ? Said{Outcome::dead_lettered, "late", "late"} : Said{Outcome::expired};
  }
  expected.outcome = said.outcome;
  expected.stage = said.stage;
  expected.reason = said.reason;
  if (said.outcome == Outcome::dead_lettered) ++ledger_.dead_lettered;
  if (said.outcome == Outcome::expired) ++ledger_.expired;
  if (said.outcome == Outcome::filtered) ++ledger_.filtered;
  if (said.outcome != Outcome::served) return expected;
  ++ledger_.served;
  ++ledger_.records;
  greatest_ = std::max(greatest_, time);
  return expected;
}

}  // namespace weir::sim

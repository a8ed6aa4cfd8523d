#include "tests/simulation/sim_workload.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
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

bool has(std::string_view raw, std::string_view word) { return raw.find(word) != std::string_view::npos; }

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
      auto& builder = builders.try_emplace(partition_of(event.id, workload_.partitions), workload_.batch_max * 2).first->second;
      builder.add({event.raw, event.id, 0, {}, at_ + 1});
      ++group.events;
    }
    for (auto& [partition, builder] : builders) {
      const std::uint32_t events = builder.count();
      group.group.batches.push_back({partition, events, builder.finish({FrameFormat::json, accepted_at, 0, name_, ""})});
    }
    group.group.positions.push_back({name_, std::to_string(at_)});
    return std::optional<DoorGroup>{std::move(group)};
  }

 private:
  Workload workload_;
  std::uint64_t at_;
  std::string name_ = "sim";
};

class Step final : public ChainStep {
 public:
  explicit Step(int number) : number_(number) {}
  std::string name() const override { return number_ == 0 ? "validate" : "transform"; }
  void run(ChainBatch& batch) override {
    for (ChainEvent& event : batch.events()) {
      if (event.verdict != Verdict::pass) continue;
      const std::string_view raw = batch.raw(event).raw;
      if (number_ == 0) event.event_time = event_time_of(raw);
      if (number_ == 0 && has(raw, "bad")) batch.reject(event, "validate", "field_range", "bad");
      if (number_ == 1 && has(raw, "skip")) batch.filter(event);
    }
  }

 private:
  int number_;
};

class Encoder final : public ChainEncoder {
 public:
  bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out, TokenTable*) const override {
    for (const ChainEvent& part : parts) {
      const std::string_view raw = batch.raw(part).raw;
      if (has(raw, "huge")) return false;
      const std::uint16_t attributes = out.attributes("sim", "test");
      out.begin_record().append(raw);
      out.end_record(part.event_time, attributes);
    }
    return true;
  }
  std::shared_ptr<TokenTable> token_table() const override { return nullptr; }
};

/// Values of the workload's own frames: {"id":"…","kind":"…","v":…}.
class Extractor final : public RecordExtractor {
 public:
  explicit Extractor(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  Result<void> extract(std::string_view payload, std::span<std::string_view> values) override {
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const std::string key = "\"" + paths_[i] + "\":";
      const std::size_t at = payload.find(key);
      if (at == std::string_view::npos) continue;
      const std::size_t from = at + key.size();
      values[i] = payload.substr(from, payload.find_first_of(",}", from) - from);
    }
    return {};
  }

 private:
  std::vector<std::string> paths_;
};

FieldPath path(const char* text) { return {{text}, text}; }

}  // namespace

std::int64_t event_time_of(std::string_view raw) {
  std::int64_t sum = 0;
  for (const char c : raw) sum += c;
  return 1'600'000'000'000'000 - 60'000'000 * (1 + sum % 8);
}

SimEvent event_at(const Workload& workload, std::uint64_t index) {
  // Duplicates, conflicts, invalid events: few ids, few bodies.
  static const char* const kinds[] = {"good", "good", "good", "fine", "bad", "skip", "huge", "badly"};
  const std::uint64_t draw = mix(workload.seed * 0x9e3779b97f4a7c15ull + index);
  SimEvent event;
  event.id = fmt::format("id{}", draw % workload.ids);
  const std::uint64_t body = (draw >> 20) % 11;
  event.raw = fmt::format(R"({{"id":"{}","kind":"{}","v":{}.{:02}}})", event.id, kinds[body % 8], body * 3, draw % workload.ids % 100);
  return event;
}

DoorFeedOpener workload_feed(const Workload& workload) {
  return [workload](const EventLog& log) -> Result<std::unique_ptr<DoorFeed>> {
    const auto position = log.source_position("sim");
    return std::make_unique<Feed>(workload, position ? std::stoull(*position) : 0);
  };
}

ChainStepFactory sim_step(int number) {
  return [number] { return std::make_unique<Step>(number); };
}

const ChainEncoder& sim_encoder() {
  static const Encoder encoder;
  return encoder;
}

ViewSet sim_views() {
  ViewConfig latest;
  latest.name = "by_id";
  latest.latest = path("@id");
  ViewConfig sums;
  sums.name = "by_kind";
  sums.group_by = {path("kind")};
  sums.measures = {{"sum", MeasureKind::sum, path("v")}, {"rows", MeasureKind::count, {}}};
  ViewConfig newest;
  newest.name = "by_v";
  newest.latest = path("v");
  ViewConfig minutes;
  minutes.name = "by_minutes";
  minutes.windows = {{WindowConfig::Unit::fixed, std::chrono::minutes(2), "2m"}};
  minutes.measures = {{"rows", MeasureKind::count, {}}};
  minutes.retain = std::chrono::minutes(3);
  auto set = ViewSet::compile({latest, sums, newest, minutes});
  INVARIANT(set.has_value(), "the views of the simulation are right");
  return std::move(*set);
}

std::unique_ptr<RecordExtractor> sim_extractor() {
  static const ViewSet views = sim_views();
  std::vector<std::string> paths;
  for (const FieldPath& p : views.paths()) paths.push_back(p.text);
  return std::make_unique<Extractor>(std::move(paths));
}

Expected Model::take(const SimEvent& event) {
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
  expected = judge(event, expected);
  ids_[event.id] = {event.raw, expected.outcome, expected.reason};
  return expected;
}

Expected Model::judge(const SimEvent& event, Expected expected) {
  const auto dead = [&](const char* stage, const char* reason) {
    expected.outcome = Outcome::dead_lettered;
    expected.stage = stage;
    expected.reason = reason;
    ++ledger_.dead_lettered;
    return expected;
  };
  const std::int64_t time = event_time_of(event.raw);
  if (late_.then != OnLate::accept && greatest_ != kNoTime && greatest_ - time > late_.after.count()) {
    ++lates_;
    if (late_.then == OnLate::dead_letter) return dead("late", "late");
    expected.outcome = Outcome::expired;
    ++ledger_.expired;
    return expected;
  }
  if (has(event.raw, "bad")) return dead("validate", "field_range");
  if (has(event.raw, "skip")) {
    expected.outcome = Outcome::filtered;
    ++ledger_.filtered;
    return expected;
  }
  if (has(event.raw, "huge")) return dead("encode", "output_too_large");
  ++ledger_.served;
  ++ledger_.records;
  greatest_ = std::max(greatest_, time);
  return expected;
}

}  // namespace weir::sim

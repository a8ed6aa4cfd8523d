// A partition's state against the plainest model, under random flushes, crashes, restarts and numbers of partitions.
#include "runtime/base/invariant.h"
#include "runtime/engine/dedupe_log.h"
#include "runtime/engine/digest.h"
#include "tests/unit/state/model.h"

namespace weir::test {
namespace {

/// Random events, the same for every number of partitions.
struct World {
  std::vector<Decided> events;
  ViewModel model;

  World(std::uint64_t seed, std::size_t count) {
    std::mt19937_64 random(seed);
    static const char* const kShops[] = {"north", "south", "east", ""};
    static const char* const kKinds[] = {"big", "small"};
    for (std::size_t i = 0; i < count; ++i) {
      Decided event;
      event.id = "event-" + std::to_string(i);
      // Few distinct times, so that ties are decided by id and index.
      event.time = kNewYear + static_cast<std::int64_t>(random() % 40) * kDay / 4 - 5 * kDay;
      const std::uint64_t chance = random() % 20;
      if (chance == 0) event.outcome = Outcome::duplicate;
      if (chance == 1) event.outcome = Outcome::filtered;
      if (chance == 2) {
        event.outcome = Outcome::dead_lettered;
        event.original = "{\"id\":" + std::to_string(i);
      }
      if (event.outcome == Outcome::served) {
        const std::uint16_t records = static_cast<std::uint16_t>(1 + (random() % 6 == 0 ? random() % 3 : 0));
        for (std::uint16_t r = 0; r < records; ++r) {
          Sale sale;
          sale.id = event.id;
          sale.index = r;
          sale.time = event.time;
          sale.shop = kShops[random() % 4];
          sale.kind = kKinds[random() % 2];
          sale.deep = static_cast<int>(random() % 5);
          if (random() % 8 != 0) {
            sale.scale = static_cast<int>(random() % 3);
            sale.amount = static_cast<int>(random() % 20'000) - 5'000;
            if (sale.scale == 1) *sale.amount -= *sale.amount % 10;
            if (sale.scale == 0) *sale.amount -= *sale.amount % 100;
          } else {
            sale.amount_missing = random() % 2 == 0;
          }
          event.records.push_back(sale.payload());
          model.add(sale);
        }
      }
      events.push_back(std::move(event));
    }
  }
};

void check_rows(const std::vector<PartitionPicture>& pictures, const ViewSet& views, const ViewModel& model) {
  CHECK(all_rows(pictures, views, "by_id") == model.by_id());
  CHECK(all_rows(pictures, views, "by_shop") == model.by_shop());
  CHECK(all_rows(pictures, views, "totals") == model.totals());
  CHECK(all_rows(pictures, views, "days") == model.days());
  CHECK(all_rows(pictures, views, "big") == model.big());
}

struct Run {
  std::vector<TestLog> logs;
  std::vector<std::unique_ptr<Partition>> partitions;
  [[nodiscard]] std::vector<PartitionPicture> pictures() {
    std::vector<PartitionPicture> found;
    for (auto& partition : partitions) found.push_back(partition->picture());
    return found;
  }
};

/// Spreads the events over partitions and commits, in an order of its own.
void spread(Run& run, const World& world, std::uint32_t partitions, std::mt19937_64& random) {
  run.logs.resize(partitions);
  std::vector<std::vector<Decided>> waiting(partitions);
  std::vector<std::size_t> order(world.events.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  for (const std::size_t i : order) {
    const std::uint32_t p = partition_of(world.events[i].id, partitions).value;
    waiting[p].push_back(world.events[i]);
    if (random() % 12 == 0) run.logs[p].commit(std::exchange(waiting[p], {}));
  }
  for (std::uint32_t p = 0; p < partitions; ++p) run.logs[p].commit(waiting[p]);
}

}  // namespace

TEST_CASE("views equal the model and digests are equal, whatever flushes, crashes, orders and partitions", "[state]") {
  // Goal: I8 and the answer digest. Method: one world of events; several runs, each with its own number of partitions,
  // order, commits, flush points and crashes; rows against the model, answers among the runs, state against a replay
  // from zero.
  const std::uint64_t seed = GENERATE(1, 2, 3, 4, 5, 6);
  INFO("seed " << seed);
  const World world(seed, 700);
  const ViewSet views = ViewSet::compile(model_views()).value();
  std::optional<Digest128> answer;
  std::uint64_t crashes = 0;
  std::uint64_t raced = 0;
  for (const std::uint32_t partitions : {1u, 3u, 8u}) {
    std::mt19937_64 random(seed * 100 + partitions);
    Run run;
    spread(run, world, partitions, random);
    for (std::uint32_t p = 0; p < partitions; ++p) {
      run.partitions.push_back(std::make_unique<Partition>(p, views, run.logs[p]));
      Partition& partition = *run.partitions.back();
      while (partition.applied() < run.logs[p].commits().size()) {
        partition.apply(partition.applied() + 1);
        switch (random() % 8) {
          case 0:
            if (!partition.state().flushing()) partition.seal();
            break;
          case 1:
            partition.work();
            if (partition.state().flushing()) {
              // The store has the flush and the partition does not know: nothing may count twice.
              ++raced;
              const Digest128 before = partition.state().state_digest().value();
              partition.hear();
              CHECK(partition.state().state_digest().value() == before);
            }
            break;
          case 2:
            partition.flush();
            break;
          case 3:
            if (random() % 2 == 0) {
              partition.crash();
              ++crashes;
            }
            break;
          default:
            break;
        }
      }
      // Live state, reopened state, replay from zero.
      const Digest128 live = partition.state().state_digest().value();
      Partition zero(p, views, run.logs[p]);
      zero.apply();
      CHECK(zero.state().state_digest().value() == live);
      partition.flush();
      CHECK(partition.state().state_digest().value() == live);
      partition.crash();
      CHECK(partition.state().sequence().value == run.logs[p].commits().size());
      CHECK(partition.state().state_digest().value() == live);
      CHECK(partition.state().committed() == run.logs[p].end());
      const auto body = CommitBody::decode(run.logs[p].commits().back().body).value();
      CHECK(partition.state().meta().ledger == body.meta.ledger);
      for (const std::uint64_t skipped : partition.state().skipped()) CHECK(skipped == 0);
    }
    const auto pictures = run.pictures();
    check_rows(pictures, views, world.model);
    const Digest128 digest = answer_digest(pictures, views).value();
    if (!answer) answer = digest;
    CHECK(digest == *answer);
  }
  CHECK(crashes > 0);
  CHECK(raced > 0);
}

TEST_CASE("any change of a commit changes the digests", "[state]") {
  const ViewSet views = ViewSet::compile(model_views()).value();
  const auto digests = [&](const std::vector<Decided>& events) {
    TestLog log;
    log.commit(events);
    Partition partition(0, views, log);
    partition.apply();
    return std::pair(answer_digest({partition.picture()}, views).value(), partition.state().state_digest().value());
  };
  Decided event;
  event.id = "a";
  event.records = {R"({"shop":"north","amount":1.50,"kind":"big"})"};
  const auto base = digests({event});
  CHECK(digests({event}) == base);
  Decided scale = event;
  scale.records = {R"({"shop":"north","amount":1.5,"kind":"big"})"};
  CHECK(digests({scale}).first != base.first);
  Decided later = event;
  later.time += 1;
  CHECK(digests({later}).first != base.first);
  Decided letter = event;
  letter.records.clear();
  letter.outcome = Outcome::dead_lettered;
  letter.original = "x";
  const auto dead = digests({letter});
  CHECK(dead.first != base.first);
  letter.reason = "rule:other";
  CHECK(digests({letter}).second != dead.second);
}

TEST_CASE("a commit that does not follow is refused and names both places", "[state]") {
  const ViewSet views = ViewSet::compile(model_views()).value();
  TestLog log;
  for (int i = 0; i < 4; ++i) log.commit({decided("e" + std::to_string(i), Outcome::filtered)});
  Partition partition(0, views, log);
  partition.apply(2);
  const auto body = CommitBody::decode(log.commits()[3].body).value();
  const auto refused = [&](CommitRecord commit) {
    return partition.state().apply(commit, body, partition.extractor()).error().code;
  };
  CHECK(refused(log.commits()[3]) == Errc::internal);  // a gap
  CHECK(refused(log.commits()[1]) == Errc::internal);  // again
  CommitRecord moved = log.commits()[2];
  moved.from = Offset{9};
  CHECK(refused(moved) == Errc::internal);
  CHECK(partition.state().sequence().value == 2);
  CHECK(partition.state().apply(log.commits()[2], body, partition.extractor()));
}

TEST_CASE("a flush is wanted at the limit, survives a full disk, and carries the cursor", "[state]") {
  const ViewSet views = ViewSet::compile(model_views()).value();
  TestLog log;
  const World world(9, 600);
  for (const Decided& event : world.events) log.commit({event});
  Partition partition(0, views, log, 64 * 1024);
  CHECK_FALSE(partition.state().wants_flush());
  CHECK(partition.state().clean());
  while (!partition.state().wants_flush()) partition.apply(partition.applied() + 1);
  const std::uint64_t at = partition.applied();
  partition.store().set_disk_full(true);
  partition.seal();
  CHECK_FALSE(partition.state().wants_flush());  // one at a time
  partition.work();
  partition.hear();
  CHECK(partition.state().flushing());
  CHECK(partition.state().durable().value == 0);
  partition.apply(at + 5);
  CHECK_THROWS_AS(static_cast<void>(partition.state().seal()), InvariantError);
  partition.store().set_disk_full(false);
  partition.store().lose_next_reply();
  partition.hand_in(partition.state().seal_again());
  partition.work();
  partition.hear();  // io_failed, but it is there
  partition.hand_in(partition.state().seal_again());
  partition.work();
  partition.hear();
  CHECK_FALSE(partition.state().flushing());
  CHECK(partition.state().durable().value == at);
  CHECK_FALSE(partition.state().clean());
  partition.crash();
  CHECK(partition.state().sequence().value == at);
  partition.apply();
  check_rows({partition.picture()}, views, world.model);
  partition.flush();
  CHECK(partition.state().clean());
}

TEST_CASE("a flush is wanted for ids that wait to be stored, and for what a start would read again", "[state]") {
  // Goal: neither the memory of ids nor a replay grows without bound where views keep next to nothing.
  ViewConfig days;
  days.name = "days";
  days.windows = {window(WindowConfig::Unit::day, "day")};
  days.measures = {{"lines", MeasureKind::count, {}}};
  const ViewSet views = ViewSet::compile({days}).value();
  const ViewMerger merger;
  PathExtractor extractor(views);
  constexpr std::size_t kDelta = 64 * 1024;
  const auto commits_until_wanted = [&](Outcome outcome, StateParticipant* participant) {
    MemoryState store(std::make_shared<MemoryStateDisk>(), merger, [](std::function<void()> job) { job(); });
    PartitionState state({PartitionId{0}, kDelta, {}}, views, store);
    if (participant != nullptr) state.join(*participant);
    REQUIRE(state.recover());
    TestLog log;
    for (std::size_t commits = 0; commits < 10'000; ++commits) {
      if (state.wants_flush()) {
        CHECK(state.bytes() < 16 * 1024);  // it is not the delta
        REQUIRE(state.seal());
        CHECK(state.replay_bytes() == 0);
        state.flushed({});
        CHECK_FALSE(state.wants_flush());
        return commits;
      }
      log.commit({decided("event-" + std::to_string(commits), outcome)});
      const CommitRecord& commit = log.commits().back();
      REQUIRE(state.apply(commit, CommitBody::decode(commit.body).value(), extractor));
    }
    return std::size_t{0};
  };
  DedupeLog ids{std::chrono::hours(24)};
  const std::size_t for_ids = commits_until_wanted(Outcome::served, &ids);
  const std::size_t for_a_start = commits_until_wanted(Outcome::duplicate, nullptr);
  CHECK(for_ids > 200);
  CHECK(for_ids * 16 < kDelta * 2);  // at least a digest each
  CHECK(for_a_start > for_ids);
  CHECK(for_a_start * 64 < kDelta * kReplayDeltas * 2);
}

TEST_CASE("a state of another log is refused, a damaged cursor is damage", "[state]") {
  const ViewSet views = ViewSet::compile(model_views()).value();
  const ViewMerger merger;
  auto disk = std::make_shared<MemoryStateDisk>();
  MemoryState store(disk, merger, [](std::function<void()> job) { job(); });
  {
    PartitionState state({PartitionId{3}, 1 << 20, Digest128{1, 1}}, views, store);
    CHECK(state.recover().value().value == 0);
    store.flush(state.seal().value(), [](Result<void> result) { CHECK(result); });
  }
  PartitionState other({PartitionId{3}, 1 << 20, Digest128{2, 2}}, views, store);
  CHECK(other.recover().error().code == Errc::data_foreign);
  auto broken = std::make_shared<MemoryStateDisk::Picture>(*disk->picture());
  broken->cursor = "12345678";
  disk->replace(broken);
  PartitionState damaged({PartitionId{3}, 1 << 20, Digest128{1, 1}}, views, store);
  CHECK(damaged.recover().error().code == Errc::state_damaged);
}

TEST_CASE("token tables give what extraction gives, without parsing", "[state]") {
  const ViewSet views = ViewSet::compile(model_views()).value();
  const World world(5, 300);
  TestLog log;
  log.commit(world.events);
  Partition parsed(0, views, log);
  parsed.apply();
  CHECK(parsed.extractor().calls > 200);

  Partition handed(0, views, log);
  const CommitRecord& commit = log.commits().front();
  const auto body = CommitBody::decode(commit.body).value();
  TokenTable table(views.paths().size());
  std::vector<std::string_view> values(views.paths().size());
  PathExtractor extractor(views);
  for (std::uint32_t i = 0; i < body.batches[0].records(); ++i) {
    const std::string_view payload = body.batches[0].record(i).payload;
    REQUIRE(extractor.extract(payload, values));
    const auto places = table.add_row();
    for (std::size_t c = 0; c < values.size(); ++c)
      if (!values[c].empty())
        places[c] = {static_cast<std::uint32_t>(values[c].data() - payload.data()),
                     static_cast<std::uint32_t>(values[c].size())};
  }
  const TokenTable* tables[] = {&table};
  REQUIRE(handed.state().apply(commit, body, handed.extractor(), tables));
  CHECK(handed.extractor().calls == 0);
  CHECK(handed.state().state_digest().value() == parsed.state().state_digest().value());
}

TEST_CASE("values under a measure that are no number are skipped and counted", "[state]") {
  ViewConfig config;
  config.name = "v";
  config.measures = {{"lines", MeasureKind::count, {}}, {"sum", MeasureKind::sum, path("n")}};
  const ViewSet views = ViewSet::compile({config}).value();
  TestLog log;
  Decided event = decided("a");
  event.records = {R"({"n":1.5})", R"({"n":"2"})",  R"({"n":null})", R"({})",
                   R"({"n":[1]})", R"({"n":1e99})", R"({"n":-0.25})"};
  log.commit({event});
  Partition partition(0, views, log);
  partition.apply();
  CHECK(all_rows({partition.picture()}, views, "v") == std::vector<std::string>{R"({"lines":7,"sum":1.25})"});
  CHECK(partition.state().skipped() == std::vector<std::uint64_t>{3});
}

}  // namespace weir::test

// What happens to rows over time: windows that expire, views that come, change and go.
#include "runtime/engine/digest.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

using Rows = std::vector<std::string>;

ViewConfig days(std::optional<std::int64_t> retain_days = std::nullopt, const std::string& measure = "lines") {
  ViewConfig config;
  config.name = "days";
  config.windows = {window(WindowConfig::Unit::day, "day")};
  config.measures = {{measure, MeasureKind::count, {}}};
  if (retain_days) config.retain = std::chrono::microseconds(*retain_days * kDay);
  return config;
}
ViewConfig latest(const std::string& name = "all") {
  ViewConfig config;
  config.name = name;
  config.latest = path("@id");
  return config;
}
Decided on_day(int day, const std::string& id) {
  Decided event = decided(id);
  event.time = kNewYear + day * kDay;
  event.records = {"{\"day\":" + std::to_string(day) + "}"};
  return event;
}
std::size_t stored_keys(Partition& partition) {
  std::size_t count = 0;
  REQUIRE(partition.store().scan({}, {}, [&](std::string_view, std::string_view) { return ++count != 0; }));
  return count;
}
std::string row(int day, int lines) {
  return fmt::format(R"({{"window":"day","window_start":"2024-01-{:02}T00:00:00Z","lines":{}}})", day + 1, lines);
}

}  // namespace

TEST_CASE("windows that ended longer ago than retain are hidden by the greatest time of all partitions", "[retain]") {
  const ViewSet views = ViewSet::compile({days(2)}).value();
  TestLog logs[2];
  for (int day = 0; day < 6; ++day) logs[0].commit({on_day(day, "a" + std::to_string(day))});
  logs[1].commit({on_day(1, "b1")});
  Partition p0(0, views, logs[0]);
  Partition p1(1, views, logs[1]);
  p0.apply();
  p1.apply();
  // The greatest time is the start of day 5: hidden is what ended before the start of day 3, so day 0 and 1, not day 2.
  CHECK(all_rows({p0.picture()}, views, "days") == Rows{row(2, 1), row(3, 1), row(4, 1), row(5, 1)});
  CHECK(all_rows({p1.picture()}, views, "days") == Rows{row(1, 1)});
  CHECK(all_rows({p0.picture(), p1.picture()}, views, "days") == Rows{row(2, 1), row(3, 1), row(4, 1), row(5, 1)});
  const ViewConfig& config = views.views()[0].config;
  const auto first_kept = [&](std::int64_t greatest) { return first_kept_window(config, 0, hidden_before(config, greatest)); };
  CHECK(first_kept(kNewYear + 5 * kDay) == kNewYear + 2 * kDay);
  CHECK(first_kept(kNewYear + 5 * kDay + 1) == kNewYear + 3 * kDay);
  CHECK(first_kept(kNoTime) == std::nullopt);
  CHECK(hidden_before(config, kNewYear + 5 * kDay, kNewYear + 4 * kDay) == kNewYear + 4 * kDay);
}

TEST_CASE("what a shorter retain dropped stays hidden under a longer one, and half of it is never shown", "[retain]") {
  // Goal: partitions drop by their own time, so what is left under the longer retain would be rows of some partitions alone.
  const auto longer = GENERATE(std::optional<std::int64_t>(30), std::optional<std::int64_t>());
  const ViewSet before = ViewSet::compile({days(2)}).value();
  const ViewSet after = ViewSet::compile({days(longer)}).value();
  TestLog logs[2];
  for (int day = 0; day < 10; ++day) logs[0].commit({on_day(day, "a" + std::to_string(day))});
  for (int day = 0; day < 7; ++day) logs[1].commit({on_day(day, "b" + std::to_string(day))});
  Partition p0(0, before, logs[0]);
  Partition p1(1, before, logs[1]);
  const auto all = [&](const ViewSet& views) { return all_rows({p0.picture(), p1.picture()}, views, "days"); };
  for (Partition* one : {&p0, &p1}) {
    one->apply();
    one->flush();
  }
  const Rows kept = {row(6, 2), row(7, 1), row(8, 1), row(9, 1)};
  CHECK(all(before) == kept);
  for (Partition* one : {&p0, &p1}) {
    one->restart_with(after);
    one->apply();
  }
  CHECK(all(after) == kept);
  // A late event of a day that is gone does not make it look whole; later days stay beside the earlier ones.
  logs[1].commit({on_day(4, "late")});
  logs[0].commit({on_day(12, "a12")});
  for (Partition* one : {&p0, &p1}) {
    one->apply();
    one->flush();
    one->crash();
    one->apply();
  }
  const Rows more = {row(6, 2), row(7, 1), row(8, 1), row(9, 1), row(12, 1)};
  CHECK(all(after) == more);
  // Built anew, the view has everything that the log has.
  const ViewSet anew = ViewSet::compile({days(longer, "number")}).value();
  for (Partition* one : {&p0, &p1}) {
    one->restart_with(anew);
    one->apply();
  }
  CHECK(all(anew).size() == 11);
}

TEST_CASE("expired rows leave the store at a flush, late ones do not come back, and no digest sees when", "[retain]") {
  const ViewSet views = ViewSet::compile({days(2), latest()}).value();
  TestLog log;
  for (int day = 0; day < 10; ++day)
    log.commit({on_day(day, "a" + std::to_string(day)), on_day(0, "late" + std::to_string(day))});
  Partition often(0, views, log);
  for (std::uint64_t commit = 1; commit <= 10; ++commit) {
    often.apply(commit);
    often.flush();
    if (commit == 5) often.crash();
  }
  Partition once(0, views, log);
  once.apply();
  // 20 latest rows, days 7 to 9 and the one that ends when day 7 begins.
  CHECK(stored_keys(often) == 20 + 4);
  CHECK(all_rows({often.picture()}, views, "days") == Rows{row(6, 1), row(7, 1), row(8, 1), row(9, 1)});
  CHECK(all_rows({once.picture()}, views, "days") == all_rows({often.picture()}, views, "days"));
  CHECK(often.state().state_digest().value() == once.state().state_digest().value());
  CHECK(answer_digest({often.picture()}, views).value() == answer_digest({once.picture()}, views).value());
  once.flush();
  CHECK(stored_keys(once) == 20 + 4);
}

TEST_CASE("a new view is filled from the log, across a crash, and the others are not applied twice", "[view_changes]") {
  const ViewSet before = ViewSet::compile({days()}).value();
  const ViewSet after = ViewSet::compile({latest(), days()}).value();
  TestLog log;
  for (int day = 0; day < 10; ++day) log.commit({on_day(day % 3, "e" + std::to_string(day))});
  Partition partition(0, before, log);
  partition.apply(8);
  partition.flush();
  partition.restart_with(after);
  CHECK_FALSE(partition.state().views_complete());
  CHECK(partition.applied() == 0);
  CHECK(partition.state().sequence().value == 8);
  partition.apply(5);
  partition.flush();
  partition.crash();
  CHECK(partition.applied() == 5);  // the flush kept how far the new view had come
  partition.apply(6);
  partition.crash();
  CHECK(partition.applied() == 5);
  const auto filled = [&](const std::string& view) {
    QueryRequest request;
    request.view = view;
    return query_view({partition.picture()}, after, request, [](const Row&) { return true; }).value().filled;
  };
  CHECK_FALSE(filled("all"));
  CHECK(filled("days"));
  partition.apply(8);
  CHECK(partition.state().views_complete());
  CHECK(filled("all"));
  partition.apply();
  Partition fresh(0, after, log);
  fresh.apply();
  CHECK(all_rows({partition.picture()}, after, "days") == Rows{row(0, 4), row(1, 3), row(2, 3)});
  CHECK(all_rows({partition.picture()}, after, "all") == all_rows({fresh.picture()}, after, "all"));
  CHECK(partition.state().state_digest().value() == fresh.state().state_digest().value());
}

TEST_CASE("a commit behind a view that is still filled is refused", "[view_changes]") {
  const ViewSet before = ViewSet::compile({days()}).value();
  const ViewSet after = ViewSet::compile({latest(), days()}).value();
  TestLog log;
  for (int day = 0; day < 3; ++day) log.commit({on_day(day, "e" + std::to_string(day))});
  Partition partition(0, before, log);
  partition.apply(2);
  partition.flush();
  partition.restart_with(after);
  const auto body = CommitBody::decode(log.commits()[2].body).value();
  CHECK(partition.state().apply(log.commits()[2], body, partition.extractor()).error().code == Errc::internal);
}

TEST_CASE("a changed view is filled anew beside its old rows, which go away", "[view_changes]") {
  const ViewSet before = ViewSet::compile({days(), latest()}).value();
  const ViewSet after = ViewSet::compile({days(std::nullopt, "number"), latest()}).value();
  TestLog log;
  for (int day = 0; day < 6; ++day) log.commit({on_day(day, "e" + std::to_string(day))});
  Partition partition(0, before, log);
  partition.apply();
  partition.flush();
  CHECK(stored_keys(partition) == 12);
  partition.restart_with(after);
  CHECK_FALSE(partition.state().views_complete());
  partition.apply();
  CHECK(partition.state().views_complete());
  const Rows rows = all_rows({partition.picture()}, after, "days");
  CHECK(rows.size() == 6);
  CHECK(rows[0] == R"({"window":"day","window_start":"2024-01-01T00:00:00Z","number":1})");
  partition.flush();
  CHECK(stored_keys(partition) == 12);
  Partition fresh(0, after, log);
  fresh.apply();
  CHECK(partition.state().state_digest().value() == fresh.state().state_digest().value());
  // And back: the prefix that became free is taken again, with nothing left under it.
  partition.restart_with(before);
  partition.apply();
  partition.flush();
  CHECK(all_rows({partition.picture()}, before, "days")[0] == row(0, 1));
  CHECK(stored_keys(partition) == 12);
}

TEST_CASE("a view that is gone keeps its rows, and goes on from there when it comes back", "[view_changes]") {
  const ViewSet both = ViewSet::compile({days(), latest()}).value();
  const ViewSet one = ViewSet::compile({latest()}).value();
  TestLog log;
  for (int day = 0; day < 6; ++day) log.commit({on_day(day % 2, "e" + std::to_string(day))});
  Partition partition(0, both, log);
  partition.apply(2);
  partition.flush();
  partition.restart_with(one);
  CHECK(partition.state().views_complete());
  partition.apply(4);
  partition.flush();
  CHECK(query_view({partition.picture()}, both, {"days", {}, {}, {}, {}, 0, "", true}, [](const Row&) { return true; })
            .value()
            .rows == 2);
  partition.restart_with(both);
  CHECK(partition.applied() == 2);
  partition.apply();
  CHECK(all_rows({partition.picture()}, both, "days") == Rows{row(0, 3), row(1, 3)});
  Partition fresh(0, both, log);
  fresh.apply();
  CHECK(partition.state().state_digest().value() == fresh.state().state_digest().value());
}

TEST_CASE("participants join the flush, recover from it, and are in the state digest", "[state]") {
  /// Counts commits; keeps the count under a key of its own space.
  class Counter final : public StateParticipant {
   public:
    Result<void> recover(const StateCursor& cursor, const StateReader& store) override {
      WEIR_ASSIGN(const auto stored, store.get("dcount"));
      count = stored ? std::stoull(*stored) : 0;
      CHECK(count == cursor.sequence.value);
      return {};
    }
    Result<void> on_commit(CommitSequence sequence, Offset, const CommitBody&) override {
      ++count;
      CHECK(count == sequence.value);
      return {};
    }
    void collect(DeltaWriter& delta) override { delta.put("dcount", std::to_string(count)); }
    std::size_t waiting_bytes() const noexcept override { return 0; }
    Result<std::optional<Digest128>> digest(const StateReader&) const override { return std::optional<Digest128>(Digest128{count, 0}); }
    std::uint64_t count = 0;
  };
  const ViewSet views = ViewSet::compile({days()}).value();
  const ViewMerger merger;
  TestLog log;
  for (int day = 0; day < 4; ++day) log.commit({on_day(day, "e" + std::to_string(day))});
  auto disk = std::make_shared<MemoryStateDisk>();
  PathExtractor extractor(views);
  std::optional<Digest128> live;
  for (int round = 0; round < 2; ++round) {
    MemoryState store(disk, merger, [](std::function<void()> job) { job(); });
    PartitionState state({PartitionId{0}, 1 << 20, {}}, views, store);
    Counter counter;
    state.join(counter);
    const std::uint64_t after = state.recover().value().value;
    CHECK(after == (round == 0 ? 0 : 2));
    for (std::uint64_t c = after; c < 4; ++c) {
      REQUIRE(state.apply(log.commits()[c], CommitBody::decode(log.commits()[c].body).value(), extractor));
      if (c == 1) store.flush(state.seal().value(), [&](Result<void> result) { state.flushed(result); });
    }
    const Digest128 digest = state.state_digest().value();
    if (live) CHECK(digest == *live);
    live = digest;
    counter.count = 5;
    CHECK(state.state_digest().value() != digest);
  }
}

namespace {

std::int64_t complete_since(Partition& partition, const ViewSet& views, const std::string& view) {
  QueryRequest request;
  request.view = view;
  return query_view({partition.picture()}, views, request, [](const Row&) { return true; }).value().complete_since;
}

}  // namespace

TEST_CASE("a view that is built when the log's beginning is gone says since when it is complete", "[views]") {
  const ViewSet before = ViewSet::compile({latest()}).value();
  const ViewSet after = ViewSet::compile({latest(), days()}).value();
  TestLog log;
  for (int day = 0; day < 6; ++day) log.commit({on_day(day, "e" + std::to_string(day))});
  Partition partition(0, before, log);
  partition.apply();
  partition.flush();
  partition.restart_with(after, 3);
  CHECK(partition.applied() == 3);
  // Before its first commit the view says what is certainly true: the newest time there is.
  CHECK(complete_since(partition, after, "days") == kNewYear + 5);
  partition.restart_with(after, 3);
  partition.apply();
  CHECK(all_rows({partition.picture()}, after, "days") == Rows{row(3, 1), row(4, 1), row(5, 1)});
  CHECK(complete_since(partition, after, "days") == kNewYear + 3);
  CHECK(complete_since(partition, after, "all") == kNoTime);
  CHECK(all_rows({partition.picture()}, after, "all").size() == 6);
  // It stays so, though more of the log goes.
  partition.flush();
  partition.restart_with(after, 5);
  CHECK(partition.applied() == 6);
  CHECK(complete_since(partition, after, "days") == kNewYear + 3);
}

TEST_CASE("a view that is built when nothing of the log is left is complete from the newest commit on", "[views]") {
  const ViewSet before = ViewSet::compile({latest()}).value();
  const ViewSet after = ViewSet::compile({latest(), days()}).value();
  TestLog log;
  for (int day = 0; day < 2; ++day) log.commit({on_day(day, "e" + std::to_string(day))});
  Partition partition(0, before, log);
  partition.apply();
  partition.flush();
  partition.restart_with(after, 2);
  CHECK(partition.applied() == 2);
  CHECK(partition.state().views_complete());
  log.commit({on_day(2, "e2")});
  partition.apply();
  CHECK(all_rows({partition.picture()}, after, "days") == Rows{row(2, 1)});
  CHECK(complete_since(partition, after, "days") == kNewYear + 1);
}

TEST_CASE("a view that comes back after its log is gone keeps its rows and says what may be missing", "[views]") {
  const ViewSet both = ViewSet::compile({latest(), days()}).value();
  const ViewSet one = ViewSet::compile({latest()}).value();
  TestLog log;
  for (int day = 0; day < 6; ++day) log.commit({on_day(day, "e" + std::to_string(day))});
  Partition partition(0, both, log);
  partition.apply(2);
  partition.flush();
  partition.restart_with(one);
  partition.apply();
  partition.flush();
  partition.restart_with(both, 4);
  CHECK(partition.applied() == 4);
  partition.apply();
  CHECK(all_rows({partition.picture()}, both, "days") == Rows{row(0, 1), row(1, 1), row(4, 1), row(5, 1)});
  CHECK(complete_since(partition, both, "days") == kNewYear + 4);
}

TEST_CASE("a dropped view's rows go, and only a view that the set does not have can be dropped", "[views]") {
  const ViewSet both = ViewSet::compile({latest(), days()}).value();
  const ViewSet one = ViewSet::compile({latest()}).value();
  TestLog log;
  for (int day = 0; day < 6; ++day) log.commit({on_day(day, "e" + std::to_string(day))});
  Partition never(1, one, log);
  never.apply();
  never.flush();
  Partition partition(0, both, log);
  partition.apply();
  partition.flush();
  partition.restart_with(one);
  CHECK(!partition.state().drop_view("all"));
  CHECK(!partition.state().drop_view("nothing"));
  CHECK(!partition.state().drop_view(""));
  CHECK(!partition.state().erasing());
  CHECK(stored_keys(partition) > stored_keys(never));
  CHECK(partition.state().drop_view("days"));
  CHECK(partition.state().erasing());
  partition.flush();
  CHECK(!partition.state().erasing());
  CHECK(stored_keys(partition) == stored_keys(never));
  partition.restart_with(one);
  CHECK(!partition.state().drop_view("days"));
  CHECK(all_rows({partition.picture()}, one, "all").size() == 6);
}

}  // namespace weir::test

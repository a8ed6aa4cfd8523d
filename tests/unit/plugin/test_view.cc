// What a view of a plugin is given, what its rows are, and what becomes of them where the plugin fails or is not there.
#include <weir/plugin_abi.h>

#include <fmt/format.h>

#include "actors/plugin/plugin_view.h"
#include "runtime/engine/digest.h"
#include "runtime/engine/merge_rows.h"
#include "runtime/engine/plugin_value.h"
#include "tests/unit/state/scene.h"

extern "C" const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why);

namespace weir::test {
namespace {

PluginKinds kinds_of_tests() { return read_kinds(*weir_plugin_open(&plugin_host(), nullptr), "tests", Digest128{1, 2}).value(); }

ViewConfig view_of(const std::string& kind, std::vector<std::string> values) {
  ViewConfig view;
  view.name = "totals";
  view.group_by = {path("country")};
  view.plugin = PluginViewConfig{*find_kind(kinds_of_tests().views, kind), kind, std::move(values)};
  return view;
}
ViewConfig extremes(const std::string& most = "1000") { return view_of("extremes", {"amount", most}); }
ViewConfig words() { return view_of("words", {}); }
/// Stored data whose plugin is not loaded.
ViewConfig unloaded(ViewConfig view) {
  view.plugin->kind = nullptr;
  return view;
}
ViewSet compiled(const ViewConfig& view) { return ViewSet::compile({view}, PluginView::make).value(); }

Decided sale(int number, const std::string& country, const std::string& amount) {
  Decided event = decided("e" + std::to_string(number));
  event.time = kNewYear + number * kSecond;
  event.records = {fmt::format(R"({{"country":"{}","amount":{}}})", country, amount)};
  return event;
}

using Rows = std::vector<std::string>;

TEST_CASE("rows of a plugin's view are the same whatever commits, flushes and partitions its records came in", "[plugin]") {
  const ViewSet views = compiled(extremes());
  const Rows wanted = {R"({"country":"a","least":3,"spread":17,"last":"2024-01-01T00:00:05Z","failed":0})",
                       R"({"country":"b","least":-4,"spread":0,"last":"2024-01-01T00:00:04Z","failed":0})"};
  const std::vector<Decided> events = {sale(1, "a", "20"), sale(2, "a", "7"), sale(4, "b", "-4"), sale(5, "a", "3")};
  SECTION("in one commit") {
    TestLog log;
    log.commit(events);
    Partition partition(0, views, log);
    partition.apply();
    CHECK(all_rows({partition.picture()}, views, "totals") == wanted);
  }
  SECTION("each in a commit, flushed, half of it twice after a crash") {
    TestLog log;
    for (const Decided& event : events) log.commit({event});
    Partition partition(0, views, log);
    for (std::uint64_t i = 1; i <= events.size(); ++i) {
      partition.apply(i);
      if (i == 2) partition.crash();
      if (i == 3) partition.flush();
    }
    CHECK(all_rows({partition.picture()}, views, "totals") == wanted);
  }
  SECTION("in two partitions, backwards") {
    TestLog logs[2];
    for (std::size_t i = events.size(); i-- > 0;) logs[i % 2].commit({events[i]});
    Partition one(0, views, logs[0]), other(1, views, logs[1]);
    one.apply();
    one.flush();
    other.apply();
    CHECK(all_rows({one.picture(), other.picture()}, views, "totals") == wanted);
  }
}

TEST_CASE("a plugin's view is windowed and filtered as views are, and has its envelope and nested fields", "[plugin]") {
  ViewConfig config = words();
  config.group_by = {};
  config.windows = {window(WindowConfig::Unit::day, "day")};
  const ViewSet views = compiled(config);
  TestLog log;
  std::vector<Decided> events;
  for (int i = 0; i < 4; ++i) {
    Decided event = decided("e" + std::to_string(i));
    event.time = kNewYear + i / 2 * kDay;
    event.records = {fmt::format(R"({{"word":"w\u00e4{}","order":{{"amount":{}.5}}}})", i, i)};
    events.push_back(std::move(event));
  }
  log.commit(events);
  Partition partition(0, views, log);
  partition.apply();
  CHECK(all_rows({partition.picture()}, views, "totals") ==
        Rows{R"({"window":"day","window_start":"2024-01-01T00:00:00Z","word":"wä1","some":true,"sum":2.0,"failed":0})",
             R"({"window":"day","window_start":"2024-01-02T00:00:00Z","word":"wä3","some":true,"sum":6.0,"failed":0})"});
  CHECK(row_columns(views.views()[0]) == std::vector<std::string>{"window", "window_start", "word", "some", "sum", "failed"});
}

TEST_CASE("a record that the plugin fails on is not in the row, and the row says how many there are", "[plugin]") {
  const ViewSet views = compiled(extremes("50"));
  TestLog log;
  log.commit({sale(1, "a", "20"), sale(2, "a", "51"), sale(3, "b", "99")});
  log.commit({sale(4, "a", "60")});
  Partition partition(0, views, log);
  partition.apply(1);
  partition.flush();
  partition.apply();
  CHECK(all_rows({partition.picture()}, views, "totals") ==
        Rows{R"({"country":"a","least":20,"spread":0,"last":"2024-01-01T00:00:01Z","failed":2})", R"({"country":"b","least":null,"spread":null,"last":null,"failed":1})"});
  CHECK(partition.state().skipped() == std::vector<std::uint64_t>{3});

  SECTION("a state beyond a mebibyte breaks the row, whatever comes before or behind") {
    const ViewSet long_views = compiled(words());
    TestLog words_log;
    Decided event = decided("e");
    event.records = {R"({"country":"a","word":"long"})"};
    words_log.commit({event});
    event.id = "f";
    event.records = {R"({"country":"a","word":"short"})"};
    words_log.commit({event});
    words_log.commit({event});
    for (const std::uint64_t flushed : {1, 2, 3}) {
      Partition other(0, long_views, words_log);
      other.apply(flushed);
      other.flush();
      other.apply();
      CHECK(all_rows({other.picture()}, long_views, "totals") == Rows{R"({"country":"a","word":null,"some":null,"sum":null,"failed":null})"});
    }
  }
}

TEST_CASE("a broken row is the same bytes wherever it broke, and whatever failed before and behind", "[plugin]") {
  const ViewSet views = compiled(words());
  TestLog log;
  int number = 0;
  for (const char* const word : {"bad", "long", "bad", "short", "bad"}) {
    Decided event = decided("e" + std::to_string(number++));
    event.records = {fmt::format(R"({{"country":"a","word":"{}"}})", word)};
    log.commit({event});
  }
  std::optional<Digest128> wanted;
  for (const std::uint64_t flushed : {1, 2, 3, 4, 5}) {
    Partition partition(0, views, log);
    partition.apply(flushed);
    partition.flush();
    partition.apply();
    const Digest128 digest = answer_digest({partition.picture()}, views).value();
    if (!wanted) wanted = digest;
    CHECK(digest == *wanted);
  }
}

TEST_CASE("where the plugin is not loaded the rows of its view are kept, and it finds them again", "[plugin]") {
  const ViewSet views = compiled(extremes());
  const ViewSet without = ViewSet::compile({unloaded(extremes())}, PluginView::make).value();
  CHECK(without.views().empty());
  TestLog log;
  log.commit({sale(1, "a", "20")});
  log.commit({sale(2, "a", "7")});
  log.commit({sale(3, "a", "30")});
  Partition partition(0, views, log);
  partition.apply(1);
  partition.flush();
  partition.restart_with(without);
  partition.apply(2);
  partition.flush();
  partition.restart_with(views);
  partition.apply();
  CHECK(all_rows({partition.picture()}, views, "totals") == Rows{R"({"country":"a","least":7,"spread":23,"last":"2024-01-01T00:00:03Z","failed":0})"});
}

TEST_CASE("a state whose rows were merged without their plugin has the digest of one that always had it", "[plugin]") {
  const ViewSet views = compiled(extremes());
  const ViewMerger without;
  TestLog log;
  log.commit({sale(1, "a", "20")});
  log.commit({sale(2, "a", "7")});
  Partition always(0, views, log), partly(0, views, log);
  partly.crash_into(without);
  for (Partition* partition : {&always, &partly}) {
    for (const std::uint64_t commit : {1, 2}) {
      partition->apply(commit);
      partition->flush();
    }
  }
  const auto stored = [&views](Partition& partition) {
    const std::string prefix = rows_prefix(PartitionId{0}, partition.picture().at, views.views()[0]).value();
    std::size_t states = 0;
    REQUIRE(partition.store().snapshot().value()->scan(prefix, prefix_end(prefix), [&](std::string_view, std::string_view value) {
      states += PluginValue::read(value)->states.size();
      return true;
    }));
    return states;
  };
  CHECK(stored(always) == 1);
  CHECK(stored(partly) == 2);
  CHECK(answer_digest({always.picture()}, views).value() == answer_digest({partly.picture()}, views).value());
  CHECK(always.state().state_digest().value() == partly.state().state_digest().value());
}

/// A value with these states, which extremes would have made.
std::string value_with(const std::vector<std::int64_t>& greatest, std::int64_t least = 0, std::uint64_t failed = 0) {
  std::vector<std::string> states;
  for (const std::int64_t one : greatest) {
    const std::int64_t state[3] = {least, one, 5};
    states.emplace_back(reinterpret_cast<const char*>(state), sizeof state);
  }
  std::sort(states.begin(), states.end());
  PluginValue value;
  value.failed = failed;
  value.scales = std::string_view("\2", 1);
  value.kind = "extremes";
  value.states.assign(states.begin(), states.end());
  std::string out;
  value.write(out);
  return out;
}

std::string broken_value(std::uint64_t failed) {
  PluginValue value;
  value.broken = true;
  value.failed = failed;
  value.scales = std::string_view("\2", 1);
  value.kind = "extremes";
  std::string out;
  value.write(out);
  return out;
}

TEST_CASE("states that are merged without their plugin are the same bytes in any order, and one state with it", "[plugin]") {
  const ViewMerger without, with(kinds_of_tests().views);
  const std::string a = value_with({1}, 0, 1), b = value_with({3}), c = value_with({2}, 0, 2);
  const auto merged = [](const ViewMerger& merger, const std::string& into, const std::string& operand) {
    std::string out;
    REQUIRE(merger.merge("k", into, operand, out));
    return out;
  };
  CHECK(merged(without, merged(without, a, b), c) == merged(without, a, merged(without, c, b)));
  CHECK(merged(without, merged(without, a, b), c) == value_with({1, 2, 3}, 0, 3));
  CHECK(merged(with, merged(without, a, b), c) == value_with({3}, 0, 3));
  CHECK(merged(with, a, merged(with, b, c)) == value_with({3}, 0, 3));
  SECTION("where the plugin cannot merge them the row is broken, and so is what is merged with it") {
    const std::string broken = merged(with, value_with({1}, -77, 1), value_with({2}, -77));
    CHECK(broken == broken_value(1));
    CHECK(merged(with, merged(without, value_with({1}, -77), value_with({2}, -77, 1)), a) == broken_value(2));
    CHECK(merged(with, a, broken) == broken_value(2));
    CHECK(merged(without, broken, a) == broken_value(2));
  }
  SECTION("what was kept side by side is one state when it is read") {
    std::string value = merged(without, merged(without, a, b), c);
    REQUIRE(without.settle(value));
    CHECK(value == value_with({1, 2, 3}, 0, 3));
    REQUIRE(with.settle(value));
    CHECK(value == value_with({3}, 0, 3));
  }
  SECTION("values of different kinds, cut off, or not in order are damage") {
    std::string out, other = a;
    const std::size_t name = other.find("extremes");
    other[name] = 'E';
    CHECK_FALSE(without.merge("k", a, other, out));
    for (std::size_t size = 1; size < a.size(); ++size) {
      const std::string_view cut = std::string_view(a).substr(0, size);
      CHECK((size == name + 8 || !without.merge("k", std::nullopt, cut, out)));
    }
    std::string swapped = value_with({1, 2});
    const std::string first = swapped.substr(swapped.size() - 56, 28);
    swapped.erase(swapped.size() - 56, 28).append(first);
    CHECK_FALSE(without.merge("k", std::nullopt, swapped, out));
  }
}

Result<QueryAnswer> asked(const std::string& amount) {
  const ViewSet views = compiled(extremes());
  TestLog log;
  log.commit({sale(1, "a", amount)});
  Partition partition(0, views, log);
  partition.apply();
  QueryRequest request;
  request.view = "totals";
  return query_view({partition.picture()}, views, request, [](const Row&) { return true; });
}

TEST_CASE("a row that the plugin cannot show fails the query with what it says", "[plugin]") {
  const auto thrown = asked("999");
  REQUIRE(!thrown);
  CHECK(thrown.error().code == Errc::stage_failed);
  CHECK(thrown.error().context == "view 'totals': its kind \"extremes\" of tests cannot show a row: nobody shall see it");
  CHECK(asked("998").error().context == "view 'totals': its kind \"extremes\" of tests cannot show a row: it shows a text that is not valid UTF-8");
  CHECK(asked("997").error().context == "view 'totals': its kind \"extremes\" of tests cannot show a row: there is no memory");
  CHECK(asked("996").has_value());
  CHECK(asked("-1").has_value());  // a record that it has no memory for is one that it fails on
}

TEST_CASE("what a view's constructor refuses refuses the pipeline, with the view's name", "[plugin]") {
  CHECK(ViewSet::compile({extremes("13")}, PluginView::make).error().context == "view \"totals\": 13 brings bad luck; take 12 or 14");
  CHECK(ViewSet::compile({view_of("extremes", {"a..b", "1"})}, PluginView::make)
            .error()
            .context.starts_with("view \"totals\": \"a..b\" is no field path such as Country"));
}

TEST_CASE("a view of a plugin is another one when its kind's version or one of its keys is another one", "[plugin]") {
  const auto hash = [](const ViewConfig& view) { return compiled(view).views()[0].hash; };
  CHECK(hash(extremes()) == hash(extremes()));
  CHECK(hash(extremes()) != hash(extremes("999")));
  auto newer = std::make_shared<PluginViewKind>(*extremes().plugin->kind);
  newer->raw.version = 5;
  newer->content = Digest128{3, 4};
  ViewConfig config = extremes();
  config.plugin->kind = newer;
  CHECK(hash(config) != hash(extremes()));
  newer->raw.version = 4;  // other bytes of the file alone change nothing
  CHECK(hash(config) == hash(extremes()));
}

}  // namespace
}  // namespace weir::test

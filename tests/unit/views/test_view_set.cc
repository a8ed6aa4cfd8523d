// What views make of records: kinds, windows, conditions, missing values, the envelope.
#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "runtime/engine/digest.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

ViewConfig latest_of(const std::string& name, const std::string& key) {
  ViewConfig config;
  config.name = name;
  config.latest = path(key);
  return config;
}
ViewConfig count_of(const std::string& name, std::vector<std::string> groups) {
  ViewConfig config;
  config.name = name;
  for (const std::string& group : groups) config.group_by.push_back(path(group));
  config.measures = {{"lines", MeasureKind::count, {}}};
  return config;
}

std::vector<std::string> rows_of(const ViewConfig& config, const std::vector<Decided>& events) {
  const ViewSet views = ViewSet::compile({config}).value();
  TestLog log;
  log.commit(events);
  Partition partition(3, views, log);
  partition.apply();
  return all_rows({partition.picture()}, views, config.name);
}
Decided sale(const std::string& id, const std::string& record, std::int64_t time = kNewYear) {
  Decided event = decided(id);
  event.time = time;
  event.records = {record};
  return event;
}
using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("contradictory views are refused by name", "[view_set]") {
  const auto refused = [](ViewConfig config) {
    const auto set = ViewSet::compile({std::move(config)});
    REQUIRE_FALSE(set);
    CHECK(set.error().code == Errc::config_invalid);
    return set.error().context;
  };
  ViewConfig neither;
  neither.name = "neither";
  CHECK(refused(neither).find("'neither'") != std::string::npos);
  ViewConfig both = latest_of("both", "@id");
  both.measures = {{"lines", MeasureKind::count, {}}};
  CHECK(refused(both).find("either latest or measures") != std::string::npos);
  ViewConfig windows = latest_of("w", "@id");
  windows.windows = {window(WindowConfig::Unit::day, "day")};
  CHECK(refused(windows).find("windows") != std::string::npos);
  ViewConfig retain = count_of("r", {"a"});
  retain.retain = std::chrono::hours(1);
  CHECK(refused(retain).find("retain needs windows") != std::string::npos);
  ViewConfig fields = count_of("f", {"a"});
  fields.fields = {path("a")};
  CHECK(refused(fields).find("fields") != std::string::npos);
  CHECK(ViewSet::compile({count_of("a", {}), count_of("a", {})}).error().context.find("twice") != std::string::npos);
}

TEST_CASE("a view's hash changes with everything that changes its rows, and with nothing else", "[view_set]") {
  const auto hash = [](const ViewConfig& config) { return ViewSet::compile({config}).value().views()[0].hash; };
  ViewConfig base = count_of("v", {"a", "b"});
  base.windows = {window(WindowConfig::Unit::day, "day")};
  std::vector<Digest128> hashes = {hash(base)};
  const auto differs = [&](const std::function<void(ViewConfig&)>& change) {
    ViewConfig config = base;
    change(config);
    const Digest128 changed = hash(config);
    CHECK(std::find(hashes.begin(), hashes.end(), changed) == hashes.end());
    hashes.push_back(changed);
  };
  differs([](ViewConfig& c) { c.name = "w"; });
  differs([](ViewConfig& c) { c.group_by.pop_back(); });
  differs([](ViewConfig& c) { std::swap(c.group_by[0], c.group_by[1]); });
  differs([](ViewConfig& c) { c.windows[0].unit = WindowConfig::Unit::month; });
  differs([](ViewConfig& c) { c.measures[0].name = "n"; });
  differs([](ViewConfig& c) { c.measures[0] = {"lines", MeasureKind::sum, path("x")}; });
  differs([](ViewConfig& c) { c.measures[0] = {"lines", MeasureKind::max, path("x")}; });
  differs([](ViewConfig& c) { c.measures[0] = {"lines", MeasureKind::distinct, path("x")}; });
  differs([](ViewConfig& c) { c.when = WhenConfig{path("@type"), {Constant::Kind::string, "a"}}; });
  differs([](ViewConfig& c) { c.when = WhenConfig{path("@type"), {Constant::Kind::string, "b"}}; });
  ViewConfig retain = base;
  retain.retain = std::chrono::hours(24);
  CHECK(hash(retain) == hash(base));
  // The order of views does not matter, the paths are asked for once.
  const ViewSet ab = ViewSet::compile({count_of("a", {"x", "y"}), count_of("b", {"y", "@id"})}).value();
  const ViewSet ba = ViewSet::compile({count_of("b", {"y", "@id"}), count_of("a", {"x", "y"})}).value();
  CHECK(ab.hash() == ba.hash());
  CHECK(ab.paths().size() == 2);
}

TEST_CASE("a missing or null group is a group of its own, and equal values are one group however spelled",
          "[view_set]") {
  const Rows rows = rows_of(count_of("v", {"g"}),
                            {sale("1", R"({"g":"a"})"), sale("2", R"({"g":"\u0061"})"), sale("3", R"({})"),
                             sale("4", R"({"g":null})"), sale("5", R"({"g":1.5})"), sale("6", R"({"g":1.50})"),
                             sale("7", R"({"g":"1.5"})"), sale("8", R"({"g":true})"), sale("9", R"({"g":[1, 2]})")});
  CHECK(rows == Rows{R"({"g":null,"lines":2})", R"({"g":true,"lines":1})", R"({"g":1.50,"lines":2})",
                     R"({"g":"1.5","lines":1})", R"({"g":"a","lines":2})", R"({"g":[1, 2],"lines":1})"});
}

TEST_CASE("distinct counts values that a group by would tell apart, without null and missing", "[view_set]") {
  ViewConfig config = count_of("d", {});
  config.measures = {{"xs", MeasureKind::distinct, path("x")},
                     {"lines", MeasureKind::count, {}},
                     {"ids", MeasureKind::distinct, path("@id")},
                     {"types", MeasureKind::distinct, path("@type")}};
  std::vector<Decided> events;
  // 1 three times, "1" twice, true, an object and an array; null, a missing one and nothing else.
  for (const char* record : {R"({"x":1})", R"({"x":1.0})", R"({"x":10e-1})", R"({"x":"1"})", R"({"x":"\u0031"})",
                             R"({"x":true})", R"({"x":{"a":1}})", R"({"x":[1]})", R"({"x":null})", R"({})"})
    events.push_back(sale("e" + std::to_string(events.size()), record));
  CHECK(
      rows_of(config, events) ==
      std::vector<std::string>{
          R"({"xs":5,"xs_approximate":false,"lines":10,"ids":10,"ids_approximate":false,"types":1,"types_approximate":false})"});
  CHECK(
      rows_of(config, {sale("a", "{}")}) ==
      std::vector<std::string>{
          R"({"xs":0,"xs_approximate":false,"lines":1,"ids":1,"ids_approximate":false,"types":1,"types_approximate":false})"});
}

TEST_CASE("two distinct counts of a row cross their limit each for itself, over any partitions and in any order",
          "[view_set]") {
  const auto seed = GENERATE(range(1u, 7u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  ViewConfig config = count_of("d", {"g"});
  config.measures = {{"few", MeasureKind::distinct, path("few")},
                     {"many", MeasureKind::distinct, path("many")},
                     {"last", MeasureKind::max, path("few")}};
  const ViewSet views = ViewSet::compile({config}).value();
  std::vector<Decided> events;
  std::set<std::uint64_t> few[2];
  std::set<std::uint64_t> many[2];
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t group = random() % 2;
    const std::uint64_t a = random() % (group == 0 ? 900 : 3'000);
    const std::uint64_t b = random() % 4'000;
    few[group].insert(a);
    many[group].insert(b);
    events.push_back(sale("e" + std::to_string(i), fmt::format(R"({{"g":{},"few":{},"many":"{}"}})", group, a, b)));
  }
  const auto rows_over = [&](std::size_t partitions, bool flushes) {
    std::vector<TestLog> logs(partitions);
    std::shuffle(events.begin(), events.end(), random);
    for (std::size_t i = 0; i < events.size(); i += 250)
      logs[random() % partitions].commit({events.begin() + i, events.begin() + i + 250});
    std::vector<std::unique_ptr<Partition>> all;
    std::vector<PartitionPicture> pictures;
    for (std::size_t p = 0; p < partitions; ++p) {
      all.push_back(std::make_unique<Partition>(static_cast<std::uint32_t>(p), views, logs[p]));
      for (std::uint64_t commit = 1; commit <= logs[p].commits().size(); ++commit) {
        all[p]->apply(commit);
        if (flushes && random() % 3 == 0) all[p]->flush();
        if (flushes && random() % 5 == 0) all[p]->crash();
      }
      all[p]->apply();
      pictures.push_back(all[p]->picture());
    }
    return std::pair{all_rows(pictures, views, "d"), answer_digest(pictures, views).value()};
  };
  const auto one = rows_over(1, false);
  CHECK(rows_over(3, true) == one);
  CHECK(rows_over(7, true) == one);
  REQUIRE(one.first.size() == 2);
  CHECK(one.first[0].find(fmt::format(R"("few":{},"few_approximate":false)", few[0].size())) != std::string::npos);
  CHECK(few[1].size() > 1'024);
  for (const int group : {0, 1}) {
    // "many": 2,500 values or so, estimated with 1.15 % standard error.
    const std::size_t at = one.first[group].find(R"("many":)");
    REQUIRE(at != std::string::npos);
    const double estimate = std::stod(one.first[group].substr(at + 7));
    const auto truth = static_cast<double>(many[group].size());
    CHECK(std::abs(estimate - truth) < 0.06 * truth);
    CHECK(one.first[group].find(R"("many_approximate":true)") != std::string::npos);
  }
}

TEST_CASE("the envelope may be key, group, value and condition", "[view_set]") {
  Decided a = sale("a", R"({"n":1})");
  Decided b = sale("b", R"({"n":2})", kNewYear + 1'500'000);
  b.type = "refund";
  ViewConfig config = count_of("v", {"@type", "@time", "@partition", "@source", "@id"});
  CHECK(
      rows_of(config, {a, b}) ==
      Rows{
          R"({"@type":"refund","@time":"2024-01-01T00:00:01.500Z","@partition":3,"@source":"test","@id":"b","lines":1})",
          R"({"@type":"sale","@time":"2024-01-01T00:00:00Z","@partition":3,"@source":"test","@id":"a","lines":1})"});
  config = count_of("v", {"@type"});
  config.when = WhenConfig{path("@type"), {Constant::Kind::string, "refund"}};
  CHECK(rows_of(config, {a, b}) == Rows{R"({"@type":"refund","lines":1})"});
  CHECK(rows_of(latest_of("v", "@type"), {a, b}) == Rows{R"({"id":"b","time":"2024-01-01T00:00:01.500Z","n":2})",
                                                         R"({"id":"a","time":"2024-01-01T00:00:00Z","n":1})"});
}

TEST_CASE("when compares numbers by value, strings by text, null with missing", "[view_set]") {
  const std::vector<Decided> events = {
      sale("1", R"({"k":1.0})"),  sale("2", R"({"k":"1"})"), sale("3", R"({"k":"\u0031"})"),
      sale("4", R"({"k":null})"), sale("5", R"({})"),        sale("6", R"({"k":true})")};
  const auto lines = [&](Constant constant) {
    ViewConfig config = count_of("v", {"@id"});
    config.when = WhenConfig{path("k"), std::move(constant)};
    return rows_of(config, events);
  };
  CHECK(lines({Constant::Kind::number, "1"}) == Rows{R"({"@id":"1","lines":1})"});
  CHECK(lines({Constant::Kind::string, "1"}) == Rows{R"({"@id":"2","lines":1})", R"({"@id":"3","lines":1})"});
  CHECK(lines({Constant::Kind::null, ""}) == Rows{R"({"@id":"4","lines":1})", R"({"@id":"5","lines":1})"});
  CHECK(lines({Constant::Kind::boolean, "true"}) == Rows{R"({"@id":"6","lines":1})"});
  CHECK(lines({Constant::Kind::boolean, "false"}).empty());
}

TEST_CASE("windows are cut in UTC, below 1970 as well", "[view_set]") {
  using Unit = WindowConfig::Unit;
  ViewConfig config = count_of("v", {});
  config.windows = {window(Unit::day, "day"), window(Unit::week, "week"), window(Unit::month, "month"),
                    window(Unit::year, "year"), window(Unit::fixed, "5m", 300)};
  const std::int64_t leap = 1'709'251'199 * kSecond;  // 2024-02-29T23:59:59Z, a Thursday
  CHECK(rows_of(config, {sale("a", "{}", leap), sale("b", "{}", -1)}) ==
        Rows{R"({"window":"day","window_start":"1969-12-31T00:00:00Z","lines":1})",
             R"({"window":"day","window_start":"2024-02-29T00:00:00Z","lines":1})",
             R"({"window":"week","window_start":"1969-12-29T00:00:00Z","lines":1})",
             R"({"window":"week","window_start":"2024-02-26T00:00:00Z","lines":1})",
             R"({"window":"month","window_start":"1969-12-01T00:00:00Z","lines":1})",
             R"({"window":"month","window_start":"2024-02-01T00:00:00Z","lines":1})",
             R"({"window":"year","window_start":"1969-01-01T00:00:00Z","lines":1})",
             R"({"window":"year","window_start":"2024-01-01T00:00:00Z","lines":1})",
             R"({"window":"5m","window_start":"1969-12-31T23:55:00Z","lines":1})",
             R"({"window":"5m","window_start":"2024-02-29T23:55:00Z","lines":1})"});
  CHECK(window_end(config.windows[2], 1'706'745'600 * kSecond) == 1'709'251'200 * kSecond);  // February 2024
  CHECK(window_end(config.windows[4], 0) == 300 * kSecond);
}

TEST_CASE("latest keeps the greatest by time, then id, then index", "[view_set]") {
  Decided split = sale("b", R"({"k":"x","n":1})");
  split.records.push_back(R"({"k":"x","n":2})");
  const std::vector<Decided> events = {sale("c", R"({"k":"x","n":0})", kNewYear - 1), split,
                                       sale("a", R"({"k":"x","n":3})"), sale("a", R"({"k":"y","n":4})")};
  CHECK(rows_of(latest_of("v", "k"), events) == Rows{R"({"id":"b","time":"2024-01-01T00:00:00Z","k":"x","n":2})",
                                                     R"({"id":"a","time":"2024-01-01T00:00:00Z","k":"y","n":4})"});
}

TEST_CASE("a record's own id and time are shown where they say something else", "[view_set]") {
  const std::vector<Decided> events = {sale("7", R"({"id":7,"time":"later","a\"b":1})"),
                                       sale("8", R"({"id":"other","time":"2024-01-01T00:00:00Z"})")};
  CHECK(rows_of(latest_of("v", "@id"), events) ==
        Rows{R"({"id":"7","time":"2024-01-01T00:00:00Z","record.time":"later","a\"b":1})",
             R"({"id":"8","time":"2024-01-01T00:00:00Z","record.id":"other"})"});
}

}  // namespace weir::test

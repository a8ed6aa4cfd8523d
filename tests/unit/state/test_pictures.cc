// Pictures that stay: what a query reads while the partition goes on.
#include "tests/unit/state/scene.h"

#include <random>

namespace weir::test {
namespace {

ViewSet two_views() {
  ViewConfig latest;
  latest.name = "latest";
  latest.latest = path("key");
  ViewConfig totals;
  totals.name = "totals";
  totals.group_by = {path("key")};
  totals.windows = {window(WindowConfig::Unit::day, "day")};
  totals.measures = {{"lines", MeasureKind::count, {}}, {"amount", MeasureKind::sum, path("amount")}};
  return ViewSet::compile({latest, totals}).value();
}

PartitionPicture picture_for(Partition& partition, const ViewSet& views, const QueryRequest& request) {
  const auto ranges = query_ranges(PartitionId{0}, partition.state().at(), *views.find(request.view), request).value();
  return partition.state().picture_of(ranges).value();
}

TEST_CASE("a picture of some ranges answers as the whole did, whatever the partition does afterwards", "[pictures]") {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const ViewSet views = two_views();
  TestLog log;
  Partition partition(0, views, log);
  int serial = 0;
  const auto more = [&] {
    std::vector<Decided> events;
    for (int i = 0; i < 5; ++i) {
      Decided event = decided("e" + std::to_string(++serial));
      event.time = kNewYear + static_cast<std::int64_t>(random() % 3) * kDay + serial;
      event.records = {fmt::format(R"({{"key":"k{}","amount":{}}})", random() % 6, serial)};
      events.push_back(event);
    }
    log.commit(events);
    partition.apply();
  };
  for (int round = 0; round < 200; ++round) {
    more();
    switch (random() % 5) {
      case 0:
        partition.flush();
        break;
      case 1:
        if (!partition.state().flushing()) partition.seal();
        break;
      case 2:
        partition.work();
        break;
      case 3:
        partition.work();
        partition.hear();
        break;
      default:
        break;
    }
    QueryRequest request;
    request.view = random() % 2 == 0 ? "latest" : "totals";
    request.limit = 0;
    if (random() % 2 == 0) request.key = {"k" + std::to_string(random() % 7)};
    if (random() % 3 == 0) request.from = kNewYear + kDay;
    const auto before = rows({partition.picture()}, views, request);
    const PartitionPicture kept = picture_for(partition, views, request);
    for (int i = 0; i < 3; ++i) more();
    if (random() % 2 == 0) partition.flush();
    CHECK(rows({kept}, views, request) == before);
  }
}

TEST_CASE("one key of a view of latest records costs one look, and finds what is pending, sealed and stored",
          "[pictures]") {
  const ViewSet views = two_views();
  TestLog log;
  Partition partition(0, views, log);
  QueryRequest request;
  request.view = "latest";
  request.key = {"k"};
  const auto ask = [&] { return rows({picture_for(partition, views, request)}, views, request); };
  CHECK(ask().empty());
  for (int i = 1; i <= 3; ++i) {
    Decided event = decided("e" + std::to_string(i));
    event.time = kNewYear + i;
    event.records = {fmt::format(R"({{"key":"k","amount":{}}})", i)};
    log.commit({event});
    partition.apply();
    REQUIRE(ask().size() == 1);
    CHECK(ask().front().find(fmt::format("\"amount\":{}", i)) != std::string::npos);
    if (i == 1) partition.flush();
    if (i == 2) partition.seal();
  }
  const auto ranges = query_ranges(PartitionId{0}, partition.state().at(), *views.find("latest"), request).value();
  for (const StateRange& range : ranges) CHECK(is_single_key(range.from, range.to));
}

}  // namespace
}  // namespace weir::test

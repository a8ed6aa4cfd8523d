// What a node says of itself: log lines, histograms, and the text of metrics.
#include <nlohmann/json.hpp>

#include "cluster/node/stderr_logbook.h"
#include "runtime/adapters/prometheus/metrics_text.h"
#include "runtime/engine/histogram.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

nlohmann::json line(std::string_view who, std::string_view text) {
  const auto epoch_of = [](std::uint32_t partition) -> std::optional<std::uint64_t> {
    if (partition == 3) return 7;
    return std::nullopt;
  };
  return nlohmann::json::parse(log_line_json(1'700'000'000'000'000, LogLevel::warn, "n1", who, epoch_of, text));
}

TEST_CASE("a log line has node and component, and partition and epoch where there is one", "[logs]") {
  CHECK(line("partition/3", "a \"word\"\n") == nlohmann::json{{"ts", "2023-11-14T22:13:20Z"},
                                                              {"level", "warn"},
                                                              {"node", "n1"},
                                                              {"component", "partition"},
                                                              {"partition", 3},
                                                              {"epoch", 7},
                                                              {"msg", "a \"word\"\n"}});
  CHECK(line("views/4", "x") == nlohmann::json{{"ts", "2023-11-14T22:13:20Z"},
                                               {"level", "warn"},
                                               {"node", "n1"},
                                               {"component", "views"},
                                               {"partition", 4},
                                               {"msg", "x"}});
  CHECK(line("committer", "x").at("component") == "committer");
  CHECK_FALSE(line("committer", "x").contains("partition"));
  CHECK(line("door/0", "x").at("component") == "door/0");
  CHECK(line("door/file:a.csv", "x").at("component") == "door/file:a.csv");
}

TEST_CASE("a histogram counts each value once, in the first bucket that holds it", "[histogram]") {
  constexpr std::array<double, 3> bounds{1, 2, 5};
  Histogram histogram(bounds);
  histogram.observe(0.5);
  histogram.observe(1);
  histogram.observe(1.5, 10);
  histogram.observe(5);
  histogram.observe(7, 2);
  CHECK(histogram.count(0) == 2);
  CHECK(histogram.count(1) == 10);
  CHECK(histogram.count(2) == 1);
  CHECK(histogram.count(3) == 2);
  CHECK(histogram.sum() == Approx(0.5 + 1 + 15 + 5 + 14));
}

TEST_CASE("metrics are written as collectors read them", "[metrics]") {
  MetricSample bucketed;
  bucketed.buckets = {{1, 2}, {2, 5}};
  bucketed.count = 6;
  bucketed.sum = 9.5;
  MetricSample counted;
  counted.labels = {{"partition", "a\"b"}};
  counted.value = 12345678;
  const std::vector<MetricFamily> families{
      {{"weir_things_total", MetricKind::counter, "partition", "Things."}, {counted}},
      {{"weir_waits_seconds", MetricKind::histogram, "", "Waits."}, {bucketed}}};
  const auto writer = make_prometheus_writer();
  CHECK(writer->prometheus_text(families) ==
        "# HELP weir_things_total Things.\n# TYPE weir_things_total counter\nweir_things_total{partition=\"a\\\"b\"} "
        "12345678\n"
        "# HELP weir_waits_seconds Waits.\n# TYPE weir_waits_seconds histogram\nweir_waits_seconds_count "
        "6\nweir_waits_seconds_sum 9.5\n"
        "weir_waits_seconds_bucket{le=\"1\"} 2\nweir_waits_seconds_bucket{le=\"2\"} "
        "5\nweir_waits_seconds_bucket{le=\"+Inf\"} 6\n");
  const std::string open = writer->openmetrics_text(families);
  CHECK(open.find("# TYPE weir_things counter\nweir_things_total{") != std::string::npos);
  CHECK(open.ends_with("# EOF\n"));
}

}  // namespace
}  // namespace weir

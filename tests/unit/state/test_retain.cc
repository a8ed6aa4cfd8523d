// Windows and `retain` against a count by hand, through flushes, crashes, restarts and rebuilds, over several
// partitions.
#include <map>
#include <random>
#include <set>

#include "runtime/base/time_text.h"
#include "runtime/engine/digest.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

using Rows = std::vector<std::string>;

/// Where a window begins and ends, read off the text of a time: no arithmetic of the product's.
struct Span {
  std::string start;
  std::int64_t end = 0;
};
std::int64_t at(const std::string& text) {
  const auto time = parse_rfc3339(text);
  INFO(text);
  REQUIRE(time);
  return *time;
}
Span span_of(const std::string& window, std::int64_t time) {
  const std::string text = to_rfc3339(time);
  const int year = std::stoi(text.substr(0, 4));
  const int month = std::stoi(text.substr(5, 2));
  if (window == "year")
    return {text.substr(0, 4) + "-01-01T00:00:00Z", at(fmt::format("{:04}-01-01T00:00:00Z", year + 1))};
  if (window == "month")
    return {text.substr(0, 7) + "-01T00:00:00Z",
            at(fmt::format("{:04}-{:02}-01T00:00:00Z", year + month / 12, month % 12 + 1))};
  if (window == "5m") {
    const int minute = std::stoi(text.substr(14, 2)) / 5 * 5;
    const std::string start = text.substr(0, 14) + fmt::format("{:02}:00Z", minute);
    return {start, at(start) + 300 * kSecond};
  }
  if (window == "1h") {
    const std::string start = text.substr(0, 13) + ":00:00Z";
    return {start, at(start) + 3'600 * kSecond};
  }
  std::string start = text.substr(0, 10) + "T00:00:00Z";
  if (window == "day") return {start, at(start) + kDay};
  // Back to the Monday; the day of the week by Sakamoto's table.
  for (;;) {
    static constexpr int kMonths[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    const int m = std::stoi(start.substr(5, 2));
    const int y = std::stoi(start.substr(0, 4)) - (m < 3 ? 1 : 0);
    if ((y + y / 4 - y / 100 + y / 400 + kMonths[m - 1] + std::stoi(start.substr(8, 2))) % 7 == 1) break;
    start = to_rfc3339(at(start) - kDay);
  }
  return {start, at(start) + 7 * kDay};
}

const std::vector<std::string> kWindows = {"5m", "1h", "day", "week", "month", "year"};

ViewConfig windowed(const std::string& name, std::optional<std::int64_t> retain_seconds,
                    const std::string& measure = "n") {
  ViewConfig config;
  config.name = name;
  config.group_by = {path("shop")};
  config.windows = {window(WindowConfig::Unit::fixed, "5m", 300), window(WindowConfig::Unit::fixed, "1h", 3'600),
                    window(WindowConfig::Unit::day, "day"),       window(WindowConfig::Unit::week, "week"),
                    window(WindowConfig::Unit::month, "month"),   window(WindowConfig::Unit::year, "year")};
  config.measures = {{measure, MeasureKind::count, {}}};
  if (retain_seconds) config.retain = std::chrono::microseconds(*retain_seconds * kSecond);
  return config;
}

struct Sold {
  std::int64_t time;
  int shop;
};

/// The rows by hand: every window of every sale, those left out that end more than `retain` before the newest sale.
Rows by_hand(const std::vector<Sold>& sales, std::optional<std::int64_t> retain_seconds, const std::string& measure,
             std::size_t& hidden) {
  std::int64_t greatest = INT64_MIN;
  for (const Sold& sale : sales) greatest = std::max(greatest, sale.time);
  std::map<std::tuple<std::size_t, std::int64_t, int>, std::pair<std::string, int>> groups;
  for (std::size_t w = 0; w < kWindows.size(); ++w) {
    for (const Sold& sale : sales) {
      const Span span = span_of(kWindows[w], sale.time);
      if (retain_seconds && span.end < greatest - *retain_seconds * kSecond) {
        ++hidden;
        continue;
      }
      auto& group = groups[{w, at(span.start), sale.shop}];
      group.first = span.start;
      ++group.second;
    }
  }
  Rows rows;
  for (const auto& [key, group] : groups)
    rows.push_back(fmt::format(R"({{"shop":{},"window":"{}","window_start":"{}","{}":{}}})", std::get<2>(key),
                               kWindows[std::get<0>(key)], group.first, measure, group.second));
  return rows;
}

/// Page by page, in pages of `limit` rows.
Rows paged(const std::vector<PartitionPicture>& pictures, const ViewSet& views, QueryRequest request) {
  Rows all;
  for (int pages = 0; pages < 10'000; ++pages) {
    const std::size_t before = all.size();
    const auto answer = query_view(pictures, views, request, [&](const Row& row) {
      append_row_json(all.emplace_back(), row);
      return true;
    });
    REQUIRE(answer);
    REQUIRE(all.size() - before <= request.limit);
    if (!answer->next) return all;
    REQUIRE(all.size() - before == request.limit);
    request.cursor = *answer->next;
  }
  FAIL("paging does not end");
  return all;
}

/// Partitions that are disturbed, each with its log, and all sales in them.
class World {
 public:
  World(std::uint64_t seed, const ViewSet& views) : random_(seed), views_(&views), logs_(1 + seed % 4) {
    for (std::size_t p = 0; p < logs_.size(); ++p)
      partitions_.push_back(std::make_unique<Partition>(static_cast<std::uint32_t>(p), views, logs_[p]));
    // From 1969 on, over the turn of 1970, or later: months and years change under way.
    now_ = at(seed % 2 == 0 ? "1969-11-28T22:00:00Z" : "2023-12-30T12:34:56Z");
  }

  void sell() {
    const std::size_t p = random_() % logs_.size();
    std::vector<Decided> events;
    for (std::uint64_t i = 1 + random_() % 4; i-- > 0;) {
      now_ += static_cast<std::int64_t>(random_() % 4) * 3'600 * kSecond;
      std::int64_t time = now_ + static_cast<std::int64_t>(random_() % (600 * kSecond));
      if (random_() % 4 == 0) time -= static_cast<std::int64_t>(random_() % (60 * kDay));
      const int shop = static_cast<int>(random_() % 3);
      Decided event = decided(fmt::format("e{}", sales.size()));
      event.time = time;
      event.records = {fmt::format(R"({{"shop":{}}})", shop)};
      events.push_back(event);
      sales.push_back({time, shop});
    }
    logs_[p].commit(events);
  }
  void disturb() {
    Partition& one = *partitions_[random_() % partitions_.size()];
    switch (random_() % 5) {
      case 0:
        return one.apply();
      case 1:
        one.apply();
        return one.flush();
      case 2:
        one.crash();
        return;
      case 3:
        if (one.applied() < log_of(one).commits().size()) one.apply(one.applied() + 1);
        if (!one.state().flushing()) one.seal();
        return;
      case 4:
        one.work();
        return one.hear();
    }
  }
  void change_views(const ViewSet& views) {
    views_ = &views;
    for (auto& partition : partitions_) partition->restart_with(views);
  }
  [[nodiscard]] std::vector<PartitionPicture> pictures() {
    std::vector<PartitionPicture> all;
    for (auto& partition : partitions_) {
      partition->apply();
      all.push_back(partition->picture());
    }
    return all;
  }
  /// The same partitions, straight from their logs.
  [[nodiscard]] std::vector<std::unique_ptr<Partition>> anew() const {
    std::vector<std::unique_ptr<Partition>> fresh;
    for (std::size_t p = 0; p < logs_.size(); ++p) {
      fresh.push_back(std::make_unique<Partition>(static_cast<std::uint32_t>(p), *views_, logs_[p], 1 << 20));
      fresh.back()->apply();
    }
    return fresh;
  }
  [[nodiscard]] std::vector<std::unique_ptr<Partition>>& partitions() { return partitions_; }

  std::vector<Sold> sales;

 private:
  [[nodiscard]] const TestLog& log_of(const Partition& partition) const {
    for (std::size_t p = 0; p < partitions_.size(); ++p)
      if (partitions_[p].get() == &partition) return logs_[p];
    FAIL("a partition of this world");
    return logs_[0];
  }
  std::mt19937_64 random_;
  const ViewSet* views_;
  std::int64_t now_ = 0;
  std::vector<TestLog> logs_;
  std::vector<std::unique_ptr<Partition>> partitions_;
};

}  // namespace

TEST_CASE("windows of every kind and what retain hides are what a count by hand says, whatever happens in between",
          "[retain]") {
  const auto seed = GENERATE(range(1u, 25u));
  CAPTURE(seed);
  const std::int64_t kept = std::vector<std::int64_t>{60, 3'600, 86'400, 40 * 86'400}[seed % 4];
  const ViewSet first = ViewSet::compile({windowed("all", std::nullopt), windowed("kept", kept)}).value();
  // Another measure name: the view is rebuilt from the log. Another retain: it is not.
  const ViewSet second =
      ViewSet::compile({windowed("kept", kept, "m"), windowed("all", std::nullopt), windowed("late", 7'200)}).value();
  World world(seed, first);
  std::size_t hidden = 0;
  const auto check = [&](const ViewSet& views, const std::string& measure) {
    const auto pictures = world.pictures();
    std::size_t none = 0;
    const Rows all = by_hand(world.sales, std::nullopt, "n", none);
    const Rows some = by_hand(world.sales, kept, measure, hidden);
    REQUIRE(none == 0);
    REQUIRE(all_rows(pictures, views, "all") == all);
    REQUIRE(all_rows(pictures, views, "kept") == some);
    QueryRequest pages;
    pages.view = "kept";
    pages.limit = 1 + world.sales.size() % 7;
    REQUIRE(paged(pictures, views, pages) == some);
    // From inside a month to inside another, over the borders of all windows.
    pages.view = "all";
    pages.from = world.sales[world.sales.size() / 3].time;
    pages.to = world.sales[world.sales.size() * 2 / 3].time;
    Rows between;
    for (const std::string& row : all) {
      const std::size_t start = row.find("window_start") + 15;
      const std::int64_t begins = at(row.substr(start, row.find('"', start) - start));
      if (begins >= *pages.from && begins < *pages.to) between.push_back(row);
    }
    REQUIRE(paged(pictures, views, pages) == between);
    const auto fresh = world.anew();
    std::vector<PartitionPicture> straight;
    for (std::size_t p = 0; p < fresh.size(); ++p) {
      straight.push_back(fresh[p]->picture());
      REQUIRE(fresh[p]->state().state_digest().value() == world.partitions()[p]->state().state_digest().value());
    }
    REQUIRE(answer_digest(pictures, views).value() == answer_digest(straight, views).value());
  };
  for (int step = 0; step < 120; ++step) {
    world.sell();
    for (int i = 0; i < 2; ++i) world.disturb();
    if (step % 40 == 39) check(first, "n");
  }
  world.change_views(second);
  for (int step = 0; step < 80; ++step) {
    world.disturb();
    if (step % 2 == 0) world.sell();
  }
  check(second, "m");
  for (auto& partition : world.partitions()) partition->flush();
  check(second, "m");
  CHECK(hidden > 0);
}

}  // namespace weir::test

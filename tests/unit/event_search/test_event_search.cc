#include "cluster/node/event_search.h"

#include "cluster/node/biography.h"
#include "tests/support/catch.h"
#include "tests/unit/event_search/small_log.h"

using namespace weir;
using namespace weir::test;

namespace {

FieldMatch color(const std::string& value) {
  return FieldMatch({*field_condition("color", value)}, ',');
}

/// Three partitions: 40 events of two colours in batches of 4, in the last two partitions.
SmallLog colors() {
  SmallLog log(3);
  for (std::uint32_t p = 1; p < 3; ++p) {
    for (int batch = 0; batch < 5; ++batch) {
      std::vector<Frame> frames;
      for (int i = 0; i < 4; ++i) {
        const int number = static_cast<int>(p) * 100 + batch * 4 + i;
        frames.push_back({"e" + std::to_string(number),
                          std::string(R"({"color":")") + (number % 3 == 0 ? "red" : "blue") + R"("})"});
      }
      log.accept(p, FrameFormat::json, "", frames);
    }
  }
  return log;
}

/// All that is found, in slices of `bytes_max`, at most `per_slice` of them in each.
std::vector<std::string> walk(const LogReader& log, FieldMatch match, std::size_t bytes_max, std::size_t per_slice,
                              std::size_t& slices) {
  std::vector<std::string> ids;
  SearchPlace at;
  for (slices = 0;;) {
    std::size_t here = 0;
    const auto slice = search_slice(log, match, at, bytes_max, [&](const FoundEvent& event) {
      ids.emplace_back(event.id);
      return ++here < per_slice;
    });
    REQUIRE(slice.has_value());
    ++slices;
    CHECK(slice->total == 40);
    CHECK((slice->next ? slice->scanned < 40 : slice->scanned == 40));
    if (!slice->next) return ids;
    REQUIRE((slice->next->partition > at.partition || slice->next->offset > at.offset));
    at = *slice->next;
  }
}

}  // namespace

TEST_CASE("whatever the slices, a search finds every event once, by partition and offset", "[event_search]") {
  const SmallLog log = colors();
  std::size_t slices = 0;
  const std::vector<std::string> whole = walk(log, color("red"), 1 << 20, 1000, slices);
  CHECK(slices == 1);
  CHECK(whole == std::vector<std::string>{"e102", "e105", "e108", "e111", "e114", "e117", "e201", "e204", "e207",
                                          "e210", "e213", "e216", "e219"});
  CHECK(walk(log, color("red"), 1 << 20, 1, slices) == whole);
  CHECK(slices == 13);
  CHECK(walk(log, color("red"), 1, 1000, slices) == whole);
  CHECK(slices == 10);  // a batch each
  CHECK(walk(log, color("green"), 1, 1000, slices).empty());
}

TEST_CASE("a search says how many events have the field at all", "[event_search]") {
  const SmallLog log = colors();
  FieldMatch green = color("green");
  const auto none = [](const FoundEvent&) { return true; };
  CHECK(search_slice(log, green, {}, 1 << 20, none)->with_fields == 40);
  FieldMatch shape({*field_condition("shape", "round")}, ',');
  CHECK(search_slice(log, shape, {}, 1 << 20, none)->with_fields == 0);
}

TEST_CASE("what is trimmed is passed over, and counts no more", "[event_search]") {
  SmallLog log = colors();
  log.trim(1, 18);
  FieldMatch red = color("red");
  std::vector<std::string> ids;
  const auto slice = search_slice(log, red, {PartitionId{1}, Offset{3}}, 1 << 20, [&](const FoundEvent& event) {
    ids.emplace_back(event.id);
    return ids.size() < 2;
  });
  REQUIRE(slice.has_value());
  CHECK(ids == std::vector<std::string>{"e201", "e204"});
  CHECK(slice->total == 22);
  CHECK(slice->scanned == 2 + 5);
}

TEST_CASE("a place that the log does not have is refused", "[event_search]") {
  const SmallLog log = colors();
  FieldMatch red = color("red");
  for (const SearchPlace& place : {SearchPlace{PartitionId{3}, Offset{0}}, SearchPlace{PartitionId{1}, Offset{21}}}) {
    const auto slice = search_slice(log, red, place, 1 << 20, [](const FoundEvent&) { return true; });
    REQUIRE_FALSE(slice.has_value());
    CHECK(slice.error().code == Errc::invalid_argument);
  }
}

TEST_CASE("an event that is accepted and not decided is found, and its biography says in flight", "[event_search]") {
  SmallLog log(4);
  const std::string id = "o1";
  const PartitionId home = partition_of(id, 4);
  log.accept(home.value, FrameFormat::csv, "id,item", {{"o0", "o0,pear"}, {id, "o1,apple"}, {id, "o1,apple"}});
  FieldMatch apple({*field_condition("item", "apple")}, ',');
  std::vector<std::string> ids;
  const auto slice = search_slice(log, apple, {}, 1 << 20, [&](const FoundEvent& event) {
    CHECK(event.partition == home);
    CHECK(event.door == "file:in.csv");
    CHECK(event.line == ids.size() + 3);
    ids.emplace_back(event.id);
    return true;
  });
  REQUIRE(slice.has_value());
  CHECK(ids == std::vector<std::string>{id, id});
  const auto lives = biographies_of(log, no_index, {id, "nobody"});
  REQUIRE(lives.has_value());
  REQUIRE(lives->size() == 2);
  REQUIRE(lives->front().attempts.size() == 2);
  CHECK(lives->front().attempts.front().outcome == "in_flight");
  CHECK(lives->back().attempts.empty());
}

// A ring counts what it does not keep: shown and dropped together are everything that came by.
#include "cluster/node/stage_tap.h"
#include "runtime/engine/tap_ring.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

std::vector<TapItem> items(std::uint64_t from, std::uint64_t count, const std::string& record = "{}") {
  std::vector<TapItem> made;
  for (std::uint64_t i = 0; i < count; ++i) {
    TapItem item;
    item.id = "e" + std::to_string(from + i);
    item.offset = Offset{from + i};
    item.verdict = "pass";
    item.record = record;
    made.push_back(std::move(item));
  }
  return made;
}

}  // namespace

TEST_CASE("a ring is filled while somebody asks, and for some seconds more", "[tap]") {
  TapRing ring;
  CHECK_FALSE(ring.wanted(0s));
  CHECK(ring.begin(10s) == 0);
  CHECK(ring.wanted(10s));
  CHECK(ring.wanted(10s + kTapPatience - 1ns));
  CHECK_FALSE(ring.wanted(10s + kTapPatience));
  (void)ring.take(0, 10, 14s);
  CHECK(ring.wanted(18s));
}

TEST_CASE("whatever the pace, shown and dropped are together what came by", "[tap]") {
  TapRing ring;
  std::uint64_t after = ring.begin(1s), came = 0, shown = 0, dropped = 0, last_offset = 0;
  for (int step = 0; step < 200; ++step) {
    const TimePoint now = 1s + step * 10ms;
    const std::uint64_t count = static_cast<std::uint64_t>(step % 7) * 100;
    const std::uint64_t admitted = ring.admit(count, now);
    CHECK(admitted <= count);
    ring.put(items(came + 1, admitted));
    came += count;
    if (step % 3 != 0) continue;
    const TapPage page = ring.take(after, 250, now);
    CHECK(page.items.size() <= 250);
    for (const TapItem& item : page.items) {
      CHECK(item.offset.value > last_offset);
      last_offset = item.offset.value;
    }
    shown += page.items.size();
    dropped += page.dropped;
    after = page.next;
  }
  for (;;) {
    const TapPage page = ring.take(after, 250, 4s);
    shown += page.items.size();
    dropped += page.dropped;
    after = page.next;
    if (page.items.empty()) break;
  }
  CHECK(shown + dropped == came);
  CHECK(dropped > 0);
  // 2 s at the rate, and what the first second could save up.
  CHECK(shown <= 3 * kTapItemsPerSecond);
  CHECK(shown > kTapItemsPerSecond);
}

TEST_CASE("who asks too late is told how much has gone", "[tap]") {
  TapRing ring(10'000);
  const std::uint64_t after = ring.begin(1s);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(ring.admit(10, 1s) == 10);
    ring.put(items(static_cast<std::uint64_t>(i) * 10, 10, std::string(200, 'x')));
  }
  const TapPage page = ring.take(after, 1'000, 2s);
  CHECK(page.items.size() < 50);
  CHECK(page.items.size() + page.dropped == 100);
  CHECK(page.items.back().id == "e99");
  CHECK(page.next == 100);
}

TEST_CASE("a stage's tap gives the fields and the share that are asked for", "[tap]") {
  TapRing ring;
  TapRequest request;
  request.on = "stage:enrich";
  const auto begun = tap_stage(ring, "enrich", request, 1s);
  REQUIRE(begun);
  CHECK(begun->items.empty());
  std::vector<TapItem> shown = items(0, 3, R"({"country":"NO"})");
  shown[1].record = R"({"country":"SE"})";
  shown[2].verdict = "reject";
  shown[2].record.clear();
  shown[2].reason = "enrich_miss";
  REQUIRE(ring.admit(3, 1s) == 3);
  ring.put(shown);
  request.cursor = begun->next;
  auto answer = tap_stage(ring, "enrich", request, 1s);
  REQUIRE(answer);
  CHECK(answer->items == std::vector<std::string>{R"({"id":"e0","partition":0,"offset":0,"stage":"enrich","verdict":"pass","record":{"country":"NO"}})",
                                                  R"({"id":"e1","partition":0,"offset":1,"stage":"enrich","verdict":"pass","record":{"country":"SE"}})",
                                                  R"({"id":"e2","partition":0,"offset":2,"stage":"enrich","verdict":"reject","reason":"enrich_miss","details":[]})"});
  request.fields = {{"country", "SE"}};
  answer = tap_stage(ring, "enrich", request, 1s);
  REQUIRE(answer);
  REQUIRE(answer->items.size() == 1);
  CHECK(answer->items[0].starts_with(R"({"id":"e1")"));
  CHECK(answer->looked == 3);
  request.fields.clear();
  request.sample = 1e-9;
  answer = tap_stage(ring, "enrich", request, 1s);
  REQUIRE(answer);
  CHECK(answer->items.empty());
  request.cursor = "12.3";
  CHECK(tap_stage(ring, "enrich", request, 1s).error().code == Errc::invalid_argument);
}

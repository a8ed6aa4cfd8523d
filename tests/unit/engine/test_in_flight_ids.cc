#include <map>
#include <random>

#include "runtime/engine/in_flight_ids.h"
#include "tests/support/catch.h"

using namespace weir;

TEST_CASE("in-flight ids find, move and forget exactly what a plain map does", "[dedupe]") {
  // Goal: removal by backward shift never loses a neighbour. Method: few hash values, so that probe runs are long and wrap.
  const auto seed = GENERATE(1u, 2u, 3u, 4u, 5u);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  InFlightIds ids;
  std::multimap<std::uint64_t, EventPlace> model;
  for (std::uint64_t step = 0; step < 20'000; ++step) {
    const std::uint64_t hash = (random() % 300) * 7 + (random() % 4 == 0 ? 1000 : 0);
    const std::uint64_t action = random() % 10;
    if (action < 5 && model.size() < 900) {
      const EventPlace place{step, static_cast<std::uint32_t>(random() % 512)};
      ids.insert(hash, place);
      model.emplace(hash, place);
    } else if (action < 7) {
      const auto [first, last] = model.equal_range(hash);
      if (first == last) {
        REQUIRE_FALSE(ids.erase(hash, {step, 0}));
      } else {
        REQUIRE(ids.erase(hash, first->second));
        model.erase(first);
      }
    } else if (action < 8) {
      const auto found = model.find(hash);
      const EventPlace to{step, 1};
      REQUIRE(ids.move(hash, found == model.end() ? EventPlace{step, 9} : found->second, to) == (found != model.end()));
      if (found != model.end()) found->second = to;
    } else {
      std::size_t seen = 0;
      REQUIRE_FALSE(ids.find(hash, [&](const EventPlace&) { ++seen; return false; }).has_value());
      REQUIRE(seen == model.count(hash));
    }
    REQUIRE(ids.size() == model.size());
  }
  ids.clear();
  REQUIRE(ids.size() == 0);
  REQUIRE_FALSE(ids.find(model.begin()->first, [](const EventPlace&) { return true; }).has_value());
}

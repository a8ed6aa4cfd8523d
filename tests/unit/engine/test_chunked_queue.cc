#include <deque>
#include <random>

#include "runtime/engine/chunked_queue.h"
#include "tests/support/catch.h"

using namespace weir;

TEST_CASE("a chunked queue holds what a deque holds, and no chunk more than that takes", "[chunked_queue]") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    ChunkedQueue<std::uint32_t, 16> queue;
    std::deque<std::uint32_t> model;
    for (int step = 0; step < 2'000; ++step) {
      if (random() % 100 < 97) {
        const auto value = static_cast<std::uint32_t>(random());
        queue.push_back(value);
        model.push_back(value);
      } else {
        const std::size_t count = random() % 5 == 0 ? model.size() : random() % (model.size() + 1);
        queue.pop_front(count);
        model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
      }
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.empty() == model.empty());
      REQUIRE(queue.bytes() <= (model.size() + 2 * 15) / 16 * 64 + (model.empty() ? 0 : 64));
      if (model.empty()) continue;
      const std::size_t at = random() % model.size();
      REQUIRE(queue[at] == model[at]);
      REQUIRE(queue[0] == model.front());
      REQUIRE(queue[model.size() - 1] == model.back());
    }
    queue.pop_front(queue.size());
    REQUIRE(queue.bytes() == 0);
  }
}

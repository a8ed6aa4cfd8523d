#include "runtime/engine/memory_plan.h"

#include <random>

#include "runtime/engine/door_pressure.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

std::uint64_t most_of_partitions(const MemoryPlan& plan, std::uint64_t partitions) {
  return partitions * (plan.window_bytes_max + 2 * plan.delta_bytes_max + plan.apply_bytes_max + plan.read_bytes_max +
                       plan.parked_bytes_max);
}
std::uint64_t most_of_node(const MemoryPlan& plan) {
  return plan.log_outstanding_bytes_max + plan.http_bodies_bytes_max + plan.http_answers_bytes_max +
         plan.live_bytes_max + plan.files_bytes_max + plan.block_cache_bytes;
}

TEST_CASE("what a plan gives out fits into memory_max with room for the memory of ids, or the plan is refused",
          "[memory_plan]") {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  int refused = 0;
  for (int round = 0; round < 5'000; ++round) {
    const std::uint64_t memory_max = (256 + random() % 8'192) * kMiB;
    const auto partitions = static_cast<std::uint32_t>(1 + random() % 1'024);
    const std::uint64_t body_max = (1 + random() % 64) * kMiB;
    INFO(memory_max << " bytes, " << partitions << " partitions, body_max " << body_max);
    const auto plan = plan_memory(memory_max, partitions, body_max);
    if (!plan) {
      CHECK(plan.error().code == Errc::config_invalid);
      ++refused;
      continue;
    }
    CHECK(most_of_partitions(*plan, partitions) + most_of_node(*plan) <= memory_max / 100 * 98);
    CHECK(plan->log_outstanding_bytes_max >= 2 * body_max);
    CHECK(plan->http_bodies_bytes_max >= body_max);
    CHECK(plan->window_bytes_max >= 256 * 1024);
  }
  CHECK(refused > 0);
  CHECK(refused < 5'000);
}

TEST_CASE("an ordinary node with two gibibytes has the buffers it is measured with", "[memory_plan]") {
  const MemoryPlan plan = plan_memory(2'048 * kMiB, 8, 16 * kMiB).value();
  CHECK(plan.log_outstanding_bytes_max == 256 * kMiB);
  CHECK(plan.live_bytes_max == 24 * kMiB);
  CHECK(plan.block_cache_bytes == 32 * kMiB);
  CHECK(plan.window_bytes_max == 8 * kMiB);
  CHECK(plan.delta_bytes_max == 4 * kMiB);
  CHECK(plan.apply_bytes_max == 8 * kMiB);
  CHECK(plan.read_bytes_max == 2 * kMiB);
  CHECK(plan.parked_bytes_max == 32 * kMiB);
}

TEST_CASE("a refused plan names the keys and what would do", "[memory_plan]") {
  CHECK(plan_memory(256 * kMiB, 1'024, kMiB)
            .error()
            .context.find("limits.memory_max is 256MiB, too little for 1024 partitions") != std::string::npos);
  CHECK(plan_memory(256 * kMiB, 8, 32 * kMiB).error().context ==
        "http.body_max is 32MiB; with limits.memory_max 256MiB it can be 16MiB at most (a sixteenth)");
}

TEST_CASE("doors slow down before they close, and open again only when there is room", "[pressure]") {
  PressureGauge gauge;
  CHECK(gauge.look(0, 1'000) == Pressure::none);
  CHECK(gauge.look(749, 1'000) == Pressure::none);
  CHECK(gauge.look(750, 1'000) == Pressure::slow);
  CHECK(gauge.look(710, 1'000) == Pressure::slow);
  CHECK(gauge.look(690, 1'000) == Pressure::none);
  CHECK(gauge.look(850, 1'000) == Pressure::full);
  CHECK(gauge.look(810, 1'000) == Pressure::full);
  CHECK(gauge.look(790, 1'000) == Pressure::slow);
  CHECK(gauge.look(810, 1'000) == Pressure::slow);
  CHECK(gauge.look(699, 1'000) == Pressure::none);
  CHECK(gauge.look(5'000, 1'000) == Pressure::full);
}

}  // namespace

TEST_CASE("freed memory is given back near the limit, and away from it when much has become free", "[memory]") {
  using namespace std::chrono_literals;
  GiveBack give_back;
  const std::uint64_t max = 1'600;
  TimePoint now{0};
  CHECK_FALSE(give_back.due(now, Pressure::none, 1'000, max));  // nothing has become free
  CHECK(give_back.due(now += 20ms, Pressure::slow, 1'000, max));
  CHECK_FALSE(give_back.due(now += 20ms, Pressure::full, 1'000, max));
  CHECK(give_back.due(now += 500ms, Pressure::full, 1'200, max));
  CHECK_FALSE(give_back.due(now += 1s, Pressure::none, 1'200, max));
  CHECK_FALSE(give_back.due(now += 1min, Pressure::none, 1'101, max));
  CHECK(give_back.due(now += 20ms, Pressure::none, 1'100, max));
  CHECK_FALSE(give_back.due(now += 1min, Pressure::none, 1'100, max));  // once for each time
  CHECK_FALSE(give_back.due(now += 9s, Pressure::none, 1'150, max));
  CHECK(give_back.due(now += 20ms, Pressure::none, 1'000, max));
  CHECK_FALSE(give_back.due(now += 9s, Pressure::none, 100, max));  // not again so soon, but later
  CHECK(give_back.due(now += 1s, Pressure::none, 100, max));
}

}  // namespace weir

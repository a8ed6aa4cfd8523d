#include <vector>

#include "runtime/engine/commit_groups.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {
PartitionCommit part(std::uint32_t partition) {
  PartitionCommit commit;
  commit.partition = PartitionId{partition};
  return commit;
}
}  // namespace

TEST_CASE("a quiet node commits at once, a busy one every interval", "[commit]") {
  CommitGroups groups{{.interval = 20ms, .bytes_max = 1000}};
  REQUIRE_FALSE(groups.due().has_value());
  groups.add(part(0), 10);
  REQUIRE(groups.take(5ms)->parts.size() == 1);  // nothing was started before: at once

  groups.add(part(1), 10);
  REQUIRE_FALSE(groups.take(6ms).has_value());   // one group is in flight
  groups.done();
  REQUIRE_FALSE(groups.take(7ms).has_value());
  REQUIRE(*groups.due() == TimePoint{25ms});
  groups.add(part(0), 10);
  REQUIRE(groups.take(25ms)->parts.size() == 2);
  groups.done();

  groups.add(part(0), 10);
  REQUIRE(groups.take(100ms).has_value());       // the last start is long ago
}

TEST_CASE("a large group does not wait for the interval", "[commit]") {
  CommitGroups groups{{.interval = 20ms, .bytes_max = 1000}};
  groups.add(part(0), 10);
  REQUIRE(groups.take(1ms).has_value());
  groups.done();
  groups.add(part(0), 999);
  REQUIRE_FALSE(groups.take(2ms).has_value());
  groups.add(part(1), 1);
  REQUIRE(groups.take(2ms)->parts.size() == 2);
}

TEST_CASE("what gathered behind a slow disk goes in several groups, in order and without a wait between them", "[commit]") {
  CommitGroups groups{{.interval = 20ms, .bytes_max = 1000}};
  groups.add(part(9), 10);
  REQUIRE(groups.take(0ms).has_value());
  for (std::uint32_t p = 0; p < 5; ++p) groups.add(part(p), 600);
  std::vector<std::uint32_t> order;
  std::vector<std::size_t> sizes;
  while (groups.in_flight()) {
    REQUIRE_FALSE(groups.take(1ms).has_value());
    groups.done();
    const auto group = groups.take(1ms);
    if (!group) break;
    sizes.push_back(group->parts.size());
    for (const PartitionCommit& one : group->parts) order.push_back(one.partition.value);
  }
  REQUIRE(sizes == std::vector<std::size_t>{2, 2, 1});
  REQUIRE(order == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  groups.add(part(0), 10);
  REQUIRE(*groups.due() == TimePoint{21ms});  // nothing was left behind: the interval counts again
}

TEST_CASE("a partition has one part in a group", "[commit]") {
  CommitGroups groups{{}};
  groups.add(part(3), 10);
  REQUIRE_THROWS_AS(groups.add(part(3), 10), InvariantError);
}

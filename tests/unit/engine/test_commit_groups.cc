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

TEST_CASE("a partition has one part in a group", "[commit]") {
  CommitGroups groups{{}};
  groups.add(part(3), 10);
  REQUIRE_THROWS_AS(groups.add(part(3), 10), InvariantError);
}

#include "cluster/node/stage_watch.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMemoryMax = 1'000;

MappedMarks::Working working(CodeMark& mark, std::uint32_t partition = 0) {
  return {PartitionId{partition}, "fraud", *mark.inside(), &mark};
}

}  // namespace

TEST_CASE("a stage that has one event for stall_max has stalled, one that goes from event to event has not", "[stages]") {
  StageWatch watch{{.stall_max = 30s, .memory_max = kMemoryMax}};
  CodeMark slow, quick;
  slow.enter(Offset{1}, 1, 1);
  for (int half = 0; half < 200; ++half) {
    quick.enter(Offset{2}, 1, 2);  // the same event again is another call
    const std::vector<MappedMarks::Working> now = {working(quick), working(slow, 3)};
    const StageVerdict verdict = watch.look(std::chrono::milliseconds(500) * half, now, 0);
    INFO(half);
    CHECK((verdict.working != nullptr) == (half >= 60));
    if (verdict.working == nullptr) continue;
    CHECK(verdict.working->partition == PartitionId{3});
    CHECK(verdict.cause == CodeMark::kStalled);
  }
}

TEST_CASE("a stage that comes back begins anew", "[stages]") {
  StageWatch watch{{.stall_max = 30s, .memory_max = kMemoryMax}};
  CodeMark mark;
  mark.enter(Offset{1}, 1, 1);
  CHECK(watch.look(0s, {working(mark)}, 0).working == nullptr);
  mark.leave();
  CHECK(watch.look(29s, {}, 0).working == nullptr);
  mark.enter(Offset{1}, 1, 1);
  CHECK(watch.look(31s, {working(mark)}, 0).working == nullptr);
}

TEST_CASE("time in which nobody looked is nobody's: the process was stopped, or the machine slept", "[stages]") {
  StageWatch watch{{.stall_max = 2s, .memory_max = kMemoryMax}};
  CodeMark mark;
  mark.enter(Offset{1}, 1, 1);
  CHECK(watch.look(0s, {working(mark)}, 0).working == nullptr);
  CHECK(watch.look(1h, {working(mark)}, 0).working == nullptr);
  CHECK(watch.look(1h + 1'000ms, {working(mark)}, 0).working == nullptr);
  const std::vector<MappedMarks::Working> now = {working(mark)};
  CHECK(watch.look(1h + 2'000ms, now, 0).working != nullptr);
}

TEST_CASE("when the memory is used up, whoever has had one event for longest is to blame", "[stages]") {
  StageWatch watch{{.stall_max = 30s, .memory_max = kMemoryMax}};
  CodeMark eater, other;
  eater.enter(Offset{1}, 1, 1);
  CHECK(watch.look(0ms, {working(eater)}, kMemoryMax / 2).working == nullptr);
  other.enter(Offset{2}, 1, 2);
  CHECK(watch.look(60ms, {working(other), working(eater, 5)}, kMemoryMax + 1).working == nullptr);  // not long enough
  const std::vector<MappedMarks::Working> now = {working(other), working(eater, 5)};
  CHECK(watch.look(120ms, now, kMemoryMax).working == nullptr);  // within the limit
  const StageVerdict verdict = watch.look(120ms, now, kMemoryMax + 1);
  REQUIRE(verdict.working != nullptr);
  CHECK(verdict.working->partition == PartitionId{5});
  CHECK(verdict.cause == CodeMark::kMemory);
}

TEST_CASE("a slow event is not to blame for memory that was used up before it came", "[stages]") {
  StageWatch watch{{.stall_max = 30s, .memory_max = kMemoryMax}};
  CodeMark slow;
  slow.enter(Offset{1}, 1, 1);
  CHECK(watch.look(0ms, {working(slow)}, kMemoryMax - 10).working == nullptr);
  CHECK(watch.look(500ms, {working(slow)}, kMemoryMax + 100).working == nullptr);
  const std::vector<MappedMarks::Working> now = {working(slow)};
  CHECK(watch.look(600ms, now, kMemoryMax + 115).working != nullptr);  // an eighth of it since then
}

TEST_CASE("memory that is used up while nobody is inside a stage is nobody's", "[stages]") {
  StageWatch watch{{.stall_max = 30s, .memory_max = kMemoryMax}};
  CHECK(watch.look(10s, {}, 10 * kMemoryMax).working == nullptr);
}

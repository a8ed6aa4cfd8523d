#include "runtime/engine/recoverability.h"
#include "tests/support/catch.h"

namespace weir::test {

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

PartitionStatus log_of(std::uint64_t accepted, std::uint64_t trimmed = 0) {
  PartitionStatus log;
  log.ingest_durable = Offset{accepted};
  log.output_begin = CommitSequence{trimmed};
  return log;
}
RecoveryBase base_at(std::uint64_t committed, std::uint64_t bytes = 0) { return {CommitSequence{committed / 100}, Offset{committed}, bytes}; }

}  // namespace

TEST_CASE("what is behind the newest snapshot is to be replayed, without one everything", "[snapshots]") {
  CHECK(recoverability(base_at(900), log_of(1'000), {}).events == 100);
  CHECK(recoverability(std::nullopt, log_of(1'000), {}).events == 1'000);
  CHECK(recoverability(base_at(1'000), log_of(1'000), {}).events == 0);
  CHECK(recoverability(base_at(1'001), log_of(1'000), {}).events == 0);  // looked at one after the other
}

TEST_CASE("what the log no longer reaches back to cannot be recovered", "[snapshots]") {
  CHECK(recoverability(base_at(900), log_of(1'000, 9), {}).possible);
  CHECK_FALSE(recoverability(base_at(900), log_of(1'000, 10), {}).possible);
  CHECK_FALSE(recoverability(std::nullopt, log_of(1'000, 1), {0, 500}).possible);
  CHECK(recoverability(std::nullopt, log_of(1'000, 0), {}).possible);
  // Too old for a gap in the log, but the log has its beginning.
  CHECK(recoverability(base_at(0), log_of(1'000, 0), {}).events == 1'000);
}

TEST_CASE("the time it takes is told from what was measured, and not guessed", "[snapshots]") {
  CHECK_FALSE(recoverability(base_at(0), log_of(1'000), {}).seconds);
  CHECK(recoverability(base_at(0), log_of(1'000), {0, 500}).seconds == 2.0);
  CHECK(recoverability(std::nullopt, log_of(1'000), {0, 500}).seconds == 2.0);
  CHECK_FALSE(recoverability(base_at(0, 50 * kMiB), log_of(1'000), {0, 500}).seconds);
  CHECK(recoverability(base_at(0, 50 * kMiB), log_of(1'000), {25.0 * kMiB, 500}).seconds == 4.0);
  CHECK(recoverability(base_at(1'000, kMiB - 1), log_of(1'000), {}).seconds == 0.0);
}

TEST_CASE("a trial of next to nothing says nothing of the speed", "[snapshots]") {
  const RebuildSpeed known{100, 200};
  const auto same = learn_speed(known, {10, 1.0, 999, 1.0});
  CHECK((same.restore_bytes_per_second == 100 && same.events_per_second == 200));
  const auto fresh = learn_speed(known, {10 * kMiB, 2.0, 3'000, 1.5});
  CHECK((fresh.restore_bytes_per_second == 5.0 * kMiB && fresh.events_per_second == 2'000));
  CHECK(learn_speed(known, {10 * kMiB, 0, 3'000, 0}).events_per_second == 200);
}

}  // namespace weir::test

// Opening: the index, locks, identity, and a look from outside.
#include "runtime/adapters/embedded_log/journal_tools.h"
#include "runtime/adapters/embedded_log/read_only_log.h"
#include "tests/unit/embedded_log/machine.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("the index makes opening short, and a damaged one is rebuilt", "[journal]") {
  Machine machine;
  fill(machine.owned(), 10);
  machine.log.reset();
  const LogRecovery quick = machine.open().recovery();
  CHECK(quick.ingest.checkpoint_used);
  CHECK(quick.ingest.frames == 0);
  CHECK(quick.ingest.closed_cleanly);
  machine.log.reset();
  machine.disk.flip("d/ingest/index", 100, 1);
  const LogRecovery slow = machine.open().recovery();
  CHECK_FALSE(slow.ingest.checkpoint_used);
  CHECK(slow.ingest.checkpoint_rebuilt.find("checksum") != std::string::npos);
  CHECK(slow.ingest.frames > 40);
  CHECK(slow.output.checkpoint_used);
  for (std::uint32_t p = 0; p < kPartitions; ++p) CHECK(ingest_texts(*machine.log, p).size() == 10);
}

TEST_CASE("one directory has one log, one partition count and one format", "[journal]") {
  Machine machine;
  machine.open();
  CHECK(machine.try_open().error().code == Errc::data_locked);
  machine.log.reset();
  machine.options.partitions = kPartitions + 1;
  CHECK(machine.try_open().error().code == Errc::data_foreign);
  machine.options.partitions = kPartitions;
  const std::vector<std::string> before = machine.disk.paths();
  std::string identity = machine.disk.content("d/log");
  const std::string good = identity;
  identity[20] = static_cast<char>(identity[20] ^ 1);
  machine.disk.set_content("d/log", identity);
  CHECK(machine.try_open().error().code == Errc::log_damaged);
  machine.disk.set_content("d/log", good);
  CHECK(machine.disk.paths() == before);
  machine.open();
  machine.options.segment_bytes = 1000;
  machine.options.directory = "other";
  CHECK(machine.try_open().error().code == Errc::invalid_argument);
  machine.options.segment_bytes = 64 * 1024;
  machine.options.partitions = 0;
  CHECK(machine.try_open().error().code == Errc::invalid_argument);
}

TEST_CASE("segments without the log's identity are damage, for a reader as for a writer", "[journal]") {
  Machine machine;
  fill(machine.owned(), 3);
  machine.log.reset();
  REQUIRE(machine.disk.unlink("d/log"));
  const auto look = open_log_read_only("d", &machine.disk);
  REQUIRE_FALSE(look.has_value());
  CHECK(look.error().code == Errc::log_damaged);
  const auto opened = machine.try_open();
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Errc::log_damaged);
}

TEST_CASE("a look from outside writes nothing and sees what opening would see", "[journal]") {
  Machine machine;
  fill(machine.owned(), 3);
  CHECK(open_log_read_only("nowhere", &machine.disk).error().code == Errc::not_found);
  machine.crash(Survival::nothing);
  const std::uint64_t calls = machine.disk.calls();
  const auto look = open_log_read_only("d", &machine.disk);
  REQUIRE(look);
  CHECK((*look)->partitions() == kPartitions);
  CHECK((*look)->status(PartitionId{3}).ingest_durable == Offset{3});
  CHECK((*look)->status(PartitionId{3}).position.sequence == CommitSequence{3});
  CHECK((*look)->read_ingest({PartitionId{3}, Offset{0}, 1 << 20})->size() == 3);
  CHECK((*look)->read_output({PartitionId{3}, CommitSequence{0}, 1 << 20})->size() == 3);
  const auto stat = stat_journals("d", &machine.disk);
  REQUIRE(stat);
  CHECK(stat->log_id == (*look)->log_id());
  CHECK(stat->segment_bytes == 64 * 1024);
  REQUIRE(stat->partitions.size() == kPartitions);
  CHECK(stat->partitions[2].ingest_end == 3);
  CHECK(stat->partitions[2].ingest_bytes == 27'000);
  CHECK(stat->partitions[2].committed == 3);
  CHECK(stat->ingest.segments.size() == machine.files("ingest/segment-").size());
  CHECK(machine.disk.calls() == calls);
}

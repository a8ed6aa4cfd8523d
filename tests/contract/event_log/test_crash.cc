// The process dies at every single changing call of a workload, with everything that can become of unsynced sectors.
#include <set>

#include "tests/contract/event_log/log_fixture.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;

namespace {

/// What was acknowledged, and what was asked for and not answered when the process died.
struct Ledger {
  std::vector<std::string> ingest[kPartitions];
  std::vector<std::string> output[kPartitions];
  std::vector<std::pair<std::uint32_t, std::string>> append_in_flight;
  std::vector<std::pair<std::uint32_t, std::string>> commit_in_flight;
  std::string position = "none";
  std::string position_in_flight = "none";
  std::uint64_t horizon_asked = 0;
  bool fenced = false;
};

EmbeddedLogOptions options(FaultDisk& disk) {
  EmbeddedLogOptions options;
  options.directory = "data/log";
  options.partitions = kPartitions;
  options.segment_bytes = 64 * 1024;
  options.retain = std::chrono::microseconds(0);
  options.seal_delay = std::chrono::hours(1);  // no seal by time: the calls of a run are the same every time
  options.files = &disk;
  return options;
}

/// Runs until the end or until the disk says that the process died.
void work(EventLog& log, const FaultDisk& disk, Ledger& ledger, int rounds) {
  if (!ledger.fenced) {
    if (!fence(log, all_partitions(log)) || disk.crashed()) return;
    ledger.fenced = true;
  }
  for (int round = 0; round < rounds; ++round) {
    const std::string filler(static_cast<std::size_t>(round % 4) * 4'000, '.');
    AppendGroup group;
    ledger.append_in_flight.clear();
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      if ((static_cast<std::uint32_t>(round) + p) % 3 == 0) continue;
      ledger.append_in_flight.emplace_back(p, fmt::format("b{}-{}{}", ledger.ingest[p].size(), p, filler));
      group.batches.push_back(batch(p, 1, ledger.append_in_flight.back().second));
    }
    ledger.position_in_flight = fmt::format("line {}", ledger.ingest[0].size() + ledger.ingest[1].size());
    group.positions.push_back({"file:a", ledger.position_in_flight});
    const auto receipt = append(log, std::move(group));
    if (!receipt || disk.crashed()) return;
    for (auto& [p, text] : ledger.append_in_flight) ledger.ingest[p].push_back(text);
    ledger.append_in_flight.clear();
    ledger.position = ledger.position_in_flight;

    CommitGroup commits;
    ledger.commit_in_flight.clear();
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      const std::uint64_t open = ledger.ingest[p].size() - log.status(PartitionId{p}).position.committed.value;
      if (open == 0) continue;
      ledger.commit_in_flight.emplace_back(p, fmt::format("c{}-{}{}", ledger.output[p].size(), p, filler));
      commits.parts.push_back(part(log, p, open, ledger.commit_in_flight.back().second));
    }
    const CommitOutcome outcome = commit(log, std::move(commits));
    if (outcome.kind != CommitOutcome::Kind::committed || disk.crashed()) return;
    for (auto& [p, text] : ledger.commit_in_flight) ledger.output[p].push_back(text);
    ledger.commit_in_flight.clear();

    if (round % 5 == 4) {
      ledger.horizon_asked = log.status(PartitionId{0}).position.committed.value - 1;
      log.trim({{PartitionId{0}, Offset{ledger.horizon_asked}, CommitSequence{0}}});
    }
  }
}

/// Content of a partition from the horizon on, with the acknowledged below the horizon filled in (they were trimmed by
/// request).
std::vector<std::string> whole_ingest(EventLog& log, std::uint32_t p, const Ledger& ledger) {
  const std::uint64_t begin = log.status(PartitionId{p}).ingest_begin.value;
  REQUIRE(begin <= (p == 0 ? ledger.horizon_asked : 0));
  std::vector<std::string> texts(ledger.ingest[p].begin(),
                                 ledger.ingest[p].begin() + static_cast<std::ptrdiff_t>(begin));
  for (std::string& text : ingest_texts(log, p, begin)) texts.push_back(std::move(text));
  return texts;
}

/// Everything acknowledged is there; what was in flight is there whole or not at all. The ledger then says what is
/// there.
void check_and_settle(EventLog& log, Ledger& ledger) {
  std::set<bool> append_seen;
  std::set<bool> commit_seen;
  const auto compare = [](std::vector<std::string>& acknowledged, const std::vector<std::string>& found,
                          const std::vector<std::pair<std::uint32_t, std::string>>& in_flight, std::uint32_t p,
                          std::set<bool>& seen) {
    std::vector<std::string> with = acknowledged;
    bool touched = false;
    for (const auto& [partition, text] : in_flight) {
      if (partition != p) continue;
      with.push_back(text);
      touched = true;
    }
    if (touched) seen.insert(found == with);
    REQUIRE((found == acknowledged || found == with));
    acknowledged = found;
  };
  for (std::uint32_t p = 0; p < kPartitions; ++p) {
    compare(ledger.ingest[p], whole_ingest(log, p, ledger), ledger.append_in_flight, p, append_seen);
    compare(ledger.output[p], output_texts(log, p), ledger.commit_in_flight, p, commit_seen);
    CHECK(log.status(PartitionId{p}).position.sequence == CommitSequence{ledger.output[p].size()});
  }
  CHECK(append_seen.size() <= 1);
  CHECK(commit_seen.size() <= 1);
  const std::string position = log.source_position("file:a").value_or("none");
  const bool appended = append_seen.contains(true);
  CHECK(position == (appended ? ledger.position_in_flight : ledger.position));
  ledger.position = position;
  ledger.append_in_flight.clear();
  ledger.commit_in_flight.clear();
  ledger.fenced = log.status(PartitionId{0}).position.epoch != Epoch{0};
}

constexpr int kRounds = 14;

std::uint64_t calls_of_a_whole_run() {
  FaultDisk disk(1);
  ManualClock clock;
  SeededRng rng(1);
  Ledger ledger;
  auto log = open_embedded_log(options(disk), clock, rng);
  REQUIRE(log);
  work(**log, disk, ledger, kRounds);
  (*log)->close();
  REQUIRE(ledger.ingest[0].size() > 5);
  REQUIRE((*log)->status(PartitionId{0}).ingest_begin > Offset{0});
  return disk.calls();
}

}  // namespace

TEST_CASE("after a crash at every changing call everything acknowledged is there and nothing half-written shows",
          "[event_log]") {
  const std::uint64_t calls = calls_of_a_whole_run();
  REQUIRE(calls > 80);
  const Survival survival = GENERATE(Survival::nothing, Survival::all, Survival::sectors, Survival::pages);
  std::uint64_t torn = 0;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    INFO("the process dies at call " << n << " of " << calls << ", survival " << static_cast<int>(survival));
    FaultDisk disk(n * 7919);
    ManualClock clock;
    SeededRng rng(n);
    Ledger ledger;
    disk.crash_at(n);
    {
      auto log = open_embedded_log(options(disk), clock, rng);
      if (log) {
        work(**log, disk, ledger, kRounds);
        (*log)->close();
      }
    }
    disk.reboot(survival);
    // It dies again while it recovers, at a call that differs from run to run.
    disk.crash_at(n % 9 + 1);
    {
      auto log = open_embedded_log(options(disk), clock, rng);
      if (!log) REQUIRE(log.error().code == Errc::io_failed);
    }
    disk.reboot(survival);
    auto log = open_embedded_log(options(disk), clock, rng);
    if (!log) FAIL(describe(log.error()));
    torn += (*log)->recovery().ingest.torn_frames + (*log)->recovery().output.torn_frames;
    check_and_settle(**log, ledger);
    // And it works on, and keeps what it kept.
    work(**log, disk, ledger, 2);
    log->reset();
    auto again = open_embedded_log(options(disk), clock, rng);
    REQUIRE(again);
    CHECK((*again)->recovery().ingest.closed_cleanly);
    CHECK((*again)->recovery().output.closed_cleanly);
    check_and_settle(**again, ledger);
  }
  if (survival == Survival::sectors) CHECK(torn > 0);
  if (survival == Survival::nothing) CHECK(torn == 0);
}

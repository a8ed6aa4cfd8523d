// A node to which nobody sends anything lets time pass all the same: ids are forgotten, and what they took is free
// again.
#include <fmt/format.h>

#include "tests/component/deaths/small_node.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::deaths;

namespace {

const CompiledPipeline& pipeline() {
  static const auto compiled = compiled_pipeline();
  return *compiled;
}

/// A node that gets `input`, then nothing for `days`, half an hour at a time.
NodeEnd idle_for(SmallMachine& machine, std::uint64_t seed, int days, std::optional<Death> death = {}) {
  int halves = days * 48;
  return machine.run(
      {.seed = seed, .death = std::move(death), .idle = [halves](const caf::actor& root, sim::SimClock& clock) mutable {
         if (halves-- == 0) return false;
         clock.advance(std::chrono::minutes(30));
         caf::anon_send(root, PassTime{});
         return true;
       }});
}

}  // namespace

TEST_CASE("an idle node forgets ids when dedupe.remember is over, and not before", "[idle]") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    // remember is 7 days; a bucket is a sixteenth of it, so the last id has gone after 7.44 days and a commit.
    SmallMachine machine{pipeline(), {small_input(48)}};
    const NodeEnd early = idle_for(machine, seed, 6);
    REQUIRE(early.result);
    REQUIRE(early.result->has_value());
    REQUIRE(early.ids > 0);
    const NodeEnd over = idle_for(machine, seed, 2);
    REQUIRE(over.result);
    REQUIRE(over.result->has_value());
    CHECK(over.ids == 0);
    CHECK(machine.answers().find("NOT WHAT") == std::string::npos);
    CHECK(machine.answers().find("the state") == std::string::npos);
  }
}

TEST_CASE("a node that is told to stop decides everything that it has accepted", "[idle]") {
  constexpr std::uint32_t kLines = 96;
  constexpr std::chrono::hours kPatience{1000};
  SmallMachine calm_machine{pipeline(), {small_input(kLines)}};
  const NodeEnd calm = idle_for(calm_machine, 1, 1);
  REQUIRE(calm.result);
  std::uint64_t good = 0;
  std::uint64_t halves = 0;  // stopped with something accepted and something left to accept
  for (std::uint64_t step = 1; step < calm.steps; ++step) {
    INFO("stopped at step " << step);
    SmallMachine machine{pipeline(), {small_input(kLines)}};
    NodeOptions options;
    options.idle = [](const caf::actor&, sim::SimClock&) { return true; };
    options.stop_at = step;
    options.stop_patience = kPatience;
    const NodeEnd end = machine.run(options);
    REQUIRE(end.result);
    // The scheduler may let this time pass at once: the next start does the rest.
    if (!end.result->has_value()) {
      CHECK(end.result->error().code == Errc::cancelled);
      continue;
    }
    // Half of it is over: what is not decided by then is left to the next start.
    if (end.stopping >= kPatience / 2) continue;
    ++good;
    std::uint64_t accepted = 0;
    for (std::uint32_t p = 0; p < pipeline().config().partitions; ++p) {
      INFO("partition " << p);
      CHECK(machine.decided(PartitionId{p}) == machine.accepted(PartitionId{p}));
      accepted += machine.accepted(PartitionId{p});
    }
    halves += accepted != 0 && accepted < kLines ? 1 : 0;
    CHECK(machine.answers().find("NOT WHAT") == std::string::npos);
    CHECK(machine.answers().find("the state") == std::string::npos);
  }
  CHECK(good > calm.steps / 2);
  CHECK(halves > 10);
}

TEST_CASE("whoever dies while time passes, the ids are forgotten and every answer stays", "[idle]") {
  SmallMachine calm_machine{pipeline(), {small_input(48)}};
  const NodeEnd calm = idle_for(calm_machine, 1, 8);
  REQUIRE(calm.result);
  REQUIRE(calm.ids == 0);
  const std::string digest = calm_machine.digest();
  for (const char* name : {"partition", "committer", "views", "pipeline"}) {
    for (std::uint64_t turn = calm.turns.at(name); turn > 0; turn = turn * 9 / 10) {
      INFO(name << " killed at turn " << turn);
      SmallMachine machine{pipeline(), {small_input(48)}};
      NodeEnd end = idle_for(machine, 1, 8, Death{name, turn});
      REQUIRE(end.killed == 1);
      REQUIRE(end.result);
      // A dead supervisor ends the node, and so does a stop that the scheduler gives no time: the next start does the
      // rest.
      for (std::uint64_t again = 2; again < 6 && !end.result->has_value(); ++again) {
        CHECK((end.result->error().code == Errc::cancelled || std::string_view(name) == "pipeline"));
        end = idle_for(machine, again, 8);
        REQUIRE(end.result);
      }
      INFO((end.result->has_value() ? "" : describe(end.result->error())));
      CHECK(end.result->has_value());
      CHECK(end.ids == 0);
      CHECK(machine.digest() == digest);
    }
  }
}

TEST_CASE("dead letters leave when dead_letters.retain is over, are counted as expired, and are named", "[idle]") {
  SmallMachine machine{pipeline(), {small_input(48)}};
  const auto idle = [&machine](int hours) {
    NodeOptions options;
    options.dead_letters.retain = std::chrono::hours(10);
    options.idle = [hours](const caf::actor& root, sim::SimClock& clock) mutable {
      if (hours-- == 0) return false;
      clock.advance(std::chrono::hours(1));
      caf::anon_send(root, PassTime{});
      return true;
    };
    return machine.run(options);
  };
  const NodeEnd early = idle(9);
  REQUIRE(early.result);
  REQUIRE(early.result->has_value());
  const Ledger before = machine.ledger();
  REQUIRE(before.dead_lettered > 5);
  REQUIRE(before.expired == 0);
  const NodeEnd over = idle(4);
  REQUIRE(over.result);
  REQUIRE(over.result->has_value());
  const Ledger after = machine.ledger();
  CHECK(after.dead_lettered == 0);
  CHECK(after.expired == before.dead_lettered);
  CHECK(after.served == before.served);
  CHECK(after.decided() == before.decided());
  std::string log;
  for (const std::string& line : over.log) log += line + "\n";
  CHECK(log.find("dead letters expired: dead_letters.retain") != std::string::npos);
  CHECK(machine.answers().find("the state") == std::string::npos);
}

#include <chrono>
#include <csignal>

#include "cluster/node/suspects_file.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

FormerMark mark(std::uint32_t partition, std::uint64_t offset, std::uint32_t count, std::uint64_t fingerprint, std::uint64_t cause,
                std::chrono::milliseconds stay = {}) {
  return {PartitionId{partition}, "fraud", {Offset{offset}, count, fingerprint, 1}, cause, stay};
}
Suspects none() {
  Suspects suspects;
  suspects.partitions.resize(2);
  return suspects;
}

}  // namespace

TEST_CASE("a view that ends the process is no reason to suspect an event", "[suspects]") {
  Suspects suspects = none();
  FormerMark view = mark(0, 7, 4, 0, SIGSEGV);
  view.stage = "view totals";
  count_marks(suspects, {1, 0, {view, mark(1, 9, 1, 90, 0, 400ms)}});
  CHECK(suspects.partitions[0].empty());
  CHECK(suspects.partitions[1].empty());  // the stage was a bystander
  view.cause = 0;
  view.stay = 900ms;
  count_marks(suspects, {2, 0, {view, mark(1, 9, 1, 90, 0, 400ms)}});
  CHECK(suspects.partitions[0].empty());
  CHECK(suspects.partitions[1].empty());
}

TEST_CASE("where somebody could say why the process died, only that one is blamed", "[suspects]") {
  Suspects suspects = none();
  count_marks(suspects, {1, 0, {mark(0, 7, 1, 70, 0), mark(1, 9, 1, 90, SIGSEGV)}});
  CHECK(suspects.partitions[0].empty());
  REQUIRE(suspects.partitions[1].size() == 1);
  CHECK(suspects.partitions[1][0].crashes == 1);
  CHECK(suspects.partitions[1][0].cause.starts_with("SIGSEGV"));
}

TEST_CASE("of a process that was killed only a call that had lasted is suspected, and of several the longest", "[suspects]") {
  Suspects suspects = none();
  count_marks(suspects, {1, 0, {mark(0, 7, 1, 70, 0, 99ms), mark(1, 9, 1, 90, 0, 20ms)}});
  CHECK(suspects.partitions[0].empty());
  CHECK(suspects.partitions[1].empty());
  count_marks(suspects, {2, 0, {mark(0, 7, 1, 70, 0, 100ms), mark(1, 9, 1, 90, 0, 400ms)}});
  CHECK(suspects.partitions[0].empty());
  CHECK(suspects.partitions[1].size() == 1);
}

TEST_CASE("a process that ended on purpose, or of a signal outside of any stage, blames nobody", "[suspects]") {
  for (const std::uint64_t end : {MappedMarks::kOnPurpose, static_cast<std::uint64_t>(SIGSEGV)}) {
    Suspects suspects = none();
    count_marks(suspects, {1, end, {mark(0, 7, 1, 70, 0, 400ms)}});
    CHECK(suspects.partitions[0].empty());
    // The watch aborts from a thread of its own: that has a mark that says why.
    count_marks(suspects, {2, SIGABRT, {mark(0, 7, 1, 70, CodeMark::kStalled, 400ms)}});
    CHECK(suspects.partitions[0].size() == 1);
  }
}

TEST_CASE("three deaths with the same event make it poison, a life is counted once", "[suspects]") {
  Suspects suspects = none();
  count_marks(suspects, {1, 0, {mark(0, 7, 1, 70, SIGSEGV)}});
  count_marks(suspects, {1, 0, {mark(0, 7, 1, 70, SIGSEGV)}});
  count_marks(suspects, {2, 0, {mark(0, 12, 1, 70, CodeMark::kStalled)}});
  {
    PoisonBook book(3);
    book.remember(suspects.partitions[0]);
    CHECK(book.poison(70) == nullptr);
  }
  count_marks(suspects, {3, 0, {mark(0, 9, 1, 70, CodeMark::kMemory)}});
  PoisonBook book(3);
  book.remember(suspects.partitions[0]);
  REQUIRE(book.poison(70) != nullptr);
  CHECK(book.poison(70)->cause.find("limits.memory_max") != std::string::npos);
}

TEST_CASE("a batch whose stage took the process along is parted at once", "[suspects]") {
  Suspects suspects = none();
  count_marks(suspects, {1, 0, {mark(0, 100, 512, 70, SIGSEGV)}});
  PoisonBook book(3);
  book.remember(suspects.partitions[0]);
  CHECK(book.must_part(Offset{611}, Offset{612}));
  CHECK_FALSE(book.must_part(Offset{612}, Offset{613}));
}

TEST_CASE("a suspect is forgotten after more than three quiet lives, and counted anew when it strikes again", "[suspects]") {
  Suspects suspects = none();
  count_marks(suspects, {1, 0, {mark(0, 7, 1, 70, SIGBUS), mark(1, 9, 1, 90, SIGBUS)}});
  for (std::uint64_t life = 2; life <= 4; ++life) count_marks(suspects, {life, 0, {}});
  CHECK(suspects.partitions[0].size() == 1);
  count_marks(suspects, {5, 0, {}});
  CHECK(suspects.partitions[0].empty());
  count_marks(suspects, {6, 0, {mark(1, 9, 1, 90, SIGBUS)}});
  REQUIRE(suspects.partitions[1].size() == 1);
  CHECK(suspects.partitions[1][0].crashes == 1);
}

TEST_CASE("events that end the process in turn are all found out", "[suspects]") {
  // Nothing is committed before all of them are known: one that was forgotten while others struck would strike again, for ever.
  constexpr std::uint64_t kEvents = 5;
  Suspects suspects = none();
  for (std::uint64_t life = 1; life <= 3 * kEvents; ++life) count_marks(suspects, {life, 0, {mark(0, life % kEvents, 1, 70 + life % kEvents, SIGSEGV)}});
  PoisonBook book(3);
  book.remember(suspects.partitions[0]);
  for (std::uint64_t event = 0; event < kEvents; ++event) CHECK(book.poison(70 + event) != nullptr);
}

TEST_CASE("the file of suspects is read as it was written, and refused when it is something else", "[suspects]") {
  Suspects suspects = none();
  count_marks(suspects, {3, 0, {mark(0, 7, 1, 0xffffffffffffffff, SIGSEGV), mark(1, 100, 512, 1, SIGBUS)}});
  suspects.partitions[0][0].cause = "a \"quote\"\n\xff";
  const std::string text = suspects.encode();
  const auto again = Suspects::decode(text, 2);
  REQUIRE(again);
  CHECK(again->life == 3);
  const auto twice = Suspects::decode(again->encode(), 2);
  REQUIRE(twice);
  CHECK(twice->encode() == again->encode());
  CHECK(again->partitions[1][0].cause == suspects.partitions[1][0].cause);
  CHECK(again->partitions[0][0].fingerprint == 0xffffffffffffffff);
  CHECK(again->partitions[1][0].count == 512);
  for (const std::string& broken : {std::string(), text.substr(0, text.size() / 2), std::string(R"({"version":1})")}) {
    const auto refused = Suspects::decode(broken, 2);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::state_damaged);
  }
  CHECK(Suspects::decode(text, 1).error().code == Errc::state_damaged);
  CHECK(Suspects::decode(R"({"version":2})", 1).error().code == Errc::format_newer);
}

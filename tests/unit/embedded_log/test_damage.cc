// Flipped bits, missing files and torn tails: named, never served, never passed over in silence.
#include "runtime/adapters/embedded_log/journal_tools.h"
#include "runtime/adapters/embedded_log/read_only_log.h"
#include "tests/unit/embedded_log/machine.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("damage in one batch stops that partition alone and names journal, file, byte, frame, partition and offsets",
          "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(
      log, {{batch(0, 2, "good zero"), batch(1, 3, "bad one"), batch(2, 1, "good two")}, {}, Durability::durable}));
  REQUIRE(append(log, 1, 1, "behind"));
  machine.log.reset();
  for (const std::string& path : machine.files("ingest/segment-")) {
    const std::size_t place = machine.disk.content(path).find("bad one");
    if (place != std::string::npos) machine.disk.flip(path, place + 2, 5);
  }
  for (const bool with_index : {true, false}) {
    if (!with_index) {
      for (const std::string& index : machine.files("/index")) machine.disk.remove(index);
    }
    EmbeddedLog& again = machine.open();
    CHECK(ingest_texts(again, 0) == std::vector<std::string>{"good zero"});
    CHECK(ingest_texts(again, 2) == std::vector<std::string>{"good two"});
    const auto read = read_ingest(again, 1, 0);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::log_damaged);
    for (const char* word :
         {"ingest journal", "segment-", "byte ", "frame ", "partition 1", "offsets [0, 3)", "checksum"}) {
      INFO(read.error().context);
      CHECK(read.error().context.find(word) != std::string::npos);
    }
    CHECK(ingest_texts(again, 1, 3) == std::vector<std::string>{"behind"});
    machine.log.reset();
  }
  const auto verified = verify_journals("d", &machine.disk);
  REQUIRE(verified);
  REQUIRE(verified->damage.size() == 1);
  CHECK(verified->damage[0].find("partition 1") != std::string::npos);
}

TEST_CASE("whatever bit is flipped in a closed log, reads give the truth or an error, and verify names it",
          "[journal]") {
  Machine machine(5);
  {
    EmbeddedLog& log = machine.owned();
    for (int i = 0; i < 4; ++i) {
      AppendGroup group{{batch(0, 1, "zero " + std::to_string(i)), batch(1, 2, filler(i))},
                        {{"file:a", std::to_string(i)}},
                        Durability::durable};
      REQUIRE(append(log, std::move(group)));
      REQUIRE(commit(log, {{part(log, 0, 1, "c" + std::to_string(i)), part(log, 1, 1, filler(i))}}).kind ==
              CommitOutcome::Kind::committed);
    }
    machine.open();
    REQUIRE(append(*machine.log, 0, 1, "zero 4"));
    machine.log.reset();
  }
  const std::vector<std::string> zero{"zero 0", "zero 1", "zero 2", "zero 3", "zero 4"};
  const std::vector<std::string> one{filler(0), filler(1), filler(2), filler(3)};
  REQUIRE(verify_journals("d", &machine.disk)->damage.empty());
  std::uint64_t refused = 0;
  std::uint64_t stopped = 0;
  std::uint64_t whole = 0;
  const bool with_index = GENERATE(true, false);
  if (!with_index) {
    for (const std::string& index : machine.files("/index")) machine.disk.remove(index);
  }
  for (const std::string& path : machine.disk.paths()) {
    if (path.find("spare-") != std::string::npos || path.find("lock") != std::string::npos) continue;
    const std::string content = machine.disk.content(path);
    SeededRng rng(content.size());
    for (std::uint64_t byte = 0; byte < content.size();) {
      INFO(path << ", byte " << byte << ", index " << with_index);
      machine.disk.flip(path, byte, static_cast<unsigned>(rng.below(8)));
      const auto log = open_log_read_only("d", &machine.disk);
      if (!log) {
        CHECK((log.error().code == Errc::log_damaged || log.error().code == Errc::format_newer));
        ++refused;
      } else {
        const auto same = [&](std::uint32_t p, const std::vector<std::string>& expected) {
          std::uint64_t from = 0;
          for (const std::string& text : expected) {
            const auto slices = (*log)->read_ingest({PartitionId{p}, Offset{from}, 1});
            if (!slices) {
              CHECK(slices.error().code == Errc::log_damaged);
              ++stopped;
              return;
            }
            REQUIRE(slices->size() == 1);
            REQUIRE((*slices)[0].bytes.view() == text);
            from = (*slices)[0].first.value + (*slices)[0].count;
          }
        };
        same(0, zero);
        same(1, one);
        CHECK((*log)->status(PartitionId{0}).ingest_durable == Offset{5});
        CHECK((*log)->status(PartitionId{0}).position.sequence == CommitSequence{4});
        CHECK((*log)->status(PartitionId{1}).position.committed == Offset{4});
        CHECK((*log)->source_position("file:a") == "3");
        ++whole;
      }
      const auto verified = verify_journals("d", &machine.disk);
      REQUIRE(verified.has_value());
      CHECK((!verified->damage.empty() || !verified->notes.empty()));
      machine.disk.set_content(path, content);
      // Every byte where headers and directories can be, every 97th of bodies and padding.
      byte += byte % 4096 < 330 ? 1 : 97;
    }
  }
  CHECK(refused > 500);
  CHECK(stopped > 100);
  CHECK(whole > 500);
  REQUIRE(verify_journals("d", &machine.disk)->damage.empty());
}

TEST_CASE("a missing segment, a lost tail and an index beyond the end are damage", "[journal]") {
  Machine machine;
  fill(machine.owned(), 8);
  machine.log.reset();
  const auto segments = machine.files("ingest/segment-");
  REQUIRE(segments.size() >= 4);
  SECTION("a segment in the middle") {
    machine.disk.remove(segments[1]);
    for (const std::string& index : machine.files("/index")) machine.disk.remove(index);
    CHECK(machine.try_open().error().code == Errc::log_damaged);
  }
  SECTION("the oldest segment") {
    machine.disk.remove(segments[0]);
    CHECK(machine.try_open().error().code == Errc::log_damaged);
  }
  SECTION("the newest segment, with the index to tell") {
    machine.disk.remove(segments.back());
    const auto opened = machine.try_open();
    CHECK(opened.error().code == Errc::log_damaged);
    CHECK(opened.error().context.find("its index was written at frame") != std::string::npos);
  }
  SECTION("the newest segments without an index: ingest ends before the committed position") {
    for (const std::string& index : machine.files("/index")) machine.disk.remove(index);
    machine.disk.remove(segments.back());
    machine.disk.remove(segments[segments.size() - 2]);
    const auto opened = machine.try_open();
    CHECK(opened.error().code == Errc::log_damaged);
    CHECK(opened.error().context.find("is committed") != std::string::npos);
  }
  SECTION("the identity") {
    machine.disk.remove("d/log");
    CHECK(machine.try_open().error().code == Errc::log_damaged);
  }
  SECTION("all segments of a journal") {
    for (const std::string& segment : machine.files("output/segment-")) machine.disk.remove(segment);
    CHECK(machine.try_open().error().code == Errc::log_damaged);
  }
}

TEST_CASE("a torn tail is cut, counted and reported, and its offset is given again", "[journal]") {
  Machine machine;
  EmbeddedLog& log = machine.owned();
  REQUIRE(append(log, 0, 1, "kept"));
  REQUIRE(append(log, 0, 1, filler(1)));
  machine.crash(Survival::nothing);
  // The last frame of the newest segment loses a page.
  const std::string path = machine.files("ingest/segment-").back();
  const std::string content = machine.disk.content(path);
  const std::size_t place = content.find("bbbbbbbb");
  REQUIRE(place != std::string::npos);
  std::string torn = content;
  torn.replace(place + 4096, 4096, 4096, '\0');
  machine.disk.set_content(path, torn);
  const auto verified = verify_journals("d", &machine.disk);
  REQUIRE(verified);
  CHECK(verified->damage.empty());
  REQUIRE_FALSE(verified->notes.empty());
  CHECK(verified->notes[0].find("cut") != std::string::npos);
  EmbeddedLog& again = machine.open();
  CHECK(again.recovery().ingest.torn_frames == 1);
  CHECK(again.recovery().ingest.torn.find("ingest journal, segment-") != std::string::npos);
  CHECK(again.recovery().output.torn_frames == 0);
  CHECK(append(again, 0, 1, "instead").value().first == std::vector<Offset>{Offset{1}});
  // The cut frame comes back whole from a disk that had lost its way: it is void all the same.
  machine.crash(Survival::nothing);
  std::string revived = machine.disk.content(path);
  revived.replace(0, revived.size(), content);
  machine.disk.set_content(path, revived);
  CHECK(ingest_texts(machine.open(), 0) == std::vector<std::string>{"kept", "instead"});
}

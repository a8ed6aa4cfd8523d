// A tap at the logs shows what comes by from where it begins, once, and counts what it had to leave out.
#include <nlohmann/json.hpp>

#include "cluster/node/log_tap.h"
#include "tests/support/catch.h"
#include "tests/unit/event_search/small_log.h"

using namespace weir;
using namespace weir::test;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000;

/// `count` events behind those of the partition, accepted in one batch.
void accept(SmallLog& log, std::uint32_t partition, std::uint64_t from, std::size_t count) {
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string id = "p" + std::to_string(partition) + "-" + std::to_string(from + i);
    frames.push_back({id, R"({"id":")" + id + R"(","color":")" + ((from + i) % 3 == 0 ? "red" : "blue") + "\"}"});
  }
  log.accept(partition, FrameFormat::json, "", frames);
}

/// One commit: every third event a letter, the others served as they came.
void commit(SmallLog& log, std::uint32_t partition, std::uint64_t from, std::size_t count) {
  OutcomeBatchBuilder out{Offset{from}};
  for (std::size_t i = 0; i < count; ++i) {
    const std::string id = "p" + std::to_string(partition) + "-" + std::to_string(from + i);
    const std::string raw = R"({"id":")" + id + R"(","color":")" + ((from + i) % 3 == 0 ? "red" : "blue") + "\"}";
    const OutcomeBatchBuilder::Event head{id, xxh3_128(raw), kStart};
    if ((from + i) % 3 == 0) {
      out.add(head, Outcome::dead_lettered);
      LetterView letter;
      letter.original = raw;
      letter.stage = "validate";
      letter.reason = "schema";
      letter.details = "[]";
      letter.door = "http";
      out.letter(letter);
    } else {
      out.add(head, Outcome::served);
      const std::uint16_t attributes = out.attributes("t", "http");
      out.begin_record().append(raw);
      out.end_record(kStart, attributes);
    }
  }
  CommitBody body;
  body.meta.committed_at = kStart;
  body.batches.push_back(out.finish());
  log.commit(partition, std::move(body), Offset{from + count});
}

std::vector<std::string> ids_of(const TapAnswer& answer) {
  std::vector<std::string> ids;
  for (const std::string& item : answer.items) ids.push_back(nlohmann::json::parse(item).at("id"));
  return ids;
}

/// Asks until nothing comes any more.
std::vector<std::string> all_ids(const SmallLog& log, TapRequest& request, std::uint64_t& dropped) {
  std::vector<std::string> ids;
  for (int quiet = 0; quiet < 2;) {
    const auto answer = tap_log(log, request, ',');
    REQUIRE(answer);
    for (const std::string& id : ids_of(*answer)) ids.push_back(id);
    dropped += answer->dropped;
    quiet = answer->next == request.cursor ? quiet + 1 : 0;
    request.cursor = answer->next;
  }
  return ids;
}

}  // namespace

TEST_CASE("a tap shows what comes by after it began, each once, whatever the limit", "[tap]") {
  const std::string on = GENERATE("doors", "curated", "dead-letters");
  CAPTURE(on);
  SmallLog log(2);
  accept(log, 0, 0, 10);
  commit(log, 0, 0, 10);
  TapRequest request;
  request.on = on;
  request.limit = GENERATE(1, 7, 1'000);
  const auto begun = tap_log(log, request, ',');
  REQUIRE(begun);
  CHECK(begun->items.empty());
  request.cursor = begun->next;
  std::vector<std::string> wanted;
  for (std::uint64_t at = 10; at < 100; at += 10) {
    for (std::uint32_t p = 0; p < 2; ++p) {
      const std::uint64_t from = p == 0 ? at : at - 10;
      accept(log, p, from, 10);
      commit(log, p, from, 10);
      for (std::uint64_t i = from; i < from + 10; ++i)
        if (on == "doors" || (on == "dead-letters") == (i % 3 == 0)) wanted.push_back("p" + std::to_string(p) + "-" + std::to_string(i));
    }
  }
  std::uint64_t dropped = 0;
  auto ids = all_ids(log, request, dropped);
  CHECK(dropped == 0);
  std::sort(ids.begin(), ids.end());
  std::sort(wanted.begin(), wanted.end());
  CHECK(ids == wanted);
}

TEST_CASE("fields and samples choose the same events at every place", "[tap]") {
  SmallLog log(1);
  TapRequest doors, letters;
  doors.on = "doors";
  letters.on = "dead-letters";
  doors.cursor = tap_log(log, doors, ',')->next;
  letters.cursor = tap_log(log, letters, ',')->next;
  accept(log, 0, 0, 300);
  commit(log, 0, 0, 300);
  doors.fields = {{"color", "red"}};
  doors.limit = letters.limit = 1'000;
  doors.sample = letters.sample = 0.3;
  std::uint64_t dropped = 0;
  const auto red = all_ids(log, doors, dropped);
  CHECK(red == all_ids(log, letters, dropped));  // the red ones are the letters
  CHECK(red.size() > 10);
  CHECK(red.size() < 60);
}

TEST_CASE("a tap that falls behind goes to the end and says how much it left out", "[tap]") {
  const std::string on = GENERATE("doors", "curated");
  SmallLog log(1);
  TapRequest request;
  request.on = on;
  request.cursor = tap_log(log, request, ',')->next;
  for (std::uint64_t at = 0; at < kTapBehind + 1'000; at += 500) {
    accept(log, 0, at, 500);
    commit(log, 0, at, 500);
  }
  std::uint64_t dropped = 0;
  CHECK(all_ids(log, request, dropped).empty());
  CHECK(dropped == kTapBehind + 1'000);
  accept(log, 0, kTapBehind + 1'000, 2);
  commit(log, 0, kTapBehind + 1'000, 2);
  CHECK_FALSE(all_ids(log, request, dropped).empty());
}

TEST_CASE("a cursor of another place is refused, one of data that are gone begins anew", "[tap]") {
  SmallLog log(2);
  TapRequest request;
  request.on = "doors";
  for (const char* wrong : {"1", "1.", "x.1-2.0", "1.0", "1.0-2.0-3.0", "1.0_2.0", "s17"}) {
    CAPTURE(wrong);
    request.cursor = wrong;
    CHECK(tap_log(log, request, ',').error().code == Errc::invalid_argument);
  }
  request.cursor = "100.0-100.0";
  const auto answer = tap_log(log, request, ',');
  REQUIRE(answer);
  CHECK(answer->next == "0.0-0.0");
}

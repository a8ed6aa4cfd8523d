// Dead letters: kept, found, closed, exported.
#include "runtime/engine/letters_query.h"
#include "runtime/event/ingest_batch.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

const ViewSet& no_views() {
  static const ViewSet views = ViewSet::compile({}).value();
  return views;
}

std::vector<std::string> letters(const std::vector<PartitionPicture>& partitions, const LetterFilter& filter = {}) {
  std::vector<std::string> found;
  const auto answer = query_letters(partitions, filter, [&](const PlacedLetter& letter) {
    found.push_back(std::to_string(letter.partition.value) + "/" + std::to_string(letter.offset.value) + " " +
                    std::string(letter.stored.id));
    return true;
  });
  INFO((answer ? std::string() : describe(answer.error())));
  REQUIRE(answer);
  return found;
}
using Found = std::vector<std::string>;

Decided dead(const std::string& id, const std::string& original, const std::string& reason = "field_range",
             std::uint8_t flags = 0) {
  Decided event = decided(id, Outcome::dead_lettered, flags);
  event.original = original;
  event.reason = reason;
  return event;
}

}  // namespace

TEST_CASE("a letter's bytes hold everything, and damage in them is named", "[letters]") {
  StoredLetter letter;
  letter.id = "e1";
  letter.letter.original = std::string_view("{\"a\":\0}", 7);
  letter.letter.stage = "validate";
  letter.letter.reason = "field_range";
  letter.letter.details = R"(["amount"])";
  letter.letter.door = "file:a.csv";
  letter.letter.csv_header = "a,b";
  letter.letter.attempts = 3;
  letter.letter.format = 2;
  letter.letter.frame_flags = 5;
  letter.letter.line = 77;
  letter.digest = {1, 2};
  letter.accepted_at = -5;
  letter.dead_at = 42;
  letter.sequence = CommitSequence{9};
  letter.conflict = true;
  const std::string bytes = encode_letter(letter);
  CHECK(to_hex(bytes.substr(0, 92)) ==
        "02010500"
        "03000000"
        "02000000"
        "4d00000000000000"
        "fbffffffffffffff"
        "0900000000000000"
        "0100000000000000"
        "0200000000000000"
        "2a00000000000000"
        "02000000"
        "0a000000"
        "08000000"
        "0b000000"
        "0a000000"
        "03000000"
        "07000000"
        "00000000");
  const StoredLetter read = decode_letter(bytes).value();
  CHECK(read.id == letter.id);
  CHECK(read.letter.original == letter.letter.original);
  CHECK(read.letter.stage == "validate");
  CHECK(read.letter.reason == "field_range");
  CHECK(read.letter.details == R"(["amount"])");
  CHECK(read.letter.door == "file:a.csv");
  CHECK(read.letter.csv_header == "a,b");
  CHECK(read.letter.attempts == 3);
  CHECK(read.letter.format == 2);
  CHECK(read.letter.frame_flags == 5);
  CHECK(read.letter.line == 77);
  CHECK(read.digest == letter.digest);
  CHECK(read.accepted_at == -5);
  CHECK(read.sequence.value == 9);
  CHECK(read.conflict);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(decode_letter(bytes.substr(0, size)).error().code == Errc::state_damaged);
  CHECK(decode_letter(bytes + "x").error().code == Errc::state_damaged);
  CHECK(decode_letter("\x03" + bytes.substr(1)).error().code == Errc::format_newer);

  CHECK(read.dead_at == 42);
  CHECK(read.letter.edited.empty());
  letter.letter.edited = "{\"a\":1}";
  CHECK(decode_letter(encode_letter(letter))->letter.edited == "{\"a\":1}");
  CHECK(decode_letter(encode_letter(letter))->letter.original == letter.letter.original);
  // As weir wrote them before: without the time of death, and without edited bytes.
  const std::string old = "\x01" + bytes.substr(1, 51) + bytes.substr(60, 28) + bytes.substr(92);
  CHECK(decode_letter(old)->letter.original == letter.letter.original);
  CHECK(decode_letter(old)->dead_at == -5);
}

TEST_CASE("letters leave when their time is over, and the oldest when they are too much, and what all take is known", "[letters]") {
  TestLog log;
  log.commit({dead("a", "1"), dead("b", "22"), dead("c", "333")});
  Partition partition(0, no_views(), log);
  partition.apply();
  const PartitionPicture picture = partition.picture();
  std::uint64_t bytes = 0;
  std::map<std::uint64_t, std::uint64_t> sizes;
  REQUIRE(query_letters({picture}, {}, [&](const PlacedLetter& placed) {
    sizes[placed.offset.value] = encode_letter(placed.stored).size();
    bytes += sizes[placed.offset.value];
    return true;
  }));
  CHECK(picture.at.letter_bytes == bytes);
  CHECK(partition.state().letter_bytes() == bytes);
  const auto leaving = [&](const DeadLettersConfig& config, std::int64_t now, std::size_t most = 100) {
    std::vector<std::uint64_t> places;
    const auto offsets = letters_to_expire(*picture.state, config, bytes, now, most).value();
    for (const Offset offset : offsets) places.push_back(offset.value);
    return places;
  };
  std::int64_t dead_at = 0;
  REQUIRE(query_letters({picture}, {}, [&](const PlacedLetter& placed) {
    dead_at = placed.stored.dead_at;
    return true;
  }));
  using Places = std::vector<std::uint64_t>;
  CHECK(leaving({}, dead_at + 1'000'000'000).empty());
  CHECK(leaving({std::chrono::seconds(10), {}}, dead_at + 10'000'000).empty());
  CHECK(leaving({std::chrono::seconds(10), {}}, dead_at + 10'000'001) == Places{0, 1, 2});
  CHECK(leaving({std::chrono::seconds(10), {}}, dead_at + 10'000'001, 2) == Places{0, 1});
  CHECK(leaving({{}, bytes}, dead_at).empty());
  CHECK(leaving({{}, bytes - 1}, dead_at) == Places{0});
  CHECK(leaving({{}, bytes - sizes[0] - 1}, dead_at) == Places{0, 1});
  // Superseded, edited, redriven and read back after a crash: always the sum of what is there.
  const auto again = [](Decided event, std::uint64_t offset) {
    event.at = offset;
    return event;
  };
  log.commit({dead("a", "longer than before", "time", outcome_flag::supersedes)});
  log.commit({again(dead("b", "2222222", "script"), 1), again(decided("c"), 2)});
  partition.apply();
  partition.flush();
  partition.crash();
  std::uint64_t left = 0;
  REQUIRE(query_letters({partition.picture()}, {}, [&](const PlacedLetter& placed) {
    left += encode_letter(placed.stored).size();
    return true;
  }));
  CHECK(partition.state().letter_bytes() == left);
  CHECK(left != bytes);
}

TEST_CASE("letters are listed by partition and offset, and found by id, stage, reason and time", "[letters]") {
  TestLog logs[2];
  logs[0].commit({decided("ok"), dead("a", "1"), dead("b", "2", "rule:night"),
                  dead("a", "3", "conflict", outcome_flag::conflict)});
  logs[1].commit({dead("c", "4", "rule:day"), dead("d", "5", "ruler")});
  Partition p0(0, no_views(), logs[0]);
  Partition p1(1, no_views(), logs[1]);
  p0.apply();
  p0.flush();
  p1.apply();
  const std::vector<PartitionPicture> both = {p0.picture(), p1.picture()};
  CHECK(letters(both) == Found{"0/1 a", "0/2 b", "0/3 a", "1/0 c", "1/1 d"});
  LetterFilter filter;
  filter.id = "a";
  CHECK(letters(both, filter) == Found{"0/1 a", "0/3 a"});
  filter.reason = "conflict";
  CHECK(letters(both, filter) == Found{"0/3 a"});
  filter = {};
  filter.reason = "rule";
  CHECK(letters(both, filter) == Found{"0/2 b", "1/0 c"});
  filter.reason = "rule:day";
  CHECK(letters(both, filter) == Found{"1/0 c"});
  filter = {};
  filter.stage = "enrich";
  CHECK(letters(both, filter).empty());
  filter = {};
  filter.accepted_to = kNewYear;
  CHECK(letters(both, filter).empty());
  filter.accepted_to = kNewYear + 1;
  CHECK(letters(both, filter).size() == 5);
  filter.limit = 2;
  std::size_t seen = 0;
  const auto answer = query_letters(both, filter, [&](const PlacedLetter&) { return ++seen < 9; }).value();
  CHECK(seen == 2);
  CHECK(answer.given == 2);
  CHECK(answer.total == 5);
  CHECK(answer.by_reason == std::map<std::string, std::uint64_t>{
                                {"conflict", 1}, {"field_range", 1}, {"rule:day", 1}, {"rule:night", 1}, {"ruler", 1}});
}

TEST_CASE("a letter row has the keys of the contract, and bytes that are no text come as base64", "[letters]") {
  TestLog log;
  log.commit({dead("a", "{\"x\":\"\xc3\xa4\"}\n"), dead("b", std::string("\xff\0", 2))});
  Partition partition(4, no_views(), log);
  partition.apply();
  std::vector<std::string> found;
  REQUIRE(query_letters({partition.picture()}, {}, [&](const PlacedLetter& letter) {
    append_row_json(found.emplace_back(), letter_row(letter));
    return true;
  }));
  CHECK(
      found ==
      Found{
          R"({"id":"a","partition":4,"offset":0,"door":"file:a.csv","accepted_at":"2024-01-01T00:00:00Z","stage":"validate",)"
          R"("reason":"field_range","details":["amount"],"attempts":2,"original":"{\"x\":\")"
          "\xc3\xa4"
          R"(\"}\n"})",
          R"({"id":"b","partition":4,"offset":1,"door":"file:a.csv","accepted_at":"2024-01-01T00:00:00Z","stage":"validate",)"
          R"("reason":"field_range","details":["amount"],"attempts":2,"original_base64":"/wA="})"});
}

TEST_CASE("a superseded letter goes, in the same delta, in the sealed one and in the store; conflicts stay",
          "[letters]") {
  const int where = GENERATE(0, 1, 2, 3);
  INFO("0 same commit, 1 same delta, 2 sealed, 3 stored: " << where);
  TestLog log;
  const std::vector<Decided> first = {dead("a", "1"), dead("b", "2"),
                                      dead("a", "x", "conflict", outcome_flag::conflict)};
  const std::vector<Decided> second = {decided("a", Outcome::served, outcome_flag::supersedes),
                                       dead("b", "new", "time", outcome_flag::supersedes),
                                       decided("c", Outcome::filtered, outcome_flag::reopens)};
  if (where == 0) {
    std::vector<Decided> all = first;
    all.insert(all.end(), second.begin(), second.end());
    log.commit(all);
  } else {
    log.commit(first);
    log.commit(second);
  }
  Partition partition(0, no_views(), log);
  partition.apply(1);
  if (where == 2) partition.seal();
  if (where == 3) partition.flush();
  partition.apply();
  CHECK(letters({partition.picture()}) == Found{"0/2 a", "0/4 b"});
  LetterFilter filter;
  filter.id = "b";
  CHECK(letters({partition.picture()}, filter) == Found{"0/4 b"});
  const Digest128 live = partition.state().state_digest().value();
  partition.flush();
  partition.flush();
  partition.crash();
  CHECK(letters({partition.picture()}) == Found{"0/2 a", "0/4 b"});
  CHECK(partition.state().state_digest().value() == live);
}

TEST_CASE("a letter decided anew goes unless it dies again", "[letters]") {
  TestLog log;
  log.commit({dead("a", "1"), dead("b", "2"), dead("c", "3"), dead("a", "x", "conflict", outcome_flag::conflict)});
  const auto again = [](Decided event, std::uint64_t offset) {
    event.at = offset;
    return event;
  };
  log.commit({again(decided("a"), 0), again(dead("b", "2", "script"), 1), again(decided("a", Outcome::expired), 3)});
  Partition partition(0, no_views(), log);
  partition.apply(1);
  partition.flush();
  partition.apply();
  CHECK(letters({partition.picture()}) == Found{"0/1 b", "0/2 c"});
  LetterFilter filter;
  filter.reason = "script";
  CHECK(letters({partition.picture()}, filter) == Found{"0/1 b"});
  filter = {};
  filter.id = "a";
  CHECK(letters({partition.picture()}, filter).empty());
}

TEST_CASE("raw export gives the frames back, and refuses what one file cannot hold", "[letters]") {
  TestLog log;
  log.commit({dead("a", "{\"n\":1"), dead("b", "\xff\r", "encoding"), dead("c", "a\rb")});
  Partition partition(0, no_views(), log);
  partition.apply();
  std::string text;
  const auto sink = [&](std::string_view piece) {
    text.append(piece);
    return true;
  };
  CHECK(export_raw({partition.picture()}, {}, sink).value().letters.given == 3);
  CHECK(text == "{\"n\":1\n\xff\r\r\na\rb\n");  // a \r before a line's end belongs to it

  // CSV frames from files with other headers.
  OutcomeBatchBuilder builder(Offset{0});
  for (const char* header : {"a,b", "a,b", "b,a"}) {
    builder.add({"id" + std::to_string(builder.outcomes()), {}, 1}, Outcome::dead_lettered);
    LetterView letter;
    letter.original = "1,2";
    letter.reason = header[0] == 'a' ? "field_type" : "field_range";
    letter.csv_header = header;
    letter.format = static_cast<std::uint32_t>(FrameFormat::csv);
    builder.letter(letter);
  }
  CommitBody body;
  body.batches.push_back(builder.finish());
  const TestLog empty;
  Partition csv(0, no_views(), empty);
  REQUIRE(csv.state().apply({Epoch{1}, CommitSequence{1}, Offset{0}, Offset{3}, {}}, body, csv.extractor()));
  text.clear();
  CHECK(export_raw({csv.picture()}, {}, sink).error().code == Errc::invalid_argument);
  CHECK(text.empty());
  LetterFilter filter;
  filter.reason = "field_type";
  CHECK(export_raw({csv.picture()}, filter, sink).value().letters.given == 2);
  CHECK(text == "a,b\n1,2\n1,2\n");

  // In pieces, put together: the same.
  text.clear();
  filter.limit = 1;
  const RawExport piece = export_raw({csv.picture()}, filter, sink).value();
  REQUIRE(piece.letters.next);
  filter.after = piece.letters.next;
  const RawExport rest = export_raw({csv.picture()}, filter, sink, piece.layout).value();
  CHECK_FALSE(rest.letters.next);
  CHECK(rest.layout == piece.layout);
  CHECK(text == "a,b\n1,2\n1,2\n");
  // What comes behind meanwhile under another header does not follow on it.
  LetterFilter other;
  other.reason = "field_range";
  CHECK(export_raw({csv.picture()}, other, sink, piece.layout).error().context.find("begin again") != std::string::npos);
  CHECK(export_raw({csv.picture()}, filter, sink, "nonsense").error().code == Errc::invalid_argument);
}

TEST_CASE("frames over several lines are exported as one array, which is read back frame by frame", "[letters]") {
  TestLog log;
  log.commit({dead("a", "{\"n\":\n1}"), dead("b", "[\"]\\\"\",{}]"), dead("c", "{\"n\":[2]}", "script")});
  Partition partition(0, no_views(), log);
  partition.apply();
  std::string text;
  const auto sink = [&](std::string_view piece) {
    text.append(piece);
    return true;
  };
  const std::string whole = "[{\"n\":\n1},\n[\"]\\\"\",{}],\n{\"n\":[2]}]\n";
  CHECK_FALSE(export_raw({partition.picture()}, {}, sink).value().letters.next);
  CHECK(text == whole);
  text.clear();
  LetterFilter filter;
  filter.limit = 1;
  std::string layout;
  for (int pieces = 0; pieces < 3; ++pieces) {
    RawExport piece = export_raw({partition.picture()}, filter, sink, layout).value();
    CHECK(piece.letters.given == 1);
    CHECK(piece.letters.next.has_value() == (pieces < 2));
    filter.after = piece.letters.next;
    layout = piece.layout;
  }
  CHECK(text == whole);
  text.clear();
  filter = {};
  filter.reason = "script";
  CHECK(export_raw({partition.picture()}, filter, sink).value().letters.given == 1);
  CHECK(text == "{\"n\":[2]}\n");
  filter.id = "nobody";
  text.clear();
  CHECK(export_raw({partition.picture()}, filter, sink).value().letters.given == 0);
  CHECK(text.empty());

  for (const char* broken : {"{\"n\":1", "{}}", "{} {}", "1", "]"}) {
    INFO(broken);
    TestLog bad;
    bad.commit({dead("a", "{\n}"), dead("b", broken)});
    Partition other(0, no_views(), bad);
    other.apply();
    CHECK(export_raw({other.picture()}, {}, sink).error().context.find("broken JSON") != std::string::npos);
  }
  CHECK(text.empty());
}

}  // namespace weir::test

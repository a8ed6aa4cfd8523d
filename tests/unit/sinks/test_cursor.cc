// Cursors as bytes, and what the log must keep for sinks.
#include "runtime/base/hash.h"
#include "runtime/engine/sink_gauges.h"
#include "runtime/ports/sink_cursors.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {
SinkCursor some_cursor() {
  SinkCursor cursor;
  cursor.log_id = {1, ~std::uint64_t{0}};
  cursor.position = {CommitSequence{45}, 17};
  cursor.records = 1'234'567;
  cursor.skipped = 3;
  cursor.log_records = 9;
  cursor.columns = {"a", "with \"quotes\"", "two\nlines"};
  cursor.state = "roll 7\n1 date=2026-11-27/x=y\n";
  return cursor;
}
}  // namespace

TEST_CASE("a cursor comes back as it was written", "[sink]") {
  CHECK(decode_cursor(encode_cursor(some_cursor())).value() == some_cursor());
  CHECK(decode_cursor(encode_cursor({})).value() == SinkCursor{});
}

TEST_CASE("whatever byte of a cursor is changed or missing, it is damage and never another cursor", "[sink]") {
  const std::string good = encode_cursor(some_cursor());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    INFO(i);
    CHECK_FALSE(decode_cursor(bad));
    CHECK_FALSE(decode_cursor(good.substr(0, i)));
  }
  CHECK_FALSE(decode_cursor(good + "x"));
}

TEST_CASE("a newer cursor is told from a damaged one", "[sink]") {
  std::string newer = "weir sink cursor 2\nwhatever\n";
  newer += "check " + to_hex(xxh3_128(newer)) + "\n";
  CHECK(decode_cursor(newer).error().code == Errc::format_newer);
}

TEST_CASE("the log keeps what the slowest unbroken sink of a partition has not taken", "[sink]") {
  SinkBoard board;
  const auto a = board.add("a", PartitionId{0}, "files", false);
  const auto b = board.add("b", PartitionId{0}, "http", false);
  CHECK(board.taken_by_all(2)[0] == SinkNeed{CommitSequence{0}, "a"});  // nobody knows yet
  CHECK_FALSE(board.taken_by_all(2)[1]);
  a->through.store(7);
  a->known.store(true);
  CHECK(board.taken_by_all(2)[0] == SinkNeed{CommitSequence{0}, "b"});
  b->through.store(5);
  b->known.store(true);
  CHECK(board.taken_by_all(2)[0] == SinkNeed{CommitSequence{5}, "b"});
  b->broken.store(true);
  CHECK(board.taken_by_all(2)[0] == SinkNeed{CommitSequence{7}, "a"});
  a->broken.store(true);
  CHECK_FALSE(board.taken_by_all(2)[0]);
}

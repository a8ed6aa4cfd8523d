#include "runtime/engine/as_of.h"
#include "tests/support/catch.h"

namespace weir::test {

TEST_CASE("a moment is a time, a commit or a token", "[snapshots]") {
  CHECK(parse_as_of("1970-01-02").value().time == 86'400'000'000);
  CHECK(parse_as_of("1970-01-01T00:00:01.000002Z").value().time == 1'000'002);
  CHECK(parse_as_of("1970-01-01T01:00:00+01:00").value().time == 0);
  const AsOf commit = parse_as_of("3:17").value();
  CHECK(commit.kind == AsOf::Kind::commit);
  CHECK(commit.partition == PartitionId{3});
  CHECK(commit.sequence == CommitSequence{17});
  ReadToken token(Digest128{7, 9});
  token.note_sequence(PartitionId{2}, CommitSequence{40});
  const AsOf read = parse_as_of(token.encode()).value();
  CHECK(read.kind == AsOf::Kind::token);
  CHECK(read.token.parts() == token.parts());
  CHECK(read.token.log_id() == token.log_id());
}

TEST_CASE("what is no moment says how to write one", "[snapshots]") {
  for (const std::string text : {"", "yesterday", "3:", ":3", "3:x", "-1:2", "3:17:2", "3:99999999999999999999", "5000000000:1", "2026-13-01", "2026-11-27T10:00:00"}) {
    CAPTURE(text);
    const auto wrong = parse_as_of(text);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == Errc::invalid_argument);
    CHECK(wrong.error().context.find("PARTITION:COMMIT") != std::string::npos);
  }
}

}  // namespace weir::test

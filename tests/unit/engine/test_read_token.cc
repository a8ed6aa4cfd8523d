#include "runtime/engine/read_token.h"

#include <random>

#include "runtime/base/base64.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

TEST_CASE("a token comes back as it was given, whatever is in it", "[token]") {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 500; ++round) {
    ReadToken token(Digest128{random(), random()});
    for (int i = 0; i < static_cast<int>(random() % 20); ++i) {
      const PartitionId partition{static_cast<std::uint32_t>(random() % 1'024)};
      token.note_offset(partition, Offset{random() >> (random() % 64)});
      if (random() % 2 == 0) token.note_sequence(partition, CommitSequence{random() >> (random() % 64)});
    }
    const auto read = ReadToken::decode(token.encode());
    REQUIRE(read);
    CHECK(read->log_id() == token.log_id());
    CHECK(read->parts() == token.parts());
  }
}

TEST_CASE("of one partition a token asks the most that was noted", "[token]") {
  ReadToken token(Digest128{1, 2});
  token.note_offset(PartitionId{3}, Offset{7});
  token.note_offset(PartitionId{3}, Offset{5});
  token.note_sequence(PartitionId{1}, CommitSequence{9});
  CHECK(token.part(PartitionId{3}) == ReadToken::Part{PartitionId{3}, Offset{7}, {}});
  CHECK(token.part(PartitionId{1}) == ReadToken::Part{PartitionId{1}, {}, CommitSequence{9}});
  CHECK(token.part(PartitionId{0}) == ReadToken::Part{PartitionId{0}, {}, {}});
}

TEST_CASE("what is no token is refused, and so is one of a newer weir", "[token]") {
  ReadToken token(Digest128{1, 2});
  token.note_offset(PartitionId{1}, Offset{300});
  const std::string good = token.encode();
  for (const std::string& bad : {std::string(), std::string("hello"), good.substr(0, good.size() - 1), good + "AA",
                                 "." + good, std::string(20, 'A')}) {
    INFO(bad);
    const auto read = ReadToken::decode(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::invalid_argument);
  }
  // 300 as three bytes instead of two (found by the fuzz target of stored bytes).
  std::string longer(1, '\1');
  longer.append(16, '\0').append("\1\xac\x82\0\0", 5);
  CHECK(ReadToken::decode(to_base64url(longer)).error().code == Errc::invalid_argument);
  std::string newer = good;
  newer[0] = 'A';
  newer[1] = 'g';  // the first byte is 2
  CHECK(ReadToken::decode(newer).error().code == Errc::format_newer);
}

}  // namespace
}  // namespace weir

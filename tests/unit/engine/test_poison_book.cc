#include "runtime/engine/poison_book.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

Suspect event(std::uint64_t offset, std::uint64_t fingerprint, std::uint32_t crashes = 1) {
  return {Offset{offset}, 1, fingerprint, "fraud", crashes, "out of luck", 0};
}
Suspect batch(std::uint64_t first, std::uint32_t count, std::uint32_t crashes = 1) {
  return {Offset{first}, count, 0, "fraud", crashes, "out of luck", 0};
}

}  // namespace

TEST_CASE("an event is poison after crashes_max crashes that it is blamed for, wherever it stands by then", "[poison]") {
  PoisonBook book(3);
  CHECK(book.empty());
  CHECK_FALSE(book.crashed(event(7, 99)));
  CHECK_FALSE(book.empty());
  CHECK_FALSE(book.crashed(event(12, 99)));
  CHECK(book.poison(99) == nullptr);
  CHECK(book.crashed(event(13, 99)));
  REQUIRE(book.poison(99) != nullptr);
  CHECK(book.poison(99)->crashes == 3);
  CHECK(book.poison(99)->first == Offset{13});
  CHECK(book.poison(98) == nullptr);
  book.decided(99);
  CHECK(book.poison(99) == nullptr);
  CHECK(book.empty());
}

TEST_CASE("with crashes_max 1 the first crash makes an event poison", "[poison]") {
  PoisonBook book(1);
  CHECK(book.crashed(event(7, 99)));
}

TEST_CASE("a batch is parted after its second crash, and when a process died of it at once", "[poison]") {
  PoisonBook book(3);
  CHECK_FALSE(book.crashed(batch(10, 5)));
  CHECK_FALSE(book.must_part(Offset{10}, Offset{15}));
  CHECK_FALSE(book.crashed(batch(10, 5)));
  CHECK(book.must_part(Offset{10}, Offset{15}));
  CHECK(book.must_part(Offset{14}, Offset{20}));
  CHECK_FALSE(book.must_part(Offset{15}, Offset{20}));
  CHECK_FALSE(book.must_part(Offset{0}, Offset{10}));
  book.parted(Offset{10}, Offset{15});
  CHECK(book.empty());
  CHECK_FALSE(book.crashed(batch(30, 2, PoisonBook::kBatchCrashesMax)));
  CHECK(book.must_part(Offset{31}, Offset{32}));
}

TEST_CASE("of a batch that is parted bit by bit the rest stays suspected", "[poison]") {
  PoisonBook book(3);
  CHECK_FALSE(book.crashed(batch(10, 5, 2)));
  book.parted(Offset{12}, Offset{13});
  CHECK(book.must_part(Offset{10}, Offset{12}));
  CHECK_FALSE(book.must_part(Offset{12}, Offset{13}));
  CHECK(book.must_part(Offset{13}, Offset{15}));
  book.parted(Offset{0}, Offset{12});
  CHECK_FALSE(book.must_part(Offset{0}, Offset{13}));
  book.parted(Offset{13}, Offset{99});
  CHECK(book.empty());
}

TEST_CASE("a batch that was cut otherwise the next time is the same suspicion", "[poison]") {
  PoisonBook book(3);
  CHECK_FALSE(book.crashed(batch(10, 5)));
  CHECK_FALSE(book.crashed(batch(12, 8)));
  CHECK(book.must_part(Offset{10}, Offset{11}));
  CHECK(book.must_part(Offset{19}, Offset{20}));
  CHECK(book.suspects().size() == 1);
}

TEST_CASE("what one life of the process knew, the next one counts on from", "[poison]") {
  PoisonBook first(3);
  CHECK_FALSE(first.crashed(event(7, 99)));
  CHECK_FALSE(first.crashed(event(7, 99)));
  CHECK_FALSE(first.crashed(batch(20, 4, 2)));
  PoisonBook next(3);
  next.remember(first.suspects());
  CHECK(next.must_part(Offset{20}, Offset{21}));
  CHECK(next.crashed(event(9, 99)));
}

TEST_CASE("the book is bounded, the suspect with the lowest offset makes room", "[poison]") {
  PoisonBook book(2);
  for (std::uint64_t i = 0; i < PoisonBook::kSuspectsMax + 10; ++i) CHECK_FALSE(book.crashed(event(i, 1'000 + i)));
  CHECK(book.suspects().size() == PoisonBook::kSuspectsMax);
  CHECK_FALSE(book.crashed(event(5, 1'005)));  // it had made room: counted from one again
  CHECK(book.crashed(event(2'000, 3'000)));
}

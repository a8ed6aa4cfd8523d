#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <random>
#include <string>

#include "runtime/base/hash.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

std::string random_bytes(std::mt19937_64& rng, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(rng());
  return bytes;
}

TEST_CASE("murmur2 gives the values of Kafka's own test", "[hash]") {
  // Goal: the placement of ids never changes. Values: UtilsTest.testMurmur2 of Apache Kafka.
  CHECK(static_cast<std::int32_t>(murmur2("21")) == -973932308);
  CHECK(static_cast<std::int32_t>(murmur2("foobar")) == -790332482);
  CHECK(static_cast<std::int32_t>(murmur2("a-little-bit-long-string")) == -985981536);
  CHECK(static_cast<std::int32_t>(murmur2("a-little-bit-longer-string")) == -1486304829);
  CHECK(static_cast<std::int32_t>(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")) == -58897971);
  CHECK(static_cast<std::int32_t>(murmur2("abc")) == 479470107);
}

TEST_CASE("an id gets the partition librdkafka's murmur2 partitioner gives it", "[hash]") {
  constexpr std::uint64_t kSeed = 20240601;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  int compared = 0;
  for (std::size_t size = 1; size <= 80; ++size) {
    for (int i = 0; i < 100; ++i) {
      const std::string key = random_bytes(rng, size);
      const auto partitions = static_cast<std::int32_t>(rng() % 1024 + 1);
      const std::int32_t theirs =
          rd_kafka_msg_partitioner_murmur2(nullptr, key.data(), key.size(), partitions, nullptr, nullptr);
      REQUIRE(partition_of(key, static_cast<std::uint32_t>(partitions)).value == static_cast<std::uint32_t>(theirs));
      ++compared;
    }
  }
  CHECK(compared == 8000);
}

TEST_CASE("crc32c gives the published check values", "[hash]") {
  // RFC 3720 B.4 and the catalogue of CRC algorithms.
  CHECK(crc32c("") == 0u);
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising.push_back(static_cast<char>(i));
  CHECK(crc32c(rising) == 0x46dd794eu);
  CHECK(crc32c(std::string(rising.rbegin(), rising.rend())) == 0x113fdb5cu);
  CHECK(crc32c_portable("123456789") == 0xe3069283u);
}

TEST_CASE("crc32c by instruction equals crc32c by table at every length around its strides", "[hash]") {
  constexpr std::uint64_t kSeed = 7;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const std::string bytes = random_bytes(rng, 40'000);
  int compared = 0;
  for (std::size_t size = 0; size < 20'000; size += size < 1200 ? 1 : 61) {
    const std::size_t start = rng() % 64;
    const auto seed = static_cast<std::uint32_t>(rng());
    const std::string_view part = std::string_view(bytes).substr(start, size);
    REQUIRE(crc32c(part, seed) == crc32c_portable(part, seed));
    ++compared;
  }
  CHECK(compared == 1509);
}

TEST_CASE("crc32c of two parts continues from the first", "[hash]") {
  std::mt19937_64 rng(11);
  const std::string bytes = random_bytes(rng, 9000);
  const std::string_view all = bytes;
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{384}, std::size_t{6144}, std::size_t{9000}})
    CHECK(crc32c(all.substr(cut), crc32c(all.substr(0, cut))) == crc32c(all));
}

TEST_CASE("XXH3 digests keep the published values for seed 0", "[hash]") {
  // The empty input's digests as xxhsum prints them.
  CHECK(xxh3_64("") == 0x2d06800538d394c2u);
  CHECK(to_hex(xxh3_128("")) == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("a digest survives its hex form and nothing else is read as one", "[hash]") {
  const Digest128 digest{0x0123456789abcdefu, 0xfedcba9876543210u};
  CHECK(to_hex(digest) == "fedcba98765432100123456789abcdef");
  CHECK(parse_digest(to_hex(digest)) == digest);
  CHECK(parse_digest("FEDCBA98765432100123456789ABCDEF") == digest);
  CHECK_FALSE(parse_digest("fedcba98765432100123456789abcde").has_value());
  CHECK_FALSE(parse_digest("fedcba98765432100123456789abcdefa").has_value());
  CHECK_FALSE(parse_digest("gedcba98765432100123456789abcdef").has_value());
  CHECK(to_hex(std::string_view("\x00\xff\x10", 3)) == "00ff10");
}

}  // namespace
}  // namespace weir

#include "runtime/base/base64.h"

#include <random>

#include "tests/support/catch.h"

namespace weir {
namespace {

TEST_CASE("base64 is as RFC 4648 writes it", "[base64]") {
  CHECK(to_base64("") == "");
  CHECK(to_base64("f") == "Zg==");
  CHECK(to_base64("fo") == "Zm8=");
  CHECK(to_base64("foo") == "Zm9v");
  CHECK(to_base64("foob") == "Zm9vYg==");
  CHECK(to_base64("\xff\xfe\xfd") == "//79");
  CHECK(to_base64url("\xff\xfe\xfd") == "__79");
  CHECK(to_base64url("f") == "Zg");
}

TEST_CASE("every bytes have one base64url text, and no other text is read", "[base64]") {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes;
    for (std::size_t size = random() % 40; bytes.size() < size;) bytes.push_back(static_cast<char>(random()));
    const std::string text = to_base64url(bytes);
    REQUIRE(from_base64url(text) == bytes);
  }
  for (const char* bad : {"Z", "Zh", "Zm9v9", "Zg==", "Zm+v", "Zm 9v"}) {
    INFO(bad);
    CHECK_FALSE(from_base64url(bad));
  }
}

}  // namespace
}  // namespace weir

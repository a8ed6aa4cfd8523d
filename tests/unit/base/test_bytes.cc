#include <algorithm>
#include <string>

#include "runtime/base/bytes.h"
#include "tests/support/catch.h"

using namespace weir;

TEST_CASE("short copies write exactly their bytes, whatever their length", "[bytes]") {
  std::string from(200, '\0');
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<char>(i * 7 + 1);
  for (std::size_t count = 0; count <= 130; ++count) {
    CAPTURE(count);
    std::string to(200, '#');
    copy_short(to.data() + 5, from.data() + 3, count);
    REQUIRE(to.substr(0, 5) == "#####");
    REQUIRE(to.substr(5, count) == from.substr(3, count));
    REQUIRE(to.find_first_not_of('#', 5 + count) == std::string::npos);
  }
}

TEST_CASE("short comparisons see a difference in any byte and none behind the end", "[bytes]") {
  const std::string text(200, 'x');
  for (std::size_t count = 0; count <= 130; ++count) {
    CAPTURE(count);
    std::string other = text;
    std::fill(other.begin() + static_cast<std::ptrdiff_t>(count), other.end(), 'y');
    REQUIRE(equal_short(text.data(), other.data(), count));
    for (std::size_t at = 0; at < count; ++at) {
      other[at] = 'z';
      REQUIRE_FALSE(equal_short(text.data(), other.data(), count));
      other[at] = 'x';
    }
  }
}

#include <algorithm>
#include <string>
#include <vector>

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

TEST_CASE("copies for a device write exactly their bytes, whatever their length and place", "[bytes]") {
  std::string from(5000, '\0');
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<char>(i * 7 + i / 256 + 1);
  std::vector<std::size_t> counts;
  for (std::size_t count = 0; count <= 200; ++count) counts.push_back(count);
  counts.insert(counts.end(), {255, 256, 1000, 4095, 4096, 4097});
  for (const std::size_t count : counts) {
    for (std::size_t place = 0; place < 66; ++place) {
      CAPTURE(count, place);
      std::string to(5000, '#');
      copy_out(to.data() + place, from.data() + 3, count);
      REQUIRE(to.find_first_not_of('#') == (count == 0 ? std::string::npos : place));
      REQUIRE(to.substr(place, count) == from.substr(3, count));
      REQUIRE(to.find_first_not_of('#', place + count) == std::string::npos);
    }
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

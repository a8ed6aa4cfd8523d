// Places in a text, as messages name them.
#include "runtime/base/text_place.h"
#include "tests/support/catch.h"

using namespace weir;

TEST_CASE("lines and columns count from one, columns in code points", "[text_place]") {
  const auto at = [](std::string_view text, std::size_t byte) { return place_text("f", text, byte); };
  CHECK(at("", 0) == "f:1:1");
  CHECK(at("abc", 2) == "f:1:3");
  CHECK(at("abc", 3) == "f:1:4");
  CHECK(at("a\nbc", 1) == "f:1:2");  // the line's end stands on it
  CHECK(at("a\nbc", 2) == "f:2:1");
  CHECK(at("a\r\n\r\nb", 5) == "f:3:1");
  CHECK(at("a\näöx", 6) == "f:2:3");
  CHECK(at("\xEF\xBB\xBF"
           "ab",
           4) == "f:1:2");
  CHECK(at("\xEF\xBB\xBF"
           "ab",
           1) == "f:1:1");
  CHECK(at("ab\n", 100) == "f:2:1");  // behind the end is the end
  CHECK(at("\x80\x80x", 2) == "f:1:1");
}

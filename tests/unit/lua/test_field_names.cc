#include "runtime/adapters/lua/field_names.h"
#include "tests/support/catch.h"

using namespace weir::lua;

TEST_CASE("names behind dots and in brackets are guessed, words of the language and texts are not", "[lua]") {
  CHECK(guess_field_names("function transform(e) e.total = e.price * e[\"quan tity\"] return e end") ==
        std::vector<std::string>{"total", "price", "quan tity"});
  CHECK(guess_field_names("-- e.no\n--[[ e.no\n e.no ]] local s = 'e.no' .. [==[e.no]]]==] .. e.yes") ==
        std::vector<std::string>{"yes"});
  CHECK(guess_field_names("string.upper(e.s) math.abs(1) table.insert(e.l, e.meta.id) e.s:trim() a..b") ==
        std::vector<std::string>{"s", "l"});
  CHECK(guess_field_names("e['a\\tb'] x = {['d'] = 1} 'open") == std::vector<std::string>{"d"});
  CHECK(guess_field_names("").empty());
  std::string many;
  for (int i = 0; i < 300; ++i) many += "e.f" + std::to_string(i) + " ";
  CHECK(guess_field_names(many).size() == kGuessedNamesMax);
}

// What a script reads of an event, and what leaves of what it writes.
#include "tests/support/catch.h"
#include "tests/unit/lua/script_fixture.h"

using namespace weir;
using namespace weir::test;

TEST_CASE("what a script does not change leaves byte for byte", "[lua]") {
  const std::string frame =
      R"({"n":1.50e1,"s":"K\u00f6ln","o":{"x":1E2,"e":[],"f":{}},"big":123456789012345678901234567890123456789012})";
  CHECK(body_of("return e", frame) == frame);
  CHECK(body_of("local a, b, c = e.n, e.s, e.o.f return e", frame) == frame);
  // Written as it was read is not changed either: spelling is more than value.
  CHECK(body_of("e.o = e.o return e", frame) == frame);
  CHECK(body_of("for i = 1, #e.l do local x = e.l[i] end return e", R"({"l":[1, 2.0,{"a":null}]})") ==
        R"({"l":[1,2.0,{"a":null}]})");
}

TEST_CASE("fields keep their places, new ones stand at the end", "[lua]") {
  // In the order in which the script's text names them first; names that are made up come last.
  CHECK(body_of("e.b = 5 e.z = 'new' e.y = true return e", R"({"a":1,"b":2,"c":3})") ==
        R"({"a":1,"b":5,"c":3,"z":"new","y":true})");
  CHECK(body_of("e.b = nil return e", R"({"a":1,"b":2,"c":3})") == R"({"a":1,"c":3})");
  CHECK(body_of("e.b = null return e", R"({"a":1,"b":2})") == R"({"a":1,"b":null})");
  // Names that no one can find in the script's text take another way to the same result.
  CHECK(body_of("local b, z = 'b' .. '', 'z' .. '' e[b] = 5 e[z] = 'new' e['c' .. ''] = nil return e",
                R"({"a":1,"b":2,"c":3})") == R"({"a":1,"b":5,"z":"new"})");
  CHECK(body_of("local n = 'x' .. 'y' e[n] = {1} e[n][2] = e.a e[n] = e[n] return e", R"({"a":1})") ==
        R"({"a":1,"xy":[1,1]})");
  CHECK(body_of("e[1] = 2 return e", "{}") ==
        R"(script ["t.lua:1: a field of the event is named by a text, not by a number value"])");
}

TEST_CASE("nested values are tables, and only what changes in them is written anew", "[lua]") {
  const std::string frame = R"({"customer":{"name":"M\u00fcller","address":{"city":"Bonn","zip":"053"},"score":7.0}})";
  CHECK(body_of("e.city = e.customer.address.city return e", frame) ==
        R"({"customer":{"name":"M\u00fcller","address":{"city":"Bonn","zip":"053"},"score":7.0},"city":"Bonn"})");
  CHECK(
      body_of("e.customer.address.city = 'K\xc3\xb6ln' e.customer.vip = true e.customer.score = nil return e", frame) ==
      "{\"customer\":{\"name\":\"M\\u00fcller\",\"address\":{\"city\":\"K\xc3\xb6ln\",\"zip\":\"053\"},\"vip\":true}}");
  CHECK(body_of("local a = e.customer.address a.city = 'Trier' return e", R"({"customer":{"address":{}}})") ==
        R"({"customer":{"address":{"city":"Trier"}}})");
  CHECK(body_of("return e.nothing.here", "{}") ==
        R"x(script ["t.lua:1: attempt to index a nil value (field 'nothing')"])x");
  CHECK(body_of("e.l[1] = 5 table.insert(e.l, 'x') return e", R"({"l":[1,{"a":1e1}]})") ==
        R"({"l":[5,{"a":1e1},"x"]})");
  CHECK(body_of("table.remove(e.l) return e", R"({"l":[1]})") == R"({"l":[]})");
}

TEST_CASE("empty lists and empty objects are kept apart", "[lua]") {
  CHECK(body_of("e.a.x = nil e.b[1] = nil return e", R"({"a":{"x":1},"b":[1]})") == R"({"a":{},"b":[]})");
  CHECK(body_of("e.c = {} e.d = array() e.f = array({}) return e", "{}") == R"({"c":{},"d":[],"f":[]})");
}

TEST_CASE("null is a value, and not nil", "[lua]") {
  CHECK(body_of("if e.a == null and e.b == nil then e.c = type(e.a) end return e", R"({"a":null})") ==
        R"({"a":null,"c":"null"})");
  CHECK(body_of("e.c = {1, null, {null}} return e", "{}") == R"({"c":[1,null,[null]]})");
}

TEST_CASE("numbers are whole numbers or exact decimals", "[lua]") {
  CHECK(body_of("e.x = e.a * e.b return e", R"({"a":3,"b":2.50})") == R"({"a":3,"b":2.50,"x":7.50})");
  CHECK(body_of("e.x = e.b - 1 + e.b return e", R"({"b":0.1})") == R"({"b":0.1,"x":-0.8})");
  CHECK(body_of("e.x = -e.b e.y = e.b < 1 e.z = 1 <= e.b e.w = e.b == decimal('0.10') return e", R"({"b":0.1})") ==
        R"({"b":0.1,"x":-0.1,"y":true,"z":false,"w":true})");
  CHECK(body_of("e.x = e.b:div(3, 4) e.y = e.b:round(0) e.z = tostring(e.b) e.s = e.b:scale() return e",
                R"({"b":2.5})") == R"({"b":2.5,"x":0.8333,"y":2,"z":"2.5","s":1})");
  CHECK(body_of("e.x = math.type(e.a) e.y = type(e.b) e.z = e.c return e", R"({"a":1,"b":1.0,"c":1e3})") ==
        R"({"a":1,"b":1.0,"c":1e3,"x":"integer","y":"decimal","z":1000})");
  CHECK(body_of("e.x = e.a + 1 return e", R"({"a":9223372036854775808})") ==
        R"({"a":9223372036854775808,"x":9223372036854775809})");
  CHECK(body_of("e.x = 'sum ' .. e.a .. ' ' .. e.a:abs():integer() return e", R"({"a":-2.00})") ==
        R"({"a":-2.00,"x":"sum -2.00 2"})");
  CHECK(body_of("e.x = decimal('1.005') * 2 e.y = decimal(7, 2) e.z = decimal(1/3, 3) return e", "{}") ==
        R"({"x":2.010,"y":7.00,"z":0.333})");
}

TEST_CASE("what is not exact does not leave, and is told how to be", "[lua]") {
  CHECK(
      body_of("e.x = 0.1 return e", "{}") ==
      R"x(script ["t.lua:1: 0.1 is a binary fraction and not exact; compute with decimals (decimal(\"0.1\"), a:div(b, 2)) or round with decimal(x, 2)"])x");
  CHECK(body_of("e.x = 4 / 2 return e", "{}") == R"({"x":2})");
  CHECK(body_of("e.x = e.a * 0.1 return e", R"({"a":1.5})") ==
        R"(script ["t.lua:1: 0.1 is a binary fraction and not exact; write decimal(\"0.1\") for a constant"])");
  CHECK(
      body_of("e.x = e.a / 3 return e", R"({"a":1.5})") ==
      R"(script ["t.lua:1: a quotient of decimals needs a scale; write a:div(b, 2) for two digits behind the point"])");
  CHECK(body_of("e.x = e.a + 1 return e", R"({"a":"1"})") ==
        R"x(script ["t.lua:1: attempt to perform arithmetic on a string value (field 'a')"])x");
  CHECK(body_of("e.x = e.a + e.b return e", R"({"a":"1","b":1.5})") ==
        R"(script ["t.lua:1: a text in arithmetic; write decimal(text) where it holds a number"])");
  CHECK(body_of("e.x = e.a return e", R"({"a":1e99})") ==
        R"(script ["t.lua:1: the number 1e99 has more than 38 digits or 18 behind the point"])");
  CHECK(body_of("e.x = e.a * e.a return e", R"({"a":12345678901234567890})") ==
        R"(script ["t.lua:1: the number has more than 38 digits or 18 behind the point"])");
  CHECK(body_of("e.x = e.a:div(0, 2) return e", R"({"a":1.5})") == R"(script ["t.lua:1: division by zero"])");
  CHECK(body_of("e.x = decimal('abc') return e", "{}") == R"(script ["t.lua:1: the text is no number"])");
  CHECK(body_of("e.x = {a = {1, 0.5}} return e", "{}").find("binary fraction") != std::string::npos);
}

TEST_CASE("what no field can hold is refused", "[lua]") {
  CHECK(body_of("e.x = print return e", "{}") ==
        R"(script ["t.lua:1: there is no 'print' here; write local for a name of your own"])");
  CHECK(body_of("e.x = tostring return e", "{}") == R"(script ["t.lua:1: a field cannot hold a function value"])");
  CHECK(body_of("e.x = e return e", "{}") == R"(script ["t.lua:1: a field cannot hold a userdata value"])");
  CHECK(body_of("e.x = '\\xff' return e", "{}") ==
        R"(script ["t.lua:1: a text that is not valid UTF-8 cannot leave"])");
  CHECK(body_of("e.x = {1, 2, nil, 4} return e", "{}").find("a list has a gap") != std::string::npos);
  CHECK(body_of("e.x = {1, a = 2} return e", "{}") ==
        R"(script ["t.lua:1: a table with numbered and named fields is neither a list nor an object"])");
  CHECK(body_of("e.x = {[true] = 2} return e", "{}") ==
        R"(script ["t.lua:1: a field's name must be a text, not a boolean value"])");
  CHECK(body_of("e.l[3] = 1 return e", R"({"l":[]})") ==
        R"(script ["field 'l': a list has a gap at 3; write null for what is not there"])");
}

TEST_CASE("meta is the envelope, and read-only", "[lua]") {
  CHECK(body_of("local m = e.meta e.x = m.id .. ' ' .. m.time .. ' ' .. m.type .. ' ' .. m.source .. ' ' .. "
                "m.partition return e",
                "{}") == R"({"x":"id-0 1970-01-01T00:00:01Z  file:test 3"})");
  CHECK(body_of("e.meta = 1 return e", "{}") == R"(script ["t.lua:1: e.meta is read-only"])");
  CHECK(body_of("e.meta.id = 1 return e", "{}") == R"(script ["t.lua:1: e.meta is read-only"])");
  CHECK(body_of("return e.meta.offset", "{}") ==
        R"(script ["t.lua:1: e.meta has id, time, type, source and partition, no offset"])");
}

TEST_CASE("pairs and copy see the event as it is now, in its order", "[lua]") {
  const std::string walk =
      "local s = '' for k, v in pairs(e) do s = s .. k .. '=' .. tostring(v) .. ' ' end e.s = s return e";
  CHECK(body_of(walk, R"({"b":1.0,"a":null,"c":[1]})") == R"({"b":1.0,"a":null,"c":[1],"s":"b=1.0 a=null c=table "})");
  CHECK(body_of("e.a = nil e.d = 2 e['x' .. ''] = 3 " + walk, R"({"b":1,"a":2})") ==
        R"({"b":1,"d":2,"s":"b=1 d=2 x=3 ","x":3})");
  CHECK(body_of("e.c.x = 2 local t = copy(e) t.c.x = 3 e.d = t.c.x + e.c.x return e", R"({"c":{"x":1}})") ==
        R"({"c":{"x":2},"d":5})");
  CHECK(body_of("local t = {z = 1, a = 2, [2] = 'two', [1] = 'one'} local s = '' for k in pairs(t) do s = s .. k end "
                "e.s = s return e",
                "{}") == R"({"s":"12az"})");
}

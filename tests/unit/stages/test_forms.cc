// The forms of one operand, and coalesce.
#include <functional>
#include <random>

#include "runtime/base/hash.h"
#include "runtime/event/event_id.h"
#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;
using Kind = Expression::Kind;

namespace {
/// What `x` becomes, or the dead letter.
std::string x_of(Expression expression, const std::string& frame, const std::string& csv_header = {}) {
  Chain chain;
  TransformConfig transform;
  transform.set = {{"x", std::move(expression)}};
  chain.config.stages = {stage("transform", transform)};
  chain.config.record.time = TimeRule{TimeFormat::rfc3339, path("t"), "", "UTC"};
  if (frame.find("\"t\"") == std::string::npos && csv_header.find('t') == std::string::npos)
    chain.config.record.time = {};
  chain.csv_header = csv_header;
  chain.view_paths = {path("x")};
  const Fate fate = chain.one(frame);
  return fate.verdict == Verdict::pass ? chain.tokens()[0][0] : fate.reason + " " + fate.details;
}
Expression substring(std::int32_t start, std::optional<std::uint32_t> length, Expression of = copy("a")) {
  Expression e = form(Kind::substring, {std::move(of)});
  e.start = start;
  e.length = length;
  return e;
}
Expression mask(std::uint32_t first, std::uint32_t last, std::string with = "*") {
  Expression e = form(Kind::mask, {copy("a")});
  e.keep_first = first;
  e.keep_last = last;
  e.with = std::move(with);
  return e;
}
Expression replace(std::string find, std::string with) {
  Expression e = form(Kind::replace, {copy("a")});
  e.find = std::move(find);
  e.with = std::move(with);
  return e;
}
Expression part(DatePart part, TimeText from = {}, std::string zone = "UTC", const std::string& of = "a") {
  Expression e = form(Kind::date_part, {copy(of)});
  e.part = part;
  e.from = std::move(from);
  e.to.zone = std::move(zone);
  return e;
}
Expression date(TimeText from, TimeText to, const std::string& of = "a") {
  Expression e = form(Kind::date_format, {copy(of)});
  e.from = std::move(from);
  e.to = std::move(to);
  return e;
}
TimeText pattern(std::string text, std::string zone = "UTC") {
  return {TimeFormat::strptime, std::move(text), std::move(zone)};
}
Expression magnitude() {
  Expression e = form(Kind::bucket, {copy("mag")});
  e.below = {{"3", string("micro")}, {"5", string("light")}};
  e.otherwise = string("strong");
  e.missing = string("unknown");
  return e;
}
}  // namespace

TEST_CASE("a substring counts characters, from either end", "[transform][forms]") {
  const std::string frame = R"({"a":"aé漢😀z"})";
  CHECK(x_of(substring(0, 2), frame) == R"("aé")");
  CHECK(x_of(substring(2, 2), frame) == R"("漢😀")");
  CHECK(x_of(substring(3, {}), frame) == R"("😀z")");
  CHECK(x_of(substring(-2, {}), frame) == R"("😀z")");
  CHECK(x_of(substring(-3, 1), frame) == R"("漢")");
  CHECK(x_of(substring(-99, 1), frame) == R"("a")");
  CHECK(x_of(substring(5, {}), frame) == R"("")");
  CHECK(x_of(substring(99, 99), frame) == R"("")");
  CHECK(x_of(substring(0, 0), frame) == R"("")");
  CHECK(x_of(substring(1, 99), frame) == R"("é漢😀z")");
  CHECK(x_of(substring(0, 2), R"({"a":"\"\u00e9x"})") == R"("\"é")");
  CHECK(x_of(substring(0, 4), R"({"a":2010.50})") == R"("2010")");
  CHECK(x_of(substring(0, 1), "{}") == R"(field_missing ["x: a is missing"])");
  CHECK(x_of(substring(0, 1), R"({"a":[]})") == R"(field_type ["x: a is of type array, which has no text"])");
}

TEST_CASE("white space at the ends is trimmed, inside it stays", "[transform][forms]") {
  CHECK(x_of(form(Kind::trim, {copy("a")}), R"({"a":" \t\r\n x  y\f "})") == R"("x  y")");
  CHECK(x_of(form(Kind::trim, {copy("a")}), R"({"a":"   "})") == R"("")");
  CHECK(x_of(form(Kind::trim, {copy("a")}), R"({"a":"\u00a0x"})") == "\"\u00a0x\"");
  CHECK(x_of(form(Kind::to_number, {form(Kind::trim, {copy("a")})}), " 7 ", "a") == "7");
}

TEST_CASE("every occurrence is replaced, from the left", "[transform][forms]") {
  CHECK(x_of(replace("-", ""), R"({"a":"12-34-56-"})") == R"("123456")");
  CHECK(x_of(replace("aa", "b"), R"({"a":"aaaaa"})") == R"("bba")");
  CHECK(x_of(replace("a", "aa"), R"({"a":"banana"})") == R"("baanaanaa")");
  CHECK(x_of(replace("x", "y"), R"({"a":"say \"hi\""})") == R"("say \"hi\"")");
  CHECK(x_of(replace("hi", "\n"), R"({"a":"say \"hi\""})") == R"("say \"\n\"")");
}

TEST_CASE("a mask hides all but the ends, and all of what is too short", "[transform][forms]") {
  CHECK(x_of(mask(0, 4), R"({"a":"4929123456781234"})") == R"("************1234")");
  CHECK(x_of(mask(2, 2), R"({"a":"aé漢😀z"})") == R"("aé*😀z")");
  CHECK(x_of(mask(2, 3), R"({"a":"aé漢😀z"})") == R"("*****")");
  CHECK(x_of(mask(0, 0), R"({"a":"aé漢😀z"})") == R"("*****")");
  CHECK(x_of(mask(1, 0, "•"), R"({"a":"abc"})") == R"("a••")");
  CHECK(x_of(mask(1, 0), R"({"a":""})") == R"("")");
  CHECK(x_of(mask(0, 2), R"({"a":12345})") == R"("***45")");
}

TEST_CASE("a hash is that of the text's bytes", "[transform][forms]") {
  Expression sha = form(Kind::hash, {copy("a")});
  CHECK(x_of(sha, R"({"a":"abc"})") == R"("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")");
  CHECK(x_of(sha, R"({"a":""})") == R"("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")");
  CHECK(x_of(sha, R"({"a":"\u0061bc"})") == x_of(sha, R"({"a":"abc"})"));
  CHECK(x_of(sha, R"({"a":"1.50"})") == x_of(sha, R"({"a":1.50})"));
  Expression xxh = sha;
  xxh.hash = HashKind::xxh3_128;
  for (const std::string text : {"", "abc", "a longer text of more than sixteen bytes"})
    CHECK(x_of(xxh, R"({"a":")" + text + R"("})") == "\"" + to_hex(xxh3_128(text)) + "\"");
}

TEST_CASE("texts become numbers and numbers texts", "[transform][forms]") {
  const Expression to_number = form(Kind::to_number, {copy("a")});
  CHECK(x_of(to_number, R"({"a":"007"})") == "7");
  CHECK(x_of(to_number, R"({"a":".50"})") == "0.50");
  CHECK(x_of(to_number, R"({"a":"1.50e1"})") == "15.0");
  CHECK(x_of(to_number, R"({"a":1e99})") == "1e99");
  CHECK(x_of(to_number, "17850.10", "a") == "17850.10");
  CHECK(x_of(to_number, R"({"a":" 1"})") == R"(field_type ["x: a \" 1\" is no number"])");
  CHECK(x_of(to_number, R"({"a":"1e99"})") ==
        R"(number_range ["x: a \"1e99\" has more than 38 digits or 18 behind the point"])");
  CHECK(x_of(to_number, R"({"a":true})") == R"(field_type ["x: a true is no number"])");
  CHECK(x_of(to_number, R"({"a":null})") == R"(field_missing ["x: a is null"])");
  CHECK(x_of(form(Kind::add, {to_number, constant(number("1"))}), R"({"a":"2.50"})") == "3.50");
  const Expression to_string = form(Kind::to_string, {copy("a")});
  CHECK(x_of(to_string, R"({"a":1.50})") == R"("1.50")");
  CHECK(x_of(to_string, R"({"a":false})") == R"("false")");
  CHECK(x_of(to_string, R"({"a":"x"})") == R"("x")");
}

TEST_CASE("a bucket is the first bound above the number", "[transform][forms]") {
  const auto bucket = [](const std::string& value) { return x_of(magnitude(), R"({"mag":)" + value + "}"); };
  CHECK(bucket("-1") == R"("micro")");
  CHECK(bucket("2.999999999999999999") == R"("micro")");
  CHECK(bucket("3") == R"("light")");
  CHECK(bucket("3.000") == R"("light")");
  CHECK(bucket("4.9") == R"("light")");
  CHECK(bucket("5.0") == R"("strong")");
  CHECK(bucket("1e30") == R"("strong")");
  CHECK(bucket("null") == R"("unknown")");
  CHECK(x_of(magnitude(), "{}") == R"("unknown")");
  CHECK(bucket("\"5\"") == R"(field_type ["x: mag \"5\" is no number"])");
  CHECK(x_of(magnitude(), "5,", "mag,b") == R"("strong")");
  CHECK(x_of(magnitude(), ",5", "mag,b") == R"("unknown")");
  CHECK(bucket("1e99") == R"(number_range ["x: mag 1e99 has more than 38 digits or 18 behind the point"])");
  Expression numbers = magnitude();
  numbers.missing.reset();
  numbers.otherwise = number("2");
  numbers.below = {{"0", number("-1")}, {"0.5", Constant{}}};
  CHECK(x_of(numbers, R"({"mag":-0.1})") == "-1");
  CHECK(x_of(numbers, R"({"mag":0})") == "null");
  CHECK(x_of(form(Kind::add, {numbers, constant(number("1"))}), R"({"mag":7})") == "3");
  CHECK(x_of(form(Kind::add, {numbers, constant(number("1"))}), R"({"mag":0})") ==
        R"(field_missing ["x: the bucket is null"])");
  CHECK(x_of(numbers, "{}") == R"(field_missing ["x: mag is missing"])");
}

TEST_CASE("parts of a time, at a zone", "[transform][forms]") {
  const std::string frame = R"({"a":"2010-12-31T22:26:05.000042Z"})";
  const std::vector<std::pair<DatePart, const char*>> utc = {
      {DatePart::year, "2010"},       {DatePart::quarter, "4"},      {DatePart::month, "12"},
      {DatePart::week, "52"},         {DatePart::week_year, "2010"}, {DatePart::day, "31"},
      {DatePart::day_of_year, "365"}, {DatePart::weekday, "5"},      {DatePart::hour, "22"},
      {DatePart::minute, "26"},       {DatePart::second, "5"},       {DatePart::microsecond, "42"}};
  for (const auto& [which, expected] : utc) CHECK(x_of(part(which), frame) == expected);
  const std::vector<std::pair<DatePart, const char*>> east = {
      {DatePart::year, "2011"}, {DatePart::quarter, "1"},      {DatePart::day_of_year, "1"}, {DatePart::hour, "0"},
      {DatePart::week, "52"},   {DatePart::week_year, "2010"}, {DatePart::weekday, "6"},     {DatePart::minute, "26"}};
  for (const auto& [which, expected] : east) CHECK(x_of(part(which, {}, "+02:00"), frame) == expected);
  CHECK(x_of(part(DatePart::hour, pattern("%Y-%m-%d %H:%M", "+02:00")), R"({"a":"2010-12-01 01:30"})") == "23");
  CHECK(x_of(part(DatePart::year, {TimeFormat::unix_ms, "", "UTC"}), R"({"a":1291191965000})") == "2010");
  CHECK(x_of(part(DatePart::year, {}, "UTC", "@time"), R"({"t":"1999-12-31T23:59:59Z"})") == "1999");
  CHECK(x_of(part(DatePart::year, {}, "+00:01", "@time"), R"({"t":"1999-12-31T23:59:59Z"})") == "2000");
  CHECK(x_of(part(DatePart::year), R"({"a":"2201-01-01T00:00:00Z"})") ==
        R"(time ["x: a \"2201-01-01T00:00:00Z\" is no time of the years 1900 to 2200 as RFC 3339"])");
  CHECK(x_of(part(DatePart::year), R"({"a":5})") ==
        R"(time ["x: a 5 is no time of the years 1900 to 2200 as RFC 3339"])");
  CHECK(x_of(part(DatePart::year), "{}") == R"(field_missing ["x: a is missing"])");
}

TEST_CASE("a time is written in another form", "[transform][forms]") {
  const std::string frame = R"({"a":"2010-12-01T08:26:00.5Z"})";
  CHECK(x_of(date({}, pattern("%d.%m.%Y")), frame) == R"("01.12.2010")");
  CHECK(x_of(date({}, pattern("%F %T %:z", "-03:30")), frame) == R"("2010-12-01 04:56:00 -03:30")");
  CHECK(x_of(date({}, pattern("\"%A\"")), frame) == R"("\"Wednesday\"")");
  CHECK(x_of(date({}, {}), frame) == R"("2010-12-01T08:26:00.500Z")");
  CHECK(x_of(date({}, {TimeFormat::rfc3339, "", "+05:30"}), frame) == R"("2010-12-01T13:56:00.500+05:30")");
  CHECK(x_of(date({}, {TimeFormat::rfc3339, "", "-11:00"}), R"({"a":"2010-12-01T08:26:00Z"})") ==
        R"("2010-11-30T21:26:00-11:00")");
  CHECK(x_of(date({}, {TimeFormat::unix_seconds, "", "UTC"}), frame) == "1291191960.5");
  CHECK(x_of(date({}, {TimeFormat::unix_ms, "", "UTC"}), frame) == "1291191960500");
  CHECK(x_of(date({}, {TimeFormat::unix_us, "", "UTC"}), frame) == "1291191960500000");
  CHECK(x_of(date({}, {TimeFormat::unix_seconds, "", "UTC"}), R"({"a":"1900-01-01T00:00:00Z"})") == "-2208988800");
  CHECK(x_of(date({TimeFormat::unix_us, "", "UTC"}, {TimeFormat::unix_ms, "", "UTC"}), R"({"a":-1})") == "-0.001");
  CHECK(x_of(date({TimeFormat::unix_us, "", "UTC"}, {}), R"({"a":-1})") == R"("1969-12-31T23:59:59.999999Z")");
  CHECK(x_of(date({}, pattern("%Y"), "@time"), R"({"t":"1999-12-31T23:59:59Z"})") == R"("1999")");
}

TEST_CASE("coalesce takes the first operand that has a value", "[transform][forms]") {
  const Expression first = form(Kind::coalesce, {copy("a"), copy("b.c"), constant(string("none"))});
  CHECK(x_of(first, R"({"a":0,"b":{"c":1}})") == "0");
  CHECK(x_of(first, R"({"a":null,"b":{"c":1}})") == "1");
  CHECK(x_of(first, R"({"a":"","b":1})") == R"("")");
  CHECK(x_of(first, "{}") == R"("none")");
  CHECK(x_of(form(Kind::coalesce, {copy("a"), copy("b")}), R"({"a":null,"x":1})").empty());
  CHECK(x_of(form(Kind::coalesce, {copy("b"), copy("a")}), R"({"a":null})") == "null");
  CHECK(x_of(form(Kind::coalesce, {form(Kind::add, {copy("a"), copy("b")}), copy("a")}), R"({"a":1})") == "1");
  CHECK(x_of(form(Kind::coalesce, {form(Kind::add, {copy("a"), copy("b")}), copy("a")}), R"({"a":1,"b":"x"})") ==
        R"(field_type ["x: b \"x\" is no number"])");
  CHECK(x_of(form(Kind::multiply, {form(Kind::coalesce, {copy("a"), constant(number("2"))}), copy("b")}),
             R"({"b":4})") == "8");
  CHECK(x_of(form(Kind::add, {form(Kind::coalesce, {copy("a"), copy("c")}), copy("b")}), R"({"b":4})") ==
        R"(field_missing ["x: the value found is missing"])");
}

TEST_CASE("a computed text has a limit", "[transform][forms]") {
  Chain chain;
  TransformConfig transform;
  const Expression twice = form(Kind::concat, {copy("a"), copy("a"), form(Kind::lower, {constant(string("X"))})});
  transform.set = {{"a", twice}};
  chain.config.limits.event_bytes_max = 16 << 20;
  for (int i = 0; i < 24; ++i) {
    chain.config.stages.push_back(stage("transform", transform));
    chain.config.stages.back().name = "s" + std::to_string(i);
  }
  const Fate fate = chain.one(R"({"a":"x"})");
  CHECK(fate.reason + fate.details == R"(output_too_large["a: the text computed is longer than 16777216 bytes"])");
  CHECK(fate.stage == "s23");  // 2^24 - 1 + 2^23 bytes after s22
}

TEST_CASE("texts of any kind are cut, masked and hashed as a slow reference does it", "[transform][forms]") {
  const std::uint32_t seed = 4'711;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  // A text as its characters.
  const std::vector<std::string> alphabet = {"a", "Z", "0", " ", "é", "漢", "😀", "\"", "\\", "\n", "\x7f"};
  const auto json = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    return out + "\"";
  };
  const auto joined = [](const std::vector<std::string>& parts, std::size_t from, std::size_t to) {
    std::string out;
    for (std::size_t i = from; i < to && i < parts.size(); ++i) out += parts[i];
    return out;
  };
  for (int round = 0; round < 60; ++round) {
    const auto start = static_cast<std::int32_t>(random() % 24) - 12;
    const std::optional<std::uint32_t> length =
        random() % 3 == 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(random() % 12));
    const auto first = static_cast<std::uint32_t>(random() % 5);
    const auto last = static_cast<std::uint32_t>(random() % 5);
    Chain chain;
    TransformConfig transform;
    transform.set = {{"s", substring(start, length)},
                     {"m", mask(first, last, "#")},
                     {"h", substring(0, 32, form(Kind::hash, {copy("a")}))},
                     {"t", form(Kind::trim, {copy("a")})},
                     {"r", replace("a", "<é>")}};
    chain.config.stages = {stage("transform", transform)};
    for (int i = 0; i < 100; ++i) {
      std::vector<std::string> characters;
      for (auto n = random() % 40; n-- > 0;) characters.push_back(alphabet[random() % alphabet.size()]);
      const std::size_t count = characters.size();
      const std::string all = joined(characters, 0, count);
      const std::size_t begin = start >= 0 ? std::min<std::size_t>(static_cast<std::size_t>(start), count)
                                           : count - std::min<std::size_t>(static_cast<std::size_t>(-start), count);
      const std::string cut = joined(characters, begin, length ? begin + *length : count);
      std::string masked;
      for (std::size_t k = 0; k < count; ++k)
        masked += count > first + last && (k < first || k >= count - last) ? characters[k] : "#";
      std::size_t left = 0;
      std::size_t right = count;
      while (left < right && (characters[left] == " " || characters[left] == "\n")) ++left;
      while (right > left && (characters[right - 1] == " " || characters[right - 1] == "\n")) --right;
      std::string replaced;
      for (const std::string& c : characters) replaced += c == "a" ? "<é>" : c;
      const std::string frame = R"({"a":)" + json(all);
      REQUIRE(chain.one(frame + "}").record ==
              frame + R"(,"s":)" + json(cut) + R"(,"m":)" + json(masked) + R"(,"h":")" + digest_id(all) + R"(","t":)" +
                  json(joined(characters, left, right)) + R"(,"r":)" + json(replaced) + "}");
    }
  }
}

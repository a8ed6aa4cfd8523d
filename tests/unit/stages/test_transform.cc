#include <functional>
#include <random>

#include "actors/transform/ip_prefix.h"
#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;
using Kind = Expression::Kind;

namespace {
Chain setting(std::vector<std::pair<std::string, Expression>> set, std::vector<std::string> drop = {}) {
  Chain chain;
  TransformConfig transform;
  transform.set = std::move(set);
  transform.drop = std::move(drop);
  chain.config.stages = {stage("transform", transform)};
  return chain;
}
/// What `x` becomes, or the dead letter.
std::string x_of(Expression expression, const std::string& frame) {
  Chain chain = setting({{"x", std::move(expression)}});
  chain.files["rates.csv"] = "from,to,rate\nUSD,EUR,0.92\nGBP,EUR,abc\nJPY,EUR,\n";
  chain.view_paths = {path("x")};
  const Fate fate = chain.one(frame);
  return fate.verdict == Verdict::pass ? chain.tokens()[0][0] : fate.reason + " " + fate.details;
}
}  // namespace

TEST_CASE("numbers are computed exactly, with the scales of decimals", "[transform]") {
  const auto two = [](Kind kind, int scale = 0) { return form(kind, {copy("a"), copy("b")}, scale); };
  CHECK(x_of(two(Kind::add), R"({"a":0.1,"b":0.20})") == "0.30");
  CHECK(x_of(two(Kind::subtract), R"({"a":1,"b":0.001})") == "0.999");
  CHECK(x_of(two(Kind::multiply), R"({"a":-6,"b":2.55})") == "-15.30");
  CHECK(x_of(two(Kind::divide, 4), R"({"a":2,"b":3})") == "0.6667");
  CHECK(x_of(form(Kind::round, {copy("a")}, 1), R"({"a":0.25})") == "0.2");
  CHECK(x_of(form(Kind::round, {form(Kind::multiply, {copy("a"), copy("b"), constant(number("100"))})}, 0),
             R"({"a":129.99,"b":0.92})") == "11959");
  CHECK(x_of(two(Kind::divide, 2), R"({"a":2,"b":0})") == R"(number_range ["x: division by zero"])");
  CHECK(x_of(two(Kind::multiply), R"({"a":12345678901234567890,"b":12345678901234567890})") ==
        R"(number_range ["x: the result has more than 38 digits or 18 behind the point"])");
  CHECK(x_of(two(Kind::add), R"({"a":1e99,"b":1})") ==
        R"(number_range ["x: a 1e99 has more than 38 digits or 18 behind the point"])");
}

TEST_CASE("numbers of any size give what Decimal gives", "[transform]") {
  const std::uint32_t seed = 128;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto any = [&] {
    std::string text = random() % 2 == 0 ? "-" : "";
    const auto digits = 1 + random() % (random() % 8 == 0 ? 30 : 9);
    for (std::uint64_t i = 0; i < digits; ++i)
      text += static_cast<char>('0' + (i == 0 && digits > 1 ? 1 + random() % 9 : random() % 10));
    const auto behind = random() % (random() % 8 == 0 ? 19 : 5);
    for (std::uint64_t i = 0; i < behind; ++i) text += (i == 0 ? "." : "") + std::to_string(random() % 10);
    return text;
  };
  const auto scale = [](int to) { return static_cast<std::uint32_t>(to); };
  std::size_t wrong = 0;
  std::size_t good = 0;
  for (const int digits : {0, 1, 3, 12}) {
    const std::vector<std::pair<Expression, std::function<DecimalResult<Decimal>(const Decimal&, const Decimal&)>>>
        forms = {{form(Kind::add, {copy("a"), copy("b")}), Decimal::add},
                 {form(Kind::subtract, {copy("a"), copy("b")}), Decimal::subtract},
                 {form(Kind::multiply, {copy("a"), copy("b")}), Decimal::multiply},
                 {form(Kind::divide, {copy("a"), copy("b")}, digits),
                  [&](const auto& a, const auto& b) { return Decimal::divide(a, b, scale(digits)); }},
                 {form(Kind::round, {copy("a")}, digits),
                  [&](const auto& a, const auto&) { return a.round(scale(digits)); }},
                 {form(Kind::round, {form(Kind::multiply, {copy("a"), copy("b")})}, digits),
                  [&](const auto& a, const auto& b) {
                    const auto product = Decimal::multiply(a, b);
                    return product ? product->round(scale(digits)) : product;
                  }}};
    for (const auto& [expression, model] : forms) {
      Chain each = setting({{"x", expression}});
      for (int i = 0; i < 2'000; ++i) {
        const std::string a = any();
        const std::string b = any();
        const auto left = Decimal::parse(a);
        const auto right = Decimal::parse(b);
        if (!left || !right) continue;
        const auto expected = model(*left, *right);
        const std::string frame = R"({"a":)" + a + R"(,"b":)" + b;
        const Fate fate = each.one(frame + "}");
        const bool same =
            expected ? fate.record == frame + R"(,"x":)" + expected->to_text() + "}" : fate.reason == "number_range";
        wrong += same ? 0 : 1;
        good += expected ? 1 : 0;
        if (!same) UNSCOPED_INFO(frame << " gives " << fate.record << fate.details);
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(good > 20'000);
}

TEST_CASE("an operand that is missing or no number rejects the event", "[transform]") {
  const auto sum = form(Kind::add, {copy("a"), copy("b.c")});
  CHECK(x_of(sum, R"({"a":1})") == R"(field_missing ["x: b.c is missing"])");
  CHECK(x_of(sum, R"({"a":null,"b":{"c":1}})") == R"(field_missing ["x: a is null"])");
  CHECK(x_of(sum, R"({"a":"1","b":{"c":1}})") == R"(field_type ["x: a \"1\" is no number"])");
  CHECK(x_of(form(Kind::concat, {copy("a"), copy("b")}), R"({"a":"x"})") == R"(field_missing ["x: b is missing"])");
  CHECK(x_of(form(Kind::concat, {copy("a")}), R"({"a":[1]})") ==
        R"(field_type ["x: a is of type array, which has no text"])");
}

TEST_CASE("copies keep what is there, constants and texts are JSON", "[transform]") {
  CHECK(x_of(copy("a"), R"({"a":"\u00e9"})") == R"("\u00e9")");
  CHECK(x_of(copy("a"), R"({"a":null})") == "null");
  CHECK(x_of(copy("a"), R"({"x":1})").empty());
  CHECK(x_of(copy("a.b"), R"({"a":{"b":[1, {"c" : 2}]}})") == R"([1,{"c":2}])");
  CHECK(x_of(constant(string("say \"hi\"")), "{}") == R"("say \"hi\"")");
  CHECK(x_of(constant(number("15.30")), "{}") == "15.30");
  CHECK(x_of(constant(Constant{}), "{}") == "null");
  CHECK(x_of(constant({Constant::Kind::boolean, "true"}), "{}") == "true");
  CHECK(x_of(form(Kind::concat, {copy("a"), constant(string("/")), copy("b"), copy("c")}),
             R"({"a":"l\n","b":1.50,"c":true})") == R"("l\n/1.50true")");
  CHECK(x_of(form(Kind::lower, {copy("a")}), R"({"a":"ÄbC[`"})") == R"("Äbc[`")");
  CHECK(x_of(form(Kind::upper, {copy("a")}), R"({"a":"äbC{@"})") == R"("äBC{@")");
}

TEST_CASE("later fields see earlier ones, dropped ones are gone at the end", "[transform]") {
  Chain chain = setting({{"a", form(Kind::add, {copy("a"), constant(number("1"))})},
                         {"b", form(Kind::multiply, {copy("a"), constant(number("2"))})}},
                        {"a", "c"});
  CHECK(chain.one(R"({"a":1,"c":2,"d":3})").record == R"({"d":3,"b":4})");
  CHECK(chain.one(R"({"b":9,"a":1})").record == R"({"b":4})");
}

TEST_CASE("a copied object comes with the changes inside it, and paths reach into copies", "[transform]") {
  Chain chain;
  ValidateConfig validate;
  validate.fields = {rule("o.n", FieldType::integer)};
  validate.fields[0].coerce = true;
  TransformConfig transform;
  transform.set = {{"p", copy("o")},
                   {"q", form(Kind::add, {copy("p.n"), constant(number("1"))})},
                   {"o", constant(number("0"))},
                   {"r", copy("o.n")}};
  chain.config.stages = {stage("validate", validate), stage("transform", transform)};
  CHECK(chain.one(R"({"o":{"m":[], "n":"5"}})").record == R"({"o":0,"p":{"m":[],"n":5},"q":6})");
}

TEST_CASE("a lookup finds by one or several operands, and its numbers count as numbers", "[transform]") {
  Expression lookup = form(Kind::lookup, {copy("c"), constant(string("EUR"))});
  lookup.table = {"rates.csv", {"from", "to"}, {}};
  lookup.column = "rate";
  CHECK(x_of(lookup, R"({"c":"USD"})") == R"("0.92")");
  CHECK(x_of(form(Kind::multiply, {copy("a"), lookup}), R"({"a":100,"c":"USD"})") == "92.00");
  CHECK(x_of(lookup, R"({"c":"CHF"})") == R"(enrich_miss ["x: \"CHF\", \"EUR\" is not in the table"])");
  CHECK(x_of(lookup, "{}") == R"(field_missing ["x: c is missing"])");
  CHECK(x_of(form(Kind::multiply, {copy("a"), lookup}), R"({"a":1,"c":"GBP"})") ==
        R"(field_type ["x: the value looked up \"abc\" is no number"])");
  CHECK(x_of(form(Kind::multiply, {copy("a"), lookup}), R"({"a":1,"c":"JPY"})") ==
        R"(field_missing ["x: the value looked up is missing"])");
  lookup.column = "none";
  Chain chain = setting({{"x", lookup}});
  chain.files["rates.csv"] = "from,to,rate\n";
  CHECK(chain.compile().error().context ==
        "stage \"transform\", field \"x\": rates.csv has no column \"none\"; the columns are from, to, rate");
}

TEST_CASE("an address becomes its network", "[transform]") {
  const auto prefix = [](std::string_view address, std::uint32_t bits) {
    char to[kIpPrefixMax];
    const PaddedText padded(address);
    return std::string(to, write_ip_prefix(padded.view(), bits, to));
  };
  CHECK(prefix("10.1.2.3", 24) == "10.1.2.0/24");
  CHECK(prefix("255.255.255.255", 0) == "0.0.0.0/0");
  CHECK(prefix("255.255.255.255", 32) == "255.255.255.255/32");
  CHECK(prefix("255.255.255.255", 9) == "255.128.0.0/9");
  CHECK(prefix("1.2.3.4", 31) == "1.2.3.4/31");
  CHECK(prefix("200.20.2.200", 25) == "200.20.2.128/25");
  CHECK(prefix("9.99.255.7", 12) == "9.96.0.0/12");
  CHECK(prefix("10.1.2.3", 64) == "10.1.2.3/32");
  CHECK(prefix("2001:DB8:1234:5678::1", 32) == "2001:db8::/32");
  CHECK(prefix("2001:db8:ffff::1", 33) == "2001:db8:8000::/33");
  CHECK(prefix("::1", 128) == "::1/128");
  for (const std::string_view bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", "1..2.3",
                                     "1.2.3.", ".1.2.3.4", "1.2.3.1234", "1.2.3.4\n", "1-2.3.4", "2001:db8", "g::1",
                                     "1.2.3.4/24", "11111111111111111111111111111111111111111111111111111"}) {
    INFO(bad);
    CHECK(prefix(bad, 24).empty());
  }
  Expression network = form(Kind::ip_prefix, {copy("ip")});
  network.bits = 24;
  CHECK(x_of(network, R"({"ip":"192.168.17.4"})") == R"("192.168.17.0/24")");
  CHECK(x_of(network, R"({"ip":"localhost"})") == R"(field_type ["x: ip \"localhost\" is no IP address"])");
}

TEST_CASE("CSV numbers can be computed with once they are declared or as they are", "[transform]") {
  Chain chain = setting({{"amount", form(Kind::multiply, {copy("Quantity"), copy("UnitPrice")})}}, {"Description"});
  ValidateConfig validate;
  validate.fields = {rule("Quantity", FieldType::integer)};
  chain.config.stages.insert(chain.config.stages.begin(), stage("validate", validate));
  chain.csv_header = "Quantity,Description,UnitPrice";
  CHECK(chain.one(R"(6,"A ""B""",2.55)").record == R"({"Quantity":6,"UnitPrice":"2.55","amount":15.30})");
}

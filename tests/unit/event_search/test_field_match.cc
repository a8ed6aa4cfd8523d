#include "runtime/engine/field_match.h"

#include "tests/support/catch.h"

using namespace weir;

namespace {

/// What one frame answers to one condition.
FieldMatch::Answer look(const std::string& condition, FrameFormat format, const std::string& header,
                        const std::string& frame, char separator = ',') {
  const auto parsed = parse_field_condition(condition);
  REQUIRE(parsed.has_value());
  FieldMatch match({*parsed}, separator);
  const SharedBytes padded = SharedBytes::copy_of(frame);
  IngestHeader batch;
  batch.format = format;
  batch.csv_header = header;
  return match.look(batch, padded.view());
}
bool json(const std::string& condition, const std::string& frame) {
  return look(condition, FrameFormat::json, "", frame).matches;
}
bool csv(const std::string& condition, const std::string& frame, const std::string& header = "a,b,c") {
  return look(condition, FrameFormat::csv, header, frame).matches;
}

}  // namespace

TEST_CASE("a column of CSV is compared as the text it holds", "[field_match]") {
  CHECK(csv("a=1", "1,2,3"));
  CHECK(csv("c=3", "1,2,3"));
  CHECK_FALSE(csv("a=2", "1,2,3"));
  CHECK_FALSE(csv("a=1.0", "1,2,3"));
  CHECK(csv("b=x, \"y\"", R"(1,"x, ""y""",3)"));
  CHECK(csv("b=", "1,,3"));
  CHECK(csv("b c=2", "1,2", R"(a,"b c")"));
  CHECK(csv(R"(b\.c=2)", "1,2", "a,b.c"));
  CHECK_FALSE(csv("b.c=2", "1,2", "a,b.c"));
  CHECK(look("b=2", FrameFormat::csv, "a;b", "1;2", ';').matches);
  CHECK_FALSE(look("d=2", FrameFormat::csv, "a,b,c", "1,2,3").has_fields);
  CHECK(look("a=2", FrameFormat::csv, "a,b,c", "1,2,3").has_fields);
}

TEST_CASE("a broken record is found by what stands in front of the break", "[field_match]") {
  CHECK(csv("a=1", "1,\"2,3"));
  CHECK_FALSE(csv("c=3", "1,\"2,3"));
  CHECK(json("a=1", R"({"a":1,"b":)"));
  CHECK_FALSE(json("b=2", R"({"a":1,"b)"));
}

TEST_CASE("a field of JSON is compared by what it means", "[field_match]") {
  CHECK(json("a=x", R"({"a":"x"})"));
  CHECK(json("a=ä\"", R"({"a":"\u00e4\""})"));
  CHECK_FALSE(json("a=X", R"({"a":"x"})"));
  CHECK(json("a=1.5", R"({"a":1.50})"));
  CHECK(json("a=100", R"({"a":1e2})"));
  CHECK_FALSE(json("a=1", R"({"a":"1.0"})"));
  CHECK(json("a=null", R"({"a":null})"));
  CHECK(json("a=true", R"({"a":true})"));
  CHECK_FALSE(json("a={}", R"({"a":{}})"));
  CHECK(json("p.q=1", R"({"x":[{"p":{"q":2}}],"p":{"q":1}})"));
  CHECK(json(R"(p\.q=1)", R"({"p.q":1})"));
  CHECK(json("a=", R"({"a":""})"));
  CHECK(json("a=b=c", R"({"a":"b=c"})"));
}

TEST_CASE("of a CloudEvent the envelope comes first, then its data", "[field_match]") {
  const std::string event =
      R"({"specversion":"1.0","id":"e1","source":"/shop","type":"sale","data":{"id":"inside","amount":2}})";
  const auto found = [&](const std::string& condition) {
    return look(condition, FrameFormat::cloudevents, "", event).matches;
  };
  CHECK(found("id=e1"));
  CHECK_FALSE(found("id=inside"));
  CHECK(found("data.id=inside"));
  CHECK(found("amount=2"));
  CHECK(found("source=/shop"));
}

TEST_CASE("all conditions must hold, and every batch has its own header", "[field_match]") {
  FieldMatch match({*parse_field_condition("a=1"), *parse_field_condition("b=2")}, ',');
  const auto matches = [&match](const std::string& header, const std::string& frame) {
    const SharedBytes padded = SharedBytes::copy_of(frame);
    IngestHeader batch;
    batch.format = FrameFormat::csv;
    batch.csv_header = header;
    return match.look(batch, padded.view()).matches;
  };
  CHECK(matches("a,b", "1,2"));
  CHECK_FALSE(matches("a,b", "2,1"));
  CHECK(matches("b,a", "2,1"));
  CHECK_FALSE(matches("b", "2"));
}

TEST_CASE("a condition that is none says how to write one", "[field_match]") {
  for (const char* text : {"Country", "=France", ""}) {
    const auto wrong = parse_field_condition(text);
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code == Errc::invalid_argument);
    CHECK(wrong.error().context.find("write NAME=VALUE") != std::string::npos);
  }
  const auto envelope = parse_field_condition("@time=2011");
  REQUIRE_FALSE(envelope.has_value());
  CHECK(envelope.error().context.find("@time is of the envelope") != std::string::npos);
}

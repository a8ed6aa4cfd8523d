#include "runtime/base/time_text.h"
#include "tests/support/catch.h"
#include "tests/unit/stages/chain_fixture.h"

using namespace weir;
using namespace weir::test;

namespace {
Chain timed(TimeFormat format, const std::string& pattern = "", const std::string& zone = "UTC") {
  Chain chain;
  chain.config.record.time = {format, path("at"), pattern, zone};
  return chain;
}
}  // namespace

TEST_CASE("without a time rule an event's time is its acceptance", "[chain_plan]") {
  Chain chain;
  CHECK(chain.one(R"({"a":1})").time == 1'000'000);
}

TEST_CASE("the time rule reads its field in every format", "[chain_plan]") {
  const UnixMicros wanted = *parse_rfc3339("2010-12-01T08:26:00Z");
  CHECK(timed(TimeFormat::rfc3339).one(R"({"at":"2010-12-01T09:26:00+01:00"})").time == wanted);
  CHECK(timed(TimeFormat::unix_seconds).one(R"({"at":1291191960})").time == wanted);
  CHECK(timed(TimeFormat::unix_ms).one(R"({"at":1291191960000})").time == wanted);
  CHECK(timed(TimeFormat::unix_us).one(R"({"at":"1291191960000000"})").time == wanted);
  CHECK(timed(TimeFormat::strptime, "%Y-%m-%d %H:%M:%S").one(R"({"at":"2010-12-01 08:26:00"})").time == wanted);
  CHECK(timed(TimeFormat::strptime, "%d.%m.%Y %H:%M", "+02:00").one(R"({"at":"01.12.2010 10:26"})").time == wanted);
  CHECK(timed(TimeFormat::strptime, "%Y%m%d").one(R"({"at":20101201})").time == *parse_rfc3339("2010-12-01T00:00:00Z"));
}

TEST_CASE("an event without a readable time is rejected, never given another one", "[chain_plan]") {
  Chain chain = timed(TimeFormat::rfc3339);
  const auto fates =
      chain.run({R"({"at":"2010-13-01T00:00:00Z"})", R"({"at":null})", R"({"b":1})", R"({"at":["2010"]})",
                 R"({"at":"1850-01-01T00:00:00Z"})", R"({"at":"2010-12-01T08:26:00Z"})"});
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(fates[i].stage == "parse");
    CHECK(fates[i].reason == "time");
  }
  CHECK(fates[0].details == R"(["at: \"2010-13-01T00:00:00Z\" is no time of the years 1900 to 2200 as RFC 3339"])");
  CHECK(fates[1].details == R"(["at: null"])");
  CHECK(fates[2].details == R"(["at: missing"])");
  CHECK(fates[5].verdict == Verdict::pass);
}

TEST_CASE("times end exactly where the years 1900 to 2200 do, in every format", "[chain_plan]") {
  struct Edge {
    TimeFormat format;
    std::string pattern, zone, first, before, last, behind;
  };
  const std::vector<Edge> edges = {
      {TimeFormat::rfc3339, "", "UTC", R"("1900-01-01T00:00:00Z")", R"("1899-12-31T23:59:59.999999Z")",
       R"("2200-12-31T23:59:59.999999Z")", R"("2201-01-01T00:00:00Z")"},
      {TimeFormat::rfc3339, "", "UTC", R"("1900-01-01T02:00:00+02:00")", R"("1900-01-01T01:59:59+02:00")",
       R"("2201-01-01T01:59:59.999999+02:00")", R"("2200-12-31T23:00:00-01:00")"},
      {TimeFormat::unix_seconds, "", "UTC", "-2208988800", "-2208988801", "7289654399.999999", "7289654400"},
      {TimeFormat::unix_seconds, "", "UTC", "-2.2089888e9", "-2208988800.0000001", R"("7289654399.9")",
       R"("7289654400.0")"},
      {TimeFormat::unix_ms, "", "UTC", "-2208988800000", "-2208988800000.001", "7289654399999", "7289654400000"},
      {TimeFormat::unix_us, "", "UTC", "-2208988800000000", "-2208988800000001", "7289654399999999",
       "7289654400000000"},
      {TimeFormat::strptime, "%Y-%m-%d %H:%M:%S.%f", "-01:30", R"("1899-12-31 22:30:00.0")",
       R"("1899-12-31 22:29:59.999999")", R"("2200-12-31 22:29:59.999999")", R"("2200-12-31 22:30:00.0")"},
      {TimeFormat::strptime, "%Y-%m-%d %H:%M:%S", "UTC", R"("1900-01-01 00:00:00")", R"("1899-12-31 23:59:59")",
       R"("2200-12-31 23:59:59")", R"("2201-01-01 00:00:00")"}};
  for (const Edge& edge : edges) {
    const auto frame = [](const std::string& value) { return R"({"at":)" + value + "}"; };
    const std::string first = frame(edge.first), before = frame(edge.before), last = frame(edge.last),
                      behind = frame(edge.behind);
    const auto fates = timed(edge.format, edge.pattern, edge.zone).run({first, before, last, behind});
    CAPTURE(edge.first, edge.before, edge.last, edge.behind, fates[0].details, fates[2].details);
    CHECK(fates[0].time == kTimeMin);
    CHECK(fates[1].reason == "time");
    CHECK(fates[2].verdict == Verdict::pass);
    CHECK(fates[2].time >= kTimeEnd - kMicrosPerSecond);
    CHECK(fates[2].time < kTimeEnd);
    CHECK(fates[3].reason == "time");
  }
}

TEST_CASE("what is no time in the format asked for is a dead letter, however near it is to one", "[chain_plan]") {
  struct Wrong {
    TimeFormat format;
    std::string pattern, value;
  };
  const std::vector<Wrong> wrong = {{TimeFormat::rfc3339, "", "1291191960"},
                                    {TimeFormat::rfc3339, "", R"("2010-12-01")"},
                                    {TimeFormat::rfc3339, "", R"("2010-12-01T08:26:00")"},
                                    {TimeFormat::rfc3339, "", "true"},
                                    {TimeFormat::unix_seconds, "", R"("2010-12-01T08:26:00Z")"},
                                    {TimeFormat::unix_seconds, "", "1291191960000"},
                                    {TimeFormat::unix_seconds, "", R"("")"},
                                    {TimeFormat::unix_seconds, "", R"(" 1291191960")"},
                                    {TimeFormat::unix_seconds, "", "1e400"},
                                    {TimeFormat::unix_ms, "", "1291191960000000"},
                                    {TimeFormat::unix_us, "", "{}"},
                                    {TimeFormat::strptime, "%Y-%m-%d", R"("2010-02-29")"},
                                    {TimeFormat::strptime, "%Y-%m-%d", R"("2010-12-01 08:26:00")"},
                                    {TimeFormat::strptime, "%Y-%m-%dT%H:%M:%S.%f", R"("2010-12-01T08:26:00.")"},
                                    {TimeFormat::strptime, "%Y-%m-%dT%H:%M:%S.%f", R"("2010-12-01T08:26:00")"}};
  for (const Wrong& each : wrong) {
    const auto fate = timed(each.format, each.pattern).one(R"({"at":)" + each.value + "}");
    CAPTURE(each.value, each.pattern, fate.details);
    CHECK(fate.stage == "parse");
    CHECK(fate.reason == "time");
  }
}

TEST_CASE("broken frames leave with their reason and place, neighbours pass", "[chain_plan]") {
  Chain chain;
  std::string deep = R"({"a":)";
  for (int i = 0; i < 10'000; ++i) deep += '[';
  const std::string nul("{\"a\":\"\0\"}", 9);
  const std::string digits = R"({"a":)" + std::string(1000, '7') + "}";
  std::vector<Chain::Frame> frames;
  for (const std::string_view frame : {std::string_view(R"({"a":1)"), std::string_view(deep), std::string_view(nul),
                                       std::string_view("{\"a\":\"\xff\"}"), std::string_view(R"({"a":1,"b":tru })"),
                                       std::string_view(R"({"a":1,"a":2})"), std::string_view(digits)}) {
    frames.push_back({frame});
    frames.push_back({R"({"neighbour":true})"});
  }
  frames.push_back({R"({"cut":)", frame_flag::bad_frame, "a stray quote"});
  frames.push_back({R"({"long":1})", frame_flag::oversize, ""});
  frames.push_back({R"({"long":1})", frame_flag::oversize | frame_flag::cut | frame_flag::bad_frame, "20000000 bytes"});
  const auto fates = chain.run_frames(frames);
  const auto letter = [&](std::size_t i) { return fates[i].stage + " " + fates[i].reason + " " + fates[i].details; };
  CHECK(letter(0) == R"(parse malformed ["at byte 6: the event ends too early"])");
  CHECK(letter(2) == R"(parse malformed ["at byte 68: nested deeper than 64"])");
  CHECK(letter(4) == R"(parse malformed ["at byte 6: control character in a string"])");
  CHECK(letter(6) == R"(parse encoding ["not UTF-8"])");
  CHECK(letter(8) == R"(parse malformed ["at byte 11: expected a value"])");
  CHECK(letter(10) == R"(parse malformed ["at byte 7: duplicate key"])");
  CHECK(fates[12].record == digits);
  for (std::size_t i = 1; i < 14; i += 2) CHECK(fates[i].record == R"({"neighbour":true})");
  CHECK(letter(14) == R"(parse malformed ["a stray quote"])");
  CHECK(letter(15) == R"(parse too_large ["longer than limits.event_bytes_max, 921600 bytes"])");
  CHECK(letter(16) == R"(parse too_large ["longer than limits.event_bytes_max, 921600 bytes: 20000000 bytes"])");
}

TEST_CASE("a record longer than the limit is not written, its neighbours are", "[chain_plan]") {
  Chain chain;
  chain.config.limits.event_bytes_max = 40;
  chain.view_paths = {path("a")};
  TransformConfig transform;
  transform.set = {{"b", form(Expression::Kind::concat, {copy("a"), copy("a"), copy("a")})}};
  chain.config.stages = {stage("transform", transform)};
  const auto fates = chain.run({R"({"a":"x"})", R"({"a":"0123456789"})", R"({"a":"y"})"});
  CHECK(fates[0].record == R"({"a":"x","b":"xxx"})");
  CHECK(fates[1].reason == "output_too_large");
  CHECK(fates[2].record == R"({"a":"y","b":"yyy"})");
  CHECK(chain.tokens() == std::vector<std::vector<std::string>>{{"\"x\""}, {"\"y\""}});
}

TEST_CASE("views get their values' tokens with the record", "[chain_plan]") {
  for (const bool spaced : {false, true}) {
    Chain chain;
    chain.view_paths = {path("amount"), path("country"), path("attrs.sku"), path("gone"), path("absent"), path("n")};
    TransformConfig transform;
    transform.set = {{"amount", form(Expression::Kind::multiply, {copy("q"), copy("p")})}};
    transform.drop = {"gone"};
    chain.config.stages = {stage("transform", transform)};
    const std::string frame =
        spaced ? R"({ "q" : 2, "gone":1, "country" : "F\u0052", "attrs" : { "sku" : "s1" }, "p" : 1.50, "n":null })"
               : R"({"q":2,"gone":1,"country":"F\u0052","attrs":{"sku":"s1"},"p":1.50,"n":null})";
    CHECK(chain.one(frame).record ==
          R"({"q":2,"country":"F\u0052","attrs":{"sku":"s1"},"p":1.50,"n":null,"amount":3.00})");
    CHECK(chain.tokens() == std::vector<std::vector<std::string>>{{"3.00", R"("F\u0052")", R"("s1")", "", "", "null"}});
  }
  Chain csv;
  csv.csv_header = "q,country,gone";
  csv.view_paths = {path("q"), path("country"), path("gone"), path("absent")};
  TransformConfig transform;
  transform.drop = {"gone"};
  csv.config.stages = {stage("transform", transform)};
  CHECK(csv.one(R"(2,"Côte ""d""",x)").record == R"({"q":"2","country":"Côte \"d\""})");
  CHECK(csv.tokens() == std::vector<std::vector<std::string>>{{R"("2")", R"("Côte \"d\"")", "", ""}});
}

TEST_CASE("CSV records with another number of fields say how many", "[chain_plan]") {
  Chain chain;
  chain.csv_header = "a,b,c";
  const auto fates = chain.run({"1,2", "1,2,3", "1,\"2,3"});
  CHECK(fates[0].details == R"(["2 fields, the header has 3"])");
  CHECK(fates[1].record == R"({"a":"1","b":"2","c":"3"})");
  CHECK(fates[2].details == R"(["at byte 2: a quoted field does not end"])");
}

TEST_CASE("envelope fields are read like any other", "[chain_plan]") {
  Chain chain;
  chain.config.record.type = "sale";
  TransformConfig transform;
  for (const std::string name : {"id", "time", "type", "source", "partition"})
    transform.set.emplace_back(name, copy("@" + name));
  chain.config.stages = {stage("transform", transform)};
  CHECK(chain.one("{}").record ==
        R"({"id":"id-0","time":"1970-01-01T00:00:01Z","type":"sale","source":"file:test","partition":3})");
  Chain wrong;
  transform.set = {{"x", copy("@nothing")}};
  wrong.config.stages = {stage("transform", transform)};
  CHECK(wrong.compile().error().code == Errc::config_invalid);
}

TEST_CASE("a stage with a condition leaves other events alone", "[chain_plan]") {
  Chain chain;
  TransformConfig transform;
  transform.set = {{"hit", constant(number("1"))}};
  const auto when = [&](const std::string& field, Constant equals) {
    StageConfig config = stage("transform", transform);
    config.name = field;
    config.when = WhenConfig{path(field), std::move(equals)};
    return config;
  };
  const std::vector<std::pair<StageConfig, std::string>> cases = {
      {when("type", string("order")), R"({"type":"\u006frder"})"},
      {when("n", number("1.0")), R"({"n":1})"},
      {when("o.b", Constant{Constant::Kind::boolean, "true"}), R"({"o":{"b":true}})"},
      {when("z", Constant{}), R"({"z":null})"}};
  for (const auto& [config, frame] : cases) {
    Chain each;
    each.config.stages = {config};
    CHECK(each.one(frame).record == frame.substr(0, frame.size() - 1) + R"(,"hit":1})");
    CHECK(each.one(R"({"type":1,"n":"1","o":{"b":"true"}})").record == R"({"type":1,"n":"1","o":{"b":"true"}})");
  }
}

TEST_CASE("a chain that cannot be compiled says what is wrong with every stage", "[chain_plan]") {
  const auto enrich = [](const std::string& name, const std::string& file) {
    EnrichConfig body;
    body.table.file = file;
    body.table.key = {"k"};
    body.key = {path("k")};
    body.add = {{"v", "v"}};
    StageConfig config = stage("enrich", std::move(body));
    config.name = name;
    return config;
  };
  PipelineConfig config;
  config.stages = {enrich("one", "twice.csv"), enrich("good", "good.csv"), enrich("two", "short.csv")};
  const ReadFile read = [](const std::string& file) -> Result<std::string> {
    if (file == "twice.csv") return std::string("k,v\na,1\na,2\n");
    return std::string(file == "good.csv" ? "k,v\na,1\n" : "k,v\na\n");
  };
  const auto plan = ChainPlan::compile(config, {}, make_stage, read);
  REQUIRE(!plan);
  CHECK(plan.error().code == Errc::input_unreadable);
  CHECK(plan.error().context == "twice.csv:3:1: the key \"a\" stands in line 2 already\nshort.csv:2:1: 1 fields, the header has 2");
}

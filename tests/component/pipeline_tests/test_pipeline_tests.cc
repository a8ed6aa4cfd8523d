// `weir test` from file to outcome: the loader, the door's framing, all actors over the memory log and state, the
// comparison.
#include "cluster/node/coverage.h"
#include "cluster/node/framed_input.h"
#include "cluster/node/pipeline_test.h"
#include "tests/component/pipeline_tests/ground.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

const std::string kSales = R"(pipeline: sales
partitions: 4
record: {format: csv, id: digest, time: {field: at, format: "%Y-%m-%d", zone: UTC}, type: sale}
stages:
  - validate:
      fields:
        count: {type: integer}
        price: {type: decimal, above: 0}
        land: {type: string, required: false}
  - transform: {set: {amount: {multiply: [count, price]}}}
views:
  by_land: {group_by: [land], measures: {amount: {sum: amount}, lines: count}}
  by_month: {windows: [month], measures: {amount: {sum: amount}}}
)";
const std::string kOrders = R"(pipeline: orders
partitions: 3
record: {format: ndjson, id: id}
dedupe: {remember: 7d}
stages:
  - validate: {fields: {price: {type: decimal, min: 0}}}
  - transform: {set: {gross: {multiply: [price, 1.2]}}, when: {kind: retail}}
views:
  latest: {latest: "@id", fields: [price, gross]}
  day: {windows: [day], measures: {orders: count}}
)";

TEST_CASE("a test sees ledger, letters, rows and records of the real engine", "[pipeline_tests]") {
  const std::string test = R"(  - name: t
    input:
      text: |
        no,count,price,land,at
        1,6,2.55,France,2026-01-05
        1,6,2.55,France,2026-01-05
        2,1,0,France,2026-01-05
        3,x,-1,,2026-01-05
        4,2,1.5,,2026-02-28
        5,1,1,France,yesterday
    expect:
      ledger: {accepted: 6, served: 2, duplicate: 1, dead_lettered: 3, records: 2, filtered: 0, in_flight: 0}
      dead_letters:
        - {stage: validate, reason: field_range, original: "2,1,0,France,2026-01-05", door: test, attempts: 1}
        - {stage: validate, reason: field_type, details: ["count: \"x\" is not of type integer", "price: -1 is not above 0"]}
        - {stage: parse, reason: time, details: "yesterday"}
      views:
        by_land: [{land: null, amount: 3.0, lines: 1}, {land: France, amount: 15.30, lines: 1}]
        by_month: {contains: [{window: month, window_start: "2026-02-01T00:00:00Z", amount: 3}], count: 2}
      records: [{no: "1", count: 6, amount: 15.30, "@time": "2026-01-05T00:00:00Z", "@type": sale, "@index": 0}, {no: "4"}]
)";
  CHECK(Ground{}.run(kSales, test) == Lines{});
}

TEST_CASE("a test sees what sinks would write, and nothing is written", "[pipeline_tests]") {
  // Goal: each sink of weir's own, in its format, of both logs, over two lives of the node.
  const std::string pipeline = kOrders + R"(sinks:
  archive: {files: {directory: /nowhere/that/can/be/made, partition_by: [date]}, when: {kind: retail}}
  sheet:   {files: {directory: /nowhere/else, format: csv, columns: ["@id", price]}}
  hook:    {http: {url: "http://hooks.example/x"}}
  bad:     {stdout: {}, from: dead_letter}
)";
  const std::string test = R"(  - name: t
    input:
      - events: [{id: a, price: 2, kind: retail}, {id: b, price: 3}, {id: c, price: -1}]
      - {after: 1h, events: [{id: d, price: 4}, {id: a, price: 2, kind: retail}]}
    expect:
      sinks:
        archive: [{id: a, gross: 2.4}]
        sheet: [{line: "a,2"}, {line: "b,3"}, {line: "d,4"}]
        hook: {contains: [{specversion: "1.0", id: b, data: {price: 3}}], count: 3}
        bad: [{id: c, stage: validate, reason: field_range}]
)";
  CHECK(Ground{}.run(pipeline, test) == Lines{});
  const std::string wrong = "  - {name: t, input: {events: [{id: b, price: 3}]}, expect: {sinks: {sheet: [{line: \"b,4\"}], bad: []}}}\n";
  CHECK(Ground{}.run(pipeline, wrong) == Lines{R"(sinks.sheet | {"line":"b,4"} | )", R"(sinks.sheet |  | {"line":"b,3"})"});
}

TEST_CASE("what differs is named with its place, expected and actual", "[pipeline_tests]") {
  const std::string test = R"(  - name: t
    input:
      text: |
        no,count,price,land,at
        1,6,2.55,France,2026-01-05
    expect:
      ledger: {accepted: 1, served: 2}
      dead_letters: [{reason: field_range}]
      views: {by_land: [{land: France, amount: 15.31}], by_month: []}
      records: {count: 0}
)";
  CHECK(Ground{}.run(kSales, test) ==
        Lines{"ledger.served | 2 | 1", R"(dead_letters | {"reason":"field_range"} | )",
              R"(views.by_land {"land":"France"} amount | 15.31 | 15.30)",
              R"(views.by_month |  | {"window":"month","window_start":"2026-01-01T00:00:00Z","amount":15.30})",
              "records.count | 0 | 1"});
}

TEST_CASE("an id is remembered as long as the pipeline says, in the time of the inputs", "[pipeline_tests]") {
  // Goal: acceptance times move partition time. Method: the same id again within seven days, and behind them. Ids
  // expire with a commit, so that another event must have moved the time before.
  std::string pipeline = kOrders;
  pipeline.replace(pipeline.find("partitions: 3"), 13, "partitions: 1");
  const std::string test = R"(  - name: t
    input:
      - {events: [{id: a, price: 1}], at: 2026-01-01}
      - {events: [{id: a, price: 1}], after: 6d}
      - {events: [{id: b, price: 1}], after: 3d}
      - {events: [{id: a, price: 1}, {id: b, price: 2}], after: 1s}
    expect:
      ledger: {accepted: 5, served: 3, duplicate: 1, dead_lettered: 1}
      dead_letters: [{id: b, stage: dedupe, reason: conflict, accepted_at: "2026-01-10T00:00:01Z"}]
      views: {day: [{window_start: "2026-01-01T00:00:00Z", orders: 1}, {window_start: "2026-01-10T00:00:00Z", orders: 2}]}
)";
  CHECK(Ground{}.run(pipeline, test) == Lines{});
}

TEST_CASE("events are NDJSON, a text among them is taken as it stands, and files are read through",
          "[pipeline_tests]") {
  Ground ground;
  ground.write("more.csv", "id,price\nc,3\n");
  const std::string test = R"(  - name: t
    input:
      - events: [{id: a, price: 1.10, kind: retail, deep: {x: [1, null, true, "007"]}}, '{"id":"b","price":']
      - {file: more.csv}
      - {format: json, text: '[{"id":"d","price":1e1},{"id":"e","price":-1}]'}
    expect:
      ledger: {accepted: 5, served: 3, dead_lettered: 2}
      dead_letters: [{id: b, reason: malformed}, {id: e, reason: field_range}]
      records:
        - {id: a, price: 1.1, gross: 1.32, deep: {x: [1, null, true, "007"]}, deep.x: [1, null, true, "007"]}
        - {id: c, price: 3, gross: null}
        - {id: d, price: 10}
      views: {latest: {count: 3, contains: [{id: a, gross: 1.32}]}}
)";
  CHECK(ground.run(kOrders, test) == Lines{});
}

TEST_CASE("late events are told apart as a node tells them", "[pipeline_tests]") {
  const std::string pipeline = R"(pipeline: p
partitions: 1
record: {format: ndjson, id: id, time: {field: at, format: rfc3339}}
late: {after: 1h, then: dead_letter}
views: {day: {windows: [day], measures: {events: count}}}
)";
  const std::string test = R"(  - name: t
    input:
      events:
        - {id: a, at: "2026-01-05T12:00:00Z"}
        - {id: b, at: "2026-01-05T11:00:00Z"}
        - {id: c, at: "2026-01-05T10:59:59Z"}
    expect:
      ledger: {served: 2, dead_lettered: 1}
      dead_letters: [{id: c, stage: late, reason: late}]
      views: {day: [{events: 2}]}
)";
  CHECK(Ground{}.run(pipeline, test) == Lines{});
}

TEST_CASE("an input that no door would take stops the test with the door's words", "[pipeline_tests]") {
  const auto error = Ground{}.run(
      kSales, "  - {name: t, input: {text: \"no,count,at\\n1,1,1\\n\"}, expect: {ledger: {accepted: 0}}}\n");
  CHECK(error == Lines{"input 1: the header line lacks 'price', which the pipeline requires; it has no,count,at"});
  const auto json = Ground{}.run(
      kOrders, "  - {name: t, input: {format: json, text: '[{\"id\":'}, expect: {ledger: {accepted: 0}}}\n");
  REQUIRE(json.size() == 1);
  CHECK(json[0].starts_with("input 1: "));
}

TEST_CASE("an input of nothing is a pipeline without events", "[pipeline_tests]") {
  CHECK(Ground{}.run(kOrders,
                     "  - {name: t, input: {text: \"\\n\"}, expect: {ledger: {accepted: 0, served: 0}, views: {day: "
                     "[]}, dead_letters: [], records: []}}\n") == Lines{});
}

TEST_CASE("an input over the limit is refused by name", "[pipeline_tests]") {
  Ground ground;
  const CompiledPipeline& pipeline = ground.load(kOrders);
  const std::string line = "{\"id\":\"a\"}\n";
  std::string text;
  while (text.size() + line.size() <= kFramedInputMax) text += line;
  FramedInputConfig config;
  config.name = "big";
  CHECK(frame_text(pipeline.config(), text, config).has_value());
  text += line;
  const auto refused = frame_text(pipeline.config(), text, config);
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::limit_reached);
  CHECK(refused.error().context == "big: more than 64 MiB are not held in memory; use `weir run` for large inputs");
}

TEST_CASE("a test says what servers answer; nobody is asked, and what it does not say is told", "[pipeline_tests]") {
  const std::string lookup = R"(pipeline: p
record: {format: ndjson, id: id}
stages:
  - enrich:
      name: geo
      http: {url: "http://geo.example/v1/{land}/{city}"}
      add: {region: region.name, mayor: mayor}
      missing: {region: unknown}
  - enrich: {name: strict, http: {url: "http://rates.example/{land}"}, add: {rate: rate}, missing: reject, when: {priced: true}}
views: {by_region: {group_by: [region], measures: {n: count}}}
)";
  const std::string test = R"(  - name: t
    lookups:
      geo:
        France/Paris: {region: {name: EU}, mayor: {name: [x, 1.50]}}
        "UK/a/b c": {region: {name: island}}
        Spain/Madrid: 404
      strict: {France: {rate: 1.25}, UK: 400}
    input:
      events:
        - {id: a, land: France, city: Paris, priced: true}
        - {id: b, land: UK, city: a/b c}
        - {id: c, land: Spain, city: Madrid}
        - {id: d, land: Peru, city: Lima, priced: true}
        - {id: e, land: France, city: Paris}
        - {id: f, land: UK, city: a/b c, priced: true}
    expect:
      ledger: {served: 4, dead_lettered: 2}
      dead_letters:
        - {id: d, stage: strict, reason: enrich_miss, details: "land: \"Peru\" is not known to http://rates.example"}
        - {id: f, stage: strict, reason: "stage:lookup", details: "refused: http://rates.example answered 400"}
      records: {contains: [{"@id": a, region: EU, rate: 1.25, mayor: {name: [x, 1.50]}}, {"@id": b, region: island, mayor: null}, {"@id": c, region: unknown}]}
      views: {by_region: [{region: EU, n: 2}, {region: island, n: 1}, {region: unknown, n: 1}]}
)";
  Ground ground;
  const CompiledPipeline& pipeline = ground.load(lookup + "tests:\n" + test);
  Coverage coverage(pipeline, ground.places());
  const TestOutcome outcome = run_test(pipeline, ground.tests()[0], coverage.onlookers());
  INFO(outcome.error << (outcome.differences.empty() ? "" : outcome.differences[0].where + ": " + outcome.differences[0].actual));
  CHECK(outcome.passed());
  CHECK(outcome.unanswered == Lines{"http://geo.example/v1/Peru/Lima", "http://rates.example/Peru"});
  for (const CoverageItem& item : coverage.items()) {
    if (item.kind != "enrich") continue;
    INFO(item.name);
    CHECK(item.reached);
  }
}

TEST_CASE("a server that a test says is down makes retries, in time that nobody waits for, and then a dead letter", "[pipeline_tests]") {
  const std::string lookup = R"(pipeline: p
record: {format: ndjson, id: id}
retry: {attempts_max: 3, backoff_min: 10m, backoff_max: 10m}
stages:
  - enrich: {name: geo, http: {url: "http://geo.example/{land}"}, add: {region: region}}
)";
  const std::string test = R"(  - name: t
    lookups: {geo: {France: {region: EU}, Spain: 503}}
    input: {events: [{id: a, land: Spain}, {id: b, land: France}]}
    expect:
      ledger: {served: 1, dead_lettered: 1, retrying: 0}
      dead_letters: [{id: a, stage: geo, reason: retries_exhausted, attempts: 3}]
)";
  CHECK(Ground{}.run(lookup, test) == Lines{});
}

TEST_CASE("an event that a stage crashes on is a dead letter of the test, with what the stage said", "[pipeline_tests]") {
  class Crash final : public ChainStep {
   public:
    [[nodiscard]] std::string name() const override { return "crash"; }
    void run(ChainBatch&, CodeMark&) override { throw std::runtime_error("out of order"); }
  };
  Ground ground;
  const CompiledPipeline& pipeline = ground.load(
      kOrders + "tests: [{name: t, input: {events: [{id: a, price: 1}]}, expect: {ledger: {served: 1}}}]\n");
  TestOnlookers onlookers;
  onlookers.steps = [](std::vector<ChainStepFactory> steps) {
    steps.push_back([](const StagePorts&) { return std::make_unique<Crash>(); });
    return steps;
  };
  const TestOutcome outcome = run_test(pipeline, ground.tests()[0], onlookers);
  CHECK(!outcome.passed());
  CHECK(outcome.error.empty());
  REQUIRE(outcome.letters.size() == 1);
  INFO(outcome.letters[0]);
  CHECK(outcome.letters[0].find("\"stage\":\"crash\",\"reason\":\"poison\"") != std::string::npos);
  CHECK(outcome.letters[0].find("out of order") != std::string::npos);
}

TEST_CASE("the same test gives the same bytes every time", "[pipeline_tests]") {
  Ground ground;
  const CompiledPipeline& pipeline = ground.load(kOrders);
  std::string text;
  for (int i = 0; i < 2'000; ++i) text += fmt::format("{{\"id\":\"e{}\",\"price\":{}}}\n", i * 7 % 1'500, i % 5 - 1);
  std::vector<std::string> seen;
  for (int round = 0; round < 3; ++round) {
    MemoryMachine machine(pipeline);
    auto groups = frame_text(pipeline.config(), text, {.name = "x", .accepted_at = kTestAcceptedAt});
    REQUIRE(groups);
    REQUIRE(machine.run(std::move(*groups), kTestAcceptedAt));
    const auto answers = machine.answers();
    REQUIRE(answers);
    CHECK(answers->accepted == 2'000);
    CHECK(answers->balanced);
    CHECK(answers->in_flight == 0);
    std::string all;
    for (const CuratedRecord& record : answers->records) all += record.id + record.payload + "\n";
    const auto letters = letter_rows(*answers);
    REQUIRE(letters);
    for (const TestValue& letter : *letters) append_json(all, letter);
    seen.push_back(std::move(all));
  }
  CHECK(seen[0] == seen[1]);
  CHECK(seen[0] == seen[2]);
}

}  // namespace
}  // namespace weir

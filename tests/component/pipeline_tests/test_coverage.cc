// `weir test --coverage`: what counts as reached, part by part.
#include <algorithm>

#include "cluster/node/coverage.h"
#include "tests/component/pipeline_tests/ground.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

Lines unreached(Ground& ground, const std::string& file) {
  const CompiledPipeline& pipeline = ground.load(file);
  Coverage coverage(pipeline, ground.places());
  for (const TestConfig& test : ground.tests()) {
    CHECK(run_test(pipeline, test, coverage.onlookers()).error.empty());
  }
  Lines names;
  for (const CoverageItem& item : coverage.items()) {
    if (!item.reached) names.push_back(item.kind + " " + item.name);
  }
  CHECK(coverage.reached() + names.size() == coverage.items().size());
  return names;
}
/// What the tests reach: the file with no event at all, less what is left with them.
Lines reached(Ground& ground, const std::string& pipeline, const std::string& events) {
  Lines all = unreached(ground, pipeline);
  const Lines left =
      unreached(ground, pipeline + "tests: [{name: t, input: {events: [" + events + "]}, expect: {ledger: {}}}]\n");
  std::erase_if(all, [&](const std::string& item) { return std::find(left.begin(), left.end(), item) != left.end(); });
  return all;
}
const std::string kHead = "pipeline: p\npartitions: 1\nrecord: {format: ndjson, id: id}\n";

TEST_CASE("everything that a test can reach is an item, in the order of the file", "[coverage]") {
  Ground ground;
  ground.write("lands.csv", "land,region\nFrance,europe\n");
  ground.write("s.json", "{}");
  ground.write("t.lua", "function transform(e) return e end\n");
  const std::string file = R"(pipeline: p
record: {format: ndjson, id: id, time: {field: at, format: unix}}
late: {after: 1h, then: expire}
stages:
  - validate:
      fields:
        n: {type: integer, max: 9}
        free: {required: false, nullable: true}
      rules:
        r: {compare: [n, "<", m], when: {kind: a}}
      schema: s.json
  - enrich: {table: {file: lands.csv, key: land}, add: {region: region}}
    when: {kind: b}
  - transform:
      split: {field: lines, missing: pass}
      set: {double: {multiply: [n, 2]}, copy: s}
      filter: {keep: {n: {above: 0}}}
  - transform: {script: t.lua}
    name: lua
views:
  one: {latest: "@id"}
  two: {latest: "@id", when: {region: asia}}
)";
  ground.load(file);
  Coverage coverage(*ground.pipeline(), ground.places());
  Lines items;
  for (const CoverageItem& item : coverage.items())
    items.push_back(fmt::format("{}: {} {}", item.place.line, item.kind, item.name));
  CHECK(items == Lines{"2: reason parse malformed",
                       "2: reason parse time",
                       "2: reason dedupe conflict",
                       "3: late late",
                       "5: stage validate",
                       "7: rule validate.fields.n",
                       "10: rule validate.rules.r",
                       "10: when validate.rules.r: kind is a",
                       "10: when validate.rules.r: kind is not a",
                       "11: rule validate.schema",
                       "13: when enrich: kind is b",
                       "13: when enrich: kind is not b",
                       "12: enrich enrich: hit",
                       "12: enrich enrich: miss",
                       "14: stage transform",
                       "15: split transform.split",
                       "16: set transform.set.double",
                       "16: set transform.set.copy",
                       "17: filter transform.filter: passes",
                       "17: filter transform.filter: stops",
                       "18: stage lua",
                       "18: script lua: t.lua",
                       "21: view one",
                       "22: when view two: region is asia",
                       "22: when view two: region is not asia"});
  CHECK(coverage.reached() == 0);
}

TEST_CASE("a rule is reached by what it refuses, not by what passes it", "[coverage]") {
  Ground ground;
  const std::string file = kHead + R"(stages:
  - validate:
      fields: {a: {type: integer, required: false, max: 9}, b: {type: string, required: false}, "a: b": {required: false, min: 5, type: integer}}
      rules:
        a: {field: a, min: 2, required: false}
        pair: {all_or_none: [a, c]}
)";
  CHECK(reached(ground, file, "{id: x, a: 3, b: y, c: 1}") == Lines{"stage validate"});
  // A rule of the same name as a field is not that field.
  CHECK(reached(ground, file, "{id: x, a: 1, c: 1}") == Lines{"stage validate", "rule validate.rules.a"});
  CHECK(reached(ground, file, "{id: x, a: 10, c: 1}") == Lines{"stage validate", "rule validate.fields.a"});
  // All violations count, not only the first.
  CHECK(reached(ground, file, "{id: x, a: 10, b: 5}") ==
        Lines{"stage validate", "rule validate.fields.a", "rule validate.fields.b", "rule validate.rules.pair"});
}

TEST_CASE("what can refuse nothing is no item", "[coverage]") {
  Ground ground;
  const std::string stage =
      "stages: [{validate: {fields: {a: {type: string, required: false}, b: {required: false, nullable: true}, c: "
      "{required: false}, d: {}}}}]\n";
  ground.load(kHead + stage);
  const auto rules = [&] {
    Lines names;
    const Coverage coverage(*ground.pipeline(), ground.places());
    for (const CoverageItem& item : coverage.items())
      if (item.kind == "rule") names.push_back(item.name);
    return names;
  };
  // JSON may hold other types and null, CSV holds texts.
  CHECK(rules() == Lines{"validate.fields.a", "validate.fields.c", "validate.fields.d"});
  ground.load("pipeline: p\nrecord: {format: csv}\n" + stage);
  CHECK(rules() == Lines{"validate.fields.d"});
  // A text that was read as the event's time is there.
  ground.load(
      "pipeline: p\nrecord: {format: ndjson, time: {field: d, format: rfc3339}}\nstages: [{validate: {fields: {d: "
      "{type: string}, e: {}}}}]\n");
  CHECK(rules() == Lines{"validate.fields.e"});
}

TEST_CASE("conditions are reached both ways, as the engine sees them", "[coverage]") {
  Ground ground;
  const std::string file = kHead + R"(stages:
  - validate: {fields: {n: {type: integer, required: false}}, rules: {r: {field: n, min: 1, when: {kind: a}}}}
  - transform: {set: {x: 1}}
    when: {n: 2.0}
views:
  v: {latest: "@id", when: {deep.x: "é"}}
)";
  CHECK(reached(ground, file, "{id: a, n: 2, deep: {x: é}}") ==
        Lines{"stage validate", "when validate.rules.r: kind is not a", "when transform: n is 2.0",
              "set transform.set.x", "when view v: deep.x is é"});
  CHECK(reached(ground, file, "{id: a, n: 3, kind: a, deep.x: é}") ==
        Lines{"stage validate", "when validate.rules.r: kind is a", "when transform: n is not 2.0",
              "when view v: deep.x is not é"});
  // A text is no number. What is refused before it comes to a stage says nothing about the stage.
  CHECK(reached(ground, file, "{id: a, n: \"2\"}") ==
        Lines{"stage validate", "rule validate.fields.n", "when validate.rules.r: kind is not a"});
}

TEST_CASE("a table is reached by a hit and by a miss, whatever a miss does", "[coverage]") {
  Ground ground;
  ground.write("lands.csv", "land,region,empty\nFrance,europe,\nNowhere,unknown,\n");
  for (const std::string missing : {"pass", "reject", "{region: unknown}"}) {
    const std::string file =
        kHead +
        "stages: [{enrich: {table: {file: lands.csv, key: land}, add: {region: region, more: empty}, missing: " +
        missing + "}}]\n";
    CHECK(reached(ground, file, "{id: a, land: France}") == Lines{"stage enrich", "enrich enrich: hit"});
    // A hit that adds what a miss would have added is a hit.
    CHECK(reached(ground, file, "{id: a, land: Nowhere}") == Lines{"stage enrich", "enrich enrich: hit"});
    CHECK(reached(ground, file, "{id: a, land: Spain}") == Lines{"stage enrich", "enrich enrich: miss"});
    CHECK(reached(ground, file, "{id: a}") == Lines{"stage enrich", "enrich enrich: miss"});
  }
}

TEST_CASE("splits, fields and filters count for the parts they hold for", "[coverage]") {
  Ground ground;
  const std::string file = kHead + R"(stages:
  - transform: {split: {field: lines, as: line, missing: pass}, set: {n: line.n, gone: 1}, drop: [gone], filter: {drop: {n: 0}}}
    when: {kind: a}
)";
  CHECK(reached(ground, file, "{id: a}") == Lines{"when transform: kind is not a"});
  CHECK(reached(ground, file, "{id: a, kind: a}") ==
        Lines{"when transform: kind is a", "set transform.set.gone", "filter transform.filter: passes"});
  CHECK(reached(ground, file, "{id: a, kind: a, lines: [{n: 1}]}") ==
        Lines{"when transform: kind is a", "set transform.set.n", "set transform.set.gone",
              "filter transform.filter: passes"});
  CHECK(reached(ground, file, "{id: a, kind: a, lines: [{n: 0}]}") ==
        Lines{"when transform: kind is a", "filter transform.filter: stops"});
  CHECK(reached(ground, file, "{id: a, kind: a, lines: [{n: 0}, {n: 1}]}") ==
        Lines{"when transform: kind is a", "split transform.split", "set transform.set.n", "set transform.set.gone",
              "filter transform.filter: passes", "filter transform.filter: stops"});
}

TEST_CASE("what parsing, repeats and lateness do is reached by it", "[coverage]") {
  Ground ground;
  const std::string file =
      "pipeline: p\npartitions: 1\nrecord: {format: ndjson, id: id, time: {field: at, format: rfc3339}}\n"
      "late: {after: 1h, then: expire}\nviews: {v: {latest: \"@id\"}}\n";
  const std::string noon = "{id: a, at: \"2026-01-05T12:00:00Z\"}";
  CHECK(reached(ground, file, noon) == Lines{"view v"});
  CHECK(reached(ground, file, noon + ", " + noon) == Lines{"view v"});
  CHECK(reached(ground, file, noon + ", {id: a, at: \"2026-01-05T13:00:00Z\"}") ==
        Lines{"reason dedupe conflict", "view v"});
  CHECK(reached(ground, file, noon + ", {id: b, at: \"2026-01-05T10:00:00Z\"}") == Lines{"late late", "view v"});
  CHECK(reached(ground, file, "nonsense, {id: b, at: soon}") == Lines{"reason parse malformed", "reason parse time"});
}

}  // namespace
}  // namespace weir

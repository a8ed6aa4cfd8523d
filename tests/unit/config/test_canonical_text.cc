// The texts that refuse or rebuild existing data: they must change exactly when the meaning does.
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

PipelineConfig load(const std::string& text) {
  ScratchFolder folder;
  folder.write("t.csv", "k,v\n");
  folder.write("u.csv", "k,v\n");
  auto config = YamlConfigLoader{}.pipeline(folder.write("p.yaml", text), {});
  if (!config) FAIL(config.error().context);
  return *config;
}

TEST_CASE("the wall text is what may never change, and its bytes stand here", "[config]") {
  // A changed byte refuses every existing data directory: this text is part of the stored format.
  CHECK(wall_text(load("pipeline: retail\n")) ==
        "wall=1\npipeline=6:retail\npartitions=8\npartition_by=murmur2(id)\nid=digest\ndedupe_key=id\nformats=1\n");
  CHECK(wall_text(load("pipeline: p\npartitions: 2\nrecord: {id: {fields: [a.b, \"@source\"]}}\n")) ==
        "wall=1\npipeline=1:p\npartitions=2\npartition_by=murmur2(id)\nid=2 p2 1:a 1:b e1 "
        "7:@source\ndedupe_key=id\nformats=1\n");
}

TEST_CASE("stages, views, limits and time do not touch the wall", "[config]") {
  const std::string wall = wall_text(load("pipeline: p\n"));
  CHECK(wall ==
        wall_text(load("pipeline: p\nstages: [{transform: {drop: [a]}}]\nviews: {v: {latest: b}}\n"
                       "limits: {event_bytes_max: 1KiB}\nrecord: {format: csv, type: x}\ndedupe: {remember: 1h}\n")));
  CHECK(wall != wall_text(load("pipeline: q\n")));
  CHECK(wall != wall_text(load("pipeline: p\npartitions: 9\n")));
  CHECK(wall != wall_text(load("pipeline: p\nrecord: {id: a}\n")));
}

TEST_CASE("the rules text ignores layout and defaults written out", "[config]") {
  const std::string rules =
      rules_text(load("pipeline: p\nstages: [{validate: {fields: {a: {type: decimal, above: 0}}}}]\n"));
  CHECK(rules == rules_text(load("# a comment\npipeline: p\npartitions: 4\nlimits: {event_bytes_max: 900KiB}\nstages:\n"
                                 "  - validate:\n      fields:\n        a: {above: 0, type: decimal, required: true}\n"
                                 "    name: validate\nviews: {v: {latest: a}}\n")));
}

TEST_CASE("how often and how patiently somebody is asked is not part of the rules text, nor are retries that every pipeline has", "[config]") {
  CHECK(rules_text(load("pipeline: p\n")) ==
        rules_text(load("pipeline: p\nretry: {order: blocking, attempts_max: 20, retry_age_max: 1h, backoff_min: 1s, backoff_max: 2s, held_keys_max: 1, "
                        "parked_events_max: 1, parked_bytes_max: 1MiB}\n")));
  const auto http = [](const std::string& more) {
    return rules_text(load("pipeline: p\nstages: [{enrich: {http: {url: \"http://geo.example/{a}\"" + more + "}, add: {b: c}}}]\n"));
  };
  CHECK(http("") == http(", connect_timeout: 1s, deadline: 1s, calls_max: 9, retry_after_max: 1s, budget: {burst_max: 1}, breaker: {calls_min: 1}, "
                         "cache: {bytes_max: 1MiB, entries_max: 1, waiters_max: 1, age_max: 5m}"));
}

TEST_CASE("a condition means the same however it is written", "[config]") {
  const auto rules = [](const std::string& condition) {
    return rules_text(load("pipeline: p\nstages: [{transform: {filter: {keep: " + condition + "}}}]\n"));
  };
  CHECK(rules("{a: 1}") == rules("{a: [1]}"));
  CHECK(rules("{a: 1}") == rules("[{a: {one_of: [1]}}]"));
  CHECK(rules("{type: x}") == rules("{\"@type\": x}"));
  CHECK(rules_text(load("pipeline: p\nstages: [{transform: {split: a}}]\n")) ==
        rules_text(load(
            "pipeline: p\nstages: [{transform: {split: {field: a, as: a, parts_max: 1000, missing: reject}}}]\n")));
}

TEST_CASE("every key that decides about events changes the rules text", "[config]") {
  const std::vector<std::string> variants = {
      "",
      "record: {format: csv}\n",
      "record: {type: x}\n",
      "record: {csv: {record_lines_max: 3}}\n",
      "record: {csv: {separator: ;}}\n",
      "record: {time: {field: t, format: unix}}\n",
      "record: {time: {field: t, format: unix_ms}}\n",
      "record: {time: {field: t, format: \"%F\"}}\n",
      "record: {time: {field: t, format: \"%F\", zone: +01:00}}\n",
      "dedupe: {on_conflict: ignore}\n",
      "limits: {event_bytes_max: 1KiB}\n",
      "stages: [{transform: {drop: [a]}}]\n",
      "stages: [{transform: {drop: [a]}, name: b}]\n",
      "late: {after: 7d, then: expire}\n",
      "retry: {order: deferred}\n",
      "retry: {order_by: a}\n",
      "retry: {attempts_max: 3}\n",
      "retry: {retry_age_max: 1m}\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\"}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{b}\"}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\"}, add: {b: d}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\"}, add: {b: c}, missing: reject}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\", headers: {X: y}}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\", headers: {X: {file: t.csv}}}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\", answer_bytes_max: 1KiB}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\", temporary_statuses: [401]}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\", cache: {age_max: 0s}}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\", cache: {missing_age_max: 0s}}, add: {b: c}}}]\n",
      "stages: [{enrich: {http: {url: \"http://geo.example/{a}\", cache: {stale_max: 1s}}, add: {b: c}}}]\n",
      "late: {after: 8d, then: expire}\n",
      "late: {after: 7d, then: dead_letter}\n",
      "stages: [{transform: {drop: [a]}, when: {type: b}}]\n",
      "stages: [{transform: {drop: [a]}, when: {a: b}}]\n",
      "stages: [{transform: {drop: [a]}, when: {a: 1}}]\n",
      "stages: [{transform: {drop: [a, b]}}]\n",
      "stages: [{transform: {split: a}}]\n",
      "stages: [{transform: {split: {field: a, as: b}}}]\n",
      "stages: [{transform: {split: {field: a.b, as: a}}}]\n",
      "stages: [{transform: {split: {field: a, parts_max: 5}}}]\n",
      "stages: [{transform: {split: {field: a, missing: pass}}}]\n",
      "stages: [{transform: {filter: {keep: {a: 1}}}}]\n",
      "stages: [{transform: {filter: {drop: {a: 1}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: \"1\"}}}}]\n",
      "stages: [{transform: {filter: {keep: {b: 1}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: [1, 2]}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: {not: 1}}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: {min: 1}}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: {max: 1}}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: {above: 1}}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: {below: 1}}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: {exists: true}}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: {exists: false}}}}}]\n",
      "stages: [{transform: {filter: {keep: {a: 1, b: 2}}}}]\n",
      "stages: [{transform: {filter: {keep: [{a: 1}, {b: 2}]}}}]\n",
      "stages: [{transform: {drop: [b, a]}}]\n",
      "stages: [{transform: {set: {x: a}}}]\n",
      "stages: [{transform: {set: {x: a.b}}}]\n",
      "stages: [{transform: {set: {x: a\\.b}}}]\n",
      "stages: [{transform: {set: {x: {const: a}}}}]\n",
      "stages: [{transform: {set: {x: 1}}}]\n",
      "stages: [{transform: {set: {x: {const: \"1\"}}}}]\n",
      "stages: [{transform: {set: {x: {round: {of: a, scale: 1}}}}}]\n",
      "stages: [{transform: {set: {x: {round: {of: a, scale: 2}}}}}]\n",
      "stages: [{transform: {set: {x: {trim: a}}}}]\n",
      "stages: [{transform: {set: {x: {to_string: a}}}}]\n",
      "stages: [{transform: {set: {x: {to_number: a}}}}]\n",
      "stages: [{transform: {set: {x: {coalesce: [a, b]}}}}]\n",
      "stages: [{transform: {set: {x: {substring: {of: a, start: 1}}}}}]\n",
      "stages: [{transform: {set: {x: {substring: {of: a, start: -1}}}}}]\n",
      "stages: [{transform: {set: {x: {substring: {of: a, length: 1}}}}}]\n",
      "stages: [{transform: {set: {x: {substring: {of: a, start: 1, length: 1}}}}}]\n",
      "stages: [{transform: {set: {x: {replace: {of: a, find: b, with: \"\"}}}}}]\n",
      "stages: [{transform: {set: {x: {replace: {of: a, find: b, with: c}}}}}]\n",
      "stages: [{transform: {set: {x: {replace: {of: a, find: c, with: c}}}}}]\n",
      "stages: [{transform: {set: {x: {mask: a}}}}]\n",
      "stages: [{transform: {set: {x: {mask: {of: a, keep_first: 1}}}}}]\n",
      "stages: [{transform: {set: {x: {mask: {of: a, keep_last: 1}}}}}]\n",
      "stages: [{transform: {set: {x: {mask: {of: a, with: x}}}}}]\n",
      "stages: [{transform: {set: {x: {hash: a}}}}]\n",
      "stages: [{transform: {set: {x: {hash: {of: a, with: xxh3_128}}}}}]\n",
      "stages: [{transform: {set: {x: {date_part: {of: a, part: year}}}}}]\n",
      "stages: [{transform: {set: {x: {date_part: {of: a, part: week}}}}}]\n",
      "stages: [{transform: {set: {x: {date_part: {of: a, part: year, zone: +01:00}}}}}]\n",
      "stages: [{transform: {set: {x: {date_part: {of: a, part: year, from: unix}}}}}]\n",
      "stages: [{transform: {set: {x: {date_part: {of: a, part: year, from: \"%F\"}}}}}]\n",
      "stages: [{transform: {set: {x: {date_part: {of: a, part: year, from: \"%F\", from_zone: +01:00}}}}}]\n",
      "stages: [{transform: {set: {x: {date_format: {of: a, to: \"%Y\"}}}}}]\n",
      "stages: [{transform: {set: {x: {date_format: {of: a, to: \"%m\"}}}}}]\n",
      "stages: [{transform: {set: {x: {date_format: {of: a, to: unix}}}}}]\n",
      "stages: [{transform: {set: {x: {date_format: {of: a, to: unix_ms}}}}}]\n",
      "stages: [{transform: {set: {x: {date_format: {of: a, to: rfc3339, zone: +01:00}}}}}]\n",
      "stages: [{transform: {set: {x: {bucket: {of: a, below: {1: s}, else: l}}}}}]\n",
      "stages: [{transform: {set: {x: {bucket: {of: a, below: {2: s}, else: l}}}}}]\n",
      "stages: [{transform: {set: {x: {bucket: {of: a, below: {1: t}, else: l}}}}}]\n",
      "stages: [{transform: {set: {x: {bucket: {of: a, below: {1: s, 2: t}, else: l}}}}}]\n",
      "stages: [{transform: {set: {x: {bucket: {of: a, below: {1: s}, else: m}}}}}]\n",
      "stages: [{transform: {set: {x: {bucket: {of: a, below: {1: s}, else: l, missing: u}}}}}]\n",
      "stages: [{transform: {set: {x: {bucket: {of: a, below: {1: s}, else: l, missing: null}}}}}]\n",
      "stages: [{transform: {set: {x: {ip_prefix: {of: a, bits: 2}}}}}]\n",
      "stages: [{transform: {set: {x: {add: [a, b]}}}}]\n",
      "stages: [{transform: {set: {x: {subtract: [a, b]}}}}]\n",
      "stages: [{transform: {set: {x: {lookup: {table: {file: t.csv, key: k}, key: a, column: v}}}}}]\n",
      "stages: [{enrich: {table: {file: t.csv, key: k}, add: {x: v}}}]\n",
      "stages: [{enrich: {table: {file: t.csv, key: k}, key: a, add: {x: v}}}]\n",
      "stages: [{enrich: {table: {file: t.csv, key: v}, key: a, add: {x: v}}}]\n",
      "stages: [{enrich: {table: {file: t.csv, key: k}, add: {y: v}}}]\n",
      "stages: [{enrich: {table: {file: t.csv, key: k}, add: {x: v}, missing: reject}}]\n",
      "stages: [{enrich: {table: {file: t.csv, key: k}, add: {x: v}, missing: {x: 1}}}]\n",
      "stages: [{validate: {fields: {a: {}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer, min: 1}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer, max: 1}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer, above: 1}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer, below: 1}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer, one_of: [1]}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer, coerce: true}}}}]\n",
      "stages: [{validate: {fields: {a: {type: integer, coerce: false}}}}]\n",
      "stages: [{validate: {fields: {a: {required: false}}}}]\n",
      "stages: [{validate: {fields: {a: {nullable: true}}}}]\n",
      "stages: [{validate: {fields: {a: {type: string, length_min: 1}}}}]\n",
      "stages: [{validate: {fields: {a: {type: string, length_max: 1}}}}]\n",
      "stages: [{validate: {fields: {a: {type: string, pattern: x}}}}]\n",
      "stages: [{validate: {fields: {a: {type: string, pattern: y}}}}]\n",
      "stages: [{validate: {schema: t.csv}}]\n",
      "stages: [{validate: {rules: {lua: t.csv}}}]\n",
      "stages: [{validate: {rules: {lua: {file: t.csv, instructions_max: 2M}}}}]\n",
      "stages: [{validate: {rules: {lua: {file: t.csv, memory_bytes_max: 1MiB}}}}]\n",
      "stages: [{validate: {rules: {r: {field: a}}}}]\n",
      "stages: [{validate: {rules: {s: {field: a}}}}]\n",
      "stages: [{validate: {rules: {r: {field: a, above: 1}}}}]\n",
      "stages: [{validate: {rules: {r: {field: a, when: {type: b}}}}}]\n",
      "stages: [{validate: {rules: {r: {compare: [a, ==, b]}}}}]\n",
      "stages: [{validate: {rules: {r: {compare: [a, <, b]}}}}]\n",
      "stages: [{validate: {rules: {r: {compare: [a, <, {const: b}]}}}}]\n",
      "stages: [{validate: {rules: {r: {compare: [a, <, b], as: time}}}}]\n",
      "stages: [{validate: {rules: {r: {compare: [a, <, b], required: false}}}}]\n",
      "stages: [{validate: {rules: {r: {compare: [a, <, b], nullable: true}}}}]\n",
      "stages: [{validate: {rules: {r: {at_least_one: [a, b]}}}}]\n",
      "stages: [{validate: {rules: {r: {exactly_one: [a, b]}}}}]\n",
      "stages: [{validate: {rules: {r: {exactly_one: [a, c]}}}}]\n",
  };
  std::vector<std::string> texts;
  for (const std::string& variant : variants) texts.push_back(rules_text(load("pipeline: p\n" + variant)));
  for (std::size_t i = 0; i < variants.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      INFO(variants[i] << variants[j]);
      CHECK(texts[i] != texts[j]);
    }
  }
}

TEST_CASE("late events that are accepted are no rule, however that is written", "[config]") {
  const PipelineConfig plain = load("pipeline: p\n");
  CHECK(plain.late.then == OnLate::accept);
  for (const char* text : {"late: {after: 7d}\n", "late: {after: 1s, then: accept}\n"})
    CHECK(rules_text(load(std::string("pipeline: p\n") + text)) == rules_text(plain));
  const PipelineConfig expires = load("pipeline: p\nlate: {after: 36500d, then: expire}\n");
  CHECK(expires.late.after == std::chrono::hours(24 * 36'500));
  CHECK(expires.late.then == OnLate::expire);
  CHECK(wall_text(expires) == wall_text(plain));
}

TEST_CASE("a table's file name is no rule, its content is the caller's to add", "[config]") {
  const PipelineConfig t = load("pipeline: p\nstages: [{enrich: {table: {file: t.csv, key: k}, add: {x: v}}}]\n");
  const PipelineConfig u = load("pipeline: p\nstages: [{enrich: {table: {file: u.csv, key: k}, add: {x: v}}}]\n");
  CHECK(rules_text(t) == rules_text(u));
  const PipelineConfig both = load(
      "pipeline: p\nstages:\n  - enrich: {table: {file: u.csv, key: k}, add: {x: v}}\n"
      "  - transform: {set: {x: {concat: [{lookup: {table: {file: t.csv, key: k}, key: a, column: v}}, x]}}}\n");
  const auto tables = tables_of(both);
  REQUIRE(tables.size() == 2);
  CHECK(tables[0]->file.ends_with("u.csv"));
  CHECK(tables[1]->file.ends_with("t.csv"));
}

TEST_CASE("every key that decides a view's rows changes its text, retain does not", "[config]") {
  const std::vector<std::string> variants = {"{latest: a}",
                                             "{latest: b}",
                                             "{latest: a, fields: [x]}",
                                             "{latest: a, when: {type: x}}",
                                             "{measures: {n: count}}",
                                             "{measures: {m: count}}",
                                             "{measures: {n: {sum: a}}}",
                                             "{measures: {n: {min: a}}}",
                                             "{measures: {n: {distinct: a}}}",
                                             "{measures: {n: {sum: b}}}",
                                             "{group_by: [a], measures: {n: count}}",
                                             "{windows: [day], measures: {n: count}}",
                                             "{windows: [24h], measures: {n: count}}",
                                             "{windows: [1h], measures: {n: count}}"};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      INFO(variants[i] << " " << variants[j]);
      CHECK(view_text(load("pipeline: p\nviews: {v: " + variants[i] + "}\n").views[0]) !=
            view_text(load("pipeline: p\nviews: {v: " + variants[j] + "}\n").views[0]));
    }
  }
  CHECK(view_text(load("pipeline: p\nviews: {v: {windows: [60m], measures: {n: count}, retain: 7d}}\n").views[0]) ==
        view_text(load("pipeline: p\nviews: {v: {windows: [1h], measures: {n: count}}}\n").views[0]));
}

}  // namespace
}  // namespace weir

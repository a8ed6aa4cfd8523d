// What a file may use beside plain keys: variables, anchors, `--set`, either place of `name` and `when`.
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

std::optional<std::string> environment(std::string_view name) {
  if (name == "NAME") return "orders";
  if (name == "COUNT") return "16";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

PipelineConfig load(const std::string& text, const std::vector<std::string>& sets = {}) {
  ScratchFolder folder;
  folder.write("token.txt", "abc\n");
  folder.write("t.csv", "\xEF\xBB\xBF\"a key\",\"b,c\",\"say \"\"hi\"\"\"\r\n1,2,3\r\n");
  auto config = YamlConfigLoader(environment).pipeline(folder.write("p.yaml", text), sets);
  if (!config) FAIL(config.error().context);
  return *config;
}
std::string refused(const std::string& text, const std::vector<std::string>& sets) {
  ScratchFolder folder;
  const auto config = YamlConfigLoader(environment).pipeline(folder.write("p.yaml", text), sets);
  REQUIRE(!config);
  return config.error().context;
}

TEST_CASE("a pipeline needs nothing but its name", "[config]") {
  const PipelineConfig config = load("pipeline: p\n");
  CHECK(config.partitions == 8);
  CHECK(config.record.id.digest);
  CHECK(config.record.time.format == TimeFormat::acceptance);
  CHECK(config.record.format == RecordFormat::any);
  CHECK(config.stages.empty());
}

TEST_CASE("a lookup over HTTP has its key from its address, and its answer's paths from what it adds", "[config]") {
  const PipelineConfig config = load(R"(pipeline: p
stages:
  - enrich:
      name: geo
      http:
        url: "https://geo.example:8443/v1/{land}/{a.city}?full={land}"
        headers: {Accept: text/plain, X-Token: {file: token.txt}}
        connect_timeout: 1s
        deadline: 2s
        answer_bytes_max: 1KiB
        calls_max: 9
        retry_after_max: 0s
        temporary_statuses: [401, 403]
        cache: {bytes_max: 1MiB, entries_max: 2K, age_max: 0s, missing_age_max: 3s, stale_max: 1h, waiters_max: 7}
        breaker: {window: 1s, calls_min: 2, failures_percent_max: 3, failures_in_a_row_max: 0, slow_after: 4s, open_min: 5s, open_max: 6s, probes_max: 8}
        budget: {retries_percent: 0, retries_per_second_min: 2, burst_max: 3}
      add: {region: region.name, whole: r\.x}
      missing: {region: unknown}
dead_letters: {retain: 90d, bytes_max: 1GiB}
retry: {order: deferred, attempts_max: 3, retry_age_max: 1m, backoff_min: 1ms, backoff_max: 1s, held_keys_max: 2K, parked_events_max: 3K, parked_bytes_max: 2MiB}
)");
  using namespace std::chrono_literals;
  const auto& enrich = std::get<EnrichConfig>(config.stages.at(0).body);
  REQUIRE(enrich.http);
  const HttpLookupConfig& http = *enrich.http;
  REQUIRE(enrich.key.size() == 2);
  CHECK(enrich.key[0].text == "land");
  CHECK(enrich.key[1].parts == std::vector<std::string>{"a", "city"});
  REQUIRE(http.answer.size() == 2);
  CHECK(http.answer[0].parts == std::vector<std::string>{"region", "name"});
  CHECK(http.answer[1].parts == std::vector<std::string>{"r.x"});
  REQUIRE(http.headers.size() == 2);
  CHECK(http.headers[0].value == "text/plain");
  CHECK(http.headers[1].value_file.ends_with("/token.txt"));
  CHECK(http.connect_timeout == 1s);
  CHECK(http.deadline == 2s);
  CHECK(http.answer_bytes_max == 1'024);
  CHECK(http.calls_max == 9);
  CHECK(http.retry_after_max == 0s);
  CHECK(http.temporary_statuses == std::vector<int>{401, 403});
  CHECK(http.cache.bytes_max == 1 << 20);
  CHECK(http.cache.entries_max == 2'000);
  CHECK(http.cache.age_max == 0s);
  CHECK(http.cache.missing_age_max == 3s);
  CHECK(http.cache.stale_max == 1h);
  CHECK(http.cache.waiters_max == 7);
  CHECK(http.breaker.window == 1s);
  CHECK(http.breaker.calls_min == 2);
  CHECK(http.breaker.failures_percent_max == 3);
  CHECK(http.breaker.failures_in_a_row_max == 0);
  CHECK(http.breaker.slow_after == 4s);
  CHECK(http.breaker.open_min == 5s);
  CHECK(http.breaker.open_max == 6s);
  CHECK(http.breaker.probes_max == 8);
  CHECK(http.budget.retries_percent == 0);
  CHECK(http.budget.retries_per_second_min == 2);
  CHECK(http.budget.burst_max == 3);
  CHECK(http.validate());
  CHECK(enrich.missing == OnMissing::fill);
  CHECK(config.retry.order == RetryOrder::deferred);
  CHECK(config.dead_letters.retain == std::chrono::hours(90 * 24));
  CHECK(config.dead_letters.bytes_max == std::uint64_t{1} << 30);
  CHECK(config.retry.attempts_max == 3);
  CHECK(config.retry.retry_age_max == 1min);
  CHECK(config.retry.backoff_min == 1ms);
  CHECK(config.retry.backoff_max == 1s);
  CHECK(config.retry.held_keys_max == 2'000);
  CHECK(config.retry.parked_events_max == 3'000);
  CHECK(config.retry.parked_bytes_max == 2 << 20);
  CHECK(lookups_of(config).size() == 1);
  CHECK(tables_of(config).empty());
  const PipelineConfig by = load("pipeline: p\nretry: {order_by: account.number}\n");
  REQUIRE(by.retry.order_by);
  CHECK(by.retry.order_by->parts == std::vector<std::string>{"account", "number"});
}

TEST_CASE("the defaults of retries are those of the policy that applies them", "[config]") {
  const RetrySettings settings;
  const RetryConfig policy;
  CHECK(settings.attempts_max == policy.attempts_max);
  CHECK(settings.retry_age_max == policy.retry_age_max);
  CHECK(settings.backoff_min == policy.backoff_min);
  CHECK(settings.backoff_max == policy.backoff_max);
}

TEST_CASE("environment variables fill scalars, defaults stand in, $${ stays", "[config]") {
  const PipelineConfig config = load(
      "pipeline: ${NAME}\npartitions: ${COUNT}\nrecord: {type: \"a-${NONE:-b}-${EMPTY:-c}-${NAME}-$${NAME}-$5\"}\n");
  CHECK(config.name == "orders");
  CHECK(config.partitions == 16);
  CHECK(config.record.type == "a-b-c-orders-${NAME}-$5");
}

TEST_CASE("an anchor stands for the same value again", "[config]") {
  const PipelineConfig config = load("pipeline: p\nviews:\n  a: &v {group_by: [x], measures: {n: count}}\n  b: *v\n");
  REQUIRE(config.views.size() == 2);
  CHECK(config.views[1].name == "b");
  CHECK(config.views[1].group_by == config.views[0].group_by);
}

TEST_CASE("--set changes the tree before it is checked", "[config]") {
  const std::string text =
      "pipeline: p\npartitions: 0\nstages:\n  - validate: {fields: {a: {type: integer, min: 5}}}\n";
  const PipelineConfig config = load(text, {"partitions=4", "stages.0.validate.fields.a.min=-3", "dedupe.remember=1h",
                                            "record={format: csv, id: [a, b]}", "views.v.latest='@id'"});
  CHECK(config.partitions == 4);
  CHECK(std::get<ValidateConfig>(config.stages[0].body).fields[0].min == "-3");
  CHECK(config.dedupe.remember == std::chrono::hours(1));
  CHECK(config.record.id.fields.size() == 2);
  CHECK(config.views.at(0).latest->text == "@id");
}

TEST_CASE("--set replaces a value whose variable is not set, and takes variables itself", "[config]") {
  const PipelineConfig config = load("pipeline: ${NONE}\n", {"pipeline=p", "partitions=${COUNT}"});
  CHECK(config.name == "p");
  CHECK(config.partitions == 16);
}

TEST_CASE("what a stage declares for some events only proves nothing about a view", "[config]") {
  const PipelineConfig config = load(
      "pipeline: p\nstages:\n  - validate: {fields: {a: {type: string}}}\n    when: {type: x}\n"
      "  - transform: {drop: [b]}\n    when: {type: x}\nviews: {v: {measures: {s: {sum: a}}}, w: {latest: b}}\n");
  CHECK(config.views.size() == 2);
}

TEST_CASE("findings of --set name it and come last", "[config]") {
  CHECK(refused("pipeline: p\nlimits: 5\n", {"partitions=0", "record.fromat=csv"})
            .ends_with("p.yaml:2:9: \"limits\" must be a map of keys and values, found the number 5\n"
                       "--set partitions=0: \"partitions\" must be an integer from 1 to 1024, found the number 0\n"
                       "--set record.fromat=csv: unknown key \"fromat\"; allowed in \"record\": format, id, time, "
                       "type, csv; did you mean "
                       "\"format\"?"));
  CHECK(refused("pipeline: p\n", {"partitions"}) ==
        "--set partitions: must be path=value with the keys of the path joined by dots, such as dedupe.remember=1h");
  CHECK(refused("pipeline: p\n", {"a..b=1"}) ==
        "--set a..b=1: must be path=value with the keys of the path joined by dots, such as dedupe.remember=1h");
  CHECK(refused("pipeline: p\n", {"pipeline.x=1"}) ==
        "--set pipeline.x=1: \"x\" cannot be set below the plain value \"p\"");
  CHECK(refused("pipeline: p\nstages: [{transform: {drop: [a]}}]\n", {"stages.1.transform.drop=[b]"}) ==
        "--set stages.1.transform.drop=[b]: \"1\" is no item of a list of 1; allowed: 0 to 0");
  CHECK(refused("pipeline: p\n", {"record=[a"}) ==
        "--set record=[a: the value is not valid YAML; put text with special characters into quotes");
}

TEST_CASE("--set that addresses the other file is told how it is written", "[config]") {
  const auto of_node = [](const std::string& set) {
    const auto config = YamlConfigLoader(environment).node("", {set});
    REQUIRE(!config);
    return config.error().context;
  };
  CHECK(of_node("partitions=2") ==
        "--set partitions=2: unknown key \"partitions\"; allowed here: node, data, log, http, limits, supervision, snapshots, logging, plugins, services; "
        "it is a key of the pipeline file: write --set pipeline:partitions=2");
  CHECK(of_node("limits.event_bytes_max=1KiB") ==
        "--set limits.event_bytes_max=1KiB: unknown key \"event_bytes_max\"; allowed in \"limits\": memory_max, "
        "disk_max, shutdown_max; it is a key of the pipeline file: write --set pipeline:limits.event_bytes_max=1KiB");
  CHECK(of_node("dedupe={remember: 1h}").ends_with("write --set pipeline:dedupe={remember: 1h}"));
  CHECK(of_node("pipeline=p").ends_with("write --set pipeline:pipeline=p"));
  CHECK(of_node("partition=2").ends_with("allowed here: node, data, log, http, limits, supervision, snapshots, logging, plugins, services"));
  CHECK(refused("pipeline: p\n", {"http.listen=127.0.0.1:0"}) ==
        "--set http.listen=127.0.0.1:0: unknown key \"http\"; allowed here: pipeline, partitions, record, dedupe, late, "
        "retry, dead_letters, biography, stages, views, inputs, sinks, limits, tests; it is a key of the node file: write --set http.listen=127.0.0.1:0");
  // Only what --set says: a file with such keys is the other file.
  CHECK(refused("partitions: 2\nviews: {}\n", {"node=n1", "data=x", "log={}"}).find("this is a node file") ==
        std::string::npos);
}

TEST_CASE("a pattern is read with the place and the key of its own", "[config]") {
  const PipelineConfig config = load(
      "pipeline: p\nstages:\n  - validate:\n      fields: {a: {type: string, pattern: x}}\n"
      "      rules: {r: {field: b, pattern: \"y\"}}\n");
  const auto& validate = std::get<ValidateConfig>(config.stages[0].body);
  const FieldRule& field = validate.fields.at(0);
  CHECK(field.pattern_key == "stages.0.validate.fields.a.pattern");
  CHECK(std::pair(field.pattern_place.line, field.pattern_place.column) == std::pair(4, 43));
  const FieldRule& rule = validate.rules.at(0).field;
  CHECK(rule.pattern_key == "stages.0.validate.rules.r.pattern");
  CHECK(std::pair(rule.pattern_place.line, rule.pattern_place.column) == std::pair(5, 38));
}

TEST_CASE("name and when of a stage may stand beside it or inside", "[config]") {
  const PipelineConfig config = load(
      "pipeline: p\nstages:\n"
      "  - transform: {drop: [a], name: first, when: {type: order}}\n"
      "  - transform: {drop: [b]}\n    name: second\n    when: {a.b: 15.30}\n");
  REQUIRE(config.stages.size() == 2);
  CHECK(config.stages[0].name == "first");
  CHECK(config.stages[0].when->path.text == "@type");
  CHECK(config.stages[1].name == "second");
  CHECK(config.stages[1].when->path.parts == std::vector<std::string>{"a", "b"});
  CHECK(config.stages[1].when->equals == Constant{Constant::Kind::number, "15.30"});
}

TEST_CASE("a table's header is read as CSV, with its mark and its quotes", "[config]") {
  const PipelineConfig config = load(
      "pipeline: p\nstages:\n"
      "  - enrich: {table: {file: t.csv, key: a key}, key: a.b, add: {x: \"b,c\", y: 'say \"hi\"'}}\n");
  const auto& enrich = std::get<EnrichConfig>(config.stages[0].body);
  CHECK(enrich.add[1].second == "say \"hi\"");
  CHECK(enrich.key[0].parts == std::vector<std::string>{"a", "b"});
  CHECK(enrich.missing == OnMissing::pass);
}

TEST_CASE("numbers keep their spelling and words stay words", "[config]") {
  const PipelineConfig config = load(
      "pipeline: p\nstages:\n"
      "  - validate: {fields: {c: {type: string, one_of: [NO, yes, \"5\", 2010-12-01]}, a\\.b: {type: decimal, max: "
      "17850.10}}}\n"
      "  - transform: {set: {x: 0.10, y: {const: \"0.10\"}, z: {const: null}, u: {const: true}}}\n");
  const auto& fields = std::get<ValidateConfig>(config.stages[0].body).fields;
  REQUIRE(fields.at(0).one_of.size() == 4);
  for (const Constant& word : fields[0].one_of) CHECK(word.kind == Constant::Kind::string);
  CHECK(fields.at(1).path.parts == std::vector<std::string>{"a.b"});
  CHECK(fields[1].max == "17850.10");
  const auto& set = std::get<TransformConfig>(config.stages[1].body).set;
  CHECK(set.at(0).second.constant == Constant{Constant::Kind::number, "0.10"});
  CHECK(set.at(1).second.constant == Constant{Constant::Kind::string, "0.10"});
  CHECK(set.at(2).second.constant.kind == Constant::Kind::null);
  CHECK(set.at(3).second.constant == Constant{Constant::Kind::boolean, "true"});
}

TEST_CASE("every transform form reads into its expression", "[config]") {
  const PipelineConfig config = load(
      "pipeline: p\nstages:\n  - transform:\n      set:\n"
      "        a: {copy: x.y}\n        b: {add: [a, 1, 2]}\n        c: {subtract: [a, 1]}\n"
      "        d: {divide: {of: [a, {multiply: [b, c]}], scale: 4}}\n        e: {round: {of: d, scale: 0}}\n"
      "        f: {concat: [a, {const: -}, b]}\n        g: {lower: a}\n        h: {upper: {lower: a}}\n"
      "        i: {ip_prefix: {of: ip, bits: 24}}\n"
      "        j: {lookup: {table: {file: t.csv, key: a key}, key: a, column: \"b,c\"}}\n        k: \"@time\"\n"
      "        l: {trim: a}\n        m: {substring: {of: a, start: -3, length: 2}}\n"
      "        n: {replace: {of: a, find: b, with: \"\"}}\n        o: {mask: {of: a, keep_last: 4, with: x}}\n"
      "        p: {mask: a}\n        q: {hash: {lower: a}}\n        r: {hash: {of: a, with: xxh3_128}}\n"
      "        s: {to_string: 5}\n        t: {to_number: a}\n"
      "        u: {date_part: {of: a, part: weekday, from: \"%d.%m.%y\", from_zone: +02:00, zone: -01:00}}\n"
      "        v: {date_format: {of: \"@time\", to: unix_ms}}\n"
      "        w: {bucket: {of: mag, below: {3: micro, 5: light}, else: strong, missing: unknown}}\n"
      "        x: {coalesce: [a, 0]}\n");
  const auto& set = std::get<TransformConfig>(config.stages[0].body).set;
  using Kind = Expression::Kind;
  const std::vector<Kind> kinds = {
      Kind::path,      Kind::add,       Kind::subtract,  Kind::divide,      Kind::round,  Kind::concat,
      Kind::lower,     Kind::upper,     Kind::ip_prefix, Kind::lookup,      Kind::path,   Kind::trim,
      Kind::substring, Kind::replace,   Kind::mask,      Kind::mask,        Kind::hash,   Kind::hash,
      Kind::to_string, Kind::to_number, Kind::date_part, Kind::date_format, Kind::bucket, Kind::coalesce};
  REQUIRE(set.size() == kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    INFO(set[i].first);
    CHECK(set[i].second.kind == kinds[i]);
  }
  CHECK(set[3].second.scale == 4);
  CHECK(set[3].second.arguments.at(1).kind == Kind::multiply);
  CHECK(set[7].second.arguments.at(0).kind == Kind::lower);
  CHECK(set[8].second.bits == 24);
  CHECK(set[9].second.column == "b,c");
  CHECK(set[10].second.path.envelope());
  CHECK(set[12].second.start == -3);
  CHECK(set[12].second.length == 2);
  CHECK(set[13].second.find == "b");
  CHECK(set[13].second.with.empty());
  CHECK(set[14].second.keep_last == 4);
  CHECK(set[14].second.with == "x");
  CHECK(set[15].second.with == "*");
  CHECK(set[16].second.arguments.at(0).kind == Kind::lower);
  CHECK(set[17].second.hash == HashKind::xxh3_128);
  CHECK(set[20].second.part == DatePart::weekday);
  CHECK(set[20].second.from.pattern == "%d.%m.%y");
  CHECK(set[20].second.from.zone == "+02:00");
  CHECK(set[20].second.to.zone == "-01:00");
  CHECK(set[21].second.to.format == TimeFormat::unix_ms);
  REQUIRE(set[22].second.below.size() == 2);
  CHECK(set[22].second.below[1] == std::pair{std::string("5"), Constant{Constant::Kind::string, "light"}});
  CHECK(set[22].second.otherwise.text == "strong");
  CHECK(set[22].second.missing->text == "unknown");
}

TEST_CASE("a split and a filter read with their defaults", "[config]") {
  const PipelineConfig config = load(
      "pipeline: p\nstages:\n  - transform: {split: items}\n    name: a\n"
      "  - transform: {split: {field: o.list, as: item, parts_max: 4096, missing: pass}}\n    name: b\n"
      "  - transform: {filter: {drop: [{type: x, n: {above: 0, max: 7.50}}, {c: [a, null], d: {not: 1, exists: "
      "true}}]}}\n"
      "    name: c\n");
  const auto& a = *std::get<TransformConfig>(config.stages[0].body).split;
  CHECK(a.field.text == "items");
  CHECK(a.as == "items");
  CHECK(a.parts_max == 1'000);
  CHECK(a.missing == OnMissing::reject);
  const auto& b = *std::get<TransformConfig>(config.stages[1].body).split;
  CHECK(b.field.parts == std::vector<std::string>{"o", "list"});
  CHECK(b.as == "item");
  CHECK(b.parts_max == 4'096);
  CHECK(b.missing == OnMissing::pass);
  const auto& c = *std::get<TransformConfig>(config.stages[2].body).filter;
  CHECK_FALSE(c.keep);
  REQUIRE(c.condition.any.size() == 2);
  REQUIRE(c.condition.any[0].size() == 2);
  CHECK(c.condition.any[0][0].path.text == "@type");
  CHECK(c.condition.any[0][1].above == "0");
  CHECK(c.condition.any[0][1].max == "7.50");
  CHECK(c.condition.any[1][0].one_of.size() == 2);
  CHECK(c.condition.any[1][1].none_of.size() == 1);
  CHECK(c.condition.any[1][1].exists == true);
  CHECK(splits_events(config));
}

TEST_CASE("an overlay merges maps, replaces lists and plain values, and null takes a key away", "[config]") {
  ScratchFolder folder;
  std::filesystem::create_directory(folder.path() + "/env");
  folder.write("t.csv", "k,v\n");
  ConfigSources sources;
  sources.file = folder.write("p.yaml",
                              "pipeline: p\npartitions: 8\nrecord: {format: csv, type: sale}\n"
                              "dedupe: {remember: 7d, ids_max: 2M}\nstages: [{transform: {drop: [a]}}]\n"
                              "views: {one: {latest: a}, two: {latest: b, fields: [c, d]}}\n");
  sources.overlays = {
      folder.write("env/prod.yaml",
                   "partitions: 16\ndedupe: {ids_max: 3M, on_conflict: ignore}\n"
                   "stages: [{enrich: {table: {file: t.csv, key: k}, add: {v: v}, missing: {v: null}}}]\n"
                   "record: {type: null}\nviews: {one: null, two: {fields: [e]}, three: {latest: f}}\n"),
      folder.write("env/site.yaml", "partitions: 32\nrecord: null\n")};
  sources.sets = {"partitions=64"};
  const auto config = YamlConfigLoader(environment).pipeline(sources);
  if (!config) FAIL(config.error().context);
  CHECK(config->file == sources.file);
  CHECK(config->partitions == 64);
  CHECK(config->record.format == RecordFormat::any);
  CHECK(config->record.type.empty());
  CHECK(config->dedupe.remember == std::chrono::hours(24 * 7));
  CHECK(config->dedupe.ids_max == 3'000'000);
  CHECK(config->dedupe.on_conflict == OnConflict::ignore);
  REQUIRE(config->stages.size() == 1);
  // Relative to the pipeline file, though it stands in an overlay elsewhere.
  CHECK(std::get<EnrichConfig>(config->stages[0].body).table.file == folder.path() + "/t.csv");
  CHECK(std::get<EnrichConfig>(config->stages[0].body).fill.at(0).second.kind == Constant::Kind::null);
  REQUIRE(config->views.size() == 2);
  CHECK(config->views[0].name == "two");
  CHECK(config->views[0].latest->text == "b");
  REQUIRE(config->views[0].fields.size() == 1);
  CHECK(config->views[0].fields[0].text == "e");
  CHECK(config->views[1].name == "three");
}

TEST_CASE("a node file without a name of its own takes overlays, too", "[config]") {
  ScratchFolder folder;
  const std::string overlay = folder.write("prod.yaml", "limits: {disk_max: 1TiB}\n");
  const auto config = YamlConfigLoader(environment).node(ConfigSources{"", {overlay}, {"limits.memory_max=1GiB"}});
  if (!config) FAIL(config.error().context);
  CHECK(config->disk_max == 1ull << 40);
  CHECK(config->memory_max == 1ull << 30);
}

}  // namespace
}  // namespace weir

// Whatever the checks refuse, they must not refuse what is right: random valid files load.
#include <random>

#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

constexpr std::uint64_t kSeed = 20101201;

class FileWriter {
 public:
  explicit FileWriter(std::uint64_t seed) : random_(seed) {}

  std::string file() {
    std::string out = fmt::format("pipeline: p{}\n", pick(1000));
    if (chance()) out += fmt::format("partitions: {}\n", 1 + pick(1024));
    if (chance()) out += record();
    if (chance())
      out += fmt::format("dedupe: {{remember: {}h, ids_max: {}K, on_conflict: {}}}\n", 1 + pick(1000), 1 + pick(9000),
                         chance() ? "ignore" : "dead_letter");
    if (chance()) out += fmt::format("limits: {{event_bytes_max: {}KiB}}\n", 1 + pick(16 * 1024));
    const std::size_t stages = pick(5);
    for (std::size_t i = 0; i < stages; ++i) out += (i == 0 ? "stages:\n" : "") + stage(i);
    const std::size_t views = pick(5);
    for (std::size_t i = 0; i < views; ++i) out += (i == 0 ? "views:\n" : "") + view(i);
    return out;
  }

 private:
  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  bool chance() { return pick(2) == 0; }
  std::string one(std::initializer_list<const char*> words) { return *(words.begin() + pick(words.size())); }
  std::string field() { return one({"f0", "f1.g", "a\\.b", "näme", "with space"}); }

  std::string record() {
    std::string out = "record: {format: " + one({"json", "ndjson", "cloudevents", "geojson"});
    if (chance()) out += ", id: " + one({"digest", "id", "{fields: [id, properties.updated]}", "[\"@source\", id]"});
    if (chance()) {
      out += ", time: " + one({"acceptance", "{field: t, format: rfc3339}", "{field: t, format: unix_us}",
                               "{field: t, format: \"%Y-%m-%d %H:%M:%S\", zone: -03:30}",
                               "{field: t, format: \"%Y-%m-%dT%H:%M:%S.%f%z\"}"});
    }
    if (chance()) out += ", type: sale";
    return out + "}\n";
  }
  std::string extras(std::size_t index) {
    std::string out = fmt::format("    name: stage{}\n", index);
    if (chance()) out += "    when: " + one({"{type: order}", "{a.b: 5}", "{\"@source\": x}", "{flag: true}"}) + "\n";
    return out;
  }
  std::string stage(std::size_t index) {
    const std::size_t kind = pick(3);
    return (kind == 0 ? validate() : kind == 1 ? enrich() : transform()) + extras(index);
  }
  std::string validate() {
    std::string out = "  - validate:\n      fields:\n";
    const std::size_t count = 1 + pick(5);
    for (std::size_t i = 0; i < count; ++i) {
      out += fmt::format(
          "        v{}: {}\n", i,
          one({"{}", "{type: string, length_min: 1, length_max: 5}", "{type: integer, min: -5, below: 7}",
               "{type: decimal, above: 0.5, max: 0.75, coerce: true}", "{type: boolean, nullable: true}",
               "{type: string, one_of: [a, b, \"1\"], required: false}", "{type: string, pattern: \"[a-z]+\"}", "{type: object}", "{type: array}"}));
    }
    if (chance()) out += "      schema: s.json\n";
    if (chance()) {
      out += "      rules:\n        r: " +
             one({"{field: f0, pattern: ^a, when: {type: x}}", "{field: f1.g, above: 0, required: false}",
                  "{compare: [f0, \"<=\", f1.g], as: time, nullable: true}", "{compare: [\"@time\", \">\", {const: x}]}",
                  "{at_least_one: [f0, f1.g]}", "{all_or_none: [a, b, c], when: {f0: 1}}"}) +
             "\n";
    }
    return out;
  }
  std::string enrich() {
    return fmt::format("  - enrich: {{table: {{file: t.csv, key: {}, add: {{x: c}}{}}}\n",
                       one({"a}, key: f.g", "[a, b]}", "[a, b]}, key: [m, n]", "b}"}),
                       one({"", ", missing: pass", ", missing: reject", ", missing: {x: 5}", ", missing: {x: null}"}));
  }
  std::string transform() {
    std::string out = "  - transform:\n";
    if (chance())
      out += "      split: " +
             one({"items", "{field: o.items, as: item}", "{field: items, parts_max: 7, missing: pass}"}) + "\n";
    if (chance()) {
      out += "      filter: {" + one({"keep: ", "drop: "}) +
             one({"{a: 1}", "{type: order, b: [x, null, true]}", "[{a: {above: 0, max: 7.5}}, {b.c: {not: [1, 2]}}]",
                  "{a: {exists: false}}"}) +
             "}\n";
    }
    out += "      set:\n";
    const std::size_t count = 1 + pick(4);
    for (std::size_t i = 0; i < count; ++i) out += fmt::format("        s{}: {}\n", i, expression(0));
    if (chance()) out += "      drop: [gone, ua]\n";
    return out;
  }
  std::string expression(int depth) {
    switch (depth > 3 ? pick(3) : pick(18)) {
      case 0:
        return "\"" + one({"f0", "f1.g", "@id"}) + "\"";
      case 1:
        return one({"0", "-1.50", "12345678901234567890"});
      case 2:
        return "{const: " + one({"x", "\"5\"", "5", "true", "null"}) + "}";
      case 3:
        return fmt::format("{{{}: [{}, {}]}}", one({"add", "multiply", "subtract", "concat"}), expression(depth + 1),
                           expression(depth + 1));
      case 4:
        return fmt::format("{{divide: {{of: [{}, {}], scale: {}}}}}", expression(depth + 1), expression(depth + 1),
                           pick(19));
      case 5:
        return fmt::format("{{round: {{of: {}, scale: {}}}}}", expression(depth + 1), pick(19));
      case 6:
        return fmt::format("{{{}: {}}}", one({"lower", "upper"}), expression(depth + 1));
      case 7:
        return fmt::format("{{ip_prefix: {{of: {}, bits: {}}}}}", expression(depth + 1), pick(129));
      case 8:
        return fmt::format("{{lookup: {{table: {{file: t.csv, key: a}}, key: {}, column: b}}}}", expression(depth + 1));
      case 9:
        return fmt::format("{{coalesce: [{}, {}]}}", expression(depth + 1), expression(depth + 1));
      case 10:
        return fmt::format("{{{}: {}}}", one({"trim", "to_string", "to_number", "mask", "hash"}),
                           expression(depth + 1));
      case 11:
        return fmt::format("{{substring: {{of: {}, {}}}}}", expression(depth + 1),
                           one({"start: 0", "start: -16777216", "length: 0", "start: 3, length: 16777216"}));
      case 12:
        return fmt::format("{{mask: {{of: {}{}}}}}", expression(depth + 1),
                           one({"", ", keep_first: 2", ", keep_last: 1000, with: é", ", with: \"0\""}));
      case 13:
        return fmt::format("{{replace: {{of: {}, find: \"{}\", with: {}}}}}", expression(depth + 1),
                           one({"-", " ", "1"}), one({"\"\"", "xy", "\"2\""}));
      case 14:
        return fmt::format("{{hash: {{of: {}, with: {}}}}}", expression(depth + 1), one({"sha256", "xxh3_128"}));
      case 15:
        return fmt::format("{{date_part: {{of: {}, part: {}{}}}}}", expression(depth + 1),
                           one({"year", "week", "microsecond"}),
                           one({"", ", zone: -03:30", ", from: unix_us", ", from: \"%d.%m.%Y\", from_zone: +02:00"}));
      case 16:
        return fmt::format("{{date_format: {{of: \"@time\", to: {}}}}}",
                           one({"\"%G-W%V\"", "unix", "rfc3339, zone: +02:00", "\"%q.%f\", zone: UTC"}));
      case 17:
        return fmt::format("{{bucket: {{of: {}, below: {}, else: {}{}}}}}", expression(depth + 1),
                           one({"{3: micro, 5: light}", "{-1.5: null}", "{0: 1, 0.1: 2, 7: true}"}), one({"x", "0"}),
                           one({"", ", missing: unknown", ", missing: null"}));
      default:
        return "{copy: f0}";
    }
  }
  std::string view(std::size_t index) {
    if (chance()) {
      return fmt::format("  latest{}: {{latest: \"{}\"{}}}\n", index, one({"@id", "f0", "f1.g"}),
                         one({"", ", fields: [a, b.c]", ", when: {type: x}"}));
    }
    return fmt::format("  sums{}: {{{}{}measures: {{n: count{}}}{}}}\n", index,
                       one({"", "group_by: [f0], ", "group_by: [f0, \"@type\"], "}),
                       "windows: [" + one({"day", "month, 5m", "1h, 90s, year, week", "366d"}) + "], ",
                       one({"", ", s: {sum: amount}", ", d: {distinct: \"@id\"}, e: {distinct: m}", ", lo: {min: m}, hi: {max: m}, mean: {average: m}"}),
                       one({"", ", retain: 400d", ", when: {f0: \"x\"}"}));
  }

  std::mt19937_64 random_;
};

TEST_CASE("random valid pipeline files load", "[config]") {
  ScratchFolder folder;
  folder.write("t.csv", "a,b,c\n");
  folder.write("s.json", "{}");
  const YamlConfigLoader loader;
  std::size_t stages = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const std::string text = FileWriter(kSeed + i).file();
    INFO("seed " << kSeed + i << "\n" << text);
    const auto config = loader.pipeline(folder.write("p.yaml", text), {});
    if (!config) FAIL(config.error().context);
    stages += config->stages.size();
    const auto again = loader.pipeline(folder.path() + "/p.yaml", {});
    CHECK(rules_text(*again) == rules_text(*config));
  }
  CHECK(stages > 500);
}

TEST_CASE("a random byte changed in a valid file never crashes the loader", "[config]") {
  ScratchFolder folder;
  folder.write("t.csv", "a,b,c\n");
  folder.write("s.json", "{}");
  const YamlConfigLoader loader([](std::string_view) { return std::nullopt; });
  std::mt19937_64 random(kSeed);
  std::size_t refused = 0;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    std::string text = FileWriter(kSeed + i).file();
    text[random() % text.size()] = static_cast<char>(random() % 256);
    INFO("seed " << kSeed << " round " << i << "\n" << text);
    const auto config = loader.pipeline(folder.write("p.yaml", text), {});
    if (!config) {
      ++refused;
      CHECK(!config.error().context.empty());
    }
  }
  CHECK(refused > 500);
}

}  // namespace
}  // namespace weir

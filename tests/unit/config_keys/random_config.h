// Random configurations made from the description of all keys, and damaged ones.
#pragma once
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "runtime/adapters/yaml/config_keys.h"

namespace weir {

/// JSON is YAML, so a value serves the loader and the schema alike.
using ConfigJson = nlohmann::ordered_json;

class RandomConfig {
 public:
  RandomConfig(const yaml::ConfigKeys& keys, std::uint64_t seed) : keys_(keys), random_(seed) {}

  /// Keeps to everything the description says, and is otherwise as odd as it can be.
  ConfigJson make() {
    ConfigJson config = value(keys_.root, 0);
    if (config.contains("tests")) settle_tests(config);
    return config;
  }
  /// One change somewhere: another value, a key that does not exist, one less, an item twice.
  ConfigJson damaged(ConfigJson config) {
    std::vector<ConfigJson*> places;
    collect(config, places);
    damage(*places[pick(places.size())]);
    return config;
  }

 private:
  using Shape = yaml::Shape;

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  bool chance() { return pick(2) == 0; }
  std::string one(std::initializer_list<const char*> words) { return *(words.begin() + pick(words.size())); }

  ConfigJson value(const Shape& shape, int depth) {
    switch (shape.form) {
      case Shape::Form::text: return one({"a", "b", "c"});  // columns of the table
      case Shape::Form::file: return "t.csv";
      case Shape::Form::name: return "n" + std::to_string(pick(1'000'000));
      case Shape::Form::path: return path(shape.envelope);
      case Shape::Form::boolean: return chance();
      case Shape::Form::integer: return integer(shape);
      case Shape::Form::count: return chance() ? ConfigJson(shape.min) : ConfigJson(shape.max);
      case Shape::Form::duration:
      case Shape::Form::size: return chance() ? shape.min : shape.max;
      case Shape::Form::decimal: return chance() ? ConfigJson(static_cast<int>(pick(9)) - 4) : ConfigJson(0.5 + static_cast<double>(pick(4)));
      case Shape::Form::constant: return constant();
      case Shape::Form::words:
        // The table of these tests is a CSV file, whatever else tables may be.
        return shape.words[shape.words.front() == "csv" && shape.words.size() == 3 ? 0 : pick(shape.words.size())];
      case Shape::Form::pattern: return matching(shape);
      case Shape::Form::list: return list(shape, depth);
      case Shape::Form::map: return map(shape, depth);
      case Shape::Form::map_of: return map_of(shape, depth);
      case Shape::Form::either: return value(alternative(shape, depth), depth + 1);
      case Shape::Form::named: return value(keys_.shape(shape.what), depth + 1);
    }
    return nullptr;
  }

  const Shape& alternative(const Shape& shape, int depth) {
    const std::size_t leaves = depth > 8 ? 1 : shape.parts->size();  // what contains itself begins with what does not
    return (*shape.parts)[pick(leaves)];
  }
  std::string path(bool envelope) {
    if (envelope && pick(6) == 0) return one({"@id", "@time", "@type", "@source", "@partition"});
    return one({"f0", "f1", "f2.g", "a\\.b", "with space", "naïve", "7", "true"});
  }
  ConfigJson integer(const Shape& shape) {
    const std::int64_t min = std::stoll(shape.min), max = std::stoll(shape.max);
    return pick(4) == 0 ? min : pick(4) == 0 ? max : min + static_cast<std::int64_t>(pick(static_cast<std::size_t>(max - min) + 1));
  }
  ConfigJson constant() {
    switch (pick(5)) {
      case 0: return nullptr;
      case 1: return chance();
      case 2: return static_cast<int>(pick(100)) - 50;
      case 3: return 1.25;
      default: return one({"x", "", "5", "true", "7d"});
    }
  }
  std::string matching(const Shape& shape) {
    if (shape.what == "a number") return std::to_string(pick(20));
    if (shape.what.find("%Y") != std::string::npos) return one({"%Y-%m-%d %H:%M:%S", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%S.%f%z"});
    if (shape.what.find("UTC") != std::string::npos) return one({"UTC", "+02:00", "-03:30"});
    if (shape.what.starts_with("an address and a port")) return one({"127.0.0.1:7070", "[::1]:0", "localhost:80"});
    if (shape.what.find("2026-01-31") != std::string::npos) return one({"2026-01-02", "2026-01-02T03:04:05Z"});
    if (shape.what == "rule:NAME") return "mine:reason";
    if (shape.what.starts_with("an address with fields")) return one({"http://geo.example/{a}", "https://geo.example:8443/v1/{b}/{a.x}?full={c}"});
    if (shape.what.starts_with("an address such as")) return one({"http://hooks.example/x", "https://hooks.example:8443/v1?full=1"});
    if (shape.what == "a line as it stands") return "{\"a\":1";
    return "?";  // a pattern this test does not know: the schema will say so
  }
  ConfigJson list(const Shape& shape, int depth) {
    ConfigJson out = ConfigJson::array();
    if (shape.what == "comparison") return ConfigJson::array({path(true), one({"==", "<", ">="}), chance() ? ConfigJson(2) : ConfigJson("b")});
    const std::size_t most = std::min<std::size_t>(shape.items_max, shape.items_min + 2);
    const std::size_t count = shape.items_min + pick(most - shape.items_min + 1);
    for (std::size_t i = 0; i < count; ++i) out.push_back(value(shape.parts->front(), depth + 1));
    return out;
  }
  ConfigJson map_of(const Shape& shape, int depth) {
    ConfigJson out = ConfigJson::object();
    const std::size_t most = std::min<std::size_t>(shape.items_max, shape.items_min + 2);
    const std::size_t count = shape.items_min + pick(most - shape.items_min + 1);
    if (shape.keys != nullptr) {
      for (const yaml::Key& key : *shape.keys)
        if (out.size() < count && pick(3) == 0) out[key.name] = value(key.shape, depth + 1);
    }
    while (out.size() < count) out[value((*shape.parts)[1], depth + 1).get<std::string>()] = value(shape.parts->front(), depth + 1);
    return out;
  }

  ConfigJson map(const Shape& shape, int depth) {
    std::vector<std::string> chosen;
    for (const auto& group : shape.one_of) chosen.push_back(group[pick(group.size())]);
    for (const auto& group : shape.some_of) chosen.push_back(group[pick(group.size())]);
    for (const yaml::Key& key : *shape.keys) {
      const bool grouped = std::any_of(shape.one_of.begin(), shape.one_of.end(), [&](const auto& group) {
        return std::find(group.begin(), group.end(), key.name) != group.end();
      });
      if (key.required || (!grouped && pick(3) == 0)) chosen.push_back(key.name);
    }
    ConfigJson out = ConfigJson::object();
    for (const yaml::Key& key : *shape.keys) {
      if (std::find(chosen.begin(), chosen.end(), key.name) == chosen.end()) continue;
      const bool fits = std::all_of(key.rules.begin(), key.rules.end(), [&](const yaml::KeyRule& rule) {
        const bool there = std::find(chosen.begin(), chosen.end(), rule.other) != chosen.end();
        return rule.together ? there : !out.contains(rule.other);
      });
      if (fits || key.required) out[key.name] = value(key.shape, depth + 1);
    }
    for (const yaml::Key& key : *shape.keys) settle(out, key);
    return out;
  }
  /// What a key needs: another key with one of some words, or it goes.
  void settle(ConfigJson& out, const yaml::Key& key) {
    if (!out.contains(key.name)) return;
    for (const yaml::KeyRule& rule : key.rules) {
      if (!rule.together) continue;
      const bool good = out.contains(rule.other) &&
                        (rule.words.empty() || std::find(rule.words.begin(), rule.words.end(), out[rule.other]) != rule.words.end());
      if (!good) {
        out.erase(key.name);
        return;
      }
    }
  }

  /// What no description can say: tests name views and stages of the pipeline, texts have a format, times rise.
  static void settle_tests(ConfigJson& config) {
    std::size_t number = 0;
    for (ConfigJson& test : config["tests"]) {
      test["name"] = "test " + std::to_string(++number);
      settle_inputs(test["input"]);
      ConfigJson& expect = test["expect"];
      if (expect.contains("views")) expect["views"] = settled_views(config, expect["views"]);
      if (expect.contains("dead_letters")) settle_letters(expect["dead_letters"]);
    }
  }
  static void settle_inputs(ConfigJson& input) {
    ConfigJson one = ConfigJson::array({input});
    bool first = true;
    for (ConfigJson& item : input.is_array() ? input : one) {
      if (item.contains("events")) item.erase("format");
      if (item.contains("text")) item["format"] = "csv";
      if (first) item.erase("after");
      if (!first) item.erase("at");
      first = false;
    }
    if (!input.is_array()) input = one.front();
  }
  /// Each under the name of a view that is there, as far as there are any; rows only count.
  static ConfigJson settled_views(const ConfigJson& config, const ConfigJson& expected) {
    ConfigJson out = ConfigJson::object();
    if (!config.contains("views")) return out;
    auto rows = expected.begin();
    for (auto view = config["views"].begin(); view != config["views"].end() && rows != expected.end(); ++view, ++rows)
      out[view.key()] =
          rows->is_object() && rows->contains("count") ? ConfigJson{{"count", (*rows)["count"]}} : ConfigJson::array();
    return out;
  }
  static void settle_letters(ConfigJson& letters) {
    ConfigJson& rows = letters.is_object() && letters.contains("contains") ? letters["contains"] : letters;
    if (!rows.is_array()) return;
    for (ConfigJson& row : rows) {
      if (row.contains("stage")) row["stage"] = "parse";
    }
  }

  static void collect(ConfigJson& value, std::vector<ConfigJson*>& places) {
    places.push_back(&value);
    for (auto& inner : value) {
      if (value.is_structured()) collect(inner, places);
    }
  }
  void damage(ConfigJson& value) {
    if (value.is_object() && !value.empty() && pick(3) != 0) {
      auto entry = value.begin();
      std::advance(entry, static_cast<std::ptrdiff_t>(pick(value.size())));
      const std::string key = entry.key();
      const ConfigJson kept = entry.value();
      value.erase(key);
      if (chance()) value[key + "x"] = kept;
      return;
    }
    if (value.is_array() && !value.empty() && chance()) {
      value.push_back(value.front());
      return;
    }
    if (value.is_number() && chance()) {
      value = chance() ? ConfigJson(std::uint64_t{18'446'744'073'709'551'615ull}) : ConfigJson(-1);
      return;
    }
    static const std::vector<ConfigJson> kValues = {nullptr, true, 7, 0.5, "", "text", "7", "5M", "1h", "1TiB", "@id", "@nothing",
                                                    ConfigJson::array(), ConfigJson::object(), ConfigJson::array({"x"}),
                                                    ConfigJson::object({{"x", 1}})};
    value = kValues[pick(kValues.size())];
  }

  const yaml::ConfigKeys& keys_;
  std::mt19937_64 random_;
};

}  // namespace weir

// The schema and the loader, held together by random files: the schema refuses nothing that loads, and what it lets through and
// the loader refuses is on the list of what a schema cannot say.
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include <map>
#include <sstream>

#include "cluster/cli/config_schema.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"
#include "tests/unit/config_keys/random_config.h"

namespace weir {
namespace {

constexpr std::uint64_t kSeed = 20101201;

class Schema {
 public:
  explicit Schema(const yaml::ConfigKeys& keys) : text_(nlohmann::json::parse(cli::config_schema(keys, "test").dump())) {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(text_), schema_);
  }
  /// "" or the first thing that is wrong.
  std::string refusal(const ConfigJson& config) const {
    const nlohmann::json value = nlohmann::json::parse(config.dump());
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema_, valijson::adapters::NlohmannJsonAdapter(value), &results)) return "";
    std::string out;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
      for (const std::string& part : error.context) out += part;
      out += ": " + error.description + "\n";
    }
    return out.empty() ? "refused" : out;
  }

 private:
  nlohmann::json text_;
  valijson::Schema schema_;
};

struct Counts {
  std::size_t loaded = 0, refused_by_both = 0, by_loader_alone = 0;
};

/// Whether a finding is of a kind that a schema cannot say; counted by kind.
bool known_unsayable(const std::string& finding, std::map<std::string, std::size_t>& seen) {
  for (const yaml::Unsayable& item : yaml::unsayable()) {
    if (finding.find(item.finding) == std::string::npos) continue;
    ++seen[item.what];
    return true;
  }
  return false;
}

class Comparison {
 public:
  Comparison(const yaml::ConfigKeys& keys, bool node) : schema_(keys), node_(node) { folder_.write("t.csv", "a,b,c\n"); }

  void compare(const ConfigJson& config) {
    const std::string file = folder_.write("c.yaml", config.dump());
    const auto loaded = node_ ? loader_.node(file, {}).map([](const NodeConfig&) {}) : loader_.pipeline(file, {}).map([](const PipelineConfig&) {});
    const std::string refusal = schema_.refusal(config);
    if (loaded) {
      ++counts.loaded;
      if (!refusal.empty()) FAIL("it loads, and the schema refuses it:\n" << refusal);
      return;
    }
    if (!refusal.empty()) {
      ++counts.refused_by_both;
      return;
    }
    ++counts.by_loader_alone;
    std::istringstream findings(loaded.error().context);
    for (std::string finding; std::getline(findings, finding);) {
      if (!known_unsayable(finding, seen))
        FAIL("the schema takes what the loader refuses; say it in the schema, or add it to unsayable():\n" << finding);
    }
  }

  Counts counts;
  std::map<std::string, std::size_t> seen;

 private:
  ScratchFolder folder_;
  YamlConfigLoader loader_{[](std::string_view) { return std::nullopt; }};
  Schema schema_;
  bool node_;
};

TEST_CASE("a pipeline file made of the description loads, and the schema takes it", "[config]") {
  Comparison comparison(yaml::pipeline_keys(), false);
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    const ConfigJson config = RandomConfig(yaml::pipeline_keys(), kSeed + i).make();
    INFO("seed " << kSeed + i << "\n" << config.dump());
    comparison.compare(config);
  }
  CHECK(comparison.counts.refused_by_both == 0);
  CHECK(comparison.counts.loaded > 500);
}

TEST_CASE("a damaged pipeline file is refused by both, or by the loader with what a schema cannot say", "[config]") {
  Comparison comparison(yaml::pipeline_keys(), false);
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    RandomConfig random(yaml::pipeline_keys(), kSeed + i);
    const ConfigJson config = random.damaged(random.make());
    INFO("seed " << kSeed + i << "\n" << config.dump());
    comparison.compare(config);
  }
  CHECK(comparison.counts.refused_by_both > 1'000);
  CHECK(comparison.counts.loaded > 100);
}

TEST_CASE("node files: the schema and the loader agree", "[config]") {
  Comparison comparison(yaml::node_keys(), true);
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    RandomConfig random(yaml::node_keys(), kSeed + i);
    const ConfigJson config = random.make();
    INFO("seed " << kSeed + i << "\n" << config.dump());
    comparison.compare(config);
    CHECK(comparison.counts.refused_by_both == 0);
  }
  CHECK(comparison.counts.loaded > 1'500);
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    RandomConfig random(yaml::node_keys(), kSeed + i);
    const ConfigJson config = random.damaged(random.make());
    INFO("seed " << kSeed + i << "\n" << config.dump());
    comparison.compare(config);
  }
  CHECK(comparison.counts.refused_by_both > 500);
}

TEST_CASE("variables may stand for plain values of every kind", "[config]") {
  const Schema schema(yaml::pipeline_keys());
  const ConfigJson config = {{"pipeline", "${NAME}"}, {"partitions", "${N:-8}"}, {"dedupe", {{"remember", "${R}"}, {"ids_max", "${I}"}, {"on_conflict", "${C}"}}}};
  CHECK(schema.refusal(config).empty());
  CHECK(!schema.refusal({{"pipeline", "p"}, {"partitions", "$N"}}).empty());
}

}  // namespace
}  // namespace weir

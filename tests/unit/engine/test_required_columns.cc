// Which columns a CSV header must have: those without which every record would be a dead letter, and no others.
#include "runtime/engine/required_columns.h"

#include "tests/support/catch.h"

namespace weir {
namespace {

using Columns = std::vector<std::string>;

FieldPath path(const std::string& name) {
  return {{name}, name};
}
template <class Body>
StageConfig stage(const std::string& kind, const Body& body) {
  StageConfig config;
  config.kind = kind;
  config.name = kind;
  config.body = body;
  return config;
}
StageConfig validate(std::initializer_list<FieldRule> fields) {
  ValidateConfig body;
  body.fields = fields;
  return stage("validate", body);
}
FieldRule field(const std::string& name, bool required = true) {
  FieldRule rule;
  rule.path = path(name);
  rule.required = required;
  return rule;
}
StageConfig transform(const TransformConfig& body) {
  return stage("transform", body);
}

TEST_CASE("required are the time's column and those that validate requires of every event, each once",
          "[required_columns]") {
  PipelineConfig pipeline;
  pipeline.record.time.format = TimeFormat::rfc3339;
  pipeline.record.time.field = path("when");
  pipeline.stages = {validate({field("when"), field("price"), field("note", false)}), validate({field("price")})};
  FieldRule nested = field("a");
  nested.path.parts = {"a", "b"};
  FieldRule envelope = field("@id");
  StageConfig sometimes = validate({field("size")});
  sometimes.when = WhenConfig{path("kind"), {}};
  pipeline.stages.push_back(validate({nested, envelope}));
  pipeline.stages.push_back(sometimes);
  CHECK(required_columns(pipeline) == Columns{"when", "price"});
  pipeline.record.time = {};
  CHECK(required_columns(pipeline) == Columns{"when", "price"});
  pipeline.stages.clear();
  CHECK(required_columns(pipeline).empty());
}

TEST_CASE("a field that a stage has made or dropped is no column any more", "[required_columns]") {
  PipelineConfig pipeline;
  TransformConfig makes;
  makes.set.emplace_back("amount", Expression{});
  makes.drop = {"secret"};
  makes.split = SplitConfig{path("lines"), "line"};
  EnrichConfig enrich;
  enrich.add = {{"region", "name"}};
  pipeline.stages = {validate({field("kg")}), transform(makes), stage("enrich", enrich),
                     validate({field("amount"), field("secret"), field("line"), field("region"), field("kg"), field("no")})};
  CHECK(required_columns(pipeline) == Columns{"kg", "no"});

  TransformConfig script;
  script.script = ScriptConfig{};
  pipeline.stages.insert(pipeline.stages.begin() + 1, transform(script));
  CHECK(required_columns(pipeline) == Columns{"kg"});
}

}  // namespace
}  // namespace weir

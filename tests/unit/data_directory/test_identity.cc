// Data that does not fit a pipeline file says what differs, in the words of the file.
#include "runtime/event/data_identity.h"
#include "runtime/ports/pipeline_config.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

DataIdentity of(const PipelineConfig& config) {
  DataIdentity identity;
  identity.pipeline = config.name;
  identity.partitions = config.partitions;
  identity.wall_text = wall_text(config);
  return identity;
}
PipelineConfig pipeline(std::vector<FieldPath> id = {}) {
  PipelineConfig config;
  config.name = "p";
  config.record.id.digest = id.empty();
  config.record.id.fields = std::move(id);
  return config;
}
FieldPath path(std::vector<std::string> parts, std::string text) {
  return {std::move(parts), std::move(text)};
}

}  // namespace

TEST_CASE("the same pipeline has no differences, whatever may change", "[identity]") {
  PipelineConfig changed = pipeline();
  changed.dedupe.ids_max = 5'000;
  changed.record.type = "sale";
  CHECK(identity_differences(of(pipeline()), of(changed)).empty());
  CHECK(check_identity(of(pipeline()), of(changed)));
}

TEST_CASE("a changed id rule is shown as the pipeline file writes it", "[identity]") {
  const PipelineConfig wanted =
      pipeline({path({"@source"}, "@source"), path({"properties", "updated"}, "properties.updated"), path({"a b: 7"}, "a b: 7")});
  const auto differences = identity_differences(of(pipeline()), of(wanted));
  REQUIRE(differences.size() == 1);
  CHECK(differences[0].what == "record.id");
  CHECK(differences[0].stored == "digest");
  CHECK(differences[0].wanted == "[@source, properties.updated, a b: 7]");
  CHECK(differences[0].todo == "write digest back, or start a new directory and ingest again");
}

TEST_CASE("everything that differs is said at once", "[identity]") {
  PipelineConfig wanted = pipeline({path({"id"}, "id")});
  wanted.partitions = 16;
  const auto refused = check_identity(of(pipeline()), of(wanted));
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::data_foreign);
  CHECK(refused.error().context ==
        "partitions cannot change from 8 to 16 under existing data (the number decides where every event lies): write 8 back, or start a "
        "new directory and ingest again\n"
        "record.id cannot change from digest to [id] under existing data (ids decide where events lie and what is a repeat): write digest "
        "back, or start a new directory and ingest again");
}

TEST_CASE("data of another pipeline, or of other formats, says so", "[identity]") {
  PipelineConfig other = pipeline();
  other.name = "q";
  other.partitions = 16;
  const auto foreign = identity_differences(of(pipeline()), of(other));
  REQUIRE(foreign.size() == 1);
  CHECK(foreign[0].what == "pipeline");
  DataIdentity newer = of(pipeline());
  newer.wall_text.replace(newer.wall_text.find("formats=1"), 9, "formats=9");
  const auto formats = identity_differences(newer, of(pipeline()));
  REQUIRE(formats.size() == 1);
  CHECK(formats[0].stored == "9");
  CHECK(formats[0].wanted == "1");
  DataIdentity strange = of(pipeline());
  strange.wall_text = "nothing known";
  CHECK(!identity_differences(strange, of(pipeline())).empty());
}

}  // namespace weir

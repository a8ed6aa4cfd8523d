#include "cluster/node/views_file.h"

#include <fmt/format.h>

#include "runtime/adapters/system/system_clock.h"
#include "tests/support/catch.h"
#include "tests/unit/data_directory/scratch.h"

using namespace weir;
using namespace weir::test;

namespace {

PipelineConfig shop() {
  PipelineConfig config;
  config.name = "shop";
  config.partitions = 3;
  ViewConfig view;
  view.name = "by_country";
  view.group_by = {FieldPath{{"Country"}, "Country"}};
  view.measures = {{"lines", MeasureKind::count, {}}};
  config.views = {view};
  return config;
}

struct Fixture {
  Fixture() { keep(shop()); }
  void keep(const PipelineConfig& config) {
    DataIdentity identity;
    identity.pipeline = "shop";
    identity.partitions = 3;
    auto opened = DataDirectory::open(path, identity, clock, rng);
    REQUIRE(opened.has_value());
    REQUIRE(write_views_file(*opened, config).has_value());
  }
  SystemClock clock;
  SystemRng rng;
  Scratch scratch;
  std::string path = scratch / "data";
  std::string file = path + "/views.yaml";
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the views of a directory come back as they were written", "[views_file]") {
  const auto config = read_views_file(path, {});
  REQUIRE(config.has_value());
  CHECK(views_yaml(*config) == views_yaml(shop()));
}

TEST_CASE_METHOD(Fixture, "how records are separated is kept beside the views where it is no comma", "[views_file]") {
  CHECK(views_yaml(shop()).find("separator") == std::string::npos);
  for (const char separator : {';', '\t', '|'}) {
    PipelineConfig config = shop();
    config.record.csv.separator = separator;
    keep(config);
    const auto read = read_views_file(path, {});
    REQUIRE(read.has_value());
    CHECK(read->record.csv.separator == separator);
  }
}

TEST_CASE_METHOD(Fixture, "a view of a plugin comes back with its keys where the plugin is loaded, and by its name where it is not", "[views_file]") {
  auto kind = std::make_shared<PluginViewKind>();
  kind->name = "mine";
  kind->columns = {"most"};
  using Type = PluginKey::Type;
  kind->keys = {{"whole", "", Type::integer, false, "-9", "9", "1", {}},     {"exact", "", Type::decimal, false, "", "", "1", {}},
                {"text", "", Type::text, true, "", "", "", {}},              {"flag", "", Type::boolean, false, "", "", "true", {}},
                {"pause", "", Type::duration, false, "0", "9000000", "0", {}}, {"room", "", Type::size, false, "0", "8192", "1", {}},
                {"word", "", Type::word, false, "", "", "a", {"a", "b c"}}};
  PipelineConfig config = shop();
  ViewConfig view;
  view.name = "own";
  view.group_by = config.views[0].group_by;
  view.plugin = PluginViewConfig{kind, "mine", {"-7", "2.50", "say \"${HOME}\"\n", "false", "1500000", "2048", "b c"}};
  config.views.push_back(view);
  keep(config);
  const auto loaded = read_views_file(path, {{}, {}, {}, {kind}, {}});
  INFO((loaded ? std::string() : loaded.error().context));
  REQUIRE(loaded.has_value());
  CHECK(loaded->views.at(1).plugin->values == view.plugin->values);
  CHECK(views_yaml(*loaded) == views_yaml(config));
  const auto other = read_views_file(path, {});
  REQUIRE(other.has_value());
  CHECK(other->views.at(0).measures.size() == 1);
  CHECK(other->views.at(1).plugin->kind == nullptr);
  CHECK(other->views.at(1).plugin->kind_name == "mine");
}

TEST_CASE_METHOD(Fixture, "every flipped bit of the views file is found", "[views_file]") {
  const std::string right = read(file);
  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    std::string wrong = right;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
    write(file, wrong);
    INFO("bit " << bit);
    const auto config = read_views_file(path, {});
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().code == Errc::state_damaged);
    CHECK(config.error().context.find("views.yaml") != std::string::npos);
  }
}

TEST_CASE_METHOD(Fixture, "a views file that is gone or cut off is damage that says how to mend it", "[views_file]") {
  const std::string right = read(file);
  for (const std::string& left : {std::string{}, right.substr(0, right.size() / 2)}) {
    write(file, left);
    const auto config = read_views_file(path, {});
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().code == Errc::state_damaged);
    CHECK(config.error().context.find("run the pipeline once more") != std::string::npos);
  }
}

// What events are ordered by, found in their bytes.
#include "runtime/event/order_key.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

IngestBatch batch_of(FrameFormat format, const std::string& header, const std::vector<std::pair<std::string, std::uint16_t>>& frames) {
  IngestBatchBuilder builder{64};
  for (const auto& [raw, flags] : frames) builder.add({raw, "id", flags, {}, 1});
  return IngestBatch::decode(builder.finish({format, 1, 0, "test", header})).value();
}

std::vector<std::string> keys(OrderKeyFinder& finder, const IngestBatch& batch) {
  std::vector<std::string> found;
  for (std::uint32_t i = 0; i < batch.count(); ++i) found.emplace_back(finder.of(batch, i));
  return found;
}

}  // namespace

TEST_CASE("a key is a string's text or a number's spelling, and what has none is ordered by its id alone", "[order_key]") {
  OrderKeyFinder finder({"customer", "no"}, ',');
  const IngestBatch batch = batch_of(FrameFormat::json, "",
                                     {{R"({"customer":{"no":"a\u0062"}})", 0},
                                      {R"({"customer":{"no":17}})", 0},
                                      {R"({"customer":{"no":null}})", 0},
                                      {R"({"customer":{}})", 0},
                                      {R"({"customer":{"no":"x"},)", 0},
                                      {R"({"customer":{"no":")" + std::string(600, 'x') + R"("}})", 0},
                                      {R"({"customer":{"no":"x"}})", frame_flag::cut}});
  CHECK(keys(finder, batch) == std::vector<std::string>{"ab", "17", "", "", "x", "", ""});
}

TEST_CASE("columns are those of each batch's own header line", "[order_key]") {
  OrderKeyFinder finder({"Customer"}, ';');
  CHECK(keys(finder, batch_of(FrameFormat::csv, "Customer;n", {{"7;1", 0}, {";1", 0}})) == std::vector<std::string>{"7", ""});
  CHECK(keys(finder, batch_of(FrameFormat::csv, "n;Customer", {{"7;1", 0}})) == std::vector<std::string>{"1"});
  CHECK(keys(finder, batch_of(FrameFormat::csv, "n", {{"7", 0}})) == std::vector<std::string>{""});
}

TEST_CASE("of a CloudEvent the key is looked for in its data", "[order_key]") {
  OrderKeyFinder finder({"customer"}, ',');
  CHECK(keys(finder, batch_of(FrameFormat::cloudevents, "", {{R"({"id":"1","source":"s","data":{"customer":"c"}})", 0}})) ==
        std::vector<std::string>{"c"});
}

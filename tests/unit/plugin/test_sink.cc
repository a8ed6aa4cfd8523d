// What a plugin's sink is given, and what becomes of what it answers.
#include <weir/plugin_abi.h>

#include <fstream>
#include <sstream>

#include "actors/plugin/plugin_sink.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

extern "C" const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why);

namespace weir {
namespace {

using Kind = SinkAnswer::Kind;

SinkConfig sink_of(const std::string& kind, std::vector<std::string> values, const std::string& name = "archive") {
  const PluginKinds kinds = read_kinds(*weir_plugin_open(&plugin_host(), nullptr), "tests", Digest128{1, 2}).value();
  PluginSinkConfig config;
  config.kind = *find_kind(kinds.sinks, kind);
  config.kind_name = kind;
  config.values = std::move(values);
  SinkConfig sink;
  sink.name = name;
  sink.body = std::move(config);
  return sink;
}
std::shared_ptr<const SinkBatch> batch_of(const std::string& what, std::uint64_t commit = 7) {
  auto text = std::make_shared<const std::string>(R"({"order":{"amount":2.50},"do":")" + what + R"("})");
  auto batch = std::make_shared<SinkBatch>();
  batch->from = {CommitSequence{commit - 1}, 0};
  batch->to = {CommitSequence{commit}, 3};
  batch->key = "k";
  batch->items = {{*text, "e1#0", {}, "order", "/shop", 1'000'000, {CommitSequence{commit - 1}, 3}}};
  batch->keep = text;
  return batch;
}
SinkAnswer sent(PluginSinkTarget& target, std::shared_ptr<const SinkBatch> batch) {
  std::optional<SinkAnswer> answer;
  target.send(std::move(batch), [&](SinkAnswer given) { answer = std::move(given); });
  REQUIRE(answer);
  return *answer;
}

TEST_CASE("a sink of a plugin gets its place, then batches with key, position, fields and envelope", "[plugin]") {
  ScratchFolder folder;
  const std::string file = folder.path() + "/scroll";
  PluginSinkTarget target(sink_of("scroll", {file, "100"}), "shop", PartitionId{3});
  REQUIRE(target.open(""));
  CHECK(sent(target, batch_of("")).kind == Kind::taken);
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  CHECK(text.str() == "open shop archive 3\nkey k\ne1#0|2.50|1970-01-01T00:00:01Z|3|order|/shop|{\"order\":{\"amount\":2.50},\"do\":\"\"} 6.3\nto 7.3\n");
  CHECK_FALSE(target.hides());
}

TEST_CASE("what it answers is what becomes of the batch", "[plugin]") {
  PluginSinkTarget target(sink_of("scroll", {"none", "100"}), "shop", PartitionId{0});
  REQUIRE(target.open(""));
  SinkAnswer answer = sent(target, batch_of("fail"));
  CHECK(answer.kind == Kind::failed);
  CHECK(answer.reason == "busy again");
  CHECK(answer.pause == std::chrono::milliseconds(1'500));
  CHECK(sent(target, batch_of("refuse")).kind == Kind::refused);
  answer = sent(target, batch_of("unusable"));
  CHECK(answer.kind == Kind::unusable);
  CHECK(answer.reason == "broken for good");
  CHECK(sent(target, batch_of("long")).reason == std::string(1'024, 'x'));
}

TEST_CASE("what it throws, and an answer that is none, is a crash and never an answer", "[plugin]") {
  PluginSinkTarget target(sink_of("scroll", {"none", "100"}), "shop", PartitionId{0});
  REQUIRE(target.open(""));
  const auto crash = [&](const std::string& what) { target.send(batch_of(what), [](const SinkAnswer&) { FAIL("it has answered"); }); };
  CHECK_THROWS_WITH(crash("throw"), "thrown on e1#0");
  CHECK_THROWS_WITH(crash("throw an int"), "an exception that is no std::exception");
  CHECK_THROWS_WITH(crash("nonsense"), "it answers 77, which is no answer");
}

TEST_CASE("open may fail for a while or for good, and is left out where there is none", "[plugin]") {
  PluginSinkTarget closed(sink_of("scroll", {"none", "100"}, "closed"), "shop", PartitionId{0});
  const auto opened = closed.open("");
  REQUIRE(!opened);
  CHECK(opened.error().code == Errc::io_failed);
  CHECK(opened.error().context == "it is closed");
  PluginSinkTarget gone(sink_of("scroll", {"none", "100"}, "gone"), "shop", PartitionId{0});
  REQUIRE(gone.open(""));
  CHECK(sent(gone, batch_of("")).kind == Kind::unusable);
  CHECK(sent(gone, batch_of("")).reason == "it is gone");
  PluginSinkTarget angry(sink_of("scroll", {"none", "100"}, "angry"), "shop", PartitionId{0});
  CHECK_THROWS_WITH(angry.open(""), "do not open me");
  PluginSinkTarget picky(sink_of("scroll", {"none", "100"}, "picky"), "shop", PartitionId{0});
  CHECK_THROWS_WITH(picky.open(""), "open() answers refused, and there is no batch yet: whatever it is");
  PluginSinkTarget nowhere(sink_of("nowhere", {}), "shop", PartitionId{0});
  CHECK(nowhere.open(""));
  CHECK(sent(nowhere, batch_of("throw")).kind == Kind::taken);
}

TEST_CASE("a constructor that throws, and a field that is none, are found before anything starts", "[plugin]") {
  const auto checked = [](const SinkConfig& sink) {
    const auto found = PluginSinkTarget::check(sink);
    return found ? "" : found.error().context;
  };
  CHECK(checked(sink_of("scroll", {"none", "12"})) == "");
  CHECK(checked(sink_of("scroll", {"none", "13"})) == "sink \"archive\": 13 brings bad luck; take 12 or 14");
  CHECK(checked(sink_of("writes", {})) == "sink \"archive\": \"a\" cannot be written: what a sink or a view gets is final");
}

}  // namespace
}  // namespace weir

// Every file in configs/ is an example someone copies: it must load as it is.
#include <filesystem>

#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/ports/pipeline_tests.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

std::vector<std::string> yaml_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  return files;
}

TEST_CASE("every pipeline file in configs loads", "[config]") {
  // The users of the orders pipeline are generated: a header stands in for them, the loader reads no further.
  ScratchFolder tables;
  tables.write("users.csv", "user,tier,region,risk\n");
  const YamlConfigLoader loader([&](std::string_view name) -> std::optional<std::string> {
    return name == "WEIR_ORDERS_TABLES" ? std::optional(tables.path()) : std::nullopt;
  });
  const auto files = yaml_files("configs/pipelines");
  CHECK(files.size() >= 3);
  for (const std::string& file : files) {
    INFO(file);
    const auto config = loader.pipeline(file, {});
    if (!config) FAIL(config.error().context);
    CHECK(config->name == std::filesystem::path(file).stem().string());
    CHECK(loader.tests({file, {}, {}}).value().warnings.empty());
  }
}

TEST_CASE("every node file in configs loads", "[config]") {
  const YamlConfigLoader loader;
  const auto files = yaml_files("configs/nodes");
  CHECK(!files.empty());
  for (const std::string& file : files) {
    INFO(file);
    const auto config = loader.node(file, {});
    if (!config) FAIL(config.error().context);
  }
}

TEST_CASE("the retail example says what its file says", "[config]") {
  const auto config = YamlConfigLoader{}.pipeline("configs/pipelines/retail.yaml", {});
  if (!config) FAIL(config.error().context);
  CHECK(config->partitions == 8);
  CHECK(config->record.format == RecordFormat::csv);
  CHECK(config->record.id.digest);
  CHECK(config->record.time.format == TimeFormat::strptime);
  CHECK(config->record.time.strptime == "%Y-%m-%d %H:%M:%S");
  CHECK(config->record.type == "sale");
  CHECK(config->dedupe.remember == std::chrono::hours(24 * 7));
  CHECK(config->dedupe.ids_max == 50'000'000);
  CHECK(config->limits.event_bytes_max == 900 * 1024);
  REQUIRE(config->stages.size() == 3);
  const auto& fields = std::get<ValidateConfig>(config->stages[0].body).fields;
  REQUIRE(fields.size() == 4);
  CHECK(fields[1].path.text == "UnitPrice");
  CHECK(fields[1].type == FieldType::decimal);
  CHECK(fields[1].above == "0");
  CHECK(fields[2].required == false);
  const auto& enrich = std::get<EnrichConfig>(config->stages[1].body);
  CHECK(enrich.table.file == "configs/pipelines/countries.csv");
  CHECK(enrich.table.key == std::vector<std::string>{"Country"});
  REQUIRE(enrich.key.size() == 1);
  CHECK(enrich.key[0].text == "Country");
  CHECK(enrich.missing == OnMissing::fill);
  const auto& transform = std::get<TransformConfig>(config->stages[2].body);
  REQUIRE(transform.set.size() == 2);
  CHECK(transform.set[0].first == "amount");
  CHECK(transform.set[0].second.kind == Expression::Kind::multiply);
  CHECK(transform.set[0].second.arguments.size() == 2);
  CHECK(transform.set[1].second.constant == Constant{Constant::Kind::string, "GBP"});
  CHECK(transform.drop == std::vector<std::string>{"Description"});
  REQUIRE(config->views.size() == 4);
  CHECK(config->views[0].latest->text == "@id");
  CHECK(config->views[2].group_by.at(0).text == "Country");
  CHECK(config->views[3].windows.at(1).unit == WindowConfig::Unit::month);
  CHECK(config->views[3].measures.at(0).kind == MeasureKind::sum);
  CHECK(config->views[3].retain == std::chrono::hours(24 * 400));
}

TEST_CASE("no file at all is a node with its defaults", "[config]") {
  const auto config = YamlConfigLoader{}.node("", {"data=here", "log.embedded.retain=all"});
  if (!config) FAIL(config.error().context);
  CHECK(config->node == "n1");
  CHECK(config->data == "here");
  CHECK(!config->retain);
  CHECK(config->commit_interval == std::chrono::milliseconds(20));
  CHECK(config->http_address == "127.0.0.1");
  CHECK(config->http_port == 7070);
}

TEST_CASE("a node listens on loopback addresses, and beyond them with tokens and TLS", "[config]") {
  std::vector<std::string> more;
  const auto listen = [&more](const std::string& text) {
    std::vector<std::string> sets = more;
    sets.push_back("http.listen='" + text + "'");
    const auto config = YamlConfigLoader{}.node("", sets);
    if (!config) return std::string("refused");
    return fmt::format("{} {}", config->http_address, config->http_port);
  };
  CHECK(listen("0.0.0.0:7070") == "refused");
  CHECK(listen("127.0.0.1:0") == "127.0.0.1 0");
  CHECK(listen("127.9.8.7:65535") == "127.9.8.7 65535");
  CHECK(listen("[::1]:7070") == "::1 7070");
  CHECK(listen("localhost:80") == "127.0.0.1 80");
  more = {"http.tls.certificate_file=c", "http.tls.key_file=k"};
  CHECK(listen("0.0.0.0:7070") == "refused");
  more = {"http.tokens_file=t"};
  CHECK(listen("0.0.0.0:7070") == "refused");
  more = {"http.tokens_file=t", "http.tls.certificate_file=c", "http.tls.key_file=k"};
  CHECK(listen("0.0.0.0:7070") == "0.0.0.0 7070");
  CHECK(listen("[::]:0") == ":: 0");
  CHECK(listen("[2001:db8::7]:7070") == "2001:db8::7 7070");
  CHECK(listen("192.0.2.7:443") == "192.0.2.7 443");
  CHECK(listen("node.example:443") == "refused");
}

TEST_CASE("the files of tokens and TLS are named beside the node file, and not opened by the loader", "[config]") {
  ScratchFolder folder;
  const std::string file =
      folder.write("n.yaml", "http:\n  tokens_file: secrets/tokens\n  tls: {certificate_file: ./node.crt, key_file: /etc/weir/node.key}\n");
  const auto config = YamlConfigLoader{}.node(file, {});
  if (!config) FAIL(config.error().context);
  REQUIRE(config->http_tokens);
  CHECK(config->http_tokens->name == folder.path() + "/secrets/tokens");
  CHECK(config->http_tokens->place.line == 2);
  REQUIRE(config->http_tls);
  CHECK(config->http_tls->certificate.name == folder.path() + "/node.crt");
  CHECK(config->http_tls->key.name == "/etc/weir/node.key");
  CHECK(config->http_tls->key.place.column == 49);
  const auto plain = YamlConfigLoader{}.node("", {});
  CHECK_FALSE(plain->http_tokens);
  CHECK_FALSE(plain->http_tls);
}

}  // namespace
}  // namespace weir

// Fields of views that are most likely slips: warned of where something is called nearly so, and nowhere else.
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "runtime/ports/pipeline_tests.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

/// The warnings, without the name of the folder.
std::vector<std::string> warnings(const std::string& pipeline, const std::string& script = "") {
  ScratchFolder folder;
  folder.write("s.lua", script);
  folder.write("sale.json", R"({"properties":{"customer":{"type":"string"},"basket":{}}})");
  folder.write("countries.csv", "Country,region\n");
  const auto config = YamlConfigLoader{}.tests({folder.write("p.yaml", pipeline), {}, {}});
  if (!config) FAIL(config.error().context);
  std::vector<std::string> said = config->warnings;
  for (std::string& line : said) line.erase(0, folder.path().size() + 1);
  return said;
}
std::size_t count(const std::string& views, const std::string& script) {
  return warnings("pipeline: p\nstages: [{transform: {script: s.lua}}]\nviews: {" + views + "}\n", script).size();
}

}  // namespace

TEST_CASE("a field misspelt behind a script is warned of with the name it is near to", "[config]") {
  CHECK(warnings("pipeline: p\n"
                 "stages:\n"
                 "  - validate: {fields: {country: {}}, schema: sale.json}\n"
                 "  - transform: {script: s.lua}\n"
                 "  - enrich: {table: {file: countries.csv, key: Country}, key: country, add: {region: region}}\n"
                 "views:\n"
                 "  v: {group_by: [contry, regoin.name], measures: {s: {sum: amuont}, n: count, m: {max: amuont}}}\n"
                 "  w: {latest: custmer, fields: [net, \"basket\"], when: {cuontry: FR}}\n",
                 "function transform(e)\n  e.amount = e.price * e.quantity\n  e[\"net\"] = 1\n  return e\nend\n") ==
        std::vector<std::string>{
            R"(p.yaml:7:3: warning: "views.v.group_by" reads "contry", which neither a stage nor a script names; did you mean "country"?)",
            R"(p.yaml:7:3: warning: "views.v.group_by" reads "regoin.name", which neither a stage nor a script names; did you mean "region"?)",
            R"(p.yaml:7:3: warning: "views.v.measures.s" reads "amuont", which neither a stage nor a script names; did you mean "amount"?)",
            R"(p.yaml:8:3: warning: "views.w.latest" reads "custmer", which neither a stage nor a script names; did you mean "customer"?)",
            R"(p.yaml:8:3: warning: "views.w.when" reads "cuontry", which neither a stage nor a script names; did you mean "country"?)"});
}

TEST_CASE("what a script or a record may well have is no doubt", "[config]") {
  const std::string script = "function transform(e)\n  local totals = {}\n  e.amount = 1\n  e.item = e.id\n  e['ship' .. 'ping'] = 1\nend\n";
  CHECK(count("v: {group_by: [amount], measures: {n: count}}", script) == 0);
  CHECK(count("v: {group_by: [undeclared], measures: {n: count}}", script) == 0);  // like nothing else
  CHECK(count("v: {group_by: [shipping], measures: {n: count}}", script) == 0);
  CHECK(count("v: {group_by: [items], measures: {n: count}}", script) == 0);       // many of them
  CHECK(count("v: {group_by: [ip], measures: {n: count}}", script) == 0);          // short
  CHECK(count("v: {group_by: [total], measures: {n: count}}", script) == 0);       // the script says totals: part of it
  CHECK(count("v: {group_by: [amuont], measures: {n: count}}", "-- makes amuont, too\n" + script) == 0);
  CHECK(count("v: {group_by: [\"@type\"], measures: {n: count}}", script) == 0);
  CHECK(count("v: {group_by: [amuont], measures: {n: count}}", script) == 1);
}

}  // namespace weir

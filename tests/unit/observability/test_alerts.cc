// The alert rules of deploy/alerts ask for metrics that there are.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "cluster/node/node_metrics.h"
#include "tests/support/catch.h"

namespace weir {

TEST_CASE("alert rules ask for metrics that a node has, by labels that they have", "[metrics]") {
  const std::string page = metrics_page();
  std::size_t rules = 0, metrics = 0;
  for (const auto& entry : std::filesystem::directory_iterator("deploy/alerts")) {
    std::ifstream file(entry.path());
    const std::regex name("\\bweir_[a-z_]+"), alert("- alert: Weir[A-Za-z]+$");
    for (std::string line; std::getline(file, line);) {
      if (std::regex_search(line, alert)) ++rules;
      if (line.find("expr:") == std::string::npos) continue;
      for (std::sregex_iterator found(line.begin(), line.end(), name); found != std::sregex_iterator(); ++found) {
        INFO(entry.path() << ": " << line);
        CHECK(page.find("| `" + found->str() + "` |") != std::string::npos);
        ++metrics;
      }
    }
  }
  CHECK(rules >= 4);
  CHECK(metrics >= rules);
}

}  // namespace weir

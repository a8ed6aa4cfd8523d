// The one executable.
#include <fmt/format.h>

#include <string_view>

#include "cluster/cli/program.h"
#include "runtime/base/fail_point.h"

#if defined(WEIR_FAULTS)
namespace {

/// `weir-faults fail-points`: one a line, what belongs together one after the other.
int list_fail_points() {
  for (const weir::faults::FailPoint& point : weir::faults::kFailPoints) fmt::print("{:32} {:10} {}\n", point.name, point.area, point.meaning);
  return 0;
}

}  // namespace
#endif

int main(int argc, char** argv) {
#if defined(WEIR_FAULTS)
  if (argc == 2 && std::string_view(argv[1]) == "fail-points") return list_fail_points();
#endif
  return weir::cli::run_program(argc, argv, nullptr);
}

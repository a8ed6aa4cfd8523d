// weir-sim --seeds A..B [--twice] [--defect NAME]: runs seeds, prints one line per failing one and the command that
// repeats it. Exit 0: all as it must be (with --defect: the defect was found). Exit 1: not.
#include <fmt/format.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "runtime/base/fail_point.h"
#include "tests/simulation/sim_run.h"

#if !defined(WEIR_FAULTS)
// The functions live in the fault objects this program is linked with.
namespace weir::faults {
void set_defect(const char* name_or_empty);
}
#endif

int main(int argc, char** argv) {
  std::uint64_t first = 1, last = 100;
  bool twice = false;
  std::string defect;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--twice") {
      twice = true;
    } else if (arg == "--seeds" && i + 1 < argc) {
      const std::string range = argv[++i];
      first = std::strtoull(range.c_str(), nullptr, 10);
      const auto dots = range.find("..");
      last = dots == std::string::npos ? first : std::strtoull(range.c_str() + dots + 2, nullptr, 10);
    } else if (arg == "--defect" && i + 1 < argc) {
      defect = argv[++i];
    } else {
      std::fprintf(stderr, "usage: weir-sim --seeds A..B [--twice] [--defect NAME]\n");
      return 2;
    }
  }
  ::mallopt(M_TRIM_THRESHOLD, 512 * 1024 * 1024);  // nodes come and go by the thousand: keep their memory
  weir::faults::set_defect(defect.c_str());
  weir::sim::Witness total;
  std::uint64_t failed = 0, hash = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const auto result = weir::sim::run_seed(seed);
    total += result.witness;
    hash = hash * 31 + result.trace;
    if (twice && weir::sim::run_seed(seed).trace != result.trace) {
      ++failed;
      std::printf("seed %lu: NOT DETERMINISTIC: the same seed took another course\n", seed);
    }
    if (result.verdict.empty()) continue;
    ++failed;
    if (!defect.empty()) {
      std::printf("CAUGHT: defect %s by seed %lu: %s\n", defect.c_str(), seed, result.verdict.c_str());
      return 0;
    }
    std::printf("seed %lu: FAIL: %s\n  repeat: weir-sim --seeds %lu\n", seed, result.verdict.c_str(), seed);
    if (first == last) {
      for (const std::string& line : result.log) std::printf("  %s\n", line.c_str());
    }
  }
  if (!defect.empty()) {
    std::printf("MISSED: defect %s by seeds %lu..%lu\n", defect.c_str(), first, last);
    return 1;
  }
  std::printf("%lu seeds, %lu events, %lu steps, trace %016lx; %s\n", last - first + 1, total.events, total.steps, hash,
              total.text().c_str());
  if (const std::string missing = total.missing(); last - first >= 99 && !missing.empty()) {
    std::printf("INVALID: what must occur did not: %s\n", missing.c_str());
    return 1;
  }
  std::printf("%s\n", failed == 0 ? "PASS" : "FAIL");
  return failed == 0 ? 0 : 1;
}

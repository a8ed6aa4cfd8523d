#include "runtime/base/fail_point.h"

#if defined(WEIR_FAULTS)
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace weir::faults {

namespace {

struct Plan {
  std::string point;
  long countdown = 0;
};

Plan read_plan() {
  Plan plan;
  if (const char* text = std::getenv("WEIR_FAIL_POINT")) {
    const char* colon = std::strrchr(text, ':');
    plan.point = colon ? std::string(text, colon) : std::string(text);
    plan.countdown = colon ? std::strtol(colon + 1, nullptr, 10) : 1;
  }
  return plan;
}

std::mutex mutex;

std::string& chosen_defect() {
  static std::string name = [] {
    const char* text = std::getenv("WEIR_DEFECT");
    return std::string(text ? text : "");
  }();
  return name;
}

}  // namespace

void pass(const char* name) {
  const std::scoped_lock lock(mutex);
  static Plan plan = read_plan();
  if (plan.point != name) return;
  if (--plan.countdown == 0) std::raise(SIGKILL);
}

bool defect(const char* name) {
  const std::scoped_lock lock(mutex);
  return chosen_defect() == name;
}

void set_defect(const char* name_or_empty) {
  const std::scoped_lock lock(mutex);
  chosen_defect() = name_or_empty;
}

}  // namespace weir::faults
#endif

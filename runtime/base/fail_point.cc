#include "runtime/base/fail_point.h"

#if defined(WEIR_FAULTS)
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

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

namespace {

struct PoisonPlan {
  std::string stage, id, how;
  bool batch = false;
};

const PoisonPlan& poison_plan() {
  static const PoisonPlan plan = [] {
    PoisonPlan read;
    const char* text = std::getenv("WEIR_POISON");
    if (text == nullptr) return read;
    std::vector<std::string> parts = {""};
    for (; *text != 0; ++text) {
      if (*text == ':') parts.emplace_back();
      else parts.back() += *text;
    }
    parts.resize(4);
    return PoisonPlan{parts[0], parts[1], parts[2], parts[3] == "batch"};
  }();
  return plan;
}

/// Until there is no stack left. The argument of the call keeps it from being a loop.
[[gnu::noinline]] int overflow(volatile int* deeper) {  // NOLINT(misc-no-recursion)
  volatile int here = *deeper + 1;
  return *deeper < 0 ? 0 : overflow(&here) + here;
}

}  // namespace

bool poisons(std::string_view stage, bool& marked) {
  marked = !poison_plan().batch;
  return !poison_plan().stage.empty() && poison_plan().stage == stage;
}

void poison(std::string_view id) {
  const PoisonPlan& plan = poison_plan();
  if (id != plan.id) return;
  if (plan.how == "throw") throw std::runtime_error("poison in " + plan.id);
  if (plan.how == "segfault") std::raise(SIGSEGV);
  if (plan.how == "abort") std::abort();
  if (plan.how == "overflow") {
    volatile int first = 0;
    overflow(&first);
  }
  if (plan.how == "loop") {
    for (volatile bool on = true; on;) {
    }
  }
  if (plan.how == "eat") {
    for (std::vector<std::unique_ptr<char[]>> eaten;;) {
      constexpr std::size_t kBite = 4 * 1024 * 1024;
      eaten.push_back(std::make_unique<char[]>(kBite));
      std::memset(eaten.back().get(), 1, kBite);
    }
  }
}

}  // namespace weir::faults
#endif

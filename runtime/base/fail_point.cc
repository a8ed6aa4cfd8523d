#include "runtime/base/fail_point.h"

#if defined(WEIR_FAULTS)
#include <cerrno>
#include <csignal>
#include <cstdio>
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
  bool error = false;
  std::FILE* passed = nullptr;  // of WEIR_FAIL_POINTS_PASSED
};

Plan read_plan() {
  Plan plan;
  if (const char* text = std::getenv("WEIR_FAIL_POINT")) {
    std::string_view rest = text;
    constexpr std::string_view kError = ":error";
    plan.error = rest.ends_with(kError);
    if (plan.error) rest.remove_suffix(kError.size());
    const std::size_t colon = rest.rfind(':');
    plan.point = rest.substr(0, colon);
    plan.countdown = colon == std::string_view::npos ? 1 : std::strtol(rest.data() + colon + 1, nullptr, 10);
    if (!listed(plan.point)) {
      std::fprintf(stderr, "WEIR_FAIL_POINT: there is no fail point %s; weir-faults fail-points lists them\n", plan.point.c_str());
      std::exit(2);
    }
  }
  if (const char* path = std::getenv("WEIR_FAIL_POINTS_PASSED")) {
    plan.passed = std::fopen(path, "ae");
    if (plan.passed == nullptr) {
      std::fprintf(stderr, "WEIR_FAIL_POINTS_PASSED: cannot write %s: %s\n", path, std::strerror(errno));
      std::exit(2);
    }
  }
  return plan;
}

void note(const Plan& plan, const char* name, const char* what) {
  if (plan.passed == nullptr) return;
  // Flushed, so that no death comes between what happens and the line about it.
  if (std::fprintf(plan.passed, "%s%s\n", name, what) < 0 || std::fflush(plan.passed) != 0) std::abort();
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

bool pass(const char* name) {
  const std::scoped_lock lock(mutex);
  static Plan plan = read_plan();
  const bool now = plan.point == name && --plan.countdown == 0;
  note(plan, name, !now ? "" : plan.error ? " error" : " kill");
  if (now && !plan.error) std::raise(SIGKILL);
  return now;
}

void pass_or_throw(const char* name) {
  if (pass(name)) throw std::runtime_error(std::string("an error at the fail point ") + name);
}

Result<void> pass_or_fail(const char* name) {
  if (pass(name)) return fail(Errc::io_failed, "an error at the fail point {}", name);
  return {};
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

#include "runtime/base/invariant.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace weir {

void invariant_failed(const char* condition, const char* why, const char* file, int line) {
  throw InvariantError(fmt::format("invariant broken: {} ({}) at {}:{}", why, condition, file, line));
}

void node_invariant_failed(const char* condition, const char* why, const char* file, int line) noexcept {
  std::fprintf(stderr, "weir: node invariant broken: %s (%s) at %s:%d\n", why, condition, file, line);
  std::abort();
}

}  // namespace weir

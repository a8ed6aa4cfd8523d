// Fail points and deliberate defects, for the tests of crashes and the simulation only.
//
// Files that use these macros are compiled twice (FAULTS in their CMakeLists.txt): plain for `weir`, where every macro
// is nothing and leaves no symbol behind (tests/style checks it), and with WEIR_FAULTS=1 for `weir-faults` and `weir-sim`.
//   WEIR_FAIL_POINT=name:N        the process kills itself (SIGKILL) at the N-th pass of the point `name`
//   WEIR_FAIL_POINT=name:N:error  an error comes there instead, once: each macro says what that is
//   WEIR_FAIL_POINTS_PASSED=file  every pass adds a line to the file: the name, and behind a blank `kill` or `error` where that came
//   WEIR_POISON=stage:id:how      how the event `id` ends the stage: throw, segfault, abort, overflow (its stack), loop, eat (memory);
//                                 with `:batch` behind it the stage does not say which event it has in its hands
//   WEIR_DEFECT=name              switches one deliberate defect on; the crash test and the simulation must catch it
// Use in .cc files only, never in a header: a header would be compiled both ways into one program.
#pragma once

#if defined(WEIR_FAULTS)
#include <string_view>

#include "runtime/base/fail_points.h"
#include "runtime/base/result.h"
namespace weir::faults {
/// Kills the process when the environment says so; true: an error is to come. `name` is one of kFailPoints.
[[nodiscard]] bool pass(const char* name);
void pass_or_throw(const char* name);
[[nodiscard]] Result<void> pass_or_fail(const char* name);
/// True when WEIR_DEFECT names it (or a test chose it with set_defect).
bool defect(const char* name);
void set_defect(const char* name_or_empty);
/// WEIR_POISON names this stage. `marked`: the stage says which event it has in its hands.
bool poisons(std::string_view stage, bool& marked);
/// Does what WEIR_POISON says if it names this event.
void poison(std::string_view id);
}  // namespace weir::faults
#define WEIR_FAIL_POINT_LISTED(name) static_assert(::weir::faults::listed(name), "list it in runtime/base/fail_points.h")
/// The error is an exception, as a broken invariant is: for actors, whose supervisors start them again.
#define WEIR_FAIL_POINT(name)             \
  do {                                    \
    WEIR_FAIL_POINT_LISTED(name);         \
    ::weir::faults::pass_or_throw(name);  \
  } while (false)
/// The function returns io_failed.
#define WEIR_FAIL_POINT_TRY(name)                    \
  do {                                               \
    WEIR_FAIL_POINT_LISTED(name);                    \
    WEIR_TRY(::weir::faults::pass_or_fail(name));    \
  } while (false)
/// An expression, true when the error has come: what stands there does as if its own work had failed.
#define WEIR_FAIL_POINT_IF(name)         \
  ([] {                                  \
    WEIR_FAIL_POINT_LISTED(name);        \
    return ::weir::faults::pass(name);   \
  }())
#define WEIR_DEFECT(name) (::weir::faults::defect(name))
#define WEIR_POISONS(stage, marked) (::weir::faults::poisons(stage, marked))
#define WEIR_POISON(id) ::weir::faults::poison(id)
#else
#define WEIR_FAIL_POINT(name) static_cast<void>(0)
#define WEIR_FAIL_POINT_TRY(name) static_cast<void>(0)
#define WEIR_FAIL_POINT_IF(name) (false)
#define WEIR_DEFECT(name) (false)
#define WEIR_POISONS(stage, marked) (false)
#define WEIR_POISON(id) static_cast<void>(0)
#endif

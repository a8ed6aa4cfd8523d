// Result<T>: a value or an Error. Becomes std::expected with C++23.
#pragma once
#include <fmt/format.h>

#include <tl/expected.hpp>

#include "runtime/base/error.h"

namespace weir {

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(Errc::not_found, "view '{}'", name);`
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(Errc code, fmt::format_string<Args...> text, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace weir

/// Evaluates a Result<void> expression and returns its error from the calling function.
#define WEIR_TRY(expression)                                                                    \
  do {                                                                                          \
    if (auto weir_try_result = (expression); !weir_try_result) {                                \
      return ::tl::unexpected<::weir::Error>(std::move(weir_try_result.error()));               \
    }                                                                                           \
  } while (false)

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)
/// `WEIR_ASSIGN(auto text, read_file(path));`: declares or assigns the value, or returns the error.
#define WEIR_ASSIGN(target, expression) WEIR_ASSIGN_INNER(WEIR_CONCAT(weir_assign_, __LINE__), target, expression)
#define WEIR_ASSIGN_INNER(temporary, target, expression)                                  \
  auto temporary = (expression);                                                          \
  if (!temporary) return ::tl::unexpected<::weir::Error>(std::move(temporary.error()));   \
  target = std::move(*temporary)

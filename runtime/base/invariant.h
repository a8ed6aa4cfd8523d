// Promises about ourselves, always on. Never used on bytes read, peers or users: those are Results.
#pragma once
#include <stdexcept>

namespace weir {

/// Thrown by INVARIANT: the actor dies and its supervisor rebuilds it.
class InvariantError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void invariant_failed(const char* condition, const char* why, const char* file, int line);
/// Prints and aborts the process: for bookkeeping of state that outlives actors (epochs, manifests, offsets).
[[noreturn]] void node_invariant_failed(const char* condition, const char* why, const char* file, int line) noexcept;

}  // namespace weir

#define INVARIANT(condition, why) \
  ((condition) ? static_cast<void>(0) : ::weir::invariant_failed(#condition, why, __FILE__, __LINE__))
#define NODE_INVARIANT(condition, why) \
  ((condition) ? static_cast<void>(0) : ::weir::node_invariant_failed(#condition, why, __FILE__, __LINE__))

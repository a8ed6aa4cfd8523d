// Somebody who waits for an answer, and gets one also when his turn never comes.
#pragma once
#include <functional>
#include <utility>

#include "runtime/base/result.h"

namespace weir {

/// Of one thread at a time. Shared by the job that answers and whoever hands it in: when both are gone without an answer, the node is stopping.
template <class Value>
class Waiting {
 public:
  using Done = std::function<void(Result<Value>)>;
  explicit Waiting(Done done) : done_(std::move(done)) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (done_) answer(fail(Errc::cancelled, "the node is stopping"));
  }
  /// Once.
  void answer(Result<Value> value) { std::exchange(done_, nullptr)(std::move(value)); }

 private:
  Done done_;
};

}  // namespace weir

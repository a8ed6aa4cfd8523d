// Completions owed, per kind of request.
#pragma once
#include <cstddef>
#include <deque>
#include <functional>

namespace weir {

/// One kind of completion: answered in order, however the executor orders its tasks.
struct Answers {
  std::deque<std::function<void()>> queue;
  std::size_t due = 0;      // deliver tasks that came
  bool delivering = false;  // one at a time, so that two threads of an executor cannot overtake each other
};
enum AnswerKind : std::size_t { kAppendAnswers, kCommitAnswers, kFenceAnswers, kReadAnswers, kAnswerKinds };

}  // namespace weir

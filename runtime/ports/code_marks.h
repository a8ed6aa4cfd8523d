// Where stages mark which events they have in their hands, so that somebody is left to know when they crash.
#pragma once
#include <memory>
#include <string_view>

#include "runtime/base/ids.h"
#include "runtime/event/code_mark.h"

namespace weir {

/// Thread-safe.
class CodeMarks {
 public:
  virtual ~CodeMarks() = default;
  /// A mark for one stage of one partition, until the last copy of what is given out is gone. Never null: where there is no room
  /// for another one that outlives the process, one that does not.
  [[nodiscard]] virtual std::shared_ptr<CodeMark> take(PartitionId partition, std::string_view stage) = 0;
  /// The calling thread runs the stage of this mark from now on (null: none): a signal that strikes the thread is that stage's.
  virtual void on_this_thread(CodeMark* mark) noexcept = 0;
};

/// Marks that do not outlive the process.
class PlainCodeMarks final : public CodeMarks {
 public:
  [[nodiscard]] std::shared_ptr<CodeMark> take(PartitionId, std::string_view) override { return std::make_shared<CodeMark>(); }
  void on_this_thread(CodeMark*) noexcept override {}
};

}  // namespace weir

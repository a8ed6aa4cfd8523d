// The node's log on stderr, through spdlog.
#pragma once
#include <string>

#include "runtime/ports/logbook.h"

namespace weir {

class StderrLogbook final : public Logbook {
 public:
  /// Lines below `level` are not written.
  explicit StderrLogbook(LogLevel level) : level_(level) {}
  void write(LogLevel level, std::string_view who, std::string_view text) noexcept override;

 private:
  LogLevel level_;
};

}  // namespace weir

#include "cluster/node/stderr_logbook.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace weir {

void StderrLogbook::write(LogLevel level, std::string_view who, std::string_view text) noexcept {
  if (level < level_) return;
  static const auto logger = [] {
    auto made = spdlog::stderr_color_mt("weir");
    made->set_pattern("weir: %^%l%$ %v");
    made->set_level(spdlog::level::trace);
    return made;
  }();
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};
  logger->log(levels[static_cast<int>(level)], "{}: {}", who, text);
}

}  // namespace weir

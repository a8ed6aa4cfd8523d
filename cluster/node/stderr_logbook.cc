#include "cluster/node/stderr_logbook.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <charconv>

#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"

namespace weir {

namespace {

constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};

std::shared_ptr<spdlog::logger> make_logger(const char* name, const char* pattern) {
  auto made = spdlog::stderr_color_mt(name);
  made->set_pattern(pattern);
  made->set_level(spdlog::level::trace);
  return made;
}

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
  }
  return "error";
}

/// Components whose number is a partition; a door's is not.
std::optional<std::uint32_t> partition_in(std::string_view component, std::string_view number) {
  std::uint32_t partition = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), partition);
  if (component == "door" || error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
  return partition;
}

}  // namespace

std::string log_line_json(UnixMicros time, LogLevel level, std::string_view node, std::string_view who,
                          const std::function<std::optional<std::uint64_t>(std::uint32_t)>& epoch_of, std::string_view text) {
  std::string line = fmt::format(R"({{"ts":"{}","level":"{}","node":{},"component":)", to_rfc3339(time), level_name(level), to_json_string(node));
  const std::size_t slash = who.find('/');
  const auto partition = slash == std::string_view::npos ? std::nullopt : partition_in(who.substr(0, slash), who.substr(slash + 1));
  append_json_string(line, partition ? who.substr(0, slash) : who);
  if (partition) {
    line += fmt::format(R"(,"partition":{})", *partition);
    if (const auto epoch = epoch_of ? epoch_of(*partition) : std::nullopt) line += fmt::format(R"(,"epoch":{})", *epoch);
  }
  line += R"(,"msg":)";
  append_json_string(line, text);
  return line + "}";
}

void StderrLogbook::know_epochs(std::function<std::optional<std::uint64_t>(std::uint32_t)> epoch_of) {
  const std::scoped_lock lock(mutex_);
  epoch_of_ = std::move(epoch_of);
}

std::string StderrLogbook::json_line(LogLevel level, std::string_view who, std::string_view text) {
  const std::scoped_lock lock(mutex_);
  return log_line_json(clock_->wall(), level, node_, who, epoch_of_, text);
}

void StderrLogbook::write(LogLevel level, std::string_view who, std::string_view text) noexcept {
  if (level < level_) return;
  if (clock_ != nullptr) {
    static const auto lines = make_logger("weir-json", "%v");
    lines->log(kLevels[static_cast<int>(level)], "{}", json_line(level, who, text));
    return;
  }
  static const auto logger = make_logger("weir", "weir: %^%l%$ %v");
  logger->log(kLevels[static_cast<int>(level)], "{}: {}", who, text);
}

}  // namespace weir

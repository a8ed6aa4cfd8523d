#include "cluster/cli/command.h"

#include <cstdio>

#include "runtime/base/time_text.h"

namespace weir::cli {

int exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::config_invalid:
    case Errc::not_found: return kUsage;
    case Errc::input_unreadable:
    case Errc::io_failed:
    case Errc::log_damaged:
    case Errc::state_damaged:
    case Errc::malformed_event:
    case Errc::stage_failed:  // of what a plugin shows
    case Errc::below_horizon: return kUnreadable;
    case Errc::data_locked:
    case Errc::data_foreign:
    case Errc::format_newer:
    case Errc::disk_full:
    case Errc::limit_reached:
    case Errc::commit_refused:
    case Errc::outcome_unknown: return kRefused;
    case Errc::log_busy:
    case Errc::not_ready:
    case Errc::log_closed:
    case Errc::cancelled: return kNotReady;
    case Errc::internal:
    case Errc::unknown_remote: return kBroken;
  }
  return kBroken;
}

int report(const Error& error, int code) {
  std::fprintf(stderr, "weir: %s\n", error.context.empty() ? std::string(to_string(error.code)).c_str() : error.context.c_str());
  return code;
}

int report(const Error& error) { return report(error, exit_code(error.code)); }

void add_output(Level command, Output& output) {
  const auto set = [&output](const std::string& text) { output = text == "json" ? Output::json : text == "csv" ? Output::csv : Output::table; };
  command.add_option("--output", set, "How rows are printed").one_of({"table", "json", "csv"}).shown_default("table");
}

void add_data(Level command, std::string& data, bool required) {
  const Option option = command.add_option("--data", data, "Data directory of a stopped node").environment("WEIR_DATA").type_name("DIR");
  if (required) option.required();
}

Result<std::optional<std::int64_t>> time_option(const std::string& option, const std::string& text) {
  if (text.empty()) return std::optional<std::int64_t>{};
  const auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time) return fail(Errc::invalid_argument, "{} {}: not a time; write 2011-12-01 or 2011-12-01T00:00:00Z", option, text);
  return std::optional<std::int64_t>{*time};
}

}  // namespace weir::cli

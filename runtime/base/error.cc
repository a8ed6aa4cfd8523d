#include "runtime/base/error.h"

namespace weir {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument: return "invalid_argument";
    case Errc::config_invalid: return "config_invalid";
    case Errc::not_found: return "not_found";
    case Errc::input_unreadable: return "input_unreadable";
    case Errc::data_locked: return "data_locked";
    case Errc::data_foreign: return "data_foreign";
    case Errc::io_failed: return "io_failed";
    case Errc::disk_full: return "disk_full";
    case Errc::log_busy: return "log_busy";
    case Errc::log_closed: return "log_closed";
    case Errc::log_damaged: return "log_damaged";
    case Errc::commit_refused: return "commit_refused";
    case Errc::outcome_unknown: return "outcome_unknown";
    case Errc::below_horizon: return "below_horizon";
    case Errc::state_damaged: return "state_damaged";
    case Errc::format_newer: return "format_newer";
    case Errc::limit_reached: return "limit_reached";
    case Errc::cancelled: return "cancelled";
    case Errc::malformed_event: return "malformed_event";
    case Errc::stage_failed: return "stage_failed";
    case Errc::internal: return "internal";
    case Errc::not_ready: return "not_ready";
    case Errc::unknown_remote: return "unknown_remote";
  }
  return "unknown_remote";
}

std::string describe(const Error& error) {
  std::string text{to_string(error.code)};
  if (!error.context.empty()) text.append(": ").append(error.context);
  return text;
}

}  // namespace weir

// Errors are values. Every code carries a decision (its disposition), so that no caller invents one.
// Meaning, usual cause and what to do of each code: runtime/base/errors.md.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

/// What the caller does with an error. Exactly one per code.
enum class Disposition : std::uint8_t {
  refuse,         // tell the person or program that asked: usage, configuration, or a request that cannot be served
  retry,          // temporary: try again with backoff and a limit
  reread,         // our picture of the log is old: read position and sequence back under a fresh fence
  dead_letter,    // the event is at fault: it leaves the path with a reason
  restore_older,  // stored state is damaged: take the next older base and replay more
  stop,           // own durable bookkeeping contradicts itself, or bytes that were promised are damaged: stop loudly
};

/// The only error vocabulary that crosses a folder. Append only: codes are logged, counted and sent between nodes.
/// 0 means success to CAF and is never used.
enum class Errc : std::uint8_t {
  invalid_argument = 1,      // a value outside its documented range, from a person or a file
  config_invalid = 2,        // pipeline or node file refused; the context holds every finding
  not_found = 3,             // the named thing does not exist
  input_unreadable = 4,      // an input file is missing, unreadable, a directory, cut off, or damaged
  data_locked = 5,           // another process uses the data directory
  data_foreign = 6,          // the data directory belongs to another pipeline, partition count, id rule or newer format
  io_failed = 7,             // the operating system refused a read, write or sync
  disk_full = 8,             // no space beyond the reserve; work goes on when space returns
  log_busy = 9,              // the log's bounded queue is full: wait for a completion
  log_closed = 10,           // the log was closed or its file failed for good
  log_damaged = 11,          // bytes of the log do not match their checksum; named, never skipped
  commit_refused = 12,       // epoch, from or sequence is not current
  outcome_unknown = 13,      // the reply was lost: read back before driving anything again
  below_horizon = 14,        // the position asked for was trimmed
  state_damaged = 15,        // stored state does not match its checksum or contradicts the log
  format_newer = 16,         // written by a newer weir
  limit_reached = 17,        // a configured limit (named in the context) is reached
  cancelled = 18,            // the node is stopping
  malformed_event = 19,      // the bytes of one event cannot be read; the context names where
  stage_failed = 20,         // a stage threw on an event
  internal = 21,             // our own promise is broken
  not_ready = 22,            // what was asked for is not there yet: a node starts, a partition is rebuilt, a view is behind a token
  unknown_remote = 255,      // a code of a newer node
};

/// One switch without `default`: a code without a decision does not compile (-Wswitch is an error).
[[nodiscard]] constexpr Disposition disposition(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::config_invalid:
    case Errc::not_found:
    case Errc::input_unreadable:
    case Errc::data_locked:
    case Errc::data_foreign:
    case Errc::below_horizon:
    case Errc::format_newer:
    case Errc::limit_reached:
    case Errc::cancelled:
      return Disposition::refuse;
    case Errc::disk_full:
    case Errc::log_busy:
    case Errc::not_ready:
    case Errc::unknown_remote:
      return Disposition::retry;
    case Errc::commit_refused:
    case Errc::outcome_unknown:
      return Disposition::reread;
    case Errc::malformed_event:
    case Errc::stage_failed:
      return Disposition::dead_letter;
    case Errc::state_damaged:
      return Disposition::restore_older;
    case Errc::io_failed:
    case Errc::log_closed:
    case Errc::log_damaged:
    case Errc::internal:
      return Disposition::stop;
  }
  return Disposition::stop;  // unreachable for codes of this build; a foreign byte cast to Errc stops
}

/// The code's name as written above, for logs and JSON.
[[nodiscard]] std::string_view to_string(Errc code) noexcept;

/// An error with its place: what went wrong, where (file, line, partition, offset, limit), what is allowed, what to do.
struct Error {
  Errc code;
  std::string context;
};

/// "log_damaged: output journal, segment 3, …": one line for messages.
[[nodiscard]] std::string describe(const Error& error);

}  // namespace weir

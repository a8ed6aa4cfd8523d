// The decider of a file door: bytes of one input in, groups to append out, each with the place the input has reached.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/doors/frame_format.h"
#include "actors/doors/router.h"
#include "actors/doors/source_position.h"

namespace weir {

struct FileDoorConfig {
  std::string input;                  // name for people, in every message
  std::optional<std::string> source;  // source_name(); none: the input has no position (stdin)
  FramingConfig framing;
  RouterConfig router;
  std::vector<std::string>
      required_columns;  // of CSV: a header without one of them is refused, as without one of the id rule
};

enum class FileDoorStep : std::uint8_t {
  more,      // read into space(), then filled(); or ended() when the input is at its end
  jump,      // InputStream::skip_to(jump_to()), then go on
  group,     // take() a group before going on
  finished,  // everything was framed and taken
  refused,   // error(): nothing more will come; everything before it was taken
};

/// Drive it with step() until finished or refused. A broken input: stop calling step() and take() what is left, if
/// has_group(); its unfinished last frame is not given. Not thread-safe.
class FileDoor {
 public:
  /// `position`: what the log has for the source. A finished source begins again. Errors: format_newer, state_damaged,
  /// invalid_argument (an unfinished one was begun with another framing).
  [[nodiscard]] static Result<FileDoor> open(FileDoorConfig config, const std::optional<std::string>& position);

  [[nodiscard]] std::span<char> space() { return framer_->space(); }
  void filled(std::size_t count) { framer_->filled(count); }
  void ended() noexcept { framer_->ended(); }

  [[nodiscard]] FileDoorStep step();
  [[nodiscard]] std::uint64_t jump_to() const noexcept { return framer_->place().bytes; }

  /// Memory it has now: what is read ahead, and the group that is being collected.
  [[nodiscard]] std::size_t memory() const noexcept { return framer_->buffer_bytes() + router_.bytes(); }

  [[nodiscard]] bool has_group() const noexcept { return !router_.empty(); }
  /// The events collected and, where the input has one, the position behind the last of them.
  [[nodiscard]] AppendGroup take(UnixMicros accepted_at);

  /// Behind the last frame that was framed, taken or not.
  [[nodiscard]] const FramePlace& reached() const noexcept { return reached_; }

  /// Of FileDoorStep::refused. input_unreadable with the input's name, place, what is allowed and what to do.
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  /// Events taken so far, this run.
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
  /// Whether this run went on where an earlier one had stopped.
  [[nodiscard]] bool resumed() const noexcept { return resumed_; }

 private:
  FileDoor(FileDoorConfig config, const std::optional<FramePlace>& resume);
  [[nodiscard]] bool take_header();

  FileDoorConfig config_;
  std::unique_ptr<Framer> framer_;
  Router router_;
  FramePlace reached_;  // behind the last frame in the router or taken
  Error error_{Errc::internal, {}};
  std::uint64_t events_ = 0;
  bool resumed_ = false;
  bool refused_ = false;
};

}  // namespace weir

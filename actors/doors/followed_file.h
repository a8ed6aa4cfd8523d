// One file that is read while it grows: what is new in it as groups to append, and whether it is still the file it was.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/doors/file_door.h"
#include "actors/doors/follow_position.h"
#include "runtime/ports/door_feed.h"
#include "runtime/ports/input_files.h"

namespace weir {

struct FollowedFileConfig {
  FileDoorConfig door;  // its `source` names the position in the log
  /// Read as a whole: compressed, or a format that is refused when cut off. The caller waits until it does not grow.
  bool whole = false;
};

/// The rules of a file that grows (whole == false):
/// * A last line without its line end waits for it. It is an event only when nothing more can come: at end(), or when
///   the file was truncated behind it (its other half is then in the new content, and the two are dead letters that
///   show it).
/// * When the file is shorter than what was read, or what was read is no longer what stands there, it was truncated or
///   written anew: it is read from its start. Looked at after every reading, before anything of it is used: old and
///   new content never meet in a line, whenever the file changes.
/// Of a whole file a last group without events says that it was read out.
/// Not thread-safe.
class FollowedFile {
 public:
  /// `position`: what the log has for the file. Where it does not fit what is there now, reading begins at the start
  /// (restarted()). Errors: input_unreadable, those of FileDoor::open.
  [[nodiscard]] static Result<std::unique_ptr<FollowedFile>> open(std::unique_ptr<OpenFile> file,
                                                                  FollowedFileConfig config,
                                                                  const std::optional<std::string>& position);

  /// The next group; nothing: there is no more now, or at all (done()). Errors, everything before them was given:
  /// input_unreadable.
  [[nodiscard]] Result<std::optional<DoorGroup>> next(UnixMicros accepted_at);

  /// Asks the file for its size and time once more. Call it where the path's own is not to be had any more.
  [[nodiscard]] Result<FileStatus> look() const { return file_->status(); }
  /// Nothing more will be written to it: what is there is read to its end.
  void end() noexcept { no_more_ = true; }
  [[nodiscard]] bool done() const noexcept { return done_; }
  /// What it holds is what failed, not reading it: asking again is of use only when it has changed.
  [[nodiscard]] bool content_refused() const noexcept { return refused_ || config_.whole; }

  /// As it was when it was opened, or, of a growing file, looked at last.
  [[nodiscard]] const FileStatus& status() const noexcept { return status_; }
  /// The position did not fit what is there.
  [[nodiscard]] bool misfit() const noexcept { return restarted_; }
  /// Since the last call: whether reading began anew because the content was not the one that had been read.
  [[nodiscard]] bool restarted() noexcept { return std::exchange(restarted_, false); }
  /// Of the group given last.
  [[nodiscard]] const std::string& position() const noexcept { return position_; }
  /// Of a growing file: what was read up to.
  [[nodiscard]] std::uint64_t read_to() const noexcept { return read_at_; }
  /// Since it was opened, decompressed.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
  /// Memory of its buffers.
  [[nodiscard]] std::size_t memory() const noexcept { return door_ ? door_->memory() : 0; }

 private:
  FollowedFile(FollowedFileConfig config, std::unique_ptr<OpenFile> file);
  [[nodiscard]] Result<void> resume(const std::optional<std::string>& position);
  [[nodiscard]] Result<void> prepare_whole();
  [[nodiscard]] Result<bool> fits(const FollowPosition& position);
  [[nodiscard]] Result<void> begin(const std::optional<SourceProgress>& at);
  [[nodiscard]] Result<bool> was_truncated(std::size_t count, bool at_end);
  [[nodiscard]] Result<bool> still_there(bool whole_head);
  [[nodiscard]] Result<void> read_growth();
  [[nodiscard]] Result<void> read_whole();
  [[nodiscard]] Result<Fingerprint> print(std::uint64_t at, std::uint64_t length);
  [[nodiscard]] Result<void> note_place();
  [[nodiscard]] Result<DoorGroup> take(UnixMicros accepted_at);
  [[nodiscard]] std::optional<DoorGroup> finish();

  FollowedFileConfig config_;
  std::unique_ptr<OpenFile> file_;
  std::unique_ptr<InputStream> stream_;  // of a whole file
  std::optional<FileDoor> door_;
  FileStatus status_;
  FollowPosition known_;  // of the group given last, or where reading began
  std::string position_;
  std::uint64_t read_at_ = 0;  // of a growing file: what was read up to,
  Fingerprint last_;           // and the bytes before it, framed or not
  std::vector<char> scratch_;
  UnixMicros checked_ = -1;  // modification time when it was last known to be what was read
  std::uint64_t bytes_ = 0;
  std::uint64_t events_ = 0;
  bool at_end_ = false;    // nothing was left when it was asked last
  bool flushing_ = false;  // the door gets the last frame of what was truncated
  bool no_more_ = false;
  bool done_ = false;
  bool restarted_ = false;
  bool refused_ = false;
  std::optional<Error> broken_;
};

}  // namespace weir

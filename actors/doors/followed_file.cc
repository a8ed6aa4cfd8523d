#include "actors/doors/followed_file.h"

#include <algorithm>

#include "runtime/base/hash.h"

namespace weir {

FollowedFile::FollowedFile(FollowedFileConfig config, std::unique_ptr<OpenFile> file)
    : config_(std::move(config)), file_(std::move(file)) {}

Result<std::unique_ptr<FollowedFile>> FollowedFile::open(std::unique_ptr<OpenFile> file, FollowedFileConfig config,
                                                         const std::optional<std::string>& position) {
  std::unique_ptr<FollowedFile> followed(new FollowedFile(std::move(config), std::move(file)));
  WEIR_ASSIGN(followed->status_, followed->file_->status());
  WEIR_TRY(followed->resume(position));
  if (followed->config_.whole) WEIR_TRY(followed->prepare_whole());
  followed->checked_ = followed->status_.modified;
  return followed;
}

Result<void> FollowedFile::resume(const std::optional<std::string>& position) {
  std::optional<SourceProgress> at;
  if (position) {
    WEIR_ASSIGN(const FollowPosition known, parse_follow_position(*position));
    WEIR_ASSIGN(const bool same, fits(known));
    restarted_ = !same;
    if (same) {
      known_ = known;
      position_ = *position;
      at = known.progress;
    }
  }
  return begin(at);
}

Result<void> FollowedFile::prepare_whole() {
  if (known_.read_out && known_.extent == status_.size) {
    done_ = true;
    return {};
  }
  WEIR_ASSIGN(stream_, file_->decoded());
  known_.read_out = false;
  known_.extent = status_.size;
  WEIR_ASSIGN(known_.head, print(0, std::min<std::uint64_t>(kHeadMax, known_.extent)));
  const auto tail = std::min<std::uint64_t>(kTailMax, known_.extent);
  WEIR_ASSIGN(known_.tail, print(known_.extent - tail, tail));
  return {};
}

Result<void> FollowedFile::begin(const std::optional<SourceProgress>& at) {
  if (!at) {
    known_ = {};
    known_.progress.framing = config_.door.framing.framing;
  }
  known_.born = status_.born;
  read_at_ = 0;
  last_ = {};
  const auto text = at ? std::optional(write_progress(*at)) : std::nullopt;
  auto door = FileDoor::open(config_.door, text);
  if (!door) return fail(std::move(door.error()));
  door_.emplace(std::move(*door));
  return {};
}

Result<Fingerprint> FollowedFile::print(std::uint64_t at, std::uint64_t length) {
  scratch_.resize(std::max<std::size_t>(scratch_.size(), length));
  const auto wanted = static_cast<std::uint32_t>(length);
  std::size_t have = 0;
  while (have < wanted) {
    WEIR_ASSIGN(const std::size_t count, file_->read(at + have, scratch_.data() + have, wanted - have));
    if (count == 0) break;
    have += count;
  }
  // What was read a moment ago is gone: a print that nothing has, so that the file is read from its start next time.
  if (have < wanted) return Fingerprint{wanted, {}};
  return Fingerprint{wanted, xxh3_128({scratch_.data(), wanted})};
}

Result<bool> FollowedFile::fits(const FollowPosition& position) {
  if (position.born != 0 && status_.born != 0 && position.born != status_.born) return false;
  if (status_.size < position.extent) return false;
  WEIR_ASSIGN(const Fingerprint head, print(0, position.head.length));
  if (position.head.length != 0 && head != position.head) return false;
  if (position.tail.length == 0) return true;
  WEIR_ASSIGN(const Fingerprint tail, print(position.extent - position.tail.length, position.tail.length));
  return tail == position.tail;
}

Result<bool> FollowedFile::still_there(bool whole_head) {
  if (last_.length != 0) {
    WEIR_ASSIGN(const Fingerprint last, print(read_at_ - last_.length, last_.length));
    if (last != last_) return false;
  }
  if (!whole_head || known_.head.length == 0) return true;
  WEIR_ASSIGN(const Fingerprint head, print(0, known_.head.length));
  return head == known_.head;
}

/// After reading: what is truncated stays so, hence what was read is of the file that was read before, if that is still
/// there now.
Result<bool> FollowedFile::was_truncated(std::size_t count, bool at_end) {
  WEIR_ASSIGN(status_, file_->status());
  bool same = status_.size >= std::max(read_at_ + count, known_.extent);
  if (same) {
    // The clock of modification times stands still for some milliseconds: what was read last is looked at always.
    const bool whole_head = at_end && status_.modified != checked_;
    WEIR_ASSIGN(same, still_there(whole_head));
    if (whole_head) checked_ = status_.modified;
  }
  return !same;
}

Result<void> FollowedFile::read_growth() {
  const auto space = door_->space();
  WEIR_ASSIGN(const std::size_t count, file_->read(read_at_, space.data(), space.size()));
  WEIR_ASSIGN(const bool truncated, was_truncated(count, count < space.size()));
  if (truncated) {
    restarted_ = flushing_ = true;
    door_->ended();
    return {};
  }
  at_end_ = count == 0 && !no_more_;
  if (count == 0) {
    if (no_more_) door_->ended();
    return {};
  }
  const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(count, kTailMax));
  last_ = {length, xxh3_128({space.data() + (count - length), length})};
  read_at_ += count;
  bytes_ += count;
  door_->filled(count);
  return {};
}

Result<void> FollowedFile::read_whole() {
  const auto space = door_->space();
  WEIR_ASSIGN(const std::size_t count, stream_->read(space.data(), space.size()));
  bytes_ += count;
  count == 0 ? door_->ended() : door_->filled(count);
  return {};
}

/// Of a growing file: where it stands, with prints of what is there.
Result<void> FollowedFile::note_place() {
  const std::uint64_t place = known_.progress.place.bytes;
  known_.extent = place;
  const auto head = std::min<std::uint64_t>(kHeadMax, place);
  if (known_.head.length < head) {
    WEIR_ASSIGN(known_.head, print(0, head));
  }
  const auto tail = std::min<std::uint64_t>(kTailMax, place);
  WEIR_ASSIGN(known_.tail, print(place - tail, tail));
  // Prints of bytes that were never read must not get into the log: the file may have been written anew meanwhile.
  WEIR_ASSIGN(const bool same, still_there(false));
  if (!same) known_.tail.digest = {};
  return {};
}

Result<DoorGroup> FollowedFile::take(UnixMicros accepted_at) {
  const std::uint64_t before = door_->events();
  DoorGroup group;
  group.group = door_->take(accepted_at);
  group.events = door_->events() - before;
  events_ += group.events;
  if (flushing_) {
    known_ = {};
    known_.progress.framing = config_.door.framing.framing;
    known_.born = status_.born;
  } else {
    known_.progress.place = door_->reached();
    if (!config_.whole) WEIR_TRY(note_place());
  }
  position_ = write_follow_position(known_);
  group.group.positions.front().position = position_;
  return group;
}

/// The end of everything. Of a whole file that has to be in the log, or every start would decompress it to see it.
std::optional<DoorGroup> FollowedFile::finish() {
  done_ = true;
  if (!config_.whole) return std::nullopt;
  known_.read_out = true;
  position_ = write_follow_position(known_);
  DoorGroup group;
  group.group.positions.push_back({*config_.door.source, position_});
  return group;
}

Result<std::optional<DoorGroup>> FollowedFile::next(UnixMicros accepted_at) {
  if (done_) return std::nullopt;
  at_end_ = false;
  while (!broken_) {
    switch (door_->step()) {
      case FileDoorStep::more:
        if (auto read = config_.whole ? read_whole() : read_growth(); !read) broken_ = std::move(read.error());
        if (at_end_ && !door_->has_group()) return std::nullopt;
        if (at_end_) return take(accepted_at);
        break;
      case FileDoorStep::jump:
        read_at_ = door_->jump_to();
        last_ = known_.extent == read_at_ ? known_.tail : Fingerprint{};
        if (!config_.whole) break;
        if (auto skipped = stream_->skip_to(read_at_); !skipped) broken_ = std::move(skipped.error());
        break;
      case FileDoorStep::group:
        return take(accepted_at);
      case FileDoorStep::finished:
        if (!flushing_) return finish();
        flushing_ = false;
        WEIR_TRY(begin(std::nullopt));
        break;
      case FileDoorStep::refused:
        refused_ = !flushing_;
        if (refused_) {
          broken_ = door_->error();
          break;
        }
        // What is cut off by a truncation says nothing about what stands there now.
        flushing_ = false;
        WEIR_TRY(begin(std::nullopt));
        break;
    }
  }
  if (door_->has_group()) return take(accepted_at);
  return fail(*broken_);
}

}  // namespace weir

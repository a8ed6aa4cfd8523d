// Files that are found by patterns and followed, as what a door appends.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/doors/file_door.h"
#include "runtime/engine/files_gauges.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/door_feed.h"
#include "runtime/ports/input_files.h"
#include "runtime/ports/inputs_config.h"
#include "runtime/ports/logbook.h"

namespace weir {

/// What a file is read as.
struct FollowedFormat {
  FileDoorConfig door;  // `source` is set by the feed
  bool whole = false;   // its format is refused when cut off: JSON documents and arrays, GeoJSON
};

/// Pointers outlive the feed.
struct FollowFeedConfig {
  std::string input;  // its name in the pipeline file: positions in the log are kept under it
  FilesInputConfig config;
  InputFiles* files = nullptr;
  const Clock* clock = nullptr;
  Logbook* logbook = nullptr;
  std::shared_ptr<FilesGauges> gauges = std::make_shared<FilesGauges>();
  /// Buffers of all open files: beyond it files with nothing to read, then those read longest ago, are closed.
  std::size_t buffers_bytes_max = 32 * 1024 * 1024;
  /// Of a path and, where it was begun, how: a renamed file goes on as it was. Error: nothing says what is in it.
  std::function<Result<FollowedFormat>(const std::string& path, std::optional<Framing> begun_as)> format;
};

/// A feed that lists its patterns every config.poll and reads what is new: files that grow in turn, a group of each at
/// a time, and beside them one whole file (compressed, JSON, GeoJSON) to its end.
/// * Positions travel with the groups. A new feed over the same log goes on where the last durable group ended.
/// * A file that no pattern means any more, or that is gone, is read until it has not grown for config.close_after;
///   then its last line counts as whole. Under another name it is found by its inode in the directories of the
///   patterns, also after a restart.
/// * The position of a file that is gone is kept for a day, for files come back: a share that is mounted again.
/// * Files that cannot be read are told once, and again after they could be; the others go on.
/// * follow = false: what is there at the first look is read to its end, then the feed has ended.
/// The opener never fails for the sake of a file: errors are those of the log's positions (format_newer,
/// state_damaged).
[[nodiscard]] DoorFeedOpener make_follow_feed(FollowFeedConfig config);

}  // namespace weir

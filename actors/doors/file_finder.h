// Which files a pattern means, found again and again while they come and go.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/ports/input_files.h"

namespace weir {

/// A path with `*`, `?` and `[...]` in its parts, as a shell reads them (a leading dot is matched by a dot alone), and
/// `**` for any number of directories, none too.
[[nodiscard]] bool path_matches(std::string_view pattern, std::string_view path);

struct FoundFile {
  std::string path;
  FileStatus status;
};

struct Finding {
  std::vector<FoundFile> files;  // each file once, whatever its names; by path within a pattern
  std::vector<FoundFile>
      elsewhere;  // wanted files beside those, under names that no pattern means: what was rotated away
  std::vector<std::string> problems;  // directories that could not be listed, one text each
  std::vector<std::string> unseen;    // those of them that are there: nothing is known about what is below
  std::vector<std::string> nothing;   // patterns that match no file, one text each
  bool too_many = false;              // more new files than were asked for: the rest is not there
  /// Whether the file of that path, not among `files`, is gone; false where something was in the way.
  [[nodiscard]] bool is_gone(std::string_view path) const;
};

/// Which files the caller knows already, and how many new ones it can take.
struct FinderQuestion {
  std::function<bool(const FileKey&)> known = [](const FileKey&) { return false; };
  std::size_t new_max = SIZE_MAX;
};

/// Not thread-safe.
class FileFinder {
 public:
  /// An `exclude` without a slash is compared with the names of files alone, wherever they lie.
  FileFinder(std::vector<std::string> include, std::vector<std::string> exclude);

  /// Lists each directory once. `**` does not go through symbolic links, nor into names that begin with a dot, nor
  /// deeper than 64 directories; the other parts do.
  [[nodiscard]] Finding find(InputFiles& files, const FinderQuestion& question = {}) const;

 private:
  struct Walk;
  std::vector<std::string> include_;
  std::vector<std::string> exclude_;
};

}  // namespace weir

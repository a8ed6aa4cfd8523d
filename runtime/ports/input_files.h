// Files that a door finds by itself and follows while they grow: what the file system says about them, and their bytes.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/input_stream.h"

namespace weir {

/// Tells one file from another while both exist, whatever they are called. A file that is gone leaves its inode to
/// others.
struct FileKey {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend auto operator<=>(const FileKey&, const FileKey&) = default;
};

struct FileStatus {
  FileKey key;
  std::uint64_t size = 0;
  UnixMicros modified = 0;  // to see a change by, never to compare with a clock
  UnixMicros born = 0;      // when the file was made, never to compare with a clock; 0: the file system does not say
  friend bool operator==(const FileStatus&, const FileStatus&) = default;
};

enum class FileKind : std::uint8_t { file, directory, other };

struct DirectoryItem {
  std::string name;
  FileKind kind = FileKind::other;  // of what a symbolic link leads to
  bool link = false;                // the name is a symbolic link
  FileStatus status;
};

/// A file that is open: it stays there although its name goes away. Not thread-safe.
class OpenFile {
 public:
  virtual ~OpenFile() = default;
  /// Up to `size` bytes from `at` on; 0: there are none there now. Error: input_unreadable.
  [[nodiscard]] virtual Result<std::size_t> read(std::uint64_t at, char* to, std::size_t size) = 0;
  /// As it is now. Error: input_unreadable.
  [[nodiscard]] virtual Result<FileStatus> status() const = 0;
  /// A stream over the same file from its beginning, decompressed; it may outlive this. Errors as open_input's
  /// (runtime/adapters/compress).
  [[nodiscard]] virtual Result<std::unique_ptr<InputStream>> decoded() const = 0;
};

/// Every call asks the file system, and may wait for it: call it on a thread that may. Not thread-safe.
class InputFiles {
 public:
  virtual ~InputFiles() = default;
  /// Everything in a directory, by name; what vanishes meanwhile, and a link that leads nowhere, is left out. Errors,
  /// naming it: not_found, input_unreadable.
  [[nodiscard]] virtual Result<std::vector<DirectoryItem>> list(const std::string& directory) = 0;
  /// Never waits for a pipe. Errors, naming it: not_found, input_unreadable (also of what is no file).
  [[nodiscard]] virtual Result<std::unique_ptr<OpenFile>> open(const std::string& path) = 0;
  /// Whether bytes that begin so are a compressed format that OpenFile::decoded reads through.
  [[nodiscard]] virtual bool is_compressed(std::string_view start) const = 0;
};

}  // namespace weir

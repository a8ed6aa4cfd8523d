// The file operations of journals and snapshots, as a seam: tests put a disk behind it that crashes, tears, fills up and lies.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace weir::files {

/// One open file. Not thread-safe for writes; reads may run beside each other.
/// Errors of all calls: disk_full (ENOSPC, EDQUOT), io_failed (anything else), both with path and errno text.
class File {
 public:
  virtual ~File() = default;
  /// Writes at most `bytes.size()` bytes at `place`; may write fewer, at least one.
  [[nodiscard]] virtual Result<std::size_t> write_some(std::string_view bytes, std::uint64_t place) = 0;
  /// Reads at most `bytes` bytes; 0 at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read_some(char* to, std::size_t bytes, std::uint64_t place) = 0;
  /// fdatasync: after success every byte written before is on the device, and so is the file's length.
  [[nodiscard]] virtual Result<void> sync() = 0;
  /// Gives the file `bytes` bytes of space and that length; what was there stays.
  [[nodiscard]] virtual Result<void> allocate(std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
  /// True when reads and writes pass the page cache by. Then buffer, place and length are multiples of 4096.
  [[nodiscard]] virtual bool direct() const = 0;
};

enum class OpenMode : std::uint8_t {
  read,            // through the page cache; the file must exist
  read_direct,     // past the page cache where the file system can
  write_direct,    // read and write, past the page cache where the file system can; created when missing
  write_buffered,  // read and write, through the page cache; created when missing
};

/// Held as long as it lives; the operating system drops it with the process.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// Thread-safe.
class FileOps {
 public:
  virtual ~FileOps() = default;
  /// Errors: not_found (a file that must exist), io_failed, disk_full.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Success also when there is no such file.
  [[nodiscard]] virtual Result<void> unlink(const std::string& path) = 0;
  /// Makes creations, renames and removals in the directory durable.
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& path) = 0;
  /// Names of the files inside, in no order. A directory that does not exist: not_found.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  /// Success also when it exists; parents are made too.
  [[nodiscard]] virtual Result<void> make_directory(const std::string& path) = 0;
  /// Errors: data_locked when another process (or another holder in this one) has it.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// Loops over short writes. With a direct file a remainder starts at the last multiple of 4096 that was written.
[[nodiscard]] Result<void> write_all(File& file, std::string_view bytes, std::uint64_t place);
/// Loops over short reads; returns the bytes read, fewer than asked for only at the end of the file.
[[nodiscard]] Result<std::size_t> read_all(File& file, char* to, std::size_t bytes, std::uint64_t place);
/// The whole of a small file, at most `bytes_max`. Errors: not_found, io_failed, limit_reached.
[[nodiscard]] Result<std::string> read_file(FileOps& files, const std::string& path, std::size_t bytes_max);
/// Writes `path`.new, syncs it, renames it over `path`, syncs `directory`.
[[nodiscard]] Result<void> replace_file(FileOps& files, const std::string& directory, const std::string& name,
                                        std::string_view bytes);

/// Memory aligned for direct files; grows, never shrinks, contents are lost when it grows.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  ~AlignedBuffer();
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  /// At least `bytes` bytes, aligned to 4096.
  [[nodiscard]] char* grow(std::size_t bytes);
  [[nodiscard]] char* data() noexcept { return data_; }

 private:
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace weir::files

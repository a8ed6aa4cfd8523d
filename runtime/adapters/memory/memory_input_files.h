// A file system for tests of what follows files: written, renamed, truncated and broken by hand.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/ports/input_files.h"

namespace weir {

/// Paths are absolute, `/` divides them; directories are there as soon as something lies in them. Every change moves
/// the file's modification time on by one. Not thread-safe; open files and streams do not outlive it.
class MemoryInputFiles final : public InputFiles {
 public:
  /// Makes the file or replaces its content, in place: its inode stays.
  void write(const std::string& path, std::string text);
  void append(const std::string& path, std::string_view text);
  /// Replaces what lies under `to`. An open file stays what it is.
  void rename(const std::string& from, const std::string& to);
  /// Its inode is free for the next file that is made.
  void remove(const std::string& path);
  void make_directory(const std::string& path);
  /// A second name of a file or a directory, as a symbolic link is one.
  void link(const std::string& path, const std::string& to);
  /// Opening, listing or reading (also of what is open) fails with this reason; empty: works again.
  void break_path(const std::string& path, std::string reason);
  /// The device of all files, as after a restart of the machine.
  void set_device(std::uint64_t device) { device_ = device; }
  /// Whether files say when they were made.
  void tell_births(bool tell) { tells_births_ = tell; }
  /// Called before every call of the port and of what it opened: for changes between any two of them. Not called again
  /// while it runs.
  std::function<void()> before_call;

  [[nodiscard]] std::size_t open_count() const noexcept { return *open_count_; }
  [[nodiscard]] std::size_t opened_ever() const noexcept { return opened_ever_; }

  [[nodiscard]] Result<std::vector<DirectoryItem>> list(const std::string& directory) override;
  /// Content that begins with `Z:` is compressed: what follows, up to a final `.` without which it is cut off.
  [[nodiscard]] Result<std::unique_ptr<OpenFile>> open(const std::string& path) override;
  [[nodiscard]] bool is_compressed(std::string_view start) const override { return start.starts_with("Z:"); }
  [[nodiscard]] bool contains(const std::string& path) const { return files_.contains(path); }
  /// Its content now; it is there.
  [[nodiscard]] const std::string& text(const std::string& path) const { return files_.at(path)->text; }

  struct File {
    std::string path;  // the newest
    std::string text;
    std::string broken;
    std::uint64_t inode = 0;
    UnixMicros modified = 0;
    UnixMicros born = 0;
  };

 private:
  friend class MemoryFile;
  void called();
  [[nodiscard]] std::string resolve(std::string path) const;
  [[nodiscard]] FileStatus status(const File& file) const;
  std::shared_ptr<File> make(const std::string& path);

  std::map<std::string, std::shared_ptr<File>> files_;
  std::map<std::string, std::uint64_t> directories_;  // path -> inode
  std::map<std::string, std::string> links_;
  std::map<std::string, std::string> broken_;
  std::vector<std::uint64_t> free_inodes_;
  std::uint64_t last_inode_ = 0;
  std::uint64_t device_ = 1;
  bool tells_births_ = true;
  bool calling_ = false;
  UnixMicros clock_ = 0;
  std::shared_ptr<std::size_t> open_count_ = std::make_shared<std::size_t>(0);
  std::size_t opened_ever_ = 0;
};

}  // namespace weir

// A directory of files as what snapshots are made of, and restored to.
#pragma once
#include <memory>
#include <string>

#include "runtime/ports/file_ops.h"
#include "runtime/ports/snapshot_store.h"

namespace weir {

/// The files of a directory that nobody changes meanwhile; `files` outlives it.
class DirectorySource final : public FileSource {
 public:
  DirectorySource(files::FileOps& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
  /// By name.
  [[nodiscard]] Result<std::vector<std::string>> names() const override;
  [[nodiscard]] Result<void> read(const std::string& name, const PieceTaker& take) const override;

 private:
  files::FileOps& files_;
  std::string directory_;
};

/// Writes into a directory, which is made with the first file; what is in it already stays. `files` outlives it.
class DirectoryTarget final : public FileTarget {
 public:
  DirectoryTarget(files::FileOps& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
  [[nodiscard]] Result<void> begin(const std::string& name) override;
  [[nodiscard]] Result<void> write(std::string_view piece) override;
  [[nodiscard]] Result<void> end() override;
  [[nodiscard]] Result<void> finish() override;

 private:
  files::FileOps& files_;
  std::string directory_;
  std::unique_ptr<files::File> file_;
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
};

/// Hands the file to `take` in pieces of at most a mebibyte, past the page cache where `mode` says so. Errors: as FileOps::open
/// and File::read_some, and those of `take`.
[[nodiscard]] Result<void> read_in_pieces(files::FileOps& files, const std::string& path, files::OpenMode mode, const PieceTaker& take);

}  // namespace weir

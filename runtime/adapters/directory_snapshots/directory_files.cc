#include "runtime/adapters/directory_snapshots/directory_files.h"

#include <algorithm>

#include "runtime/base/fail_point.h"

namespace weir {

namespace {
constexpr std::size_t kPiece = std::size_t{1} << 20;
/// What a copy leaves to one sync: more would keep the journals' own syncs waiting behind it.
constexpr std::uint64_t kSyncEvery = std::uint64_t{8} << 20;
}  // namespace

Result<void> read_in_pieces(files::FileOps& files, const std::string& path, files::OpenMode mode, const PieceTaker& take) {
  WEIR_ASSIGN(const auto file, files.open(path, mode));
  files::AlignedBuffer buffer;
  char* const to = buffer.grow(kPiece);
  for (std::uint64_t at = 0;;) {
    WEIR_ASSIGN(const std::size_t count, files::read_all(*file, to, kPiece, at));
    if (count != 0) WEIR_TRY(take({to, count}));
    if (count < kPiece) return {};
    at += count;
  }
}

Result<std::vector<std::string>> DirectorySource::names() const {
  WEIR_ASSIGN(auto names, files_.list(directory_));
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> DirectorySource::read(const std::string& name, const PieceTaker& take) const {
  return read_in_pieces(files_, directory_ + "/" + name, files::OpenMode::read, take);
}

Result<void> DirectoryTarget::begin(const std::string& name) {
  WEIR_TRY(files_.make_directory(directory_));
  const std::string path = directory_ + "/" + name;
  WEIR_TRY(files_.unlink(path));
  WEIR_ASSIGN(file_, files_.open(path, files::OpenMode::write_buffered));
  written_ = synced_ = 0;
  return {};
}

Result<void> DirectoryTarget::write(std::string_view piece) {
  WEIR_TRY(files::write_all(*file_, piece, written_));
  written_ += piece.size();
  if (written_ - synced_ < kSyncEvery) return {};
  synced_ = written_;
  return file_->sync();
}

Result<void> DirectoryTarget::end() {
  if (!WEIR_DEFECT("snapshot_files_unsynced")) WEIR_TRY(file_->sync());
  file_.reset();
  return {};
}

Result<void> DirectoryTarget::finish() { return files_.sync_directory(directory_); }

}  // namespace weir

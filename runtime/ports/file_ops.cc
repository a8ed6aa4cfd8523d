#include "runtime/ports/file_ops.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace weir::files {

namespace {
constexpr std::size_t kAlign = 4096;
}

AlignedBuffer::~AlignedBuffer() {
  std::free(data_);
}

char* AlignedBuffer::grow(std::size_t bytes) {
  if (bytes <= capacity_) return data_;
  const std::size_t rounded = (std::max(bytes, capacity_ + capacity_ / 2) + kAlign - 1) & ~(kAlign - 1);
  auto* fresh = static_cast<char*>(std::aligned_alloc(kAlign, rounded));
  if (fresh == nullptr) throw std::bad_alloc{};
  std::free(data_);
  data_ = fresh;
  capacity_ = rounded;
  return data_;
}

Result<void> write_all(File& file, std::string_view bytes, std::uint64_t place) {
  std::size_t done = 0;
  int stuck = 0;
  while (done < bytes.size()) {
    WEIR_ASSIGN(const std::size_t written, file.write_some(bytes.substr(done), place + done));
    std::size_t reached = done + written;
    // A direct file takes only aligned places: what lies behind the last whole block is written again.
    if (reached < bytes.size() && file.direct()) reached &= ~(kAlign - 1);
    stuck = reached == done ? stuck + 1 : 0;
    if (stuck == 8) return fail(Errc::io_failed, "a write at byte {} makes no progress", place + done);
    done = reached;
  }
  return {};
}

Result<std::size_t> read_all(File& file, char* to, std::size_t bytes, std::uint64_t place) {
  std::size_t done = 0;
  while (done < bytes) {
    WEIR_ASSIGN(const std::size_t count, file.read_some(to + done, bytes - done, place + done));
    if (count == 0) break;
    done += count;
    // The last block of a direct file may be cut off by the end of the file.
    if (file.direct() && done % kAlign != 0) break;
  }
  return done;
}

Result<std::string> read_file(FileOps& files, const std::string& path, std::size_t bytes_max) {
  WEIR_ASSIGN(const auto file, files.open(path, OpenMode::read));
  WEIR_ASSIGN(const std::uint64_t size, file->size());
  if (size > bytes_max) return fail(Errc::limit_reached, "{}: {} bytes, at most {} are read", path, size, bytes_max);
  std::string text(size, '\0');
  WEIR_ASSIGN(const std::size_t count, read_all(*file, text.data(), text.size(), 0));
  text.resize(count);
  return text;
}

Result<void> replace_file(FileOps& files, const std::string& directory, const std::string& name,
                          std::string_view bytes) {
  const std::string path = directory + "/" + name;
  const std::string fresh = path + ".new";
  WEIR_TRY(files.unlink(fresh));
  {
    WEIR_ASSIGN(const auto file, files.open(fresh, OpenMode::write_buffered));
    WEIR_TRY(write_all(*file, bytes, 0));
    WEIR_TRY(file->sync());
  }
  WEIR_TRY(files.rename(fresh, path));
  return files.sync_directory(directory);
}

}  // namespace weir::files

// FileOps of the operating system.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "runtime/adapters/embedded_log/file_ops.h"

namespace weir::journal {

namespace {

tl::unexpected<Error> os_error(const char* what, const std::string& path) {
  const int code = errno;
  const Errc errc = code == ENOSPC || code == EDQUOT ? Errc::disk_full
                    : code == ENOENT                 ? Errc::not_found
                                                     : Errc::io_failed;
  return fail(errc, "{} {}: {}", what, path, std::generic_category().message(code));
}

class SystemFile final : public File {
 public:
  SystemFile(int fd, bool direct, std::string path) : fd_(fd), direct_(direct), path_(std::move(path)) {}
  ~SystemFile() override { ::close(fd_); }
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;

  Result<std::size_t> write_some(std::string_view bytes, std::uint64_t place) override {
    for (;;) {
      const ssize_t count = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(place));
      if (count > 0) return static_cast<std::size_t>(count);
      if (count < 0 && errno == EINTR) continue;
      if (count == 0) errno = EIO;
      return os_error("write", path_);
    }
  }
  Result<std::size_t> read_some(char* to, std::size_t bytes, std::uint64_t place) override {
    for (;;) {
      const ssize_t count = ::pread(fd_, to, bytes, static_cast<off_t>(place));
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno == EINTR) continue;
      return os_error("read", path_);
    }
  }
  Result<void> sync() override {
    // Never repeated after a failure: the kernel may have dropped the dirty pages and would then report success.
    if (::fdatasync(fd_) != 0) return os_error("sync", path_);
    return {};
  }
  Result<void> allocate(std::uint64_t bytes) override {
    int code = 0;
    do {
      code = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
    } while (code == EINTR);
    if (code != 0) {
      errno = code;
      return os_error("allocate", path_);
    }
    return {};
  }
  Result<void> truncate(std::uint64_t bytes) override {
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return os_error("truncate", path_);
    return {};
  }
  Result<std::uint64_t> size() override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return os_error("stat", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }
  bool direct() const override { return direct_; }

 private:
  int fd_;
  bool direct_;
  std::string path_;
};

class SystemLock final : public FileLock {
 public:
  explicit SystemLock(int fd) : fd_(fd) {}
  ~SystemLock() override { ::close(fd_); }
  SystemLock(const SystemLock&) = delete;
  SystemLock& operator=(const SystemLock&) = delete;

 private:
  int fd_;
};

class SystemFileOps final : public FileOps {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const bool writes = mode == OpenMode::write_direct || mode == OpenMode::write_buffered;
    const bool wants_direct = mode == OpenMode::write_direct || mode == OpenMode::read_direct;
    const int flags = O_CLOEXEC | (writes ? O_RDWR | O_CREAT : O_RDONLY);
    if (wants_direct) {
      const int fd = ::open(path.c_str(), flags | O_DIRECT, 0644);
      if (fd >= 0) return std::make_unique<SystemFile>(fd, true, path);
      if (errno != EINVAL) return os_error("open", path);
    }
    const int fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0) return os_error("open", path);
    // Without direct reads the nearest thing to asking the device: drop what the page cache holds of the file.
    if (wants_direct) static_cast<void>(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    return std::make_unique<SystemFile>(fd, false, path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return os_error("rename", from);
    return {};
  }
  Result<void> unlink(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return os_error("remove", path);
    return {};
  }
  Result<void> sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return os_error("open", path);
    const bool synced = ::fsync(fd) == 0;
    const int code = errno;
    ::close(fd);
    errno = code;
    if (!synced) return os_error("sync", path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return os_error("list", path);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    ::closedir(directory);
    return names;
  }
  Result<void> make_directory(const std::string& path) override {
    std::error_code code;
    std::filesystem::create_directories(path, code);
    if (code) {
      errno = code.value();
      return os_error("make directory", path);
    }
    return {};
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return os_error("open", path);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return std::make_unique<SystemLock>(fd);
    const int code = errno;
    ::close(fd);
    errno = code;
    if (code != EWOULDBLOCK) return os_error("lock", path);
    return fail(Errc::data_locked, "{} is locked: another process uses it; stop that one, or choose another directory",
                path);
  }
};

}  // namespace

FileOps& system_file_ops() {
  static SystemFileOps files;
  return files;
}

}  // namespace weir::journal

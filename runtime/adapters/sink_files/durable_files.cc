#include "runtime/adapters/sink_files/durable_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::sinks {

tl::unexpected<Error> os_error(std::string_view what, const std::string& path) {
  const int code = errno;
  return fail(code == ENOSPC || code == EDQUOT ? Errc::disk_full : Errc::io_failed, "{} {}: {}", what, path, std::strerror(code));
}

void Descriptor::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<void> sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.open()) return os_error("cannot open", path);
  if (::fsync(directory.get()) != 0) return os_error("cannot sync", path);
  return {};
}

Result<void> make_directories(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0) {
    if (S_ISDIR(there.st_mode)) return {};
    errno = ENOTDIR;
    return os_error("cannot use", path);
  }
  const std::size_t slash = path.rfind('/');
  const std::string above = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  if (!path.empty() && path != above) WEIR_TRY(make_directories(above));
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return os_error("cannot make", path);
  return sync_directory(above);
}

Result<void> write_at(int fd, std::string_view bytes, std::uint64_t place, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return os_error("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    place += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

Result<void> write_whole(const std::string& directory, const std::string& name, std::string_view bytes) {
  const std::string path = directory + "/" + name;
  const std::string aside = path + ".new";
  {
    const Descriptor file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!file.open()) return os_error("cannot write", aside);
    WEIR_TRY(write_at(file.get(), bytes, 0, aside));
    if (::fsync(file.get()) != 0) return os_error("cannot sync", aside);
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) return os_error("cannot rename to", path);
  return sync_directory(directory);
}

}  // namespace weir::sinks

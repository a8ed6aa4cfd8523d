#include "runtime/adapters/system/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace weir {

namespace {

namespace fs = std::filesystem;

std::string identity_file(const std::string& path) { return path + "/identity"; }
std::string lock_file(const std::string& path) { return path + "/lock"; }

tl::unexpected<Error> os_error(const std::string& what, const std::string& where) {
  const int code = errno;
  const Errc errc = code == ENOSPC ? Errc::disk_full : Errc::io_failed;
  return fail(errc, "{} {}: {}", what, where, std::strerror(code));
}

/// Absent: an empty string.
Result<std::string> read_whole(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::string{};
    return os_error("cannot open", path);
  }
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  if (got < 0) return os_error("cannot read", path);
  return text;
}

Result<void> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return os_error("cannot open", path);
  const int result = ::fsync(fd);
  ::close(fd);
  if (result != 0) return os_error("cannot sync", path);
  return {};
}

/// Whole or not at all, also after a power cut: write aside, sync, rename, sync the directory.
Result<void> write_whole(const std::string& directory, const std::string& path, const std::string& text) {
  const std::string aside = path + ".new";
  const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return os_error("cannot create", aside);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  if (!written) {
    auto error = os_error("cannot write", aside);
    ::close(fd);
    return error;
  }
  ::close(fd);
  if (::rename(aside.c_str(), path.c_str()) != 0) return os_error("cannot rename to", path);
  return sync_directory(directory);
}

Result<DataIdentity> read_identity(const std::string& path) {
  WEIR_ASSIGN(const auto text, read_whole(identity_file(path)));
  if (text.empty()) {
    std::error_code code;
    if (fs::exists(log_directory(path), code))
      return fail(Errc::state_damaged, "{} is missing or empty, and there is a log: put the file back from a copy", identity_file(path));
    return fail(Errc::not_found, "{} holds no data of weir (no identity file)", path);
  }
  auto identity = DataIdentity::decode(text);
  if (!identity) return fail(identity.error().code, "{}: {}", identity_file(path), identity.error().context);
  return identity;
}

/// A new directory must be empty but for what an interrupted creation left behind.
Result<void> check_empty(const std::string& path) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(path, code)) {
    const std::string name = entry.path().filename();
    if (name != "lock" && name != "identity.new")
      return fail(Errc::data_foreign, "{} is not empty ('{}') and holds no data of weir: name an empty or a new directory", path, name);
  }
  if (code && code != std::errc::no_such_file_or_directory) return fail(Errc::io_failed, "cannot list {}: {}", path, code.message());
  return {};
}

}  // namespace

std::string log_directory(const std::string& data) { return data + "/log"; }
std::string state_directory(const std::string& data, PartitionId partition) {
  return data + "/state/" + std::to_string(partition.value);
}

Result<DataDirectory> DataDirectory::open(const std::string& path, const DataIdentity& wanted, const Clock& clock, Rng& rng) {
  // What is there already is looked at before anything is touched.
  auto stored = read_identity(path);
  if (stored) {
    WEIR_TRY(check_identity(*stored, wanted));
  } else if (stored.error().code != Errc::not_found) {
    return fail(stored.error());
  } else {
    WEIR_TRY(check_empty(path));
  }
  std::error_code code;
  fs::create_directories(path, code);
  if (code) return fail(Errc::io_failed, "cannot make the data directory {}: {}", path, code.message());

  const int lock = ::open(lock_file(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return os_error("cannot open", lock_file(path));
  DataDirectory directory{path, DataIdentity{}, lock};
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    char pid[32] = {};
    const ssize_t got = ::pread(lock, pid, sizeof pid - 1, 0);
    return fail(Errc::data_locked, "{} is in use by another process{}: stop it, or name another directory", path,
                got > 0 ? " (" + std::string(pid) + ")" : std::string{});
  }
  auto again = read_identity(path);  // another process may have made it meanwhile
  if (again) {
    WEIR_TRY(check_identity(*again, wanted));
    directory.identity_ = std::move(*again);
  } else {
    if (again.error().code != Errc::not_found) return fail(again.error());
    WEIR_TRY(check_empty(path));
    directory.identity_ = wanted;
    directory.identity_.format_version = kDataFormatVersion;
    directory.identity_.created_at = clock.wall();
    directory.identity_.log_id = {rng.next(), rng.next()};
    WEIR_TRY(write_whole(path, identity_file(path), directory.identity_.encode()));
  }
  const std::string owner = "process " + std::to_string(::getpid());
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size()))
    return os_error("cannot write", lock_file(path));
  return directory;
}

Result<DataIdentity> DataDirectory::look(const std::string& path, bool held) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return fail(Errc::not_found, "{} is no directory", path);
  WEIR_ASSIGN(auto identity, read_identity(path));
  if (held) return identity;
  const int lock = ::open(lock_file(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (lock >= 0) {
    const bool free = ::flock(lock, LOCK_SH | LOCK_NB) == 0;
    ::close(lock);
    if (!free) return fail(Errc::data_locked, "a node runs on {}: stop it, or ask it with --node URL", path);
  }
  return identity;
}

Result<void> DataDirectory::write_file(const std::string& name, const std::string& bytes) const {
  const std::string file = path_ + "/" + name;
  WEIR_ASSIGN(const std::string there, read_whole(file));
  if (there == bytes && !bytes.empty()) return {};
  return write_whole(path_, file, bytes);
}

Result<std::string> DataDirectory::read_file(const std::string& path, const std::string& name) {
  WEIR_ASSIGN(std::string bytes, read_whole(path + "/" + name));
  if (bytes.empty()) return fail(Errc::not_found, "{}/{} is missing or empty", path, name);
  return bytes;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), identity_(std::move(other.identity_)), lock_(std::exchange(other.lock_, -1)) {}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace weir

#include "runtime/adapters/compress/input_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "runtime/adapters/compress/decoding_stream.h"
#include "runtime/adapters/compress/open_input.h"
#include "runtime/adapters/compress/raw_source.h"

namespace weir {

namespace {

tl::unexpected<Error> refused(std::string_view what, const std::string& path, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  std::string reason = std::generic_category().message(error);
  if (missing) reason = "it does not exist";
  if (error == EACCES || error == EPERM) reason = "permission to read it is denied";
  if (error == EMFILE || error == ENFILE) reason = "too many files are open (see ulimit -n)";
  return tl::unexpected(
      Error{missing ? Errc::not_found : Errc::input_unreadable, fmt::format("{} {}: {}", what, path, reason)});
}

UnixMicros micros_of(const struct statx_timestamp& from) {
  return static_cast<UnixMicros>(from.tv_sec) * 1'000'000 + from.tv_nsec / 1'000;
}

FileStatus status_of(const struct statx& from) {
  return {{static_cast<std::uint64_t>(from.stx_dev_major) << 32 | from.stx_dev_minor, from.stx_ino},
          from.stx_size,
          micros_of(from.stx_mtime),
          (from.stx_mask & STATX_BTIME) != 0 ? micros_of(from.stx_btime) : 0};
}

/// Of `name` in `directory`; of the directory's own descriptor where the name is empty.
int ask(int directory, const char* name, int flags, struct statx& to) {
  return ::statx(directory, name, flags | (*name == 0 ? AT_EMPTY_PATH : 0) | AT_STATX_SYNC_AS_STAT,
                 STATX_BASIC_STATS | STATX_BTIME, &to);
}

FileKind kind_of(const struct statx& from) {
  if (S_ISREG(from.stx_mode)) return FileKind::file;
  return S_ISDIR(from.stx_mode) ? FileKind::directory : FileKind::other;
}

class SystemFile final : public OpenFile {
 public:
  SystemFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  ~SystemFile() override { ::close(descriptor_); }

  [[nodiscard]] Result<std::size_t> read(std::uint64_t at, char* to, std::size_t size) override {
    for (;;) {
      const ssize_t count = ::pread(descriptor_, to, size, static_cast<off_t>(at));
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return refused("file", path_, errno);
    }
  }
  [[nodiscard]] Result<FileStatus> status() const override {
    struct statx now {};
    if (ask(descriptor_, "", 0, now) != 0) return refused("file", path_, errno);
    return status_of(now);
  }
  [[nodiscard]] Result<std::unique_ptr<InputStream>> decoded() const override {
    WEIR_ASSIGN(const FileStatus now, status());
    const int other = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    if (other < 0) return refused("file", path_, errno);
    return decoded_stream(RawSource::of_file(path_, other, now.size));
  }

 private:
  std::string path_;
  int descriptor_;
};

class SystemFiles final : public InputFiles {
 public:
  [[nodiscard]] Result<std::vector<DirectoryItem>> list(const std::string& directory) override {
    DIR* const stream = ::opendir(directory.c_str());
    if (stream == nullptr) return refused("directory", directory, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> closes(stream, ::closedir);
    std::vector<DirectoryItem> items;
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(stream);
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct statx found {};
      // Gone meanwhile, or a link that leads nowhere: not there.
      if (ask(::dirfd(stream), entry->d_name, 0, found) != 0) continue;
      struct statx itself {};
      const bool link =
          entry->d_type == DT_LNK ||
          (entry->d_type == DT_UNKNOWN && ask(::dirfd(stream), entry->d_name, AT_SYMLINK_NOFOLLOW, itself) == 0 &&
           S_ISLNK(itself.stx_mode));
      items.push_back({std::string(name), kind_of(found), link, status_of(found)});
    }
    if (errno != 0) return refused("directory", directory, errno);
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return items;
  }

  [[nodiscard]] Result<std::unique_ptr<OpenFile>> open(const std::string& path) override {
    int descriptor = -1;
    do {
      // Not waiting: between the listing and now a pipe may have taken the file's name.
      descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return refused("file", path, errno);
    auto file = std::make_unique<SystemFile>(path, descriptor);
    struct statx found {};
    if (ask(descriptor, "", 0, found) != 0) return refused("file", path, errno);
    if (kind_of(found) != FileKind::file) return fail(Errc::input_unreadable, "file {}: it is no regular file", path);
    return file;
  }

  [[nodiscard]] bool is_compressed(std::string_view start) const override {
    return start.starts_with(kGzipMagic) || start.starts_with(kZstdMagic);
  }
};

}  // namespace

std::unique_ptr<InputFiles> make_input_files() {
  return std::make_unique<SystemFiles>();
}

}  // namespace weir

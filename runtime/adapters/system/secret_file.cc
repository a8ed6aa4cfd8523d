#include "runtime/adapters/system/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace weir {

namespace {

struct OpenFile {
  explicit OpenFile(const std::string& name)
      : number(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (number >= 0) ::close(number);
  }
  int number;
};

Error system_error(int number) {
  if (number == ENOENT) return {Errc::config_invalid, "there is no such file"};
  if (number == EACCES)
    return {Errc::config_invalid, "this user may not read it; give it to the user that runs weir, or to its group"};
  return {Errc::config_invalid, std::generic_category().message(number)};
}

}  // namespace

Result<std::string> read_small_file(const std::string& file, std::size_t bytes_max, Closed closed) {
  const OpenFile open(file);
  if (open.number < 0) return fail(system_error(errno));
  // Of what is open: between a look at the name and its opening another file could have come.
  struct stat found {};
  if (::fstat(open.number, &found) != 0) return fail(system_error(errno));
  if (!S_ISREG(found.st_mode)) return fail(Errc::config_invalid, "it is not a regular file");
  if (closed == Closed::to_others && (found.st_mode & (S_IRWXO & ~S_IXOTH)) != 0)
    return fail(Errc::config_invalid,
                "everybody on this machine may read or write it (mode {:03o}); close it: chmod o-rw",
                found.st_mode & 0777);
  std::string text(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(open.number, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_error(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max) return fail(Errc::config_invalid, "it is longer than {} bytes", bytes_max);
  text.resize(size);
  return text;
}

}  // namespace weir

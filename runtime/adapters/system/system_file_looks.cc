#include "runtime/adapters/system/system_file_looks.h"

#include <sys/stat.h>

namespace weir {

FileLook SystemFileLooks::look(const std::string& file) const {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  // The time of the last change of anything: unlike that of the content it cannot be set.
  return {true, static_cast<std::uint64_t>(found.st_size),
          static_cast<std::int64_t>(found.st_ctim.tv_sec) * 1'000'000'000 + found.st_ctim.tv_nsec,
          static_cast<std::uint64_t>(found.st_ino)};
}

}  // namespace weir

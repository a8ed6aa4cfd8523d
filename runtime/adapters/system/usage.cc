#include "runtime/adapters/system/usage.h"

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

namespace weir {

std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long size = 0, resident = 0, shared = 0;
  const int read = std::fscanf(file, "%llu %llu %llu", &size, &resident, &shared);
  std::fclose(file);
  if (read != 3) return 0;
  return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void give_memory_back() {
  ::malloc_trim(0);
}

Result<std::uint64_t> directory_bytes(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code code;
  fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied, code);
  if (code) return fail(Errc::io_failed, "{} cannot be read: {}", directory, code.message());
  std::uint64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> linked;  // files of several names count once: checkpoints share the tables of their state
  for (const fs::recursive_directory_iterator end; at != end; at.increment(code)) {
    if (code) break;  // a folder that went meanwhile
    struct stat found {};
    if (::lstat(at->path().c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_nlink == 1 || linked.emplace(found.st_dev, found.st_ino).second))
      bytes += static_cast<std::uint64_t>(found.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace weir

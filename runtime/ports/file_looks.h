// What can be told of a file without reading it.
#pragma once
#include <cstdint>
#include <string>

namespace weir {

/// A file as it stood at one moment. Equal looks mean, but do not prove, equal content: two changes within one tick of
/// the file system's clock (some milliseconds) that leave the size as it was look the same.
struct FileLook {
  bool there = false;          // and a regular file
  std::uint64_t size = 0;      // bytes
  std::int64_t changed = 0;    // nanoseconds since 1970; cannot be set back by those who copy files with their times
  std::uint64_t identity = 0;  // another one where another file was moved to the name
  friend bool operator==(const FileLook&, const FileLook&) = default;
};

/// Thread-safe; never fails: what cannot be looked at is not there.
class FileLooks {
 public:
  virtual ~FileLooks() = default;
  [[nodiscard]] virtual FileLook look(const std::string& file) const = 0;
};

}  // namespace weir

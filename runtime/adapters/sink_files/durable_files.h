// Files that survive a power cut: written, synced, renamed, their directories synced.
#pragma once
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace weir::sinks {

/// io_failed or disk_full, of errno: "cannot write /out/x: No space left on device".
[[nodiscard]] tl::unexpected<Error> os_error(std::string_view what, const std::string& path);
/// Makes the directory and those above it that are missing, each durable.
[[nodiscard]] Result<void> make_directories(const std::string& path);
[[nodiscard]] Result<void> sync_directory(const std::string& path);
/// All of `bytes` at `place`.
[[nodiscard]] Result<void> write_at(int fd, std::string_view bytes, std::uint64_t place, const std::string& path);
/// The file is there with these bytes, or as it was.
[[nodiscard]] Result<void> write_whole(const std::string& directory, const std::string& name, std::string_view bytes);
/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Descriptor() { reset(); }
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }
  void reset(int fd = -1) noexcept;

 private:
  int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  int fd_;
};

}  // namespace weir::sinks

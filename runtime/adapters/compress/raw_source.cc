#include "runtime/adapters/compress/raw_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "runtime/base/hash.h"

namespace weir {

namespace {

std::string reason_of(int error) {
  if (error == ENOENT) return "it does not exist";
  if (error == EACCES || error == EPERM) return "permission to read it is denied";
  if (error == EISDIR) return "it is a directory; name the files in it";
  return std::generic_category().message(error);
}

}  // namespace

Result<RawSource> RawSource::open(const std::string& name) {
  const bool standard = name == "-";
  int descriptor = STDIN_FILENO;
  if (!standard) {
    do {
      descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return fail(Errc::input_unreadable, "input {}: {}", name, reason_of(errno));
  }
  RawSource source(standard ? "stdin" : name, descriptor, std::nullopt);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    return fail(Errc::input_unreadable, "input {}: {}", source.name_, reason_of(errno));
  if (S_ISDIR(status.st_mode)) return fail(Errc::input_unreadable, "input {}: {}", source.name_, reason_of(EISDIR));
  if (!standard && S_ISREG(status.st_mode)) {
    source.size_ = static_cast<std::uint64_t>(status.st_size);
    // A hint alone: reading works without it.
    (void)::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return source;
}

RawSource::RawSource(RawSource&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      place_(other.place_),
      peeked_(std::move(other.peeked_)) {}

RawSource::~RawSource() {
  if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
}

Result<std::size_t> RawSource::read_descriptor(char* to, std::size_t size, std::uint64_t at) {
  for (;;) {
    const ssize_t count =
        size_ ? ::pread(descriptor_, to, size, static_cast<off_t>(at)) : ::read(descriptor_, to, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR)
      return fail(Errc::input_unreadable, "input {}: byte {} cannot be read: {}", name_, at, reason_of(errno));
  }
}

Result<std::size_t> RawSource::read(char* to, std::size_t size) {
  std::size_t count = std::min(size, peeked_.size());
  if (count != 0) {
    std::memcpy(to, peeked_.data(), count);
    peeked_.erase(0, count);
  } else {
    WEIR_ASSIGN(count, read_descriptor(to, size, place_));
  }
  place_ += count;
  return count;
}

Result<std::string_view> RawSource::peek(std::size_t count) {
  while (peeked_.size() < count) {
    const std::size_t before = peeked_.size();
    peeked_.resize(count);
    auto more = read_descriptor(peeked_.data() + before, count - before, place_ + before);
    peeked_.resize(before + more.value_or(0));
    if (!more) return fail(std::move(more.error()));
    if (*more == 0) break;
  }
  return std::string_view(peeked_);
}

void RawSource::seek(std::uint64_t place) noexcept {
  peeked_.clear();
  place_ = place;
}

Result<std::optional<InputIdentity>> RawSource::identity() {
  if (!size_) return std::nullopt;
  WEIR_ASSIGN(const std::string_view head, peek(kIdentityHead));
  return InputIdentity{*size_, xxh3_128(head.substr(0, kIdentityHead))};
}

}  // namespace weir

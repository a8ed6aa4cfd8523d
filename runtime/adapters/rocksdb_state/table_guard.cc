#include "runtime/adapters/rocksdb_state/table_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "runtime/base/bytes.h"

namespace weir {

namespace {

namespace fs = std::filesystem;

// Table format version 1 to 5: checksum type, two block handles and padding, version, magic.
constexpr std::size_t kFooter = 53;
constexpr std::uint64_t kMagic = 0x88e241b785f4cff7ull;
constexpr std::size_t kMetaindexMax = 64 * 1024;  // a handful of names
constexpr std::uint32_t kHashIndexMark = 0x80000000u;

struct Handle {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Closes on the way out.
class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] std::optional<std::string> read(std::uint64_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    const auto count = ::pread(fd_, bytes.data(), size, static_cast<off_t>(offset));
    if (count != static_cast<ssize_t>(size)) return std::nullopt;
    return bytes;
  }

 private:
  int fd_;
};

std::optional<std::uint64_t> take_varint(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= 63 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= std::uint64_t{byte & 127u} << shift;
    if (byte < 128) return value;
  }
  return std::nullopt;
}

std::optional<Handle> take_handle(std::string_view& from) {
  const auto offset = take_varint(from);
  const auto size = offset ? take_varint(from) : std::nullopt;
  if (!size) return std::nullopt;
  return Handle{*offset, *size};
}

bool inside(const Handle& block, std::uint64_t file_size) {
  return block.size >= 4 && block.offset <= file_size && block.size <= file_size - block.offset;
}

/// Walks the metaindex: entries of shared and own key length, value length, key, value; names of blocks and their
/// handles.
std::optional<Handle> find_properties(std::string_view metaindex) {
  std::string key;
  while (!metaindex.empty()) {
    const auto shared = take_varint(metaindex);
    const auto own = shared ? take_varint(metaindex) : std::nullopt;
    const auto value = own ? take_varint(metaindex) : std::nullopt;
    if (!value || *shared > key.size() || *own > metaindex.size() || *value > metaindex.size() - *own)
      return std::nullopt;
    key.resize(*shared);
    key.append(metaindex.substr(0, *own));
    std::string_view handle = metaindex.substr(*own, *value);
    if (key == "rocksdb.properties") return take_handle(handle);
    metaindex.remove_prefix(*own + *value);
  }
  return std::nullopt;
}

/// Whether opening this table would end the process.
bool would_abort(const std::string& path, std::uint64_t size) {
  if (size < kFooter) return false;
  const File file(path);
  const auto footer = file.read(size - kFooter, kFooter);
  if (!footer || load<std::uint64_t>(footer->data() + kFooter - 8) != kMagic) return false;
  std::string_view handles = std::string_view(*footer).substr(1, 40);
  const auto metaindex = take_handle(handles);
  if (!metaindex || !inside(*metaindex, size) || metaindex->size > kMetaindexMax) return false;
  const auto index = file.read(metaindex->offset, metaindex->size);
  if (!index) return false;
  const auto properties = find_properties(*index);
  if (!properties || !inside(*properties, size)) return false;
  const auto restarts = file.read(properties->offset + properties->size - 4, 4);
  return restarts && (load<std::uint32_t>(restarts->data()) & kHashIndexMark) != 0;
}

}  // namespace

Result<void> guard_tables(const std::string& directory) {
  std::error_code error;
  fs::directory_iterator it(directory, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    if (it->path().extension() != ".sst") continue;
    std::error_code gone;  // a compaction may delete it under our eyes
    const std::uint64_t size = fs::file_size(it->path(), gone);
    if (!gone && would_abort(it->path().string(), size))
      return fail(
          Errc::state_damaged,
          "state {}: the properties block is damaged; the partition's state must be rebuilt from a snapshot or the log",
          it->path().string());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::io_failed, "state {}: {}", directory, error.message());
  return {};
}

}  // namespace weir

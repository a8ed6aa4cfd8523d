#include "runtime/adapters/sink_files/cursor_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "runtime/adapters/sink_files/durable_files.h"

namespace weir {

namespace fs = std::filesystem;
using sinks::os_error;

namespace {
/// No cursor is longer: it names the files under way, at most some thousand.
constexpr std::size_t kCursorBytesMax = std::size_t{64} << 20;
}  // namespace

Result<std::optional<SinkCursor>> SinkCursorFiles::load(const std::string& sink, PartitionId partition) {
  const std::string path = directory_ + "/" + sink + "/" + std::to_string(partition.value);
  const sinks::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) {
    if (errno == ENOENT) return std::optional<SinkCursor>{};
    return os_error("cannot open", path);
  }
  std::string bytes;
  char piece[16 * 1024];
  for (ssize_t got = 0; (got = ::read(file.get(), piece, sizeof piece)) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("cannot read", path);
    bytes.append(piece, static_cast<std::size_t>(got));
    if (bytes.size() > kCursorBytesMax) return fail(Errc::state_damaged, "{} is longer than any cursor", path);
  }
  auto cursor = decode_cursor(bytes);
  if (!cursor) return fail(cursor.error().code, "{}: {}", path, cursor.error().context);
  return std::optional<SinkCursor>(std::move(*cursor));
}

Result<void> SinkCursorFiles::store(const std::string& sink, PartitionId partition, const SinkCursor& cursor) {
  const std::string directory = directory_ + "/" + sink;
  WEIR_TRY(sinks::make_directories(directory));
  return sinks::write_whole(directory, std::to_string(partition.value), encode_cursor(cursor));
}

Result<std::vector<std::string>> SinkCursorFiles::sinks() {
  std::vector<std::string> names;
  std::error_code code;
  if (!fs::exists(directory_, code)) return names;
  for (const auto& entry : fs::directory_iterator(directory_, code)) names.push_back(entry.path().filename().string());
  if (code) return fail(Errc::io_failed, "cannot list {}: {}", directory_, code.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> SinkCursorFiles::remove(const std::string& sink) {
  WEIR_ASSIGN(const std::vector<std::string> known, sinks());
  if (std::find(known.begin(), known.end(), sink) == known.end()) return fail(Errc::not_found, "there is no cursor of a sink {}", sink);
  std::error_code code;
  fs::remove_all(directory_ + "/" + sink, code);
  if (code) return fail(Errc::io_failed, "cannot remove {}/{}: {}", directory_, sink, code.message());
  return weir::sinks::sync_directory(directory_);
}

}  // namespace weir

#include "runtime/adapters/sink_files/stdout_target.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir {

namespace {
/// What a pipe takes without blocking, when it takes anything (POSIX: PIPE_BUF is at least 512, on Linux 4096).
constexpr std::size_t kPiece = 4'096;
constexpr int kLookMs = 100;
}  // namespace

void StdoutTarget::send(std::shared_ptr<const SinkBatch> batch, SinkAnswered answered) {
  std::string text;
  text.reserve(batch->bytes + batch->items.size());
  if (stream_->csv && !stream_->header_written) text.append(batch->header).append("\n");
  for (const SinkItem& item : batch->items) text.append(item.text).append("\n");
  std::string_view rest = text;
  while (!rest.empty()) {
    pollfd ready{stream_->descriptor, POLLOUT, 0};
    const int found = ::poll(&ready, 1, kLookMs);
    if (found == 0 || (found < 0 && errno == EINTR)) {
      if (stream_->closing.load()) return answered({SinkAnswer::Kind::failed, "nobody reads stdout", {}});
      continue;
    }
    const ssize_t wrote = ::write(stream_->descriptor, rest.data(), std::min(rest.size(), kPiece));
    if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (wrote < 0 && errno == EPIPE) return answered({SinkAnswer::Kind::unusable, "stdout is closed: nobody reads it any more", {}});
    if (wrote < 0) return answered({SinkAnswer::Kind::failed, fmt::format("stdout cannot be written: {}", std::strerror(errno)), {}});
    rest.remove_prefix(static_cast<std::size_t>(wrote));
  }
  stream_->header_written = true;
  answered({});
}

}  // namespace weir

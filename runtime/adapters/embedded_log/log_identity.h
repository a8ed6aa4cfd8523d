// Who a log is: drawn once, written before anything else, checked before anything is opened.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/adapters/embedded_log/file_ops.h"
#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir::journal {

/// File name inside the log's directory.
inline constexpr const char* kIdentityName = "log";

struct LogIdentity {
  Digest128 log_id;
  std::uint32_t partitions = 0;
  std::uint64_t segment_bytes = 0;  // as the log was created; later opens may use another size for new segments
  bool ready = false;               // false: creation was interrupted, nothing was ever acknowledged
  friend bool operator==(const LogIdentity&, const LogIdentity&) = default;
};

[[nodiscard]] std::string encode_identity(const LogIdentity& identity);
/// Errors: log_damaged, format_newer.
[[nodiscard]] Result<LogIdentity> decode_identity(std::string_view bytes);
/// Errors: not_found (nothing was ever written), log_damaged (also: it is gone and segments are there), io_failed, and those
/// of decode_identity.
[[nodiscard]] Result<LogIdentity> load_identity(FileOps& files, const std::string& directory);
[[nodiscard]] Result<void> save_identity(FileOps& files, const std::string& directory, const LogIdentity& identity);

}  // namespace weir::journal

// What a data directory is: the pipeline it belongs to and everything that may never change under it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// The newest layout of a data directory that this weir writes and reads.
inline constexpr std::uint32_t kDataFormatVersion = 1;

struct DataIdentity {
  std::uint32_t format_version = kDataFormatVersion;
  std::string pipeline;
  std::uint32_t partitions = 0;
  std::string wall_text;         // what the wall hash is taken over: id rule, dedupe key, formats
  std::int64_t created_at = 0;   // microseconds since 1970, for people
  Digest128 log_id;              // drawn when the directory was made

  /// With a checksum; not for hot paths.
  [[nodiscard]] std::string encode() const;
  /// Errors: state_damaged (checksum), format_newer.
  [[nodiscard]] static Result<DataIdentity> decode(std::string_view bytes);
};

/// Whether data of `stored` may be opened as `wanted`. Error data_foreign says which part differs and what to do.
[[nodiscard]] Result<void> check_identity(const DataIdentity& stored, const DataIdentity& wanted);

}  // namespace weir

// What a data directory is: the pipeline it belongs to and everything that may never change under it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// The newest layout of a data directory that this weir writes and reads.
inline constexpr std::uint32_t kDataFormatVersion = 1;

struct DataIdentity {
  std::uint32_t format_version = kDataFormatVersion;
  std::string pipeline;
  std::uint32_t partitions = 0;
  std::string wall_text;        // what the wall hash is taken over: id rule, dedupe key, formats
  std::int64_t created_at = 0;  // microseconds since 1970, for people
  Digest128 log_id;             // drawn when the directory was made

  /// With a checksum; not for hot paths.
  [[nodiscard]] std::string encode() const;
  /// Errors: state_damaged (checksum), format_newer.
  [[nodiscard]] static Result<DataIdentity> decode(std::string_view bytes);
};

/// One part of what may never change under existing data, and does.
struct IdentityDifference {
  std::string what;    // the key of the pipeline file: "partitions", "record.id"
  std::string stored;  // as the pipeline file would write it
  std::string wanted;
  std::string why;  // it cannot change
  std::string todo;
};
/// Empty: data of `stored` may be opened as `wanted`. Of another pipeline: that difference alone.
[[nodiscard]] std::vector<IdentityDifference> identity_differences(const DataIdentity& stored,
                                                                   const DataIdentity& wanted);
/// The same as an error, data_foreign, that names every difference and what to do.
[[nodiscard]] Result<void> check_identity(const DataIdentity& stored, const DataIdentity& wanted);

}  // namespace weir

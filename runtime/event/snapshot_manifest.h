// What a snapshot is: the state of one partition at one commit, as files with their checksums, and what it may be used for.
//
// The manifest is written last and read first: what it does not name does not exist, and what it names is checked before use.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// The newest manifest that this weir writes and reads.
inline constexpr std::uint32_t kSnapshotFormatVersion = 1;
/// What the files of a state hold, its keys and values and its cursor: raised when an older weir would misread them.
inline constexpr std::uint32_t kStateFormatVersion = 1;
/// How the state digest is made, and of what: raised when the same state gives another one. Digests of another version are
/// not compared.
inline constexpr std::uint32_t kStateDigestVersion = 1;

struct SnapshotView {
  std::string name;
  Digest128 hash;
  friend bool operator==(const SnapshotView&, const SnapshotView&) = default;
};

struct SnapshotFile {
  std::string name;  // plain: no directory in it
  std::uint64_t size = 0;
  Digest128 checksum;  // XXH3-128 of the content
  friend bool operator==(const SnapshotFile&, const SnapshotFile&) = default;
};

struct SnapshotManifest {
  std::string pipeline;
  PartitionId partition;
  Digest128 log_id;
  CommitSequence sequence;  // the newest commit inside, and what it says:
  Offset committed;
  Epoch epoch;
  std::int64_t partition_time = 0;  // microseconds since 1970
  Digest128 rules_hash;
  std::int64_t created_at = 0;  // wall time of who made it, microseconds since 1970; decides nothing about the data
  Digest128 wall_hash;
  std::vector<SnapshotView> views;
  std::uint32_t state_format = kStateFormatVersion;
  std::uint32_t digest_version = kStateDigestVersion;
  Digest128 state_digest;
  Digest128 answer_digest;
  std::vector<SnapshotFile> files;  // at least one, in the order of the checkpoint
  friend bool operator==(const SnapshotManifest&, const SnapshotManifest&) = default;

  /// "3-120345-9f8a01c2": partition, commit, and the beginning of a checksum over all of the manifest. Two snapshots with the
  /// same id are the same.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::uint64_t bytes() const noexcept;  // of its files

  /// With a checksum over everything; deterministic.
  [[nodiscard]] std::string encode() const;
  /// Errors: state_damaged (anything but what encode() wrote, whole), format_newer (of the manifest or of the state in it).
  [[nodiscard]] static Result<SnapshotManifest> decode(std::string_view bytes);
};

/// What an id says.
struct SnapshotName {
  PartitionId partition;
  CommitSequence sequence;
};
/// Anything but what id() makes: nullopt.
[[nodiscard]] std::optional<SnapshotName> parse_snapshot_id(std::string_view id) noexcept;

}  // namespace weir

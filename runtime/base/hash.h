// The hash functions of weir's formats and of its placement. Each result is part of a stored or shared format: it never
// changes.
//
//  murmur2   where an event lives: as Kafka's default partitioner, so a topic keyed by event id is already placed our
//  way XXH3      digests of content (128 bits, seed 0) and fingerprints in memory (64 bits, seed 0) crc32c    checksums
//  of frames in the journal and on links
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/ids.h"

namespace weir {

/// MurmurHash2, 32 bits, seed 0x9747b28c: `org.apache.kafka.common.utils.Utils.murmur2` over the same bytes.
[[nodiscard]] std::uint32_t murmur2(std::string_view bytes) noexcept;

/// The partition of an event id: (murmur2(id) & 0x7fffffff) mod partitions. `partitions` is at least 1 (asserted).
[[nodiscard]] PartitionId partition_of(std::string_view id, std::uint32_t partitions);

/// XXH3-64 with seed 0. For fingerprints and tables in memory.
[[nodiscard]] std::uint64_t xxh3_64(std::string_view bytes) noexcept;

/// XXH3-64 under a seed: for fingerprints in memory that nobody outside can aim at.
[[nodiscard]] std::uint64_t xxh3_64(std::string_view bytes, std::uint64_t seed) noexcept;

/// XXH3-128 with seed 0. For digests of content.
[[nodiscard]] Digest128 xxh3_128(std::string_view bytes) noexcept;

/// CRC-32C (Castagnoli, reflected, inverted at both ends). `seed` is the checksum of what came before:
/// crc32c(b, crc32c(a)) == crc32c(a + b). Uses the processor's instruction where there is one.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0) noexcept;

/// The same by tables: what crc32c falls back to on a processor without SSE4.2 and PCLMULQDQ.
[[nodiscard]] std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed = 0) noexcept;

/// Writes 2 * bytes.size() lower-case hex characters to `to`; no terminator.
void write_hex(std::string_view bytes, char* to) noexcept;
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// 32 characters, most significant digit first (`high`, then `low`), as xxhsum prints a digest.
[[nodiscard]] std::string to_hex(const Digest128& digest);
/// Reads what to_hex(Digest128) wrote; upper case is taken too. Anything but 32 hex digits: nullopt.
[[nodiscard]] std::optional<Digest128> parse_digest(std::string_view hex) noexcept;

}  // namespace weir

// The checksum over a whole table file that the library keeps in its MANIFEST and compares when a file is verified.
#pragma once
#include <rocksdb/file_checksum.h>

#include <memory>

namespace weir {

/// CRC-32C by the processor's instruction. The library's own factory computes the same function by tables in Debian's
/// build: that was 5 % of the whole path of an event. Thread-safe.
[[nodiscard]] std::shared_ptr<rocksdb::FileChecksumGenFactory> make_file_checksums();

}  // namespace weir

// The one flipped bit in a table file on which the library aborts instead of reporting it, found before it is opened.
//
// A table's properties block is parsed before its checksum is looked at (it may carry a sequence number written later),
// and the block's restart count has, in its top bit, the mark of a hash index behind it. Debian's library is built with
// asserts: with the mark on a block that has no such index the process dies (data_block_hash_index.cc). Every other
// block is checked first.
#pragma once
#include <string>

#include "runtime/base/result.h"

namespace weir {

/// Looks at every table file of the directory. Error state_damaged names the file. Files that are no whole table (an
/// output of a compaction that was killed) are left to the library, which knows whether they count. Errors:
/// state_damaged, io_failed.
[[nodiscard]] Result<void> guard_tables(const std::string& directory);

}  // namespace weir

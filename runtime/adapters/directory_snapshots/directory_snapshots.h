// Snapshots in a directory that the nodes reach.
//
//   ROOT/PARTITION/files/SIZE-CHECKSUM     content, whatever its name in the state is; copies, never links to the state's own
//                                          files: a link would share the damage it is to protect from
//   ROOT/PARTITION/manifests/ID.manifest   written last; ID.verified beside it when it was tried out
//   ROOT/PARTITION/lock                    held while something is changed
//
// A file that is not what its name says gets `.damaged` behind its name and counts as missing: the next snapshot with the same
// content copies it anew, and with it mends the older ones.
#pragma once
#include <memory>
#include <string>

#include "runtime/ports/file_ops.h"
#include "runtime/ports/snapshot_store.h"

namespace weir {

/// Touches nothing before the first change. `files` outlives it.
[[nodiscard]] std::unique_ptr<SnapshotStore> make_directory_snapshots(files::FileOps& files, std::string root);

}  // namespace weir

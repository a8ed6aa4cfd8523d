// The directory of one pipeline's data: who it belongs to, and that only one process writes it.
//
//   identity   what it is (runtime/event/data_identity.h), written once      lock     held while a node runs
//   log/       the embedded log                                              state/   one store per partition
//   snapshots/ copies of it, unless they are kept elsewhere                  scratch/ what is being made, removed at each start
#pragma once
#include <string>

#include "runtime/base/result.h"
#include "runtime/event/data_identity.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/rng.h"

namespace weir {

/// Holds the lock until destroyed. Moves only.
class DataDirectory {
 public:
  /// Takes the lock; makes the directory and its identity when there is none. Nothing is changed when anything is refused.
  /// Errors: data_locked (who has it), data_foreign, format_newer, state_damaged (the identity file), io_failed (also: a
  /// read-only directory, something else of that name, other files in it).
  [[nodiscard]] static Result<DataDirectory> open(const std::string& path, const DataIdentity& wanted, const Clock& clock, Rng& rng);
  /// For reading the data of a stopped node; takes no lock and writes nothing. Errors: not_found, data_locked (a node runs on
  /// it: ask the node), state_damaged (also: the identity is gone and a log is there), format_newer, io_failed.
  /// `held`: the caller itself holds the lock.
  [[nodiscard]] static Result<DataIdentity> look(const std::string& path, bool held = false);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;
  ~DataDirectory();

  /// One more file of the directory, whole or not at all, also after a power cut. Nothing is written when it is there with the
  /// same bytes. Errors: io_failed, disk_full.
  [[nodiscard]] Result<void> write_file(const std::string& name, const std::string& bytes) const;
  /// Errors: not_found (also: empty, which write_file never leaves), io_failed.
  [[nodiscard]] static Result<std::string> read_file(const std::string& path, const std::string& name);
  [[nodiscard]] const DataIdentity& identity() const noexcept { return identity_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  DataDirectory(std::string path, DataIdentity identity, int lock) : path_(std::move(path)), identity_(std::move(identity)), lock_(lock) {}
  std::string path_;
  DataIdentity identity_;
  int lock_ = -1;
};

[[nodiscard]] std::string log_directory(const std::string& data);
[[nodiscard]] std::string state_directory(const std::string& data, PartitionId partition);

}  // namespace weir

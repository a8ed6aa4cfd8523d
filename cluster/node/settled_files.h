// When files are to be read again: one of them has changed, and all are at rest.
#pragma once
#include <string>
#include <vector>

#include "runtime/ports/file_looks.h"

namespace weir {

/// One that is being written may well read as a whole, and of two that belong together one comes first: so all must
/// look the same twice in a row. Not thread-safe. `looks` must outlive it.
class SettledFiles {
 public:
  /// Looks at once; read the files behind it, then no change goes unseen.
  SettledFiles(std::vector<std::string> names, const FileLooks& looks) : looks_(&looks) {
    for (std::string& name : names) {
      const FileLook now = looks.look(name);
      files_.push_back({std::move(name), now, now});
    }
  }

  /// One look at every file, to be repeated about once a second. True: read them now; once for each state they come to
  /// rest in.
  [[nodiscard]] bool look() {
    bool settled = true, changed = false;
    for (File& file : files_) {
      const FileLook now = looks_->look(file.name);
      settled = settled && now == file.last;
      changed = changed || now != file.read;
      file.last = now;
    }
    if (!settled || !changed) return false;
    for (File& file : files_) file.read = file.last;
    return true;
  }

 private:
  struct File {
    std::string name;
    FileLook read;  // when it was to be read
    FileLook last;  // at the last look
  };
  const FileLooks* looks_;
  std::vector<File> files_;
};

}  // namespace weir

// Looks at the files of this machine.
#pragma once
#include "runtime/ports/file_looks.h"

namespace weir {

/// Follows symbolic links: where one is turned to another file, that is a change.
class SystemFileLooks final : public FileLooks {
 public:
  [[nodiscard]] FileLook look(const std::string& file) const override;
};

}  // namespace weir

// Files in memory: the twin of the machine's, for whoever looks at files and reads them.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "runtime/base/result.h"
#include "runtime/ports/file_looks.h"

namespace weir {

/// Thread-safe.
class MemoryFiles final : public FileLooks {
 public:
  /// In place, as somebody does who opens the file and writes.
  void write(const std::string& name, std::string text);
  /// Another file is moved to the name.
  void replace(const std::string& name, std::string text);
  void remove(const std::string& name);
  /// The fault: content that changes without a trace, as within one tick of a file system's clock.
  void write_unseen(const std::string& name, std::string text);

  [[nodiscard]] FileLook look(const std::string& file) const override;
  /// Error input_unreadable: there is none.
  [[nodiscard]] Result<std::string> read(const std::string& name) const;
  /// How often read() was called.
  [[nodiscard]] std::uint64_t reads() const;

 private:
  struct File {
    std::string text;
    FileLook look;
  };
  mutable std::mutex mutex_;
  std::map<std::string, File> files_;
  std::int64_t now_ = 0;
  std::uint64_t identity_ = 0;
  mutable std::uint64_t reads_ = 0;
};

}  // namespace weir

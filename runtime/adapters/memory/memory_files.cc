#include "runtime/adapters/memory/memory_files.h"

namespace weir {

void MemoryFiles::write(const std::string& name, std::string text) {
  const std::scoped_lock lock(mutex_);
  File& file = files_[name];
  if (!file.look.there) file.look.identity = ++identity_;
  file.look = {true, text.size(), ++now_, file.look.identity};
  file.text = std::move(text);
}

void MemoryFiles::replace(const std::string& name, std::string text) {
  const std::scoped_lock lock(mutex_);
  File& file = files_[name];
  file.look = {true, text.size(), ++now_, ++identity_};
  file.text = std::move(text);
}

void MemoryFiles::remove(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  files_.erase(name);
}

void MemoryFiles::write_unseen(const std::string& name, std::string text) {
  const std::scoped_lock lock(mutex_);
  files_[name].text = std::move(text);
}

FileLook MemoryFiles::look(const std::string& file) const {
  const std::scoped_lock lock(mutex_);
  const auto found = files_.find(file);
  return found == files_.end() ? FileLook{} : found->second.look;
}

Result<std::string> MemoryFiles::read(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  ++reads_;
  const auto found = files_.find(name);
  if (found == files_.end()) return fail(Errc::input_unreadable, "{}: cannot be opened", name);
  return found->second.text;
}

std::uint64_t MemoryFiles::reads() const {
  const std::scoped_lock lock(mutex_);
  return reads_;
}

}  // namespace weir

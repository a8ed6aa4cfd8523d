#include "runtime/adapters/memory/memory_input_files.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

class MemoryStream final : public InputStream {
 public:
  MemoryStream(std::string name, std::string text, bool cut_off)
      : name_(std::move(name)), text_(std::move(text)), cut_off_(cut_off) {}
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size) override {
    const std::size_t count = std::min(size, text_.size() - place_);
    if (count == 0 && cut_off_) return fail(Errc::input_unreadable, "input {}: cut off", name_);
    std::memcpy(to, text_.data() + place_, count);
    place_ += count;
    return count;
  }
  [[nodiscard]] Result<void> skip_to(std::uint64_t place) override {
    if (place > text_.size()) return fail(Errc::input_unreadable, "input {}: ends before byte {}", name_, place);
    place_ = static_cast<std::size_t>(place);
    return {};
  }
  [[nodiscard]] std::uint64_t place() const override { return place_; }

 private:
  std::string name_;
  std::string text_;
  bool cut_off_;
  std::size_t place_ = 0;
};

}  // namespace

class MemoryFile final : public OpenFile {
 public:
  MemoryFile(std::shared_ptr<MemoryInputFiles::File> file, MemoryInputFiles& files)
      : file_(std::move(file)), files_(files), count_(files.open_count_) {
    ++*count_;
  }
  ~MemoryFile() override { --*count_; }
  [[nodiscard]] Result<std::size_t> read(std::uint64_t at, char* to, std::size_t size) override {
    files_.called();
    if (!file_->broken.empty()) return fail(Errc::input_unreadable, "file {}: {}", file_->path, file_->broken);
    if (at >= file_->text.size()) return std::size_t{0};
    const std::size_t count = std::min(size, file_->text.size() - static_cast<std::size_t>(at));
    std::memcpy(to, file_->text.data() + at, count);
    return count;
  }
  [[nodiscard]] Result<FileStatus> status() const override {
    files_.called();
    return files_.status(*file_);
  }
  [[nodiscard]] Result<std::unique_ptr<InputStream>> decoded() const override {
    files_.called();
    if (!file_->broken.empty()) return fail(Errc::input_unreadable, "input {}: {}", file_->path, file_->broken);
    std::string text = file_->text;
    bool cut_off = false;
    if (files_.is_compressed(text)) {
      cut_off = !text.ends_with('.');
      text = text.substr(2, text.size() - (cut_off ? 2 : 3));
    }
    return std::make_unique<MemoryStream>(file_->path, std::move(text), cut_off);
  }

 private:
  std::shared_ptr<MemoryInputFiles::File> file_;
  MemoryInputFiles& files_;
  std::shared_ptr<std::size_t> count_;
};

void MemoryInputFiles::called() {
  if (!before_call || std::exchange(calling_, true)) return;
  before_call();
  calling_ = false;
}

std::string MemoryInputFiles::resolve(std::string path) const {
  // Of every start of the path, the shortest first; a link to a directory above itself makes paths of any length.
  for (int hops = 0; hops < 64; ++hops) {
    bool again = false;
    for (const auto& [from, to] : links_) {
      if (path != from && !path.starts_with(from + "/")) continue;
      path = to + path.substr(from.size());
      again = true;
      break;
    }
    if (!again) return path;
  }
  return path;
}

FileStatus MemoryInputFiles::status(const File& file) const {
  return {{device_, file.inode}, file.text.size(), file.modified, tells_births_ ? file.born : 0};
}

std::shared_ptr<MemoryInputFiles::File> MemoryInputFiles::make(const std::string& path) {
  auto file = std::make_shared<File>();
  file->path = path;
  if (free_inodes_.empty()) {
    file->inode = ++last_inode_;
  } else {
    file->inode = free_inodes_.back();
    free_inodes_.pop_back();
  }
  file->born = ++clock_;
  make_directory(parent_of(path));
  return files_[path] = file;
}

void MemoryInputFiles::write(const std::string& path, std::string text) {
  const auto known = files_.find(path);
  File& file = known == files_.end() ? *make(path) : *known->second;
  file.text = std::move(text);
  file.modified = ++clock_;
}

void MemoryInputFiles::append(const std::string& path, std::string_view text) {
  const auto known = files_.find(path);
  write(path, (known == files_.end() ? std::string() : known->second->text) + std::string(text));
}

void MemoryInputFiles::rename(const std::string& from, const std::string& to) {
  if (files_.contains(to)) remove(to);
  auto file = files_.at(from);
  files_.erase(from);
  file->path = to;
  make_directory(parent_of(to));
  files_[to] = std::move(file);
}

void MemoryInputFiles::remove(const std::string& path) {
  const auto file = files_.at(path);
  if (file.use_count() <= 2) free_inodes_.push_back(file->inode);  // nobody has it open
  files_.erase(path);
}

void MemoryInputFiles::make_directory(const std::string& path) {
  if (directories_.contains(path)) return;
  directories_[path] = ++last_inode_;
  if (path != "/") make_directory(parent_of(path));
}

void MemoryInputFiles::link(const std::string& path, const std::string& to) {
  make_directory(parent_of(path));
  links_[path] = to;
}

void MemoryInputFiles::break_path(const std::string& path, std::string reason) {
  if (const auto file = files_.find(path); file != files_.end()) file->second->broken = reason;
  broken_[path] = std::move(reason);
}

Result<std::vector<DirectoryItem>> MemoryInputFiles::list(const std::string& named) {
  called();
  const std::string directory = resolve(named);
  if (const auto broken = broken_.find(directory); broken != broken_.end() && !broken->second.empty())
    return fail(Errc::input_unreadable, "directory {}: {}", named, broken->second);
  if (!directories_.contains(directory)) return fail(Errc::not_found, "directory {}: it does not exist", named);
  std::map<std::string, DirectoryItem> items;
  const auto name_in = [&](const std::string& path) {
    return path != "/" && parent_of(path) == directory ? path.substr(path.rfind('/') + 1) : std::string();
  };
  const auto directory_item = [&](const std::string& name, std::uint64_t inode, bool link) {
    return DirectoryItem{name, FileKind::directory, link, {{device_, inode}, 0, 0, 0}};
  };
  for (const auto& [path, file] : files_)
    if (const std::string name = name_in(path); !name.empty())
      items[name] = {name, FileKind::file, false, status(*file)};
  for (const auto& [path, inode] : directories_)
    if (const std::string name = name_in(path); !name.empty()) items[name] = directory_item(name, inode, false);
  for (const auto& [path, to] : links_) {
    const std::string name = name_in(path);
    const std::string target = resolve(path);
    if (name.empty()) continue;
    if (const auto file = files_.find(target); file != files_.end())
      items[name] = {name, FileKind::file, true, status(*file->second)};
    if (const auto found = directories_.find(target); found != directories_.end())
      items[name] = directory_item(name, found->second, true);
  }
  std::vector<DirectoryItem> sorted;
  for (auto& item : items) sorted.push_back(std::move(item.second));
  return sorted;
}

Result<std::unique_ptr<OpenFile>> MemoryInputFiles::open(const std::string& path) {
  called();
  const auto file = files_.find(resolve(path));
  if (file == files_.end()) {
    if (directories_.contains(resolve(path)))
      return fail(Errc::input_unreadable, "file {}: it is no regular file", path);
    return fail(Errc::not_found, "file {}: it does not exist", path);
  }
  if (!file->second->broken.empty()) return fail(Errc::input_unreadable, "file {}: {}", path, file->second->broken);
  ++opened_ever_;
  return std::make_unique<MemoryFile>(file->second, *this);
}

}  // namespace weir

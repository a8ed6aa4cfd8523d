// The files that doors follow: in memory, and on this machine's file system.
#pragma once
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "runtime/adapters/compress/input_directory.h"
#include "runtime/adapters/memory/memory_input_files.h"
#include "tests/support/catch.h"

namespace weir::test {

class FilesFixture {
 public:
  virtual ~FilesFixture() = default;
  virtual InputFiles& files() = 0;
  /// A folder of one's own, absolute.
  [[nodiscard]] virtual std::string folder() const = 0;
  /// In place: the file stays the one it is.
  virtual void write(const std::string& name, const std::string& text) = 0;
  virtual void append(const std::string& name, const std::string& text) = 0;
  virtual void rename(const std::string& from, const std::string& to) = 0;
  virtual void remove(const std::string& name) = 0;
  virtual void make_directory(const std::string& name) = 0;
  virtual void link(const std::string& name, const std::string& to) = 0;
  [[nodiscard]] virtual std::string compressed(const std::string& text) const = 0;
  [[nodiscard]] std::string path(const std::string& name) const { return folder() + "/" + name; }
};

class MemoryFixture final : public FilesFixture {
 public:
  MemoryFixture() { files_.make_directory(folder()); }
  InputFiles& files() override { return files_; }
  std::string folder() const override { return "/here"; }
  void write(const std::string& name, const std::string& text) override { files_.write(path(name), text); }
  void append(const std::string& name, const std::string& text) override { files_.append(path(name), text); }
  void rename(const std::string& from, const std::string& to) override { files_.rename(path(from), path(to)); }
  void remove(const std::string& name) override { files_.remove(path(name)); }
  void make_directory(const std::string& name) override { files_.make_directory(path(name)); }
  void link(const std::string& name, const std::string& to) override { files_.link(path(name), path(to)); }
  std::string compressed(const std::string& text) const override { return "Z:" + text + "."; }

 private:
  MemoryInputFiles files_;
};

class SystemFixture final : public FilesFixture {
 public:
  SystemFixture() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-files-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  SystemFixture(const SystemFixture&) = delete;
  SystemFixture& operator=(const SystemFixture&) = delete;
  ~SystemFixture() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  InputFiles& files() override { return *files_; }
  std::string folder() const override { return folder_; }
  void write(const std::string& name, const std::string& text) override {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << text;
  }
  void append(const std::string& name, const std::string& text) override {
    std::ofstream(path(name), std::ios::binary | std::ios::app) << text;
  }
  void rename(const std::string& from, const std::string& to) override {
    std::filesystem::rename(path(from), path(to));
  }
  void remove(const std::string& name) override { std::filesystem::remove(path(name)); }
  void make_directory(const std::string& name) override { std::filesystem::create_directories(path(name)); }
  void link(const std::string& name, const std::string& to) override {
    std::filesystem::create_symlink(path(to), path(name));
  }
  std::string compressed(const std::string& text) const override {
    z_stream stream{};
    REQUIRE(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(text.size() + 1'000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
  }

 private:
  std::string folder_;
  std::unique_ptr<InputFiles> files_ = make_input_files();
};

/// Each implementation in its turn; call it once in a test.
inline std::unique_ptr<FilesFixture> each_files() {
  if (GENERATE(0, 1) == 0) return std::make_unique<MemoryFixture>();
  return std::make_unique<SystemFixture>();
}

}  // namespace weir::test

// What every way of looking at files promises: each change shows, and what has not changed looks the same.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/adapters/memory/memory_files.h"
#include "runtime/adapters/system/system_file_looks.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

using namespace weir;

namespace {

/// One place with files, and how they are changed there.
struct Place {
  virtual ~Place() = default;
  virtual const FileLooks& looks() = 0;
  virtual std::string name(const std::string& file) = 0;
  virtual void write(const std::string& file, const std::string& text) = 0;
  virtual void replace(const std::string& file, const std::string& text) = 0;
  virtual void remove(const std::string& file) = 0;
};

struct Memory final : Place {
  MemoryFiles files;
  const FileLooks& looks() override { return files; }
  std::string name(const std::string& file) override { return file; }
  void write(const std::string& file, const std::string& text) override { files.write(file, text); }
  void replace(const std::string& file, const std::string& text) override { files.replace(file, text); }
  void remove(const std::string& file) override { files.remove(file); }
};

struct Machine final : Place {
  ScratchFolder folder;
  SystemFileLooks files;
  const FileLooks& looks() override { return files; }
  std::string name(const std::string& file) override { return folder.path() + "/" + file; }
  void write(const std::string& file, const std::string& text) override {
    const auto before = files.look(name(file));
    do {  // until the clock of the file system has moved on
      folder.write(file, text);
    } while (before.there && files.look(name(file)).changed == before.changed);
  }
  void replace(const std::string& file, const std::string& text) override {
    folder.write(file + ".new", text);
    std::filesystem::rename(name(file + ".new"), name(file));
  }
  void remove(const std::string& file) override { std::filesystem::remove(name(file)); }
};

std::vector<std::shared_ptr<Place>> places() {
  return {std::make_shared<Memory>(), std::make_shared<Machine>()};
}

}  // namespace

TEST_CASE("a file that nobody changes looks the same, and its size is told", "[file_looks]") {
  for (const auto& place : places()) {
    place->write("a", "1234");
    place->write("b", "");
    const FileLook look = place->looks().look(place->name("a"));
    CHECK(look.there);
    CHECK(look.size == 4);
    CHECK(place->looks().look(place->name("b")).size == 0);
    place->write("b", "5");
    CHECK(place->looks().look(place->name("a")) == look);
    CHECK(place->looks().look(place->name("a")).identity != place->looks().look(place->name("b")).identity);
  }
}

TEST_CASE("written in place with the same size: it looks otherwise, and is the same file", "[file_looks]") {
  for (const auto& place : places()) {
    place->write("a", "1234");
    const FileLook look = place->looks().look(place->name("a"));
    place->write("a", "4321");
    const FileLook now = place->looks().look(place->name("a"));
    CHECK(now != look);
    CHECK(now.size == look.size);
    CHECK(now.identity == look.identity);
  }
}

TEST_CASE("another file moved to the name is another file", "[file_looks]") {
  for (const auto& place : places()) {
    place->write("a", "1234");
    const FileLook look = place->looks().look(place->name("a"));
    place->replace("a", "4321");
    const FileLook now = place->looks().look(place->name("a"));
    CHECK(now.there);
    CHECK(now.identity != look.identity);
  }
}

TEST_CASE("what is not there, or was removed, is not there; written again it is", "[file_looks]") {
  for (const auto& place : places()) {
    CHECK(place->looks().look(place->name("a")) == FileLook{});
    place->write("a", "1");
    place->remove("a");
    CHECK(place->looks().look(place->name("a")) == FileLook{});
    place->write("a", "1");
    CHECK(place->looks().look(place->name("a")).there);
  }
}

TEST_CASE("of a machine: a folder is no file, a link is what it points at, set times hide nothing", "[file_looks]") {
  Machine machine;
  CHECK_FALSE(machine.files.look(machine.folder.path()).there);
  machine.write("a", "1234");
  machine.write("b", "4321");
  std::filesystem::create_symlink(machine.name("a"), machine.name("link"));
  const FileLook linked = machine.files.look(machine.name("link"));
  CHECK(linked == machine.files.look(machine.name("a")));
  std::filesystem::remove(machine.name("link"));
  std::filesystem::create_symlink(machine.name("b"), machine.name("link"));
  CHECK(machine.files.look(machine.name("link")) != linked);

  const auto time = std::filesystem::last_write_time(machine.name("a"));
  machine.write("a", "5678");
  std::filesystem::last_write_time(machine.name("a"), time);
  CHECK(machine.files.look(machine.name("a")) != linked);
}

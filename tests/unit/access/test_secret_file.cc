// Small files: whole, of a bounded size, and closed to others where they must be.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/adapters/system/secret_file.h"
#include "tests/support/catch.h"
#include "tests/unit/data_directory/scratch.h"

using namespace weir;

namespace {

std::string said(const std::string& file, std::size_t bytes_max = 100, Closed closed = Closed::to_others) {
  const auto text = read_small_file(file, bytes_max, closed);
  if (!text) CHECK(text.error().code == Errc::config_invalid);
  return text ? "read: " + *text : text.error().context;
}

}  // namespace

TEST_CASE("a small file is read whole, and what cannot be is said without its content", "[access]") {
  const test::Scratch folder;
  const std::string file = folder / "secret";
  test::write(file, "hunter2\n");
  ::chmod(file.c_str(), 0600);
  CHECK(said(file) == "read: hunter2\n");
  CHECK(said(file, 8) == "read: hunter2\n");
  CHECK(said(file, 7) == "it is longer than 7 bytes");
  CHECK(said(folder / "none") == "there is no such file");
  CHECK(said(folder / "") == "it is not a regular file");
  CHECK(said("/dev/null") == "it is not a regular file");
  // Mounted secrets are links to links.
  std::filesystem::create_symlink(file, folder / "link");
  CHECK(said(folder / "link") == "read: hunter2\n");
}

TEST_CASE("a file that everybody may read or write is no secret", "[access]") {
  const test::Scratch folder;
  const std::string file = folder / "secret";
  test::write(file, "hunter2");
  for (const mode_t mode : {0644, 0604, 0602, 0666, 0606}) {
    ::chmod(file.c_str(), mode);
    CHECK(said(file) ==
          fmt::format("everybody on this machine may read or write it (mode {:03o}); close it: chmod o-rw", mode));
    CHECK(said(file, 100, Closed::no) == "read: hunter2");
  }
  for (const mode_t mode : {0600, 0640, 0660, 0400, 0440, 0601}) {
    ::chmod(file.c_str(), mode);
    CHECK(said(file) == "read: hunter2");
  }
}

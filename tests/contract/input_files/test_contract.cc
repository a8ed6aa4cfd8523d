// What a door that follows files relies on, of every implementation.
#include "tests/contract/input_files/fixture.h"

namespace weir {
namespace {

using namespace test;

std::string all_of(InputStream& stream) {
  std::string text;
  for (char buffer[7];;) {
    const std::size_t count = stream.read(buffer, sizeof buffer).value();
    if (count == 0) return text;
    text.append(buffer, count);
  }
}
std::string read(OpenFile& file, std::uint64_t at, std::size_t size) {
  std::string text(size, '\0');
  text.resize(file.read(at, text.data(), size).value());
  return text;
}
DirectoryItem item(FilesFixture& fixture, const std::string& name) {
  const auto items = fixture.files().list(fixture.folder()).value();
  const auto found = std::find_if(items.begin(), items.end(), [&](const auto& one) { return one.name == name; });
  REQUIRE(found != items.end());
  return *found;
}

TEST_CASE("a directory is listed by name, with kinds and sizes, links as what they lead to", "[input_files]") {
  const auto fixture = each_files();
  fixture->write("b", "22");
  fixture->write("a", "1");
  fixture->write(".hidden", "");
  fixture->write("x", "away");
  fixture->make_directory("dir/inner");
  fixture->link("to_a", "a");
  fixture->link("to_dir", "dir");
  fixture->link("to_nothing", "never");
  fixture->remove("x");
  const auto items = fixture->files().list(fixture->folder()).value();
  std::string text;
  for (const DirectoryItem& one : items) {
    text += one.name + (one.kind == FileKind::file        ? " file"
                        : one.kind == FileKind::directory ? " directory"
                                                          : " other");
    if (one.link) text += " link";
    if (one.kind == FileKind::file) text += " " + std::to_string(one.status.size);
    text += "\n";
  }
  CHECK(text == ".hidden file 0\na file 1\nb file 2\ndir directory\nto_a file link 1\nto_dir directory link\n");
  CHECK(item(*fixture, "to_a").status.key == item(*fixture, "a").status.key);
  CHECK(item(*fixture, "to_dir").status.key == item(*fixture, "dir").status.key);
  CHECK(item(*fixture, "a").status.key != item(*fixture, "b").status.key);
  CHECK(fixture->files().list(fixture->path("dir")).value().size() == 1);
  CHECK(fixture->files().list(fixture->path("to_dir")).value().size() == 1);
}

TEST_CASE("what is not there, or is no directory or file, is refused by name", "[input_files]") {
  const auto fixture = each_files();
  fixture->make_directory("dir");
  CHECK(fixture->files().list(fixture->path("never")).error().code == Errc::not_found);
  CHECK(fixture->files().list(fixture->path("never")).error().context ==
        "directory " + fixture->path("never") + ": it does not exist");
  CHECK(fixture->files().open(fixture->path("never")).error().code == Errc::not_found);
  CHECK(fixture->files().open(fixture->path("never")).error().context ==
        "file " + fixture->path("never") + ": it does not exist");
  CHECK(fixture->files().open(fixture->path("dir")).error().code == Errc::input_unreadable);
  CHECK(fixture->files().open(fixture->path("dir")).error().context ==
        "file " + fixture->path("dir") + ": it is no regular file");
}

TEST_CASE("an open file is read anywhere, grows, and stays when its name goes", "[input_files]") {
  const auto fixture = each_files();
  fixture->write("a", "0123456789");
  const auto file = fixture->files().open(fixture->path("a")).value();
  CHECK(read(*file, 0, 4) == "0123");
  CHECK(read(*file, 8, 4) == "89");
  CHECK(read(*file, 10, 4).empty());
  CHECK(read(*file, 1'000, 4).empty());
  const FileStatus status = file->status().value();
  CHECK(status.size == 10);
  CHECK(status == item(*fixture, "a").status);
  fixture->append("a", "abc");
  CHECK(read(*file, 10, 9) == "abc");
  CHECK(file->status()->size == 13);
  CHECK(file->status()->born == status.born);
  fixture->rename("a", "b");
  CHECK(file->status()->key == status.key);
  CHECK(item(*fixture, "b").status.key == status.key);
  CHECK(item(*fixture, "b").status.born == status.born);
  fixture->write("a", "another");
  CHECK(item(*fixture, "a").status.key != status.key);
  fixture->remove("b");
  CHECK(read(*file, 0, 99) == "0123456789abc");
  fixture->write("c", "and one more");
  CHECK(item(*fixture, "c").status.key != status.key);  // its inode is not free while somebody has it open
}

TEST_CASE("a file that is written anew in place is the same file, shorter", "[input_files]") {
  const auto fixture = each_files();
  fixture->write("a", "0123456789");
  const auto file = fixture->files().open(fixture->path("a")).value();
  const FileStatus status = file->status().value();
  fixture->write("a", "xyz");
  CHECK(file->status()->key == status.key);
  CHECK(file->status()->born == status.born);
  CHECK(file->status()->size == 3);
  CHECK(read(*file, 0, 99) == "xyz");
  CHECK(read(*file, 5, 99).empty());
}

TEST_CASE("a name that another file takes leads to that one", "[input_files]") {
  const auto fixture = each_files();
  fixture->write("a", "old");
  fixture->write("fresh", "new");
  const FileKey fresh = item(*fixture, "fresh").status.key;
  const auto old = fixture->files().open(fixture->path("a")).value();
  fixture->rename("fresh", "a");
  CHECK(item(*fixture, "a").status.key == fresh);
  CHECK(read(*fixture->files().open(fixture->path("a")).value(), 0, 9) == "new");
  CHECK(read(*old, 0, 9) == "old");
}

TEST_CASE("compressed files are decoded, others are given as they are, also after their names are gone",
          "[input_files]") {
  const auto fixture = each_files();
  const std::string text = "one\ntwo\nthree\n";
  fixture->write("packed", fixture->compressed(text));
  fixture->write("plain", text);
  for (const char* name : {"packed", "plain"}) {
    INFO(name);
    auto file = fixture->files().open(fixture->path(name)).value();
    const std::string start = read(*file, 0, 4);
    CHECK(fixture->files().is_compressed(start) == (std::string_view(name) == "packed"));
    fixture->remove(name);
    auto first = file->decoded().value();
    auto second = file->decoded().value();
    CHECK(read(*file, 0, 4) == start);
    file.reset();
    CHECK(all_of(*first) == text);
    REQUIRE(second->skip_to(4).has_value());
    CHECK(second->place() == 4);
    CHECK(all_of(*second) == "two\nthree\n");
  }
}

TEST_CASE("of a compressed file that is cut off everything before comes, then the error, again and again",
          "[input_files]") {
  const auto fixture = each_files();
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += "line " + std::to_string(i * 7919 % 1000) + "\n";
  std::string packed = fixture->compressed(text);
  packed.pop_back();
  fixture->write("cut", packed);
  const auto stream = fixture->files().open(fixture->path("cut")).value()->decoded().value();
  std::string got;
  std::optional<Error> error;
  for (char buffer[100]; !error;) {
    const auto count = stream->read(buffer, sizeof buffer);
    if (!count)
      error = count.error();
    else
      got.append(buffer, *count);
    REQUIRE(got.size() <= text.size());
  }
  CHECK(text.starts_with(got));
  CHECK(error->code == Errc::input_unreadable);
  char one;
  CHECK(stream->read(&one, 1).error().code == Errc::input_unreadable);
}

TEST_CASE("a pipe is neither a file nor waited for", "[input_files]") {
  SystemFixture fixture;
  REQUIRE(::mkfifo(fixture.path("pipe").c_str(), 0600) == 0);
  CHECK(item(fixture, "pipe").kind == FileKind::other);
  CHECK(fixture.files().open(fixture.path("pipe")).error().context ==
        "file " + fixture.path("pipe") + ": it is no regular file");
}

}  // namespace
}  // namespace weir

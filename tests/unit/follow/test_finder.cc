#include "actors/doors/file_finder.h"

#include "runtime/adapters/memory/memory_input_files.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

std::string paths(const Finding& finding) {
  std::string text;
  for (const FoundFile& file : finding.files) text += file.path + " ";
  return text;
}
std::string found(MemoryInputFiles& files, std::vector<std::string> include, std::vector<std::string> exclude = {}) {
  return paths(FileFinder(std::move(include), std::move(exclude)).find(files));
}

TEST_CASE("patterns are matched part by part, as a shell does, and ** stands for directories", "[follow]") {
  CHECK(path_matches("/logs/*.csv", "/logs/a.csv"));
  CHECK_FALSE(path_matches("/logs/*.csv", "/logs/b/a.csv"));
  CHECK_FALSE(path_matches("/logs/*.csv", "/logs/.a.csv"));
  CHECK(path_matches("/logs/[ab]?.csv", "/logs/a1.csv"));
  CHECK_FALSE(path_matches("/logs/[ab]?.csv", "/logs/c1.csv"));
  CHECK(path_matches("/logs/**/*.csv", "/logs/a.csv"));
  CHECK(path_matches("/logs/**/*.csv", "/logs/x/y/a.csv"));
  CHECK(path_matches("**", "a/b"));
  CHECK(path_matches("/**/x/**/*.csv", "/a/x/b/x/c/d.csv"));
  CHECK_FALSE(path_matches("/**/x/**/*.csv", "/a/b/c/d.csv"));
  CHECK_FALSE(path_matches("logs/*", "/logs/a"));
  CHECK(path_matches("./logs//a", "logs/a"));
}

TEST_CASE("files are found once, whatever their names, and what is excluded is not", "[follow]") {
  MemoryInputFiles files;
  for (const char* path :
       {"/in/a.csv", "/in/b.csv", "/in/c.txt", "/in/old/d.csv", "/in/old/x/e.csv", "/in/.hidden.csv"})
    files.write(path, "x");
  CHECK(found(files, {"/in/*.csv"}) == "/in/a.csv /in/b.csv ");
  CHECK(found(files, {"/in/a.csv"}) == "/in/a.csv ");
  CHECK(found(files, {"/in/**/*.csv"}, {"/in/old/*"}) == "/in/a.csv /in/b.csv /in/old/x/e.csv ");
  CHECK(found(files, {"/in/*/*.csv", "/in/**"}) == "/in/old/d.csv /in/a.csv /in/b.csv /in/c.txt /in/old/x/e.csv ");
  files.link("/in/same.csv", "/in/a.csv");
  CHECK(found(files, {"/in/*.csv"}) == "/in/a.csv /in/b.csv ");
}

TEST_CASE("an exclude without a slash is about names, wherever they lie", "[follow]") {
  MemoryInputFiles files;
  for (const char* path : {"/in/a.csv", "/in/a.tmp", "/in/x/b.tmp", "/in/x/c.csv"}) files.write(path, "x");
  CHECK(found(files, {"/in/**"}, {"*.tmp"}) == "/in/a.csv /in/x/c.csv ");
  CHECK(found(files, {"/in/**"}, {"c.csv", "/in/*"}) == "/in/x/b.tmp ");
}

TEST_CASE("links to directories are followed where a pattern says so, and ** does not go round in circles",
          "[follow]") {
  MemoryInputFiles files;
  files.write("/in/sub/a.csv", "x");
  files.write("/other/b.csv", "x");
  files.link("/in/sub/loop", "/in");
  files.link("/in/sub/self", "/in/sub");
  files.link("/in/other", "/other");
  CHECK(found(files, {"/in/**/*.csv"}) == "/in/sub/a.csv ");
  CHECK(found(files, {"/in/*/*.csv"}) == "/in/other/b.csv /in/sub/a.csv ");
  CHECK(found(files, {"/in/other/*.csv"}) == "/in/other/b.csv ");
  // Every directory leads to every other: what goes through links by all ways would not end.
  for (int i = 0; i < 14; ++i) {
    files.write("/web/" + std::to_string(i) + "/f.csv", "x");
    for (int k = 0; k < 14; ++k)
      files.link("/web/" + std::to_string(i) + "/to" + std::to_string(k), "/web/" + std::to_string(k));
  }
  const Finding finding = FileFinder({"/web/**"}, {}).find(files);
  CHECK(finding.files.size() == 14);
  CHECK(finding.problems.empty());
}

TEST_CASE("what is in the way is told, and nothing below it is taken for gone", "[follow]") {
  MemoryInputFiles files;
  files.write("/in/a/1.csv", "x");
  files.write("/in/b/2.csv", "x");
  files.break_path("/in/b", "permission to read it is denied");
  const FileFinder finder({"/in/*/*.csv", "/nowhere/*.csv", "/in/*/*.json", "/in/a"}, {});
  const Finding finding = finder.find(files);
  CHECK(paths(finding) == "/in/a/1.csv ");
  CHECK(finding.problems == std::vector<std::string>{"directory /in/b: permission to read it is denied",
                                                     "directory /nowhere: it does not exist"});
  CHECK(finding.nothing ==
        std::vector<std::string>{"no file matches /nowhere/*.csv", "no file matches /in/*/*.json",
                                 "/in/a is a directory; write /in/a/* for the files in it, /in/a/** for all below it"});
  CHECK_FALSE(finding.is_gone("/in/b/2.csv"));
  CHECK_FALSE(finding.is_gone("/in/b/x/3.csv"));
  CHECK(finding.is_gone("/in/bb/2.csv"));
  CHECK(finding.is_gone("/in/a/9.csv"));
  CHECK(finding.is_gone("/nowhere/1.csv"));  // its directory is not there either
}

TEST_CASE("of more files than can join the first are taken, and those that are known always", "[follow]") {
  MemoryInputFiles files;
  for (int i = 0; i < 5; ++i) files.write("/in/" + std::to_string(i), "x");
  const FileFinder finder({"/in/*"}, {});
  FinderQuestion question;
  question.new_max = 5;
  CHECK_FALSE(finder.find(files, question).too_many);
  question.new_max = 4;
  const Finding beyond = finder.find(files, question);
  CHECK(paths(beyond) == "/in/0 /in/1 /in/2 /in/3 ");
  CHECK(beyond.too_many);
  std::set<FileKey> known;
  for (const FoundFile& file : beyond.files) known.insert(file.status.key);
  question.known = [&](const FileKey& key) { return known.contains(key); };
  question.new_max = 0;
  files.write("/in/00", "x");
  CHECK(paths(finder.find(files, question)) == "/in/0 /in/1 /in/2 /in/3 ");
}

TEST_CASE("a known file is found under a name that no pattern means", "[follow]") {
  MemoryInputFiles files;
  files.write("/logs/app.log", "x");
  files.write("/logs/app.log.1", "y");
  const FileFinder finder({"/logs/app.log"}, {"*.1"});
  FinderQuestion question;
  const FileKey old = FileFinder({"/logs/app.log.1"}, {}).find(files).files.at(0).status.key;
  question.known = [&](const FileKey& key) { return key == old; };
  const Finding finding = finder.find(files, question);
  CHECK(paths(finding) == "/logs/app.log ");
  REQUIRE(finding.elsewhere.size() == 1);
  CHECK(finding.elsewhere[0].path == "/logs/app.log.1");
  CHECK(FileFinder({"/logs/*"}, {}).find(files, question).elsewhere.empty());
}

}  // namespace
}  // namespace weir

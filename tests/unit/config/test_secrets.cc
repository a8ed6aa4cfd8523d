#include <sstream>

#include "runtime/adapters/yaml/secret_reader.h"
#include "tests/support/catch.h"
#include "tests/unit/config/files.h"

namespace weir {
namespace {

struct Outcome {
  Secret secret;
  std::string findings;
};

/// Reads the key `token_file` of `text`, whose file lies in `folder`.
Outcome read(const ScratchFolder& folder, const std::string& text) {
  Outcome outcome;
  yaml::Findings findings;
  const auto root = yaml::parse_tree(text, "n.yaml", findings);
  REQUIRE(root);
  yaml::Context context{findings, folder.path()};
  (void)yaml::read_secret(context, *root->find("token_file"), "http.token_file", outcome.secret);
  outcome.findings = findings.text();
  for (std::size_t at; (at = outcome.findings.find(folder.path() + "/")) != std::string::npos;) outcome.findings.erase(at, folder.path().size() + 1);
  return outcome;
}

TEST_CASE("a secret is the file's content without its last line end, relative to the configuration", "[config]") {
  ScratchFolder folder;
  folder.write("plain", "hunter2");
  folder.write("unix", "hunter2\n");
  folder.write("dos", "hunter2\r\n");
  folder.write("spaces", " hunter2 \n");
  CHECK(read(folder, "token_file: plain\n").secret.reveal() == "hunter2");
  CHECK(read(folder, "token_file: unix\n").secret.reveal() == "hunter2");
  CHECK(read(folder, "token_file: dos\n").secret.reveal() == "hunter2");
  CHECK(read(folder, "token_file: spaces\n").secret.reveal() == " hunter2 ");
  CHECK(read(folder, "token_file: " + folder.path() + "/unix\n").secret.reveal() == "hunter2");
}

TEST_CASE("a secret that cannot be read is named by its file, never by what is in it", "[config]") {
  ScratchFolder folder;
  folder.write("empty", "");
  folder.write("line-end", "\n");
  folder.write("two", "hunter2\nhunter3\n");
  folder.write("long", std::string(64 * 1024 + 1, 'h'));
  folder.write("longest", std::string(64 * 1024, 'h'));
  std::filesystem::create_directory(folder.path() + "/folder");
  const auto refused = [&](const std::string& file) {
    const Outcome outcome = read(folder, "token_file: " + file + "\n");
    CHECK(outcome.secret.empty());
    CHECK(outcome.findings.find("hunter") == std::string::npos);
    return outcome.findings;
  };
  CHECK(refused("none") == "n.yaml:1:13: \"http.token_file\": the secret in \"none\" cannot be read: there is no such file");
  CHECK(refused("folder") == "n.yaml:1:13: \"http.token_file\": the secret in \"folder\" cannot be read: it is not a regular file");
  CHECK(refused("empty") == "n.yaml:1:13: \"http.token_file\": the secret in \"empty\" cannot be read: it is empty");
  CHECK(refused("line-end") == "n.yaml:1:13: \"http.token_file\": the secret in \"line-end\" cannot be read: it is empty");
  CHECK(refused("two") == "n.yaml:1:13: \"http.token_file\": the secret in \"two\" cannot be read: it holds more than one line of text");
  CHECK(refused("long") == "n.yaml:1:13: \"http.token_file\": the secret in \"long\" cannot be read: it is longer than 64KiB");
  CHECK(refused("7") == "n.yaml:1:13: \"http.token_file\" must be text, found the number 7; put it into quotes to make it text");
  CHECK(read(folder, "token_file: longest\n").secret.reveal().size() == 64 * 1024);
}

TEST_CASE("a secret prints as stars wherever it goes", "[config]") {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  CHECK(out.str() == "***");
  CHECK(fmt::format("{}", secret) == "***");
}

}  // namespace
}  // namespace weir

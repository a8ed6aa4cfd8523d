// The files of tokens and TLS: read at the start, and again when they have changed and come to rest.
#include <sys/stat.h>

#include "cluster/node/access_files.h"
#include "cluster/node/doorkeeper.h"
#include "runtime/adapters/memory/memory_files.h"
#include "runtime/adapters/system/system_file_looks.h"
#include "tests/support/catch.h"
#include "tests/support/test_identity.h"
#include "tests/unit/data_directory/scratch.h"

using namespace weir;
using test::TestAuthority;
using test::TestIdentity;

namespace {

class WallClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::seconds(0); }
  UnixMicros wall() const override { return wall_; }
  void pass(std::chrono::hours time) { wall_ += std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

 private:
  UnixMicros wall_ =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
};

class Lines final : public Logbook {
 public:
  void write(LogLevel level, std::string_view, std::string_view text) noexcept override {
    if (text.find("was refused with") != std::string_view::npos) return;  // by may()
    lines.push_back((level == LogLevel::warn ? "warn " : "info ") + std::string(text));
  }
  /// Those that came since the last call, with the folder's name taken out.
  std::vector<std::string> fresh(const std::string& folder) {
    std::vector<std::string> out;
    for (; seen < lines.size(); ++seen) {
      out.push_back(lines[seen]);
      for (std::size_t at; (at = out.back().find(folder)) != std::string::npos;) out.back().erase(at, folder.size());
    }
    return out;
  }
  std::vector<std::string> lines;
  std::size_t seen = 0;
};

struct House {
  House() {
    config.http_tokens = NamedFile{folder / "tokens", {"n.yaml", 2, 3}};
    config.http_tls = HttpTlsConfig{{folder / "node.crt", {"n.yaml", 3, 3}}, {folder / "node.key", {"n.yaml", 4, 3}}};
    write("tokens", "read a token-of-a-0123456\n");
    write(authority.make({.ends = std::chrono::hours(24 * 100)}));
  }
  /// Moved to its name, as it should be done.
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    test::write(folder / "next", text);
    ::chmod((folder / "next").c_str(), mode);
    std::filesystem::rename(folder / "next", folder / name);
  }
  void write(const TestIdentity& identity) {
    write("node.crt", identity.certificate, 0644);
    write("node.key", identity.key);
  }
  void open() {
    auto opened = Doorkeeper::open(config, clock, logbook, looks);
    if (!opened) FAIL(opened.error().context);
    keeper = std::move(*opened);
    static_cast<void>(said());
  }
  std::string refusal() {
    auto opened = Doorkeeper::open(config, clock, logbook, looks);
    if (opened) return "opened";
    CHECK(opened.error().code == Errc::config_invalid);
    logbook.lines.push_back(opened.error().context);
    return said().back();
  }
  std::vector<std::string> said() { return logbook.fresh(folder / ""); }
  bool may(const std::string& token) {
    HttpRequest request;
    request.headers = {{"authorization", "Bearer " + token}};
    return !keeper->gate().check(request, Need::read);
  }

  test::Scratch folder;
  TestAuthority authority;
  WallClock clock;
  Lines logbook;
  SystemFileLooks looks;
  NodeConfig config;
  std::unique_ptr<Doorkeeper> keeper;
};

}  // namespace

TEST_CASE("files are to be read when one has changed and all are at rest, once for each state", "[access]") {
  MemoryFiles files;
  files.write("a", "1");
  files.write("b", "1");
  SettledFiles settled({"a", "b"}, files);
  CHECK_FALSE(settled.look());
  CHECK_FALSE(settled.look());
  files.write("a", "2");
  CHECK_FALSE(settled.look());
  files.write("b", "2");
  CHECK_FALSE(settled.look());  // the other one comes just now
  CHECK(settled.look());
  CHECK_FALSE(settled.look());
  files.remove("a");
  CHECK_FALSE(settled.look());
  CHECK(settled.look());
  CHECK_FALSE(settled.look());
  files.replace("a", "2");
  CHECK_FALSE(settled.look());
  CHECK(settled.look());
}

TEST_CASE("a node starts with sound files, and says what it goes by", "[access]") {
  House house;
  house.open();
  CHECK(house.may("token-of-a-0123456"));
  CHECK_FALSE(house.may("token-of-b-0123456"));
  CHECK(house.keeper->identities() != nullptr);
  CHECK(house.logbook.lines.size() == 2);
  CHECK(house.logbook.lines[0] == "info 1 token may ask");
  CHECK(house.logbook.lines[1].starts_with(
      "info new connections see the certificate for localhost, 127.0.0.1, good until 20"));
  for (int i = 0; i < 5; ++i) house.keeper->look();
  CHECK(house.said().empty());
  const NodeConfig plain;
  const auto open = Doorkeeper::open(plain, house.clock, house.logbook, house.looks);
  REQUIRE(open);
  CHECK((*open)->identities() == nullptr);
  CHECK((*open)->tokens_gauges() == nullptr);
  CHECK((*open)->tls_gauges() == nullptr);
  HttpRequest request;
  CHECK_FALSE((*open)->gate().check(request, Need::admin));
}

TEST_CASE("files that cannot be used refuse the start, with their place in the node file", "[access]") {
  House house;
  house.write("tokens", "read a token-of-a-0123456\n", 0644);
  CHECK(house.refusal() ==
        "n.yaml:2:3: \"http.tokens_file\": tokens: everybody on this machine may read or write it (mode 644); close "
        "it: chmod o-rw");
  house.write("tokens", "reed a token-of-a-0123456\nread b short\n");
  CHECK(house.refusal().starts_with(
      "tokens:1:1: the first word is the role: ingest, read, operate, admin; did you mean read?\n"));
  house.write("tokens", "read a token-of-a-0123456\n");
  const TestIdentity other = house.authority.make();
  house.write("node.key", other.key);
  CHECK(house.refusal() ==
        "n.yaml:4:3: \"http.tls.key_file\": node.key: this key is not that of the certificate; both come from the same "
        "request");
  house.write("node.crt", other.certificate);
  house.write("node.key", other.key, 0604);
  CHECK(house.refusal().starts_with(
      "n.yaml:4:3: \"http.tls.key_file\": node.key: everybody on this machine may read or write it (mode 604)"));
  std::filesystem::remove(house.folder / "node.key");
  CHECK(house.refusal() == "n.yaml:4:3: \"http.tls.key_file\": node.key: there is no such file");
  house.write(house.authority.make({.begins = std::chrono::hours(-48), .ends = std::chrono::hours(-1)}));
  CHECK(
      house.refusal().starts_with("n.yaml:3:3: \"http.tls.certificate_file\": node.crt: the certificate ended at 20"));
  // All at once.
  std::filesystem::remove(house.folder / "tokens");
  const std::string both = house.refusal();
  CHECK(both.starts_with("n.yaml:2:3: \"http.tokens_file\": tokens: there is no such file\nn.yaml:3:3: "));
}

TEST_CASE("changed files count when they have come to rest; broken ones are named once and change nothing",
          "[access]") {
  House house;
  house.open();
  const auto first = house.keeper->identities()->current();
  house.write("tokens", "read b token-of-b-0123456\ningest c token-of-c-0123456\n");
  house.keeper->look();
  CHECK(house.may("token-of-a-0123456"));
  house.keeper->look();
  CHECK_FALSE(house.may("token-of-a-0123456"));
  CHECK(house.may("token-of-b-0123456"));
  CHECK(house.said() == std::vector<std::string>{"info http.tokens_file changed; from now on 2 tokens may ask"});
  CHECK(house.keeper->tokens_gauges()->changes == 1);

  house.write("tokens", "canary-canary-canary\nread b\n");
  for (int i = 0; i < 5; ++i) house.keeper->look();
  CHECK(house.may("token-of-b-0123456"));
  const auto said = house.said();
  REQUIRE(said.size() == 1);
  CHECK(
      said[0].starts_with("warn http.tokens_file changed and cannot be used: tokens:1:21: a line has three words, ROLE "
                          "NAME TOKEN; this one has 1; "
                          "comments have lines of their own; tokens:2:7: "));
  CHECK(said[0].ends_with(". What was read before goes on counting; a mended file is read within seconds"));
  CHECK(said[0].find("canary") == std::string::npos);
  CHECK(house.keeper->tokens_gauges()->refusals == 1);
  CHECK(house.keeper->tokens_gauges()->stale);

  // A pair of which one half is there already.
  const TestIdentity next = house.authority.make({.ends = std::chrono::hours(24 * 200)});
  house.write("node.crt", next.certificate, 0644);
  for (int i = 0; i < 3; ++i) house.keeper->look();
  CHECK(house.keeper->identities()->current() == first);
  CHECK(house.keeper->tls_gauges()->stale);
  REQUIRE(house.said().size() == 1);
  house.write("node.key", next.key);
  for (int i = 0; i < 3; ++i) house.keeper->look();
  CHECK(house.keeper->identities()->current() != first);
  CHECK_FALSE(house.keeper->tls_gauges()->stale);
  CHECK(house.keeper->tls_gauges()->changes == 1);
  CHECK(house.keeper->tls_gauges()->refusals == 1);
  CHECK(house.said().size() == 1);

  house.write("tokens", "read a token-of-a-0123456\n");
  for (int i = 0; i < 3; ++i) house.keeper->look();
  CHECK(house.may("token-of-a-0123456"));
  CHECK_FALSE(house.keeper->tokens_gauges()->stale);
}

TEST_CASE("a certificate that is soon over is named when it is read, and one that is over is not taken", "[access]") {
  House house;
  house.clock.pass(std::chrono::hours(24 * 90));
  house.open();
  CHECK(house.logbook.lines[1].starts_with("warn the certificate of http.tls ends at 20"));
  const auto used = house.keeper->identities()->current();
  house.write(house.authority.make({.ends = std::chrono::hours(24 * 80)}));
  for (int i = 0; i < 3; ++i) house.keeper->look();
  CHECK(house.keeper->identities()->current() == used);
  REQUIRE(house.said().size() == 1);
  CHECK(house.logbook.lines.back().find("the certificate ended at") != std::string::npos);
}

TEST_CASE("a watch looks by itself until it goes", "[access]") {
  House house;
  house.open();
  house.keeper->watch(std::chrono::milliseconds(1));
  house.write("tokens", "read b token-of-b-0123456\n");
  while (house.keeper->tokens_gauges()->changes == 0) std::this_thread::yield();
  CHECK(house.may("token-of-b-0123456"));
  house.keeper.reset();
}

// The tokens file: what is read of it, what is refused, and that no message gives anything of it away.
#include <random>
#include <sstream>

#include "runtime/event/sha256.h"
#include "runtime/ports/access.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

constexpr std::string_view kLong = "correct-horse-battery-staple";

std::string hex_of(std::string_view token) {
  std::string hex(Sha256::kHexSize, '0');
  Sha256().write_hex(token, hex.data());
  return hex;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c & ~0x20);
  return text;
}

/// The findings, each without the file's name.
std::string refused(std::string_view text) {
  const auto tokens = AccessTokens::parse(text, "tokens");
  if (tokens) return "read";
  CHECK(tokens.error().code == Errc::config_invalid);
  std::string out;
  std::istringstream lines(tokens.error().context);
  for (std::string line; std::getline(lines, line);) {
    REQUIRE(line.starts_with("tokens:"));
    out += (out.empty() ? "" : "\n") + line.substr(7);
  }
  return out;
}

}  // namespace

TEST_CASE("a token is found as it stands in the file, or by its digest", "[access]") {
  const std::string text = fmt::format(
      "\xef\xbb\xbf# who may ask\n\n ingest\ttill-7 \t{}  \r\nread dash.board sha256:{}\noperate anna@example.org "
      "sha256:{}\n  # the last\nadmin "
      "root 0123456789abcde=",
      kLong, hex_of("dashboard-dashboard"), upper(hex_of("anna-anna-anna-anna")));
  const auto tokens = AccessTokens::parse(text, "tokens");
  if (!tokens) FAIL(tokens.error().context);
  CHECK(tokens->size() == 4);
  const auto is = [&](std::string_view token, std::string_view name, Role role) {
    const auto found = tokens->find(token);
    REQUIRE(found);
    CHECK(found->name == name);
    CHECK(found->role == role);
  };
  is(kLong, "till-7", Role::ingest);
  is("dashboard-dashboard", "dash.board", Role::read);
  is("anna-anna-anna-anna", "anna@example.org", Role::operate);
  is("0123456789abcde=", "root", Role::admin);
  for (const std::string& token :
       {std::string(), std::string("0123456789abcde"), std::string(kLong) + "r",
        "sha256:" + hex_of("dashboard-dashboard"), hex_of("dashboard-dashboard"), std::string("till-7")})
    CHECK_FALSE(tokens->find(token));
}

TEST_CASE("what is wrong with a tokens file is said with its place and what is allowed, all of it at once",
          "[access]") {
  const std::string role = "the first word is the role: ingest, read, operate, admin";
  const std::string name = "the second word is the name: at most 64 letters, digits, and - _ . @ behind the first";
  const std::string token =
      "the third word is the token: 16 to 512 letters, digits, and - . _ ~ + / (= at its end), or sha256: and its "
      "digest; openssl rand -hex 32 "
      "makes one";
  const std::string digest =
      "behind sha256: stand the 64 hex digits of the token's digest: printf %s TOKEN | sha256sum";
  const std::string none =
      "1:1: it holds no token, so nobody could ask anything; write one a line: ROLE NAME TOKEN, such as: read "
      "dashboard TOKEN";
  CHECK(refused("") == none);
  CHECK(refused("# nothing\n\n") == none);
  CHECK(refused("raed a 0123456789abcdef") == "1:1: " + role + "; did you mean read?");
  CHECK(refused("\n  viewer a 0123456789abcdef\n") == "2:3: " + role);
  CHECK(refused("read -a 0123456789abcdef") == "1:6: " + name);
  CHECK(refused("read " + std::string(65, 'a') + " 0123456789abcdef") == "1:6: " + name);
  CHECK(refused("read anonymous 0123456789abcdef") ==
        "1:6: this name is that of those without a token; give it another one");
  CHECK(refused("read a 0123456789abcde") == "1:8: " + token);
  CHECK(refused("read a " + std::string(513, 'x')) == "1:8: " + token);
  CHECK(refused("read a 0123456789=abcdef") == "1:8: " + token);
  CHECK(refused("read a ================") == "1:8: " + token);
  CHECK(refused("read a sha256:0123") == "1:8: " + digest);
  CHECK(refused("read a sha256:" + std::string(64, 'g')) == "1:8: " + digest);
  CHECK(refused("read a sha256:" + std::string(65, 'a')) == "1:8: " + digest);
  CHECK(refused("read 0123456789abcdef") ==
        "1:22: a line has three words, ROLE NAME TOKEN; this one has 2; comments have lines of their own");
  CHECK(refused("read a 0123456789abcdef # mine") ==
        "1:25: a line has three words, ROLE NAME TOKEN; this one has 5; comments have lines of their own");
  CHECK(refused("read a 0123456789abcdef\nread a 1123456789abcdef\ningest b 0123456789abcdef\nadmin c sha256:" +
                hex_of("0123456789abcdef")) ==
        "2:6: this name stands in line 1, too; each token has a name of its own, so that logs tell them apart\n"
        "3:10: this token stands in line 1, too; each name has a token of its own\n"
        "4:9: this token stands in line 1, too; each name has a token of its own");
  CHECK(refused("reader ; x\nadmin ; y") == "1:1: " + role + "; did you mean read?\n1:8: " + name + "\n1:10: " + token +
                                                "\n2:7: " + name + "\n2:9: " + token);
}

TEST_CASE("no finding gives away what stands in the file, wherever a token is", "[access]") {
  const std::string canary = "canary0123456789";
  for (const std::string& text : {canary + " read a", "read " + canary + ";x b", "read a;b " + canary, canary,
                                  canary + " " + canary + " " + canary, "read a " + canary + "\nread b " + canary,
                                  "read a " + canary + ";", "read " + canary + " b c", canary + "\n" + canary}) {
    const std::string findings = refused(text);
    CHECK(findings != "read");
    CHECK(findings.find("canary") == std::string::npos);
  }
}

TEST_CASE("whatever is written into a tokens file, it is read or refused without giving anything away", "[access]") {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> parts = {"read name canary0123456789abc\n",
                                          "# canary\n",
                                          "canary0123456789abc",
                                          "read",
                                          "ingest",
                                          "admin",
                                          " ",
                                          " ",
                                          " ",
                                          "\t",
                                          "\n",
                                          "\n",
                                          "\r\n",
                                          "#",
                                          "name",
                                          "a",
                                          "sha256:",
                                          hex_of("canary"),
                                          "=",
                                          ";",
                                          "\xff",
                                          std::string(1, '\0'),
                                          "\xef\xbb\xbf"};
  int read = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string text;
    for (int i = static_cast<int>(random() % (round % 2 == 0 ? 3 : 30)); i >= 0; --i)
      text += parts[random() % parts.size()];
    const auto tokens = AccessTokens::parse(text, "tokens");
    if (tokens) {
      ++read;
      CHECK(tokens->size() > 0);
      continue;
    }
    const std::string& said = tokens.error().context;
    CHECK(said.find("canary") == std::string::npos);
    CHECK(said.find(hex_of("canary")) == std::string::npos);
    CHECK(said.find('\xff') == std::string::npos);
  }
  CHECK(read > 0);
}

TEST_CASE("a tokens file has its bounds", "[access]") {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += fmt::format("read n{} token-token-token-{:04}\n", i, i);
  const auto tokens = AccessTokens::parse(text, "tokens");
  REQUIRE(tokens);
  CHECK(tokens->find("token-token-token-0000")->name == "n0");
  CHECK(tokens->find("token-token-token-0999")->name == "n999");
  CHECK(refused(text + "read more token-token-token-more\n") ==
        "1001:1: this is one token more than the 1000 that are allowed");
  CHECK(refused(std::string(1024 * 1024 + 1, '#')) == " it is longer than 1048576 bytes; is it a tokens file?");
  const auto many = AccessTokens::parse(std::string(1024 * 1024 - 1, '\n') + "x", "tokens");
  REQUIRE_FALSE(many);
  std::string words;
  for (int i = 0; i < 5'000; ++i) words += "x\n";
  const std::string shown = AccessTokens::parse(words, "tokens").error().context;
  CHECK(std::count(shown.begin(), shown.end(), '\n') == 100);
  CHECK(shown.ends_with("and more: only the first 100 findings are shown"));
}

TEST_CASE("what a role may is this table, and nothing without one", "[access]") {
  struct Row {
    Need need;
    bool ingest, read, operate, admin;
  };
  for (const Row& row : {Row{Need::nothing, true, true, true, true}, Row{Need::any_role, true, true, true, true},
                         Row{Need::ingest, true, false, true, true}, Row{Need::read, false, true, true, true},
                         Row{Need::operate, false, false, true, true}, Row{Need::admin, false, false, false, true}}) {
    CAPTURE(to_string(row.need));
    CHECK(allows(Role::ingest, row.need) == row.ingest);
    CHECK(allows(Role::read, row.need) == row.read);
    CHECK(allows(Role::operate, row.need) == row.operate);
    CHECK(allows(Role::admin, row.need) == row.admin);
    CHECK(Principal{}.may(row.need) == (row.need == Need::nothing));
  }
}

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "runtime/adapters/compress/open_input.h"
#include "runtime/base/hash.h"
#include "tests/support/catch.h"

namespace weir {
namespace {

/// A folder that is gone when the test is.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-input-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

 private:
  std::string path_;
};

std::string gzip(const std::string& text) {
  z_stream zlib{};
  REQUIRE(deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&zlib, text.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(packed.data());
  zlib.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&zlib, Z_FINISH) == Z_STREAM_END);
  packed.resize(zlib.total_out);
  deflateEnd(&zlib);
  return packed;
}
std::string zstd(const std::string& text) {
  // With a checksum, as the zstd program writes it.
  ZSTD_CCtx* coder = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(coder, ZSTD_c_checksumFlag, 1);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress2(coder, packed.data(), packed.size(), text.data(), text.size());
  ZSTD_freeCCtx(coder);
  REQUIRE_FALSE(ZSTD_isError(size));
  packed.resize(size);
  return packed;
}
/// Half of it compresses well, half not at all.
std::string text_of(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::string text;
  while (text.size() < size)
    text += rng() % 2 == 0 ? "a line that comes again and again\n" : std::to_string(rng()) + "\n";
  text.resize(size);
  return text;
}

struct All {
  std::string bytes;
  std::string error;
};
All read_all(InputStream& stream, std::size_t read_size) {
  All all;
  std::string buffer(read_size, '\0');
  for (;;) {
    const auto count = stream.read(buffer.data(), buffer.size());
    if (!count) {
      CHECK(count.error().code == Errc::input_unreadable);
      all.error = count.error().context;
      // The error stays.
      CHECK(stream.read(buffer.data(), buffer.size()).error().context == all.error);
      return all;
    }
    if (*count == 0) {
      CHECK(stream.read(buffer.data(), buffer.size()).value() == 0);
      return all;
    }
    all.bytes.append(buffer, 0, *count);
    REQUIRE(stream.place() == all.bytes.size());
  }
}
All read_file(const std::string& path, std::size_t read_size = 100'000) {
  auto opened = open_input(path);
  REQUIRE(opened.has_value());
  return read_all(*opened->stream, read_size);
}

TEST_CASE("plain, gzip and zstd files give the same bytes, however they are read", "[input]") {
  const Folder folder;
  const std::string text = text_of(3'000'000, 1);
  const std::string files[] = {folder.file("plain.csv", text), folder.file("packed.csv.gz", gzip(text)),
                               folder.file("packed.csv.zst", zstd(text)), folder.file("hidden.csv", gzip(text)),
                               folder.file("hidden.json", zstd(text))};
  for (const std::string& file : files) {
    for (const std::size_t size : {std::size_t{1'000'000}, std::size_t{65'536}, std::size_t{4'097}}) {
      INFO(file);
      const All all = read_file(file, size);
      CHECK(all.error.empty());
      REQUIRE(all.bytes == text);
    }
  }
  const std::string few = text_of(1'000, 2);
  CHECK(read_file(folder.file("few.gz", gzip(few)), 1).bytes == few);
  CHECK(read_file(folder.file("few.zst", zstd(few)), 1).bytes == few);
  CHECK(read_file(folder.file("few", few), 1).bytes == few);
}

TEST_CASE("members and frames one behind the other are one input", "[input]") {
  const Folder folder;
  const std::string a = text_of(300'000, 3);
  const std::string b = text_of(10, 4);
  CHECK(read_file(folder.file("a.gz", gzip(a) + gzip("") + gzip(b))).bytes == a + b);
  CHECK(read_file(folder.file("a.zst", zstd(a) + zstd("") + zstd(b))).bytes == a + b);
  const std::string skippable = std::string("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
  CHECK(read_file(folder.file("s.zst", zstd(a) + skippable + zstd(b))).bytes == a + b);
  CHECK(read_file(folder.file("p.gz", gzip(a) + std::string(1'000, '\0') + gzip(b) + std::string(512, '\0'))).bytes ==
        a + b);
}

TEST_CASE("going on at a place gives what is behind it", "[input]") {
  const Folder folder;
  const std::string text = text_of(700'000, 5);
  for (const std::string& file :
       {folder.file("t.csv", text), folder.file("t.csv.gz", gzip(text)), folder.file("t.csv.zst", zstd(text))}) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{1}, std::size_t{65'535}, std::size_t{65'537},
                                    std::size_t{699'999}, std::size_t{700'000}}) {
      INFO(file << " " << place);
      auto opened = open_input(file).value();
      char first = 0;
      if (place > 100) REQUIRE(opened.stream->read(&first, 1).value() == 1);
      REQUIRE(opened.stream->skip_to(place).has_value());
      CHECK(opened.stream->place() == place);
      std::string rest(800'000, '\0');
      std::size_t at = 0;
      for (;;) {
        const auto count = opened.stream->read(rest.data() + at, rest.size() - at).value();
        if (count == 0) break;
        at += count;
      }
      REQUIRE(std::string_view(rest).substr(0, at) == std::string_view(text).substr(place));
    }
    auto opened = open_input(file).value();
    const auto beyond = opened.stream->skip_to(700'001);
    REQUIRE_FALSE(beyond.has_value());
    CHECK(beyond.error().context ==
          "input " + file + ": it ends after 700000 bytes, before byte 700001 where reading was to go on");
  }
}

TEST_CASE("a cut off gzip or zstd gives what came before and names the place", "[input]") {
  const Folder folder;
  const std::string text = text_of(400'000, 6);  // several blocks of zstd
  int cuts = 0;
  for (const std::string& packed : {gzip(text), zstd(text)}) {
    const bool zip = packed.front() == '\x1f';
    std::size_t longest = 0;
    // Every place near both ends, some between.
    const std::size_t near_end = packed.size() - 40;
    for (std::size_t size = 4; size < packed.size();
         size += size < 40 || size >= near_end ? 1 : std::min<std::size_t>(997, near_end - size)) {
      const std::string file = folder.file(zip ? "cut.gz" : "cut.zst", packed.substr(0, size));
      const All all = read_file(file);
      INFO(size << " of " << packed.size());
      REQUIRE(all.bytes == text.substr(0, all.bytes.size()));
      REQUIRE(all.bytes.size() >= longest);
      longest = all.bytes.size();
      REQUIRE(all.error == "input " + file + ": it is cut off at byte " + std::to_string(size) + " of " +
                               std::to_string(size) + " of the " + (zip ? "gzip" : "zstd") + " data, behind " +
                               std::to_string(longest) + " decoded bytes; what came before was read");
      ++cuts;
    }
    // All but the checksum and size at the end: the whole text is there, and still it is cut off.
    CHECK(longest == text.size());
  }
  CHECK(cuts > 300);
  CHECK(cuts < 2'000);
}

TEST_CASE("flipped bits never go unnoticed, and never do harm", "[input]") {
  const Folder folder;
  constexpr std::uint64_t kSeed = 1952;
  INFO("seed " << kSeed);
  std::mt19937_64 rng(kSeed);
  const std::string text = text_of(20'000, 7);
  int noticed = 0;
  int harmless = 0;
  for (const std::string& packed : {gzip(text), zstd(text)}) {
    const bool zip = packed.front() == '\x1f';
    for (int round = 0; round < 400; ++round) {
      std::string damaged = packed;
      damaged[4 + rng() % (damaged.size() - 4)] ^= static_cast<char>(1 << rng() % 8);
      const All all = read_file(folder.file(zip ? "bad.gz" : "bad.zst", damaged));
      // Bits of a gzip header (time, system) mean nothing to the content.
      if (all.error.empty()) {
        REQUIRE(all.bytes == text);
        ++harmless;
      } else {
        REQUIRE(all.error.find(" at byte ") != std::string::npos);
        ++noticed;
      }
    }
  }
  CHECK(noticed > 780);
  CHECK(noticed + harmless == 800);
}

TEST_CASE("bytes behind the last member are not passed over", "[input]") {
  const Folder folder;
  const std::string packed = gzip("text\n");
  const All all = read_file(folder.file("tail.gz", packed + "tail"));
  CHECK(all.bytes == "text\n");
  CHECK(all.error.find("there is something that is no gzip at byte " + std::to_string(packed.size())) !=
        std::string::npos);
}

TEST_CASE("what cannot be an input is refused by name and reason", "[input]") {
  const Folder folder;
  const auto error = [](const std::string& path) {
    const auto opened = open_input(path);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == Errc::input_unreadable);
    return opened.error().context;
  };
  CHECK(error(folder.path("nowhere.csv")) == "input " + folder.path("nowhere.csv") + ": it does not exist");
  std::filesystem::create_directory(folder.path("folder"));
  CHECK(error(folder.path("folder")) == "input " + folder.path("folder") + ": it is a directory; name the files in it");
  std::filesystem::create_symlink(folder.path("gone"), folder.path("link.csv"));
  CHECK(error(folder.path("link.csv")) == "input " + folder.path("link.csv") + ": it does not exist");
  CHECK(error(folder.file("text.csv.gz", "a,b\n1,2\n")) ==
        "input " + folder.path("text.csv.gz") +
            ": its name says gzip, its 8 bytes do not begin like it; rename it or compress it again");
  CHECK(error(folder.file("empty.csv.zst", "")) ==
        "input " + folder.path("empty.csv.zst") +
            ": its name says zstd, its 0 bytes do not begin like it; rename it or compress it again");

  const std::string secret = folder.file("secret.csv", "a\n");
  REQUIRE(::chmod(secret.c_str(), 0) == 0);
  REQUIRE(::chmod(folder.path("").c_str(), 0755) == 0);
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(::seteuid(65534) == 0);  // root may read everything
  const auto opened = open_input(secret);
  if (root) REQUIRE(::seteuid(0) == 0);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().context == "input " + secret + ": permission to read it is denied");
}

TEST_CASE("an empty plain file is at its end", "[input]") {
  const Folder folder;
  const All all = read_file(folder.file("empty.ndjson", ""));
  CHECK(all.bytes.empty());
  CHECK(all.error.empty());
}

TEST_CASE("an input is told by size and first 64 KiB, wherever it lies", "[input]") {
  const Folder folder;
  const std::string text = text_of(200'000, 8);
  std::string late = text;
  late.back() ^= 1;
  std::string early = text;
  early[10] ^= 1;
  const auto identity = [&](const std::string& name, const std::string& content) {
    return open_input(folder.file(name, content)).value().identity;
  };
  const auto first = identity("a", text);
  REQUIRE(first.has_value());
  CHECK(first->size == 200'000);
  CHECK(first->head == xxh3_128(std::string_view(text).substr(0, 65'536)));
  CHECK(identity("b", text) == first);
  CHECK(identity("c", late) == first);
  CHECK(identity("d", early) != first);
  CHECK(identity("e", text + "x") != first);
  CHECK(identity("f.gz", gzip(text))->size == gzip(text).size());
}

TEST_CASE("a pipe is read as it comes, has no identity, and is decompressed too", "[input]") {
  const int keep = ::dup(STDIN_FILENO);
  for (const bool packed : {false, true}) {
    const std::string text = text_of(30'000, 9);
    const std::string stored = packed ? gzip(text) : text;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    REQUIRE(::write(ends[1], stored.data(), stored.size()) == static_cast<ssize_t>(stored.size()));
    ::close(ends[1]);
    REQUIRE(::dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    ::close(ends[0]);
    auto opened = open_input("-");
    REQUIRE(opened.has_value());
    CHECK_FALSE(opened->identity.has_value());
    REQUIRE(opened->stream->skip_to(1'000).has_value());
    std::string rest(40'000, '\0');
    std::size_t at = 0;
    while (const auto count = opened->stream->read(rest.data() + at, rest.size() - at).value()) at += count;
    CHECK(rest.substr(0, at) == text.substr(1'000));
    const auto beyond = opened->stream->skip_to(30'001);
    REQUIRE_FALSE(beyond.has_value());
    CHECK(beyond.error().context.starts_with("input stdin: it ends after 30000 bytes"));
  }
  ::dup2(keep, STDIN_FILENO);
  ::close(keep);
}

}  // namespace
}  // namespace weir

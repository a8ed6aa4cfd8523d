#include "runtime/adapters/system/data_directory.h"

#include <unistd.h>

#include <optional>

#include "tests/support/catch.h"
#include "tests/unit/data_directory/scratch.h"

using namespace weir;
using namespace weir::test;

namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return TimePoint{0}; }
  [[nodiscard]] UnixMicros wall() const override { return 1'700'000'000'000'000; }
};

class CountingRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++last_; }

 private:
  std::uint64_t last_ = 40;
};

DataIdentity wanted() {
  DataIdentity identity;
  identity.pipeline = "orders";
  identity.partitions = 8;
  identity.wall_text = "id: id; dedupe: @id";
  return identity;
}

struct Fixture {
  Result<DataDirectory> open(const DataIdentity& identity = wanted()) { return DataDirectory::open(path, identity, clock, rng); }
  /// Opening must fail and leave everything as it was.
  Error refused(const DataIdentity& identity = wanted()) {
    const auto before = tree(path);
    auto opened = open(identity);
    REQUIRE_FALSE(opened.has_value());
    CHECK(tree(path) == before);
    return opened.error();
  }

  FixedClock clock;
  CountingRng rng;
  Scratch scratch;
  std::string path = scratch / "data";
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a new data directory keeps its identity", "[data_directory]") {
  {
    const auto made = open();
    REQUIRE(made.has_value());
    CHECK(made->identity().log_id == Digest128{41, 42});
    CHECK(made->identity().created_at == clock.wall());
  }
  const auto again = open();
  REQUIRE(again.has_value());
  CHECK(again->identity().log_id == Digest128{41, 42});
  CHECK(again->identity().wall_text == wanted().wall_text);
}

TEST_CASE_METHOD(Fixture, "a directory in use is refused to a second writer and to a reader, until it is given back", "[data_directory]") {
  auto first = open();
  REQUIRE(first.has_value());
  const Error error = refused();
  CHECK(error.code == Errc::data_locked);
  CHECK(error.context.find("process") != std::string::npos);
  CHECK(DataDirectory::look(path).error().code == Errc::data_locked);
  CHECK(DataDirectory::look(path, true).has_value());
  { const DataDirectory gone = std::move(*first); }
  CHECK(open().has_value());
  CHECK(DataDirectory::look(path).has_value());
}

TEST_CASE_METHOD(Fixture, "the data of another pipeline, partition count or id rule is refused and left as it is", "[data_directory]") {
  REQUIRE(open().has_value());
  DataIdentity other = wanted();
  SECTION("pipeline") { other.pipeline = "sales"; }
  SECTION("partitions") { other.partitions = 9; }
  SECTION("id rule") { other.wall_text = "id: number; dedupe: @id"; }
  CHECK(refused(other).code == Errc::data_foreign);
  CHECK(open().has_value());
}

TEST_CASE_METHOD(Fixture, "data of a newer format is refused and left as it is", "[data_directory]") {
  DataIdentity newer = wanted();
  newer.format_version = kDataFormatVersion + 1;
  write(path + "/identity", newer.encode());
  const Error error = refused();
  CHECK(error.code == Errc::format_newer);
  CHECK(error.context.find("identity") != std::string::npos);
  CHECK(error.context.find(std::to_string(kDataFormatVersion + 1)) != std::string::npos);
  CHECK(DataDirectory::look(path).error().code == Errc::format_newer);
}

TEST_CASE_METHOD(Fixture, "every flipped bit of the identity is found", "[data_directory]") {
  REQUIRE(open().has_value());
  const std::string right = read(path + "/identity");
  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    std::string wrong = right;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
    write(path + "/identity", wrong);
    INFO("bit " << bit);
    CHECK(DataDirectory::look(path).error().code == Errc::state_damaged);
  }
  write(path + "/identity", right.substr(0, right.size() / 2));
  CHECK(refused().code == Errc::state_damaged);
}

TEST_CASE_METHOD(Fixture, "a directory with other files is refused and gets no lock file", "[data_directory]") {
  write(path + "/photos.txt", "not ours");
  const Error error = refused();
  CHECK(error.code == Errc::data_foreign);
  CHECK(error.context.find("photos.txt") != std::string::npos);
  CHECK(DataDirectory::look(path).error().code == Errc::not_found);
}

TEST_CASE_METHOD(Fixture, "a log without its identity is damage, not a fresh start", "[data_directory]") {
  REQUIRE(open().has_value());
  write(log_directory(path) + "/segment", "x");
  std::filesystem::remove(path + "/identity");
  const Error error = refused();
  CHECK(error.code == Errc::state_damaged);
  CHECK(error.context.find("identity") != std::string::npos);
  CHECK(DataDirectory::look(path).error().code == Errc::state_damaged);
}

TEST_CASE_METHOD(Fixture, "what an interrupted creation left behind does not stop the next one", "[data_directory]") {
  write(path + "/lock", "");
  write(path + "/identity.new", "half");
  CHECK(open().has_value());
}

TEST_CASE_METHOD(Fixture, "a directory that cannot be written is refused as it is, and can be read", "[data_directory]") {
  REQUIRE(open().has_value());
  namespace fs = std::filesystem;
  for (const std::string& file : {path + "/identity", path + "/lock"}) fs::permissions(file, fs::perms{0444});
  for (const std::string& folder : {path, scratch / ""}) fs::permissions(folder, fs::perms{0555});
  {
    // For root permissions mean nothing.
    const bool root = ::geteuid() == 0;
    if (root) REQUIRE(::seteuid(65534) == 0);
    const Error error = refused();
    CHECK(error.code == Errc::io_failed);
    CHECK(error.context.find(path) != std::string::npos);
    CHECK(DataDirectory::look(path).has_value());
    if (root) REQUIRE(::seteuid(0) == 0);
  }
  for (const std::string& folder : {scratch / "", path}) fs::permissions(folder, fs::perms::owner_all);
}

TEST_CASE_METHOD(Fixture, "a place where no directory can be made is refused with its name", "[data_directory]") {
  write(path, "a file");
  auto opened = open();
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Errc::io_failed);
  CHECK(opened.error().context.find(path) != std::string::npos);
  CHECK(read(path) == "a file");
  const auto nowhere = DataDirectory::open("/proc/weir", wanted(), clock, rng);
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().code == Errc::io_failed);
}

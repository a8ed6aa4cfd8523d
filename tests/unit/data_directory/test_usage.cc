#include <sys/resource.h>

#include <future>

#include "runtime/adapters/system/usage.h"
#include "runtime/adapters/system/work_pool.h"
#include "tests/support/catch.h"
#include "tests/unit/data_directory/scratch.h"

namespace weir::test {

TEST_CASE("a file of several names counts once among the bytes of a directory", "[usage]") {
  const Scratch scratch;
  write(scratch / "state/1.sst", std::string(1'000'000, 'x'));
  write(scratch / "state/2.sst", std::string(1'000'000, 'y'));
  const std::uint64_t before = directory_bytes(scratch / "").value();
  CHECK(before >= 2'000'000);
  std::filesystem::create_directories(scratch / "scratch");
  std::filesystem::create_hard_link(scratch / "state/1.sst", scratch / "scratch/1.sst");
  CHECK(directory_bytes(scratch / "").value() == before);
  std::filesystem::remove(scratch / "state/1.sst");
  CHECK(directory_bytes(scratch / "").value() == before);
  std::filesystem::remove(scratch / "scratch/1.sst");
  CHECK(directory_bytes(scratch / "").value() < before);
}

TEST_CASE("a background pool steps back behind others, and only its own threads do", "[work_pool]") {
  const auto niceness_of = [](WorkPool& pool) {
    std::promise<int> niceness;
    REQUIRE(pool.post([&] { niceness.set_value(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()))); }));
    return niceness.get_future().get();
  };
  WorkPool background(1, 4, WorkPool::Priority::background), normal(1, 4);
  const int mine = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
  CHECK(niceness_of(background) == std::max(mine, 10));
  CHECK(niceness_of(normal) == mine);
}

}  // namespace weir::test

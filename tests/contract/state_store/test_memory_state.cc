// What the memory twin can do beyond the contract: faults on request, under an executor of the test's.
#include <deque>

#include "runtime/base/invariant.h"
#include "tests/contract/state_store/stores.h"
#include "tests/support/catch.h"

namespace weir::test {

TEST_CASE("under an executor a flush waits until it is run, and close runs it", "[state_store][memory_state]") {
  auto disk = std::make_shared<MemoryStateDisk>();
  std::deque<std::function<void()>> queue;
  MemoryState store(disk, kAppend, [&](std::function<void()> work) { queue.push_back(std::move(work)); });
  int completed = 0;
  store.flush(Changes().put("a", "1").flush("one"), [&](Result<void> result) { completed += result ? 1 : 0; });
  CHECK(completed == 0);
  CHECK(store.cursor().value().empty());
  CHECK_THROWS_AS(store.flush(Changes().flush("two"), [](Result<void>) {}), InvariantError);
  REQUIRE(queue.size() == 1);
  queue.front()();
  CHECK(completed == 1);
  CHECK(store.cursor().value() == "one");

  store.flush(Changes().put("b", "2").flush("two"), [&](Result<void> result) { completed += result ? 1 : 0; });
  store.close();
  CHECK(completed == 2);
  CHECK(disk->picture()->cursor == "two");
  queue.back()();  // too late: nothing is left to do
  CHECK(completed == 2);
}

TEST_CASE("a crash drops the flush under way and nothing else", "[state_store][memory_state]") {
  auto disk = std::make_shared<MemoryStateDisk>();
  std::deque<std::function<void()>> queue;
  {
    MemoryState store(disk, kAppend, [&](std::function<void()> work) { queue.push_back(std::move(work)); });
    store.flush(Changes().put("a", "1").flush("one"), [](Result<void>) {});
    queue.front()();
    store.flush(Changes().put("a", "2").flush("two"), [](Result<void>) { FAIL("a dead process completes nothing"); });
    store.crash();
    queue.back()();
    CHECK(store.snapshot().error().code == Errc::cancelled);
  }
  MemoryState again(disk, kAppend);
  CHECK(again.cursor().value() == "one");
  CHECK(everything(again).value() == Model{{"a", "1"}});
}

TEST_CASE("a lost reply is an error after which the flush is there, once", "[state_store][memory_state]") {
  MemoryState store(std::make_shared<MemoryStateDisk>(), kAppend);
  store.lose_next_reply();
  CHECK(flush_now(store, Changes().merge("k", "1").flush("one")).error().code == Errc::io_failed);
  CHECK(everything(store).value() == Model{{"k", "1"}});
  CHECK(flush_now(store, Changes().merge("k", "1").flush("one")));
  CHECK(everything(store).value() == Model{{"k", "1"}});
}

TEST_CASE("damage is named by reads that meet it and by verify", "[state_store][memory_state]") {
  MemoryState store(std::make_shared<MemoryStateDisk>(), kAppend);
  REQUIRE(flush_now(store, Changes().put("a", "1").put("b", "2").flush("one")));
  store.damage("b");
  CHECK(store.get("a").value() == "1");
  CHECK(store.get("b").error().code == Errc::state_damaged);
  CHECK(everything(store).error().code == Errc::state_damaged);
  CHECK(store.verify().error().code == Errc::state_damaged);
}

}  // namespace weir::test

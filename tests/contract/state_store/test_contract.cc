// The promises of runtime/ports/state_store.h, on every store.
#include <random>
#include <thread>

#include "runtime/base/invariant.h"
#include "tests/contract/state_store/stores.h"
#include "tests/support/catch.h"

namespace weir::test {
namespace {

std::string number(std::uint64_t n) {
  return std::to_string(n);
}

}  // namespace

TEMPLATE_TEST_CASE("a state store applies puts, merges and erases and knows its cursor", "[state_store]", MemoryBench,
                   RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  CHECK(store->cursor().value().empty());
  CHECK(everything(*store).value().empty());

  REQUIRE(flush_now(*store, Changes().put("a", "1").merge("b", "2").erase("c").flush("first")));
  CHECK(store->cursor().value() == "first");
  CHECK(everything(*store).value() == Model{{"a", "1"}, {"b", "2"}});

  REQUIRE(flush_now(*store, Changes().merge("a", "x").merge("b", "y").put("c", "3").flush("second")));
  REQUIRE(flush_now(*store, Changes().erase("b").flush("third")));
  REQUIRE(flush_now(*store, Changes().merge("b", "z").flush("fourth")));
  CHECK(everything(*store).value() == Model{{"a", "1x"}, {"b", "z"}, {"c", "3"}});
  CHECK(store->get("a").value() == "1x");
  CHECK(store->get("nothing").value() == std::nullopt);
  CHECK(store->verify());

  REQUIRE(flush_now(*store, Changes().flush("cursor alone")));
  CHECK(store->cursor().value() == "cursor alone");
  CHECK(everything(*store).value().size() == 3);
}

TEMPLATE_TEST_CASE("reads answer in the order asked for and scans stay inside their range", "[state_store]",
                   MemoryBench, RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  const std::string high("\xff\xff", 2);
  const std::string zeros("b\0\0", 3);
  REQUIRE(
      flush_now(*store, Changes().put("a", "1").put("b", "").put(zeros, "3").put("c", "4").put(high, "5").flush("x")));
  const auto snapshot = store->snapshot().value();
  const auto values = snapshot->get_many({"c", "missing", "b", high, "a"}).value();
  CHECK(values == std::vector<std::optional<std::string>>{"4", std::nullopt, "", "5", "1"});
  CHECK(snapshot->get_many({}).value().empty());

  const auto keys = [&](std::string_view from, std::string_view to) {
    std::vector<std::string> found;
    REQUIRE(snapshot->scan(from, to, [&](std::string_view key, std::string_view) {
      found.emplace_back(key);
      return true;
    }));
    return found;
  };
  CHECK(keys({}, {}) == std::vector<std::string>{"a", "b", zeros, "c", high});
  CHECK(keys("b", "c") == std::vector<std::string>{"b", zeros});
  CHECK(keys("bb", {}) == std::vector<std::string>{"c", high});
  CHECK(keys("x", "y").empty());

  const auto scan = snapshot->open_scan("b", "d");
  REQUIRE(scan->valid());
  CHECK(scan->key() == "b");
  scan->seek("c");
  CHECK(scan->key() == "c");
  scan->seek("a");
  CHECK(scan->key() == "b");  // clamped to the range
  scan->seek("cc");
  CHECK_FALSE(scan->valid());
  CHECK(scan->status());
  scan->seek(zeros);
  CHECK(scan->value() == "3");

  std::size_t visited = 0;
  REQUIRE(snapshot->scan({}, {}, [&](std::string_view, std::string_view) { return ++visited < 2; }));
  CHECK(visited == 2);
}

TEMPLATE_TEST_CASE("a snapshot keeps data and cursor of its moment", "[state_store]", MemoryBench, RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  const auto empty = store->snapshot().value();
  REQUIRE(flush_now(*store, Changes().merge("k", "1").put("gone", "x").flush("one")));
  const auto first = store->snapshot().value();
  REQUIRE(flush_now(*store, Changes().merge("k", "2").erase("gone").put("new", "y").flush("two")));
  CHECK(empty->cursor().empty());
  CHECK(everything(*empty).value().empty());
  CHECK(first->cursor() == "one");
  CHECK(everything(*first).value() == Model{{"gone", "x"}, {"k", "1"}});
  CHECK(first->get("k").value() == "1");
  CHECK(first->get_many({"new", "k"}).value() == std::vector<std::optional<std::string>>{std::nullopt, "1"});
  const auto second = store->snapshot().value();
  CHECK(second->cursor() == "two");
  CHECK(everything(*second).value() == Model{{"k", "12"}, {"new", "y"}});
}

TEMPLATE_TEST_CASE("a completion comes once, later, on another stack", "[state_store]", MemoryBench, RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  std::promise<std::thread::id> where;
  std::atomic<int> times{0};
  store->flush(Changes().put("k", "v").flush("c"), [&](Result<void> result) {
    ++times;
    CHECK(result);
    where.set_value(std::this_thread::get_id());
  });
  CHECK(where.get_future().get() != std::this_thread::get_id());
  store->close();
  CHECK(times == 1);
}

TEMPLATE_TEST_CASE("a reopened store is where its last flush left it", "[state_store]", MemoryBench, RocksdbBench) {
  TestType bench;
  {
    const auto store = bench.open();
    REQUIRE(flush_now(*store, Changes().put("a", "1").merge("m", "x").flush("one")));
    store->close();
  }
  {
    const auto store = bench.open();
    CHECK(store->cursor().value() == "one");
    REQUIRE(flush_now(*store, Changes().merge("m", "y").erase("a").flush("two")));
  }
  const auto store = bench.open();
  CHECK(store->cursor().value() == "two");
  CHECK(everything(*store).value() == Model{{"m", "xy"}});
  CHECK(store->verify());
}

TEMPLATE_TEST_CASE("a closed store refuses and a second close changes nothing", "[state_store]", MemoryBench,
                   RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  REQUIRE(flush_now(*store, Changes().put("a", "1").flush("one")));
  store->close();
  store->close();
  CHECK(store->snapshot().error().code == Errc::cancelled);
  CHECK(store->verify().error().code == Errc::cancelled);
  CHECK(flush_now(*store, Changes().put("a", "2").flush("two")).error().code == Errc::cancelled);
  CHECK(everything(*bench.open()).value() == Model{{"a", "1"}});
}

TEMPLATE_TEST_CASE("a flush with the stored cursor is one whose reply was lost: it is not applied twice",
                   "[state_store]", MemoryBench, RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  REQUIRE(flush_now(*store, Changes().merge("k", "1").flush("one")));
  CHECK(flush_now(*store, Changes().merge("k", "1").flush("one")));
  CHECK(everything(*store).value() == Model{{"k", "1"}});
}

TEMPLATE_TEST_CASE("a failed flush applies nothing and the same flush is taken later", "[state_store]", MemoryBench,
                   RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  Model model;
  const bool full = GENERATE(true, false);
  const Changes before = Changes().merge("k", "0").put("p", "old");
  REQUIRE(flush_now(*store, before.flush("zero")));
  before.apply_to(model);
  for (int round = 1; round <= 5; ++round) {
    const Changes changes = Changes().merge("k", number(round)).put("p", number(round)).put("n" + number(round), "x");
    bench.break_disk(full);
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto failed = flush_now(*store, changes.flush(number(round)));
      REQUIRE_FALSE(failed);
      CHECK(failed.error().code == (full ? Errc::disk_full : Errc::io_failed));
      CHECK(everything(*store).value() == model);
    }
    bench.mend_disk();
    REQUIRE(flush_now(*store, changes.flush(number(round))));
    changes.apply_to(model);
    CHECK(everything(*store).value() == model);
    CHECK(store->cursor().value() == number(round));
  }
  store->close();
  const auto again = bench.open();
  CHECK(everything(*again).value() == model);
  CHECK(again->verify());
}

TEMPLATE_TEST_CASE("a merge of damaged bytes is damage, not an answer", "[state_store]", MemoryBench, RocksdbBench) {
  TestType bench;
  const auto store = bench.open();
  REQUIRE(flush_now(*store, Changes().put("k", "1").put("other", "2").flush("one")));
  // A store may find out when it is handed in, or when it is read.
  const auto flushed = flush_now(*store, Changes().merge("k", "damaged").flush("two"));
  if (flushed) {
    CHECK(store->get("k").error().code == Errc::state_damaged);
    CHECK(store->get("other").value() == "2");
  } else {
    CHECK(flushed.error().code == Errc::state_damaged);
  }
}

TEMPLATE_TEST_CASE("a checkpoint is the flushed state of its moment, and stays that whatever the store does", "[state_store]", MemoryBench,
                   RocksdbBench) {
  TestType bench;
  auto store = bench.open();
  REQUIRE(store->checkpoint(bench.checkpoint_place("empty")));
  REQUIRE(flush_now(*store, Changes().put("a", "1").merge("m", "x").flush("one")));
  REQUIRE(store->checkpoint(bench.checkpoint_place("first")));
  REQUIRE(flush_now(*store, Changes().erase("a").merge("m", "y").put("z", "9").flush("two")));
  REQUIRE(store->checkpoint(bench.checkpoint_place("second")));
  CHECK(store->checkpoint(bench.checkpoint_place("second")).error().code == Errc::invalid_argument);
  {
    const auto first = bench.open_checkpoint("first");
    CHECK(first->cursor().value() == "one");
    CHECK(everything(*first).value() == Model{{"a", "1"}, {"m", "x"}});
    CHECK(first->verify());
    // It is a store like any other, and its own.
    REQUIRE(flush_now(*first, Changes().put("own", "1").flush("other two")));
    CHECK(everything(*first).value() == Model{{"a", "1"}, {"m", "x"}, {"own", "1"}});
  }
  CHECK(everything(*store).value() == Model{{"m", "xy"}, {"z", "9"}});
  store->close();
  store.reset();
  const auto second = bench.open_checkpoint("second");
  CHECK(second->cursor().value() == "two");
  CHECK(everything(*second).value() == Model{{"m", "xy"}, {"z", "9"}});
  const auto empty = bench.open_checkpoint("empty");
  CHECK(empty->cursor().value().empty());
  CHECK(everything(*empty).value().empty());
}

TEMPLATE_TEST_CASE("a checkpoint that fails leaves nothing, and the store goes on", "[state_store]", MemoryBench, RocksdbBench) {
  TestType bench;
  const bool full = GENERATE(true, false);
  const auto store = bench.open();
  REQUIRE(flush_now(*store, Changes().put("a", "1").flush("one")));
  bench.break_disk(full);
  CHECK(store->checkpoint(bench.checkpoint_place("c")).error().code == (full ? Errc::disk_full : Errc::io_failed));
  CHECK(bench.open_checkpoint("c") == nullptr);
  bench.mend_disk();
  REQUIRE(flush_now(*store, Changes().put("b", "2").flush("two")));
  REQUIRE(store->checkpoint(bench.checkpoint_place("c")));
  CHECK(everything(*bench.open_checkpoint("c")).value() == Model{{"a", "1"}, {"b", "2"}});
  store->close();
  CHECK(store->checkpoint(bench.checkpoint_place("d")).error().code == Errc::cancelled);
}

TEMPLATE_TEST_CASE("checkpoints beside flushes have data and cursor of one moment", "[state_store]", MemoryBench, RocksdbBench) {
  // Goal: no checkpoint shows half a flush. Method: every flush writes its number under several keys; one thread flushes, this one
  // makes checkpoints.
  TestType bench;
  const auto store = bench.open();
  REQUIRE(flush_now(*store, Changes().put("a", "0").put("m", "0").put("z", "0").flush("0")));
  std::atomic<bool> done{false};
  std::thread flushing([&] {
    for (std::uint64_t f = 1; f <= 60; ++f)
      if (!flush_now(*store, Changes().put("a", number(f)).put("m", number(f)).put("z", number(f)).flush(number(f)))) break;
    done = true;
  });
  std::size_t made = 0;
  while ((!done || made == 0) && made < 50) {
    if (!store->checkpoint(bench.checkpoint_place(number(made)))) break;
    ++made;
  }
  flushing.join();
  CHECK(store->cursor().value() == "60");
  REQUIRE(made > 0);
  for (std::size_t i = 0; i < made; ++i) {
    const auto one = bench.open_checkpoint(number(i));
    REQUIRE(one);
    const std::string at = one->cursor().value();
    REQUIRE(everything(*one).value() == Model{{"a", at}, {"m", at}, {"z", at}});
    one->close();
  }
}

TEMPLATE_TEST_CASE("any sequence of flushes and reopenings equals the model", "[state_store]", MemoryBench,
                   RocksdbBench) {
  // Goal: many overlapping flushes, compaction, tombstones and long merge chains give what a plain map gives.
  const auto seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  TestType bench;
  auto store = bench.open();
  Model model;
  for (int round = 0; round < 60; ++round) {
    Changes changes;
    const std::uint64_t size = random() % 200;
    for (std::uint64_t i = 0; i < size; ++i) {
      const std::string key = "k" + number(random() % 400);
      switch (random() % 4) {
        case 0:
          changes.put(key, number(random() % 1000));
          break;
        case 1:
          changes.erase(key);
          break;
        default:
          changes.merge(key, "." + number(random() % 10));
      }
    }
    const std::string cursor = "cursor " + number(static_cast<std::uint64_t>(round));
    REQUIRE(flush_now(*store, changes.flush(cursor)));
    changes.apply_to(model);
    if (random() % 8 == 0) {
      store->close();
      store = bench.open();
    }
    if (random() % 4 == 0) {
      REQUIRE(everything(*store).value() == model);
      REQUIRE(store->cursor().value() == cursor);
      const std::string key = "k" + number(random() % 400);
      const auto found = store->get(key).value();
      REQUIRE(found == (model.count(key) != 0 ? std::optional(model[key]) : std::nullopt));
    }
  }
  CHECK(everything(*store).value() == model);
  CHECK(store->verify());
}

}  // namespace weir::test

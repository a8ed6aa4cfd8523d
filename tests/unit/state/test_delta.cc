#include <map>
#include <random>

#include "runtime/adapters/memory/memory_state.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/delta.h"
#include "runtime/engine/merge_reader.h"
#include "tests/support/catch.h"

namespace weir::test {
namespace {

class AppendMerger final : public StateMerger {
 public:
  bool merge(std::string_view, std::optional<std::string_view> existing, std::string_view operand,
             std::string& out) const override {
    if (operand == "damaged") return false;
    out.assign(existing.value_or(""));
    out.append(operand);
    return true;
  }
};
const AppendMerger kAppend;

std::string show(const StateEntry& entry) {
  const char* op = entry.op == StateOp::put ? "=" : entry.op == StateOp::merge ? "+" : "-";
  return std::string(entry.key) + op + std::string(entry.value);
}
std::vector<std::string> show(const std::vector<StateEntry>& entries) {
  std::vector<std::string> texts;
  for (const StateEntry& entry : entries) texts.push_back(show(entry));
  return texts;
}

}  // namespace

TEST_CASE("operations on one key fold into one", "[delta]") {
  Delta delta(kAppend);
  delta.merge("m", "1");
  delta.merge("m", "2");
  delta.put("p", "1");
  delta.merge("p", "2");
  delta.put("e", "1");
  delta.erase("e");
  delta.erase("em");
  delta.merge("em", "1");
  delta.merge("em", "2");
  delta.merge("mp", "1");
  delta.put("mp", "2");
  delta.put("shrinks", "a long value");
  delta.put("shrinks", "s");
  delta.put("grows", "");
  delta.put("grows", std::string(1000, 'g'));
  CHECK(show(delta.sorted()) == std::vector<std::string>{"e-", "em=12", "grows=" + std::string(1000, 'g'), "m+12",
                                                         "mp=2", "p=12", "shrinks=s"});
  CHECK(delta.size() == 7);
  CHECK(show(*delta.find("em")) == "em=12");
  CHECK_FALSE(delta.find("nothing"));
}

TEST_CASE("a damaged operand and a reserved key are broken promises", "[delta]") {
  Delta delta(kAppend);
  delta.put("k", "v");
  CHECK_THROWS_AS(delta.merge("k", "damaged"), InvariantError);
  CHECK_THROWS_AS(delta.put("", "v"), InvariantError);
  CHECK_THROWS_AS(delta.put(std::string_view("\0x", 2), "v"), InvariantError);
}

TEST_CASE("entries come sorted bytewise, whatever their keys have in common", "[delta]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  Delta delta(kAppend);
  std::map<std::string, std::string> model;
  const std::string deep(5'000, 'z');
  for (int i = 0; i < 5'000; ++i) {
    std::string key;
    switch (random() % 5) {
      case 0:  // random bytes of any length, zeros among them
        for (std::uint64_t n = 1 + random() % 20; n != 0; --n) key.push_back(static_cast<char>(random() % 4));
        key.insert(0, 1, 'a');
        break;
      case 1:  // a long common start
        key = "view|2024-01-01|" + std::to_string(random() % 100'000);
        break;
      case 2:  // differing only in zeros behind the end
        key = "zeros" + std::string(random() % 300, '\0');
        break;
      case 3:  // beyond what the sort looks at
        key = deep + std::to_string(random() % 1000);
        break;
      default:
        key = std::to_string(random());
    }
    const std::string value(random() % 60, 'v');
    delta.put(key, value);
    model[key] = value;
  }
  const auto sorted = delta.sorted();
  REQUIRE(sorted.size() == model.size());
  auto expected = model.begin();
  for (const StateEntry& entry : sorted) {
    REQUIRE(entry.key == expected->first);
    REQUIRE(entry.value == expected->second);
    ++expected;
  }
  const auto range = delta.sorted("b", "view|2024-01-01|5");
  CHECK(range.size() ==
        static_cast<std::size_t>(std::distance(model.lower_bound("b"), model.lower_bound("view|2024-01-01|5"))));
  std::size_t accounted = 0;
  for (const auto& [key, value] : model) accounted += key.size() + value.size();
  CHECK(delta.bytes() >= accounted);
}

TEST_CASE("a shared value is read where it lies, lives as long as the delta, and changes like any other", "[delta]") {
  auto bytes = std::make_shared<const std::string>(std::string(1000, 'x'));
  const std::weak_ptr<const std::string> alive = bytes;
  std::optional<Delta> delta(std::in_place, kAppend);
  delta->put("b", "old");
  const std::string_view value = *bytes;
  for (const char* key : {"a", "b", "c", "d", "e"}) delta->put_shared(key, value, bytes);
  bytes.reset();
  REQUIRE_FALSE(alive.expired());
  REQUIRE(delta->find("a")->value.data() == value.data());
  REQUIRE(delta->bytes() >= 5000);
  delta->put("b", "y");
  delta->merge("c", "z");
  delta->erase("d");
  delta->erase("e");
  delta->merge("e", "w");
  REQUIRE(show(delta->sorted()) == std::vector<std::string>{"a=" + std::string(value), "b=y", "c=" + std::string(value) + "z", "d-", "e=w"});
  REQUIRE_FALSE(alive.expired());
  delta.reset();
  REQUIRE(alive.expired());
}

TEST_CASE("erase_if turns entries into erases and nothing else", "[delta]") {
  Delta delta(kAppend);
  delta.put("a", "1");
  delta.merge("b", "2");
  delta.erase("c");
  delta.erase_if([](std::string_view key) { return key < "c"; });
  CHECK(show(delta.sorted()) == std::vector<std::string>{"a-", "b-", "c-"});
}

TEST_CASE("layers read as one map: delta over sealed delta over store", "[delta]") {
  // Method: random operations go to a model; a delta is sealed and flushed at random; every read must equal the model.
  const auto seed = GENERATE(1u, 2u, 3u);
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  MemoryState store(std::make_shared<MemoryStateDisk>(), kAppend, [](std::function<void()> job) { job(); });
  std::map<std::string, std::string> model;
  auto active = std::make_shared<Delta>(kAppend);
  std::shared_ptr<Delta> sealed;
  int flushes = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 10; ++i) {
      const std::string key = "k" + std::to_string(random() % 60);
      const std::string value = std::to_string(random() % 100);
      switch (random() % 4) {
        case 0:
          active->put(key, value);
          model[key] = value;
          break;
        case 1:
          active->erase(key);
          model.erase(key);
          break;
        default:
          active->merge(key, value);
          model[key] += value;
      }
    }
    if (random() % 3 == 0 && !sealed) {
      sealed = active;
      active = std::make_shared<Delta>(kAppend);
    } else if (random() % 3 == 0 && sealed) {
      store.flush(Delta::seal(sealed, std::to_string(++flushes)), [](Result<void> result) { CHECK(result); });
      sealed = nullptr;
    }
    const auto reader = read_through(active, sealed, store.snapshot().value(), std::shared_ptr<const StateMerger>(std::shared_ptr<void>(), &kAppend));
    std::map<std::string, std::string> seen;
    const std::string from = "k" + std::to_string(random() % 60);
    REQUIRE(reader->scan({}, {}, [&](std::string_view key, std::string_view value) {
      seen.emplace(key, value);
      return true;
    }));
    REQUIRE(seen == model);
    const auto scan = reader->open_scan({}, {});
    scan->seek(from);
    const auto at = model.lower_bound(from);
    REQUIRE(scan->valid() == (at != model.end()));
    if (at != model.end()) REQUIRE(scan->key() == at->first);
    std::vector<std::string> names;
    for (int i = 0; i < 60; ++i) names.push_back("k" + std::to_string(i));
    const auto values = reader->get_many({names.begin(), names.end()}).value();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto expected = model.count(names[i]) != 0 ? std::optional(model[names[i]]) : std::nullopt;
      REQUIRE(values[i] == expected);
      REQUIRE(reader->get(names[i]).value() == expected);
      const auto one = reader->open_scan(names[i], names[i] + '\0');
      REQUIRE(one->valid() == expected.has_value());
      if (expected) REQUIRE((one->key() == names[i] && one->value() == *expected));
      one->seek(names[i]);
      REQUIRE(one->valid() == expected.has_value());
      one->seek(names[i] + '\0');
      REQUIRE_FALSE(one->valid());
      REQUIRE(one->status());
    }
  }
  CHECK(flushes > 10);
}

}  // namespace weir::test

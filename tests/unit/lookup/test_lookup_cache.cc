#include "runtime/engine/lookup_cache.h"

#include <map>
#include <random>

#include "runtime/base/invariant.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

using Kind = LookupCache::Kind;
using Waiters = std::vector<LookupCache::Waiter>;
using Row = std::shared_ptr<const LookupRow>;

Row row_of(std::string_view text) {
  const PaddedText padded(text);
  const Value value = make_text(padded.view());
  return std::make_shared<const LookupRow>(std::span(&value, 1));
}
std::string text_of(const Row& row) {
  return row ? std::string(row->value(0).span()) : "none";
}
std::uint64_t bytes_of(std::string_view key, const Row& row) {
  return LookupCache::kEntryBytes + key.size() + (row ? row->bytes() : 0);
}

/// Asks, and where it is to be fetched fetches `row`; true: it was a hit.
bool use(LookupCache& cache, const std::string& key, TimePoint now, const Row& row = row_of("x")) {
  const auto asked = cache.ask(key, 0, now);
  if (asked.kind == Kind::hit) return true;
  REQUIRE(asked.kind == Kind::fetch);
  static_cast<void>(cache.complete(key, row, now));
  return false;
}

}  // namespace

TEST_CASE("who asks for a key that is being fetched waits for it, and all get the one answer in their order",
          "[lookup]") {
  LookupCache cache({}, 1);
  CHECK(cache.ask("a", 10, 0s).kind == Kind::fetch);
  CHECK(cache.ask("a", 11, 0s).kind == Kind::join);
  CHECK(cache.ask("b", 12, 0s).kind == Kind::fetch);
  CHECK(cache.ask("a", 13, 1s).kind == Kind::join);
  CHECK(cache.fetching() == 2);
  CHECK(cache.waiting() == 4);
  CHECK(cache.complete("a", row_of("one"), 2s) == Waiters{10, 11, 13});
  CHECK(cache.abandon("b") == Waiters{12});
  CHECK(cache.waiting() == 0);
  const auto hit = cache.ask("a", 14, 3s);
  CHECK(hit.kind == Kind::hit);
  CHECK_FALSE(hit.hit.stale);
  CHECK(text_of(hit.hit.row) == "one");
  CHECK(cache.ask("b", 15, 3s).kind == Kind::fetch);  // nothing was learnt of it
  CHECK(cache.counts() == LookupCounts{.hits = 1, .fetches = 3, .joins = 2});
  CHECK_THROWS_AS(cache.complete("a", nullptr, 3s), InvariantError);
}

TEST_CASE("whether a key would have to be fetched can be asked without asking for it", "[lookup]") {
  LookupCache cache({.age_max = 10s, .waiters_max = 2}, 1);
  CHECK(cache.would_fetch("a", 0s));
  CHECK(cache.would_fetch("a", 0s));
  CHECK(cache.waiting() == 0);
  CHECK(cache.ask("a", 1, 0s).kind == Kind::fetch);
  CHECK_FALSE(cache.would_fetch("a", 0s));  // it is on its way
  CHECK(cache.would_fetch("b", 0s));
  CHECK(cache.ask("b", 2, 0s).kind == Kind::fetch);
  CHECK_FALSE(cache.would_fetch("c", 0s));  // refused: too many wait
  CHECK(cache.complete("a", row_of("one"), 1s) == Waiters{1});
  CHECK_FALSE(cache.would_fetch("a", 10s));
  CHECK(cache.would_fetch("a", 11s));
  CHECK(cache.counts() == LookupCounts{.fetches = 2});
}

TEST_CASE("an answer serves for its age, that there is none for its own", "[lookup]") {
  LookupCache cache({.age_max = 10s, .missing_age_max = 2s}, 1);
  CHECK_FALSE(use(cache, "there", 0s, row_of("x")));
  CHECK_FALSE(use(cache, "missing", 0s, nullptr));
  CHECK(use(cache, "missing", 2s - 1ns));
  CHECK(use(cache, "there", 10s - 1ns));
  CHECK(cache.counts().missing_hits == 1);
  CHECK_FALSE(use(cache, "missing", 10s, row_of("now there is one")));
  CHECK_FALSE(use(cache, "there", 10s, nullptr));
  CHECK(cache.ask("there", 0, 11s).hit.row == nullptr);
  CHECK(text_of(cache.ask("missing", 0, 15s).hit.row) == "now there is one");
  CHECK(cache.entries() == 2);
}

TEST_CASE("with an age of nothing every question is asked, at once only one of each", "[lookup]") {
  LookupCache cache({.age_max = 0ms, .missing_age_max = 0ms}, 1);
  for (int i = 0; i < 3; ++i) {
    CHECK(cache.ask("a", 1, 0s).kind == Kind::fetch);
    CHECK(cache.ask("a", 2, 0s).kind == Kind::join);
    CHECK(cache.complete("a", row_of("x"), 0s) == Waiters{1, 2});
  }
  CHECK(cache.entries() == 0);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("while the dependency is down an older answer serves, as far as stale_max goes", "[lookup]") {
  LookupCache cache({.age_max = 10s, .missing_age_max = 1s, .stale_max = 60s}, 1);
  use(cache, "a", 0s, row_of("old"));
  use(cache, "none", 0s, nullptr);
  CHECK_FALSE(cache.last_known("b", 0s));
  CHECK_FALSE(cache.last_known("a", 5s)->stale);
  // Too old to be a hit, so it is asked for; that fails.
  CHECK(cache.ask("a", 1, 10s).kind == Kind::fetch);
  CHECK(cache.abandon("a") == Waiters{1});
  const auto last = cache.last_known("a", 70s - 1ns);
  REQUIRE(last);
  CHECK(last->stale);
  CHECK(text_of(last->row) == "old");
  CHECK_FALSE(cache.last_known("a", 70s));
  const auto none = cache.last_known("none", 61s - 1ns);
  REQUIRE(none);
  CHECK(none->stale);
  CHECK_FALSE(none->row);
  CHECK_FALSE(cache.last_known("none", 61s));
  CHECK(cache.counts().stale_hits == 2);
  LookupCache strict({.age_max = 10s}, 1);
  use(strict, "a", 0s);
  CHECK_FALSE(strict.last_known("a", 10s));
}

TEST_CASE("no more wait than waiters_max, and who was refused is noted nowhere", "[lookup]") {
  LookupCache cache({.waiters_max = 2}, 1);
  CHECK(cache.ask("a", 1, 0s).kind == Kind::fetch);
  CHECK(cache.ask("a", 2, 0s).kind == Kind::join);
  CHECK(cache.ask("a", 3, 0s).kind == Kind::full);
  CHECK(cache.ask("b", 4, 0s).kind == Kind::full);
  CHECK(cache.complete("a", nullptr, 0s) == Waiters{1, 2});
  CHECK(cache.ask("a", 5, 0s).kind == Kind::hit);
  CHECK(cache.ask("b", 6, 0s).kind == Kind::fetch);
  CHECK(cache.counts().full == 2);
}

TEST_CASE("a scan of keys that never return leaves those in use alone", "[lookup]") {
  // Goal: what LRU fails at. Method: 50 keys in use fill half the cache, then ten thousand keys pass once each.
  LookupCache cache({.entries_max = 100, .age_max = 1h}, 1);
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 50; ++i) use(cache, "hot" + std::to_string(i), 0s);
  CHECK(cache.counts().fetches == 50);
  for (int i = 0; i < 10'000; ++i) use(cache, "cold" + std::to_string(i), 0s);
  int found = 0;
  for (int i = 0; i < 50; ++i) found += use(cache, "hot" + std::to_string(i), 0s) ? 1 : 0;
  CHECK(found == 50);
  CHECK(cache.entries() == 100);
  CHECK(cache.counts().evicted == 9'950);
}

TEST_CASE("a key that was let go too early is remembered and stays the second time", "[lookup]") {
  LookupCache cache({.entries_max = 20, .age_max = 1h}, 1);
  for (int i = 0; i < 20; ++i) use(cache, "first" + std::to_string(i), 0s);
  use(cache, "more", 0s);  // first0 made room
  CHECK_FALSE(use(cache, "first0", 0s));
  // Now in the main queue: a scan passes it by.
  for (int i = 0; i < 1'000; ++i) use(cache, "cold" + std::to_string(i), 0s);
  CHECK(use(cache, "first0", 0s));
  CHECK_FALSE(use(cache, "first1", 0s));
}

TEST_CASE("an answer that alone is too large is given to who waits and not kept", "[lookup]") {
  LookupCache cache({.bytes_max = 4'096, .age_max = 1h}, 1);
  use(cache, "a", 0s, row_of("small"));
  const Row large = row_of(std::string(4'096, 'x'));
  CHECK_FALSE(use(cache, "b", 0s, large));
  CHECK(cache.counts().too_large == 1);
  CHECK(cache.entries() == 1);
  CHECK(use(cache, "a", 0s));
  // Also where it would take the place of an older one: that is not true any more.
  LookupCache old({.bytes_max = 4'096, .age_max = 1s, .stale_max = 1h}, 1);
  use(old, "a", 0s, row_of("small"));
  CHECK_FALSE(use(old, "a", 1s, large));
  CHECK_FALSE(old.last_known("a", 1s));
  CHECK(old.bytes() == 0);
}

namespace {

/// S3-FIFO and the ages, as simple as can be: everything is searched for, nothing is linked.
struct Model {
  struct Entry {
    std::string key;
    Row row;
    TimePoint at;
    int uses;
  };
  struct Gone {
    std::string key;
    bool counts;
  };
  LookupCacheConfig config;
  std::vector<Entry> small, main;
  std::vector<Gone> gone;
  std::map<std::string, Waiters> flights;
  std::size_t waiting = 0;
  LookupCounts counts;

  static std::uint64_t bytes(const std::vector<Entry>& queue) {
    std::uint64_t sum = 0;
    for (const Entry& entry : queue) sum += bytes_of(entry.key, entry.row);
    return sum;
  }
  [[nodiscard]] std::size_t entries() const { return small.size() + main.size(); }
  Entry* find(const std::string& key) {
    for (auto* queue : {&small, &main})
      for (Entry& entry : *queue)
        if (entry.key == key) return &entry;
    return nullptr;
  }
  TimePoint until(const Entry& entry) const { return entry.at + (entry.row ? config.age_max : config.missing_age_max); }

  Kind ask(const std::string& key, LookupCache::Waiter waiter, TimePoint now, LookupHit& hit) {
    if (Entry* entry = find(key); entry != nullptr && now < until(*entry)) {
      entry->uses = std::min(3, entry->uses + 1);
      ++counts.hits;
      counts.missing_hits += entry->row ? 0 : 1;
      hit = {entry->row, false};
      return Kind::hit;
    }
    if (waiting == config.waiters_max) return ++counts.full, Kind::full;
    ++waiting;
    flights[key].push_back(waiter);
    if (flights[key].size() > 1) return ++counts.joins, Kind::join;
    return ++counts.fetches, Kind::fetch;
  }
  Waiters land(const std::string& key) {
    Waiters waiters = flights.at(key);
    flights.erase(key);
    waiting -= waiters.size();
    return waiters;
  }
  Waiters complete(const std::string& key, const Row& row, TimePoint now) {
    Waiters waiters = land(key);
    int uses = static_cast<int>(waiters.size()) - 1;
    bool to_main = false, old = false;
    for (auto* queue : {&small, &main}) {
      for (std::size_t i = 0; i < queue->size(); ++i) {
        if ((*queue)[i].key != key) continue;
        old = true;
        to_main = queue == &main;
        uses += (*queue)[i].uses;
        queue->erase(queue->begin() + static_cast<std::ptrdiff_t>(i));
        break;
      }
    }
    const std::uint64_t size = bytes_of(key, row);
    if (size > config.bytes_max) return ++counts.too_large, waiters;
    if ((row ? config.age_max : config.missing_age_max) + config.stale_max == 0ms) return waiters;
    if (!old) {
      for (Gone& one : gone) {
        if (one.key != key || !one.counts) continue;
        one.counts = false;
        to_main = true;
      }
    }
    while (bytes(small) + bytes(main) + size > config.bytes_max || entries() + 1 > config.entries_max) step();
    (to_main ? main : small).push_back({key, row, now, std::min(3, uses)});
    return waiters;
  }
  void step() {
    const bool full =
        bytes(small) >= config.bytes_max / 10 || small.size() >= std::max<std::uint64_t>(1, config.entries_max / 10);
    auto& queue = !small.empty() && (full || main.empty()) ? small : main;
    Entry oldest = queue.front();
    queue.erase(queue.begin());
    if (&queue == &small && oldest.uses > 1) {
      oldest.uses = 0;
      main.push_back(oldest);
    } else if (&queue == &main && oldest.uses > 0) {
      --oldest.uses;
      main.push_back(oldest);
    } else {
      ++counts.evicted;
      if (&queue == &main) return;
      for (Gone& one : gone) one.counts = one.counts && one.key != oldest.key;
      gone.push_back({oldest.key, true});
      // The one that leaves still counts as an entry while it is remembered.
      while (gone.size() > entries() + 1) gone.erase(gone.begin());
    }
  }
  std::optional<LookupHit> last_known(const std::string& key, TimePoint now) {
    Entry* entry = find(key);
    if (entry == nullptr || now >= until(*entry) + config.stale_max) return std::nullopt;
    const bool stale = now >= until(*entry);
    entry->uses = std::min(3, entry->uses + 1);
    ++(stale ? counts.stale_hits : counts.hits);
    counts.missing_hits += !stale && !entry->row ? 1 : 0;
    return LookupHit{entry->row, stale};
  }
};

}  // namespace

TEST_CASE("a lookup cache does what a model does that searches for everything", "[lookup]") {
  const auto seed = GENERATE(range(1u, 25u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  LookupCacheConfig config;
  config.bytes_max = 4'096 + random() % 30'000;
  config.entries_max = 1 + random() % 60;
  config.age_max = std::chrono::milliseconds(random() % 4 * 400);
  config.missing_age_max = std::chrono::milliseconds(random() % 4 * 100);
  config.stale_max = std::chrono::milliseconds(random() % 3 * 300);
  config.waiters_max = 1 + static_cast<std::uint32_t>(random() % 40);
  REQUIRE(config.validate());
  LookupCache cache(config, random());
  Model model;
  model.config = config;
  const std::uint64_t keys = 20 + random() % 100;
  std::vector<std::string> flying;
  TimePoint now{};
  for (std::uint64_t step = 0; step < 6'000; ++step) {
    now += std::chrono::microseconds(random() % 2'000);
    // Some keys are asked for far more often than others.
    const std::string key = "key" + std::to_string(random() % 3 == 0 ? random() % keys : random() % (keys / 8 + 1));
    const std::uint64_t action = random() % 10;
    if (action < 6) {
      const auto asked = cache.ask(key, step, now);
      LookupHit hit;
      REQUIRE(asked.kind == model.ask(key, step, now, hit));
      REQUIRE(asked.hit.row == hit.row);
      if (asked.kind == Kind::fetch) flying.push_back(key);
    } else if (action < 9 && !flying.empty()) {
      std::swap(flying[random() % flying.size()], flying.back());
      const std::string landed = flying.back();
      flying.pop_back();
      if (random() % 6 == 0) {
        REQUIRE(cache.abandon(landed) == model.land(landed));
      } else {
        const std::size_t size = random() % 40 == 0 ? 40'000 : random() % 600;
        const Row row = random() % 4 == 0 ? nullptr : row_of(std::string(size, 'x'));
        REQUIRE(cache.complete(landed, row, now) == model.complete(landed, row, now));
      }
    } else {
      const auto known = cache.last_known(key, now);
      const auto expected = model.last_known(key, now);
      REQUIRE(known.has_value() == expected.has_value());
      if (known) REQUIRE(known->row == expected->row);
      if (known) REQUIRE(known->stale == expected->stale);
    }
    REQUIRE(cache.counts() == model.counts);
    REQUIRE(cache.entries() == model.entries());
    REQUIRE(cache.bytes() == Model::bytes(model.small) + Model::bytes(model.main));
    REQUIRE(cache.bytes() <= config.bytes_max);
    REQUIRE(cache.entries() <= config.entries_max);
    REQUIRE(cache.waiting() == model.waiting);
    REQUIRE(cache.waiting() <= config.waiters_max);
    REQUIRE(cache.fetching() == model.flights.size());
  }
}

TEST_CASE("a row keeps values of every kind, compact and padded", "[lookup]") {
  PaddedText text(R"(tab\t{"a" : [1, 2]}-1.50true)");
  const std::string_view all = text.view();
  const std::vector<Value> values{
      make_value(ValueKind::string, all.substr(0, 5), value_flag::escapes),
      make_value(ValueKind::object, all.substr(5, 14), value_flag::spaced),
      make_value(ValueKind::number, all.substr(19, 5)),
      Value{},
      make_value(ValueKind::boolean, all.substr(24, 4)),
  };
  const LookupRow row(values);
  REQUIRE(row.size() == 5);
  CHECK(row.value(0).span() == R"(tab\t)");
  CHECK(row.value(0).has(value_flag::escapes));
  CHECK(row.value(1).span() == R"({"a":[1,2]})");
  CHECK(row.value(1).kind == ValueKind::object);
  CHECK_FALSE(row.value(1).has(value_flag::spaced));
  CHECK(row.value(2).span() == "-1.50");
  CHECK(row.value(3).kind == ValueKind::missing);
  CHECK(row.value(4).span() == "true");
  CHECK(row.bytes() > all.size());
  CHECK(LookupRow({}).size() == 0);
}

TEST_CASE("limits of a lookup cache outside their range are refused by name", "[lookup]") {
  const auto refused = [](LookupCacheConfig config) {
    const auto checked = config.validate();
    return checked ? std::string("valid") : checked.error().context;
  };
  CHECK(refused({}) == "valid");
  CHECK(refused({.bytes_max = 4'095}) == "bytes_max: 4095 is not between 4 KiB and 1 TiB");
  CHECK(refused({.entries_max = 0}) == "entries_max: 0 is not between 1 and 1000000000");
  CHECK(refused({.age_max = -1ms}) == "age_max: -1 ms is not between 0 and 7 days");
  CHECK(refused({.missing_age_max = 169h}) == "missing_age_max: 608400000 ms is not between 0 and 7 days");
  CHECK(refused({.stale_max = -1ms}) == "stale_max: -1 ms is not between 0 and 30 days");
  CHECK(refused({.waiters_max = 0}) == "waiters_max: 0 is not between 1 and 10000000");
}

// The biography index against a list of everything that was committed, under random flushes, crashes and bounds.
#include <random>
#include <set>

#include "runtime/engine/biography_index.h"
#include "runtime/engine/view_key.h"
#include "tests/unit/state/scene.h"

namespace weir::test {
namespace {

/// What the index should know of one id, in the order of the log.
struct Known {
  CommitSequence sequence;
  Offset offset;
  Outcome outcome;
  std::uint8_t flags;
  std::uint16_t records;
  std::string reason;
  friend bool operator==(const Known&, const Known&) = default;
};
using Model = std::map<std::string, std::vector<Known>>;

std::ostream& operator<<(std::ostream& out, const Known& known) {
  return out << "commit " << known.sequence.value << " offset " << known.offset.value << " " << to_string(known.outcome) << " flags " << int{known.flags}
             << " records " << known.records << " " << known.reason;
}

/// One partition with nothing but its index, over a disk that survives it.
class Indexed {
 public:
  Indexed(std::shared_ptr<MemoryStateDisk> disk, const TestLog& log, BiographyBounds bounds, bool joined = true)
      : store_(disk, merger_, [](const std::function<void()>& job) { job(); }), index_(bounds), state_({PartitionId{0}, 1 << 20, Digest128{7, 7}}, views_, store_), log_(log) {
    if (joined) state_.join(index_);
    REQUIRE(state_.recover());
  }
  /// All commits that it has not.
  void apply() {
    PathExtractor extractor(views_);
    while (state_.sequence().value < log_.commits().size()) {
      const CommitRecord& commit = log_.commits()[state_.sequence().value];
      REQUIRE(state_.apply(commit, CommitBody::decode(commit.body).value(), extractor));
    }
  }
  void flush() {
    store_.flush(state_.seal().value(), [this](Result<void> done) { state_.flushed(done); });
  }
  [[nodiscard]] BiographyAnswer ask(const std::vector<std::string>& ids) const {
    const std::vector<std::string_view> asked(ids.begin(), ids.end());
    const auto picture = store_.snapshot().value();
    return look_up_biographies(*picture, asked).value();
  }
  [[nodiscard]] std::set<std::string> keys() const {
    std::set<std::string> found;
    REQUIRE(store_.scan(std::string(1, key_space::biography), std::string(1, key_space::biography + 1), [&](std::string_view key, std::string_view) {
      return found.emplace(key), true;
    }));
    return found;
  }
  [[nodiscard]] StateStore& store() { return store_; }
  [[nodiscard]] const BiographyIndex& index() const { return index_; }

 private:
  ViewMerger merger_;
  ViewSet views_;
  MemoryState store_;
  BiographyIndex index_;
  PartitionState state_;
  const TestLog& log_;
};

std::vector<Known> known_of(const std::vector<BiographyEntry>& entries) {
  std::vector<Known> found;
  for (const BiographyEntry& e : entries) found.push_back({e.sequence, e.offset, e.outcome, e.flags, e.records, e.reason});
  return found;
}

class Commits {
 public:
  explicit Commits(std::uint64_t seed) : random_(seed) {}
  void add() {
    std::vector<Decided> events;
    const std::size_t count = random_() % 40;
    std::uint64_t offset = log.end().value;
    const CommitSequence sequence{log.commits().size() + 1};
    std::vector<std::pair<std::string, Known>> said;
    for (std::size_t i = 0; i < count; ++i) {
      Decided event = decided("id-" + std::to_string(random_() % 60));
      Known known{sequence, Offset{offset}, Outcome::served, 0, 0, ""};
      switch (random_() % 4) {
        case 0: event.outcome = Outcome::duplicate; break;
        case 1:
          event.outcome = Outcome::dead_lettered;
          event.original = "original";
          event.reason = known.reason = random_() % 2 == 0 ? "field_range" : "schema";
          break;
        case 2: event.outcome = Outcome::filtered; break;
        default:
          for (std::size_t r = 0; r <= random_() % 3; ++r) event.records.push_back("{}");
          known.records = static_cast<std::uint16_t>(event.records.size());
      }
      known.outcome = event.outcome;
      said.emplace_back(event.id, known);
      events.push_back(std::move(event));
      ++offset;
    }
    // Now and then something that was decided before changes.
    if (!letters_.empty() && random_() % 3 == 0) {
      const auto [id, at] = letters_.back();
      letters_.pop_back();
      Decided event = decided(id, Outcome::dropped, outcome_flag::from_letter);
      event.at = at.value;
      said.emplace_back(id, Known{sequence, at, Outcome::dropped, outcome_flag::from_letter, 0, ""});
      events.push_back(std::move(event));
    }
    log.commit(events);
    for (auto& [id, known] : said) {
      if (known.outcome == Outcome::dead_lettered) letters_.emplace_back(id, known.offset);
      model[id].push_back(known);
    }
  }
  TestLog log;
  Model model;

 private:
  std::mt19937_64 random_;
  std::vector<std::pair<std::string, Offset>> letters_;
};

std::vector<std::string> all_ids() {
  std::vector<std::string> ids;
  for (int i = 0; i < 61; ++i) ids.push_back("id-" + std::to_string(i));  // one more than there are
  return ids;
}

/// Everything in (after, through], and nothing else.
void check_answer(const BiographyAnswer& answer, const Model& model, CommitSequence after, CommitSequence through) {
  const auto ids = all_ids();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::vector<Known> expected;
    if (const auto found = model.find(ids[i]); found != model.end())
      for (const Known& known : found->second)
        if (known.sequence > after && known.sequence <= through) expected.push_back(known);
    CAPTURE(ids[i]);
    CHECK(known_of(answer.entries[i]) == expected);
  }
}

}  // namespace

TEST_CASE("the index knows everything up to its flush, whatever flushes and crashes", "[biography]") {
  const auto seed = GENERATE(range(1u, 9u));
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Commits world(seed);
  auto disk = std::make_shared<MemoryStateDisk>();
  const BiographyBounds bounds{std::chrono::hours(1), 1 << 30, 50 + random() % 400};
  auto partition = std::make_unique<Indexed>(disk, world.log, bounds);
  std::uint64_t flushed = 0;
  for (int i = 0; i < 120; ++i) {
    world.add();
    partition->apply();
    if (random() % 5 == 0) {
      partition->flush();
      flushed = world.log.commits().size();
    }
    if (random() % 12 == 0) {
      partition = std::make_unique<Indexed>(disk, world.log, bounds);
      partition->apply();
    }
    if (random() % 10 != 0 || flushed == 0) continue;
    const BiographyAnswer answer = partition->ask(all_ids());
    CHECK(answer.cover.after.value == 0);
    CHECK(answer.cover.through.value == flushed);
    CHECK(answer.cover.dropped.value == 0);
    check_answer(answer, world.model, {}, CommitSequence{flushed});
  }
}

TEST_CASE("what is older than retain, or more than bytes_max, is dropped with all its keys, and said to be", "[biography]") {
  const bool by_time = GENERATE(true, false);
  CAPTURE(by_time);
  Commits world(4);
  auto disk = std::make_shared<MemoryStateDisk>();
  // Partition time moves by a microsecond a commit.
  BiographyBounds bounds{by_time ? std::chrono::microseconds(40) : std::chrono::hours(1), by_time ? std::uint64_t{1} << 30 : 20'000, 60};
  Indexed partition(disk, world.log, bounds);
  std::size_t most_keys = 0;
  for (std::uint64_t i = 1; i <= 400; ++i) {
    world.add();
    partition.apply();
    partition.flush();
    most_keys = std::max(most_keys, partition.keys().size());
    const BiographyAnswer answer = partition.ask(all_ids());
    check_answer(answer, world.model, answer.cover.dropped, CommitSequence{i});
    if (by_time) {
      CHECK(answer.cover.dropped.value + 40 < std::max<std::uint64_t>(i, 41));  // nothing before its time
      CHECK(answer.cover.dropped.value + 50 > i - std::min<std::uint64_t>(i, 50));  // and not much later
    } else {
      CHECK(answer.cover.bytes < 20'000 + 10'000);  // and the run that is being filled
    }
    if (answer.cover.dropped.value != 0) CHECK(answer.cover.dropped_time == kNewYear + static_cast<std::int64_t>(answer.cover.dropped.value) - 1);
  }
  CHECK(partition.ask(all_ids()).cover.dropped.value > 100);
  CHECK(most_keys < 100);
}

TEST_CASE("an index that missed commits begins anew behind them", "[biography]") {
  Commits world(9);
  auto disk = std::make_shared<MemoryStateDisk>();
  const BiographyBounds bounds{std::chrono::hours(1), 1 << 30, 1'000};
  for (int i = 0; i < 5; ++i) world.add();
  {
    Indexed partition(disk, world.log, bounds);
    partition.apply();
    partition.flush();
  }
  for (int i = 0; i < 5; ++i) world.add();
  {
    Indexed without(disk, world.log, bounds, false);
    without.apply();
    without.flush();
  }
  for (int i = 0; i < 5; ++i) world.add();
  Indexed partition(disk, world.log, bounds);
  partition.apply();
  partition.flush();
  const BiographyAnswer answer = partition.ask(all_ids());
  CHECK(answer.cover.after.value == 10);
  check_answer(answer, world.model, CommitSequence{10}, CommitSequence{15});
  for (const std::string& key : partition.keys())
    if (key[1] != 'm') CHECK(key[9] == 2);  // all keys of run 1 are gone
}

TEST_CASE("damage in the index is named, never an answer", "[biography]") {
  Commits world(2);
  auto disk = std::make_shared<MemoryStateDisk>();
  for (int i = 0; i < 20; ++i) world.add();
  Indexed partition(disk, world.log, {std::chrono::hours(1), 1 << 30, 10});
  partition.apply();
  partition.flush();
  const auto good = disk->picture();
  const auto ids = all_ids();
  const std::vector<std::string_view> asked(ids.begin(), ids.end());
  std::size_t named = 0;
  for (const std::string& key : partition.keys()) {
    auto broken = std::make_shared<MemoryStateDisk::Picture>(*good);
    auto& value = broken->entries[key];
    value.resize(value.size() - 1);
    disk->replace(broken);
    const auto answer = look_up_biographies(*partition.store().snapshot().value(), asked);
    CHECK_FALSE(answer);
    if (!answer) CHECK(answer.error().code == Errc::state_damaged);
    ++named;
  }
  CHECK(named > 3);
}

}  // namespace weir::test

// Random work against a model: after any reopen or crash the log holds exactly what it acknowledged.
#include <map>

#include "tests/contract/event_log/log_fixture.h"
#include "tests/support/catch.h"

using namespace weir;
using namespace weir::test;

namespace {

struct ModelPartition {
  std::vector<std::pair<std::uint64_t, std::string>> batches;  // (first, text)
  std::uint64_t end = 0;
  std::uint64_t begin = 0;
  std::vector<std::string> commits;
  std::uint64_t trimmed_through = 0;
  std::uint64_t committed = 0;
  std::uint64_t epoch = 0;
};

class Story {
 public:
  Story(LogFixture& fixture, std::uint64_t seed) : fixture_(fixture), rng_(seed), model_(kPartitions) {}

  void step() {
    switch (rng_.below(12)) {
      case 0:
        return fence_one();
      case 1:
        return trim_one();
      case 2:
        return fixture_.reopen();
      case 3:
        return fixture_.crash();
      case 4:
        return stale_commit();
      case 5:
      case 6:
      case 7:
        return commit_some();
      default:
        return append_some();
    }
  }
  void check() {
    EventLog& log = fixture_.log();
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      const ModelPartition& model = model_[p];
      const PartitionStatus status = log.status(PartitionId{p});
      CHECK(status.ingest_durable == Offset{model.end});
      CHECK(status.ingest_reserved == Offset{model.end});
      CHECK(status.position == PartitionPosition{PartitionId{p}, Epoch{model.epoch},
                                                 CommitSequence{model.commits.size()}, Offset{model.committed}});
      // A trim takes effect with the next frame of its journal at the latest; the horizon may lag behind the wish.
      CHECK(status.ingest_begin <= Offset{model.begin});
      CHECK(status.output_begin <= CommitSequence{model.trimmed_through});
      std::vector<std::string> texts;
      for (const auto& [first, text] : model.batches) {
        if (first >= model.begin) texts.push_back(text);
      }
      std::uint64_t from = model.begin;
      for (const auto& [first, text] : model.batches) {
        if (first >= model.begin) {
          from = first;
          break;
        }
        from = model.end;
      }
      CHECK(ingest_texts(log, p, texts.empty() ? model.end : from) == texts);
      CHECK(output_texts(log, p, model.trimmed_through) ==
            std::vector<std::string>(model.commits.begin() + static_cast<std::ptrdiff_t>(model.trimmed_through),
                                     model.commits.end()));
    }
    for (const auto& [source, position] : sources_) CHECK(log.source_position(source).value_or("") == position);
  }

 private:
  std::uint32_t some_partition() { return static_cast<std::uint32_t>(rng_.below(kPartitions)); }
  std::string text(const char* kind) {
    return std::string(kind) + std::to_string(++number_) +
           std::string(rng_.below(4) == 0 ? rng_.below(60'000) : rng_.below(300), '.');
  }
  void append_some() {
    AppendGroup group;
    std::vector<std::pair<std::uint32_t, std::string>> texts;
    const std::uint64_t batches = 1 + rng_.below(4);
    for (std::uint64_t i = 0; i < batches; ++i) {
      texts.emplace_back(some_partition(), text("b"));
      const auto count = static_cast<std::uint32_t>(1 + rng_.below(9));
      group.batches.push_back(batch(texts.back().first, count, texts.back().second));
    }
    if (rng_.below(2) == 0) {
      const std::string source = "file:" + std::to_string(rng_.below(3));
      sources_[source] = rng_.below(4) == 0 ? std::string() : std::to_string(number_);
      group.positions.push_back({source, sources_[source]});
    }
    if (rng_.below(5) == 0) group.durability = Durability::buffered;
    const bool buffered = group.durability == Durability::buffered;
    const auto counts = group.batches;
    const auto receipt = append(fixture_.log(), std::move(group));
    REQUIRE(receipt);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ModelPartition& model = model_[texts[i].first];
      CHECK(receipt->first[i] == Offset{model.end});
      model.batches.emplace_back(model.end, texts[i].second);
      model.end += counts[i].count;
    }
    // Buffered survives no crash of the machine by itself; the sync is on its way, and the next append waits for it.
    if (buffered) {
      const auto behind = append(fixture_.log(), {{}, {{"file:0", "settled"}}, Durability::durable});
      REQUIRE(behind);
      sources_["file:0"] = "settled";
    }
  }
  PartitionCommit next_commit(std::uint32_t p, const std::string& words) {
    const ModelPartition& model = model_[p];
    const std::uint64_t to = model.committed + rng_.below(model.end - model.committed + 1);
    return {PartitionId{p},          Epoch{model.epoch}, CommitSequence{model.commits.size() + 1},
            Offset{model.committed}, Offset{to},         {body(words)}};
  }
  void commit_some() {
    CommitGroup group;
    std::vector<std::string> texts;
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      if (rng_.below(2) == 0 || model_[p].epoch == 0) continue;
      texts.push_back(text("c"));
      group.parts.push_back(next_commit(p, texts.back()));
    }
    if (group.parts.empty()) return;
    const auto parts = group.parts;
    REQUIRE(commit(fixture_.log(), std::move(group)).kind == CommitOutcome::Kind::committed);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      ModelPartition& model = model_[parts[i].partition.value];
      model.commits.push_back(texts[i]);
      model.committed = parts[i].to.value;
    }
  }
  void stale_commit() {
    const std::uint32_t p = some_partition();
    PartitionCommit stale = next_commit(p, "stale");
    switch (rng_.below(4)) {
      case 0:
        stale.epoch = Epoch{stale.epoch.value + 1};
        break;
      case 1:
        stale.sequence = CommitSequence{stale.sequence.value - 1};
        break;
      case 2:
        stale.from = stale.from + 1;
        stale.to = stale.to + 1;
        break;
      default:
        stale.to = Offset{model_[p].end + 1};
        break;
    }
    CHECK(commit(fixture_.log(), {{stale}}).kind == CommitOutcome::Kind::refused);
  }
  void fence_one() {
    const std::uint32_t p = some_partition();
    const auto fenced = fence(fixture_.log(), {PartitionId{p}});
    REQUIRE(fenced);
    CHECK((*fenced)[0].epoch == Epoch{++model_[p].epoch});
  }
  void trim_one() {
    const std::uint32_t p = some_partition();
    ModelPartition& model = model_[p];
    const std::uint64_t below = model.begin + rng_.below(model.committed - model.begin + 1);
    const std::uint64_t through = model.trimmed_through + rng_.below(model.commits.size() - model.trimmed_through + 1);
    fixture_.log().trim({{PartitionId{p}, Offset{below}, CommitSequence{through}}});
    model.begin = below;
    model.trimmed_through = through;
  }

  LogFixture& fixture_;
  SeededRng rng_;
  std::vector<ModelPartition> model_;
  std::map<std::string, std::string> sources_;
  std::uint64_t number_ = 0;
};

}  // namespace

TEST_CASE("after any mix of work, reopens and crashes the log holds exactly what it acknowledged", "[event_log]") {
  const std::string name = GENERATE(from_range(std::begin(kFixtures), std::end(kFixtures)));
  const bool slow = name == "embedded on the file system";
  const int seeds = slow ? 3 : 25;
  for (int seed = 1; seed <= seeds; ++seed) {
    INFO(name << ", seed " << seed);
    const auto fixture = make_fixture(name);
    Story story(*fixture, static_cast<std::uint64_t>(seed));
    for (int i = 0; i < 120; ++i) {
      story.step();
      if (i % 20 == 19) story.check();
    }
    fixture->crash();
    story.check();
  }
}

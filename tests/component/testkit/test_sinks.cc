// Sinks in the testkit: those of the test program write, weir's own only take.
#include <weir/testkit.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/support/catch.h"

namespace {

/// A file that goes with the test.
class Scroll {
 public:
  Scroll() : path_(std::filesystem::temp_directory_path() / ("weir-testkit-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))) {
    std::filesystem::remove(path_);
  }
  ~Scroll() { std::filesystem::remove(path_); }
  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  /// How often each id was written.
  [[nodiscard]] std::map<std::string, int> ids() const {
    std::map<std::string, int> ids;
    for (const std::string& line : lines()) {
      if (line.find('|') != std::string::npos) ++ids[line.substr(0, line.find('|'))];
    }
    return ids;
  }
  [[nodiscard]] std::set<std::string> positions() const {
    std::set<std::string> positions;
    for (const std::string& line : lines()) {
      if (line.find('|') != std::string::npos) positions.insert(line.substr(line.rfind(' ')));
    }
    return positions;
  }
  [[nodiscard]] std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (const std::string& line : lines()) {
      if (line.starts_with("key ")) keys.push_back(line);
    }
    return keys;
  }

 private:
  std::filesystem::path path_;
};

std::string pipeline_to(const Scroll& scroll, const std::string& more = "", const std::string& beside = "") {
  return "pipeline: test\npartitions: 1\nrecord: {id: id}\nsinks: {archive: {scroll: {path: " + scroll.path() + more + "}" + beside + "}}\n";
}
std::string events(int count, int first = 0, const std::string& what = "") {
  std::string text;
  for (int i = first; i < first + count; ++i) text += "{\"id\": \"e" + std::to_string(i) + "\", \"do\": \"" + what + "\"}\n";
  return text;
}
std::map<std::string, int> once(int count) {
  std::map<std::string, int> ids;
  for (int i = 0; i < count; ++i) ids["e" + std::to_string(i)] = 1;
  return ids;
}

TEST_CASE("a sink takes every record once, in batches, and goes on behind them", "[testkit]") {
  const Scroll scroll;
  weir::TestPipeline pipeline(pipeline_to(scroll, ", batch_events_max: 4"));
  pipeline.feed(events(10)).feed(events(2, 10));
  CHECK(scroll.ids() == once(12));
  CHECK(scroll.keys().size() == 4);  // 4, 4, 2; then 2
  CHECK(pipeline.sink("archive").size() == 12);
  CHECK(pipeline.sink("archive")[11]["id"] == "e11");
  CHECK_THROWS_WITH(pipeline.sink("archiv"), "the pipeline has no sink \"archiv\"");
}

TEST_CASE("a sink that crashes behind a record gets that batch again, under the same key, and nothing is lost", "[testkit]") {
  for (std::uint64_t nth = 1; nth <= 9; ++nth) {
    const Scroll scroll;
    weir::TestPipeline pipeline(pipeline_to(scroll, ", batch_events_max: 3"));
    pipeline.crash("archive", nth).feed(events(9));
    CHECK(pipeline.crashes() == 1);
    const auto keys = scroll.keys();
    REQUIRE(keys.size() == 4);
    const std::size_t hit = (nth - 1) / 3;
    CHECK(keys[hit] == keys[hit + 1]);
    CHECK(scroll.ids().size() == 9);
    CHECK(scroll.positions().size() == 9);  // those that come again have the same
    CHECK(pipeline.sink("archive").size() == 9);
    CHECK(pipeline.ledger()["served"] == "9");
  }
}

TEST_CASE("what fails is tried again in virtual time, until it is done", "[testkit]") {
  const Scroll scroll;
  weir::TestPipeline pipeline(pipeline_to(scroll, ", batch_events_max: 1"));
  pipeline.feed(events(1) + events(1, 1, "fail twice") + events(1, 2));
  CHECK(scroll.ids() == once(3));
}

TEST_CASE("a record that is refused is looked for by halves; then the sink stops or passes it over", "[testkit]") {
  const Scroll scroll;
  weir::TestPipeline pipeline(pipeline_to(scroll, ", on_refused: skip"));
  pipeline.feed(events(5) + events(1, 100, "refuse") + events(4, 5));
  CHECK(scroll.ids() == once(9));
  const Scroll other;
  weir::TestPipeline stopping(pipeline_to(other));
  CHECK_THROWS_WITH(stopping.feed(events(5) + events(1, 100, "refuse") + events(4, 5)),
                    Catch::Contains("sink archive, partition 0: the record e100 is refused: not wanted") && Catch::Contains("weir sink release archive"));
  CHECK(other.ids() == once(5));
}

TEST_CASE("a sink that throws again and again is broken, with what it threw, and the path goes on", "[testkit]") {
  for (const auto& [what, said] : std::map<std::string, std::string>{{"throw", "thrown on e7"}, {"throw an int", "no std::exception"}, {"nonsense", "it answers 77, which is no answer"}}) {
    const Scroll scroll;
    weir::TestPipeline pipeline(pipeline_to(scroll, ", batch_events_max: 1"));
    CHECK_THROWS_WITH(pipeline.feed(events(7) + events(1, 7, what) + events(2, 8)), Catch::Contains("sink archive, partition 0: ") && Catch::Contains(said));
    CHECK(scroll.ids() == once(7));
  }
}

TEST_CASE("a sink of dead letters gets them as records", "[testkit]") {
  const Scroll scroll;
  weir::TestPipeline pipeline("stages: [{score: {}}]\n" + pipeline_to(scroll, "", ", from: dead_letter, when: {reason: \"stage:no_amount\"}"));
  pipeline.feed(events(2));
  REQUIRE(pipeline.sink("archive").size() == 2);
  CHECK(pipeline.sink("archive")[0]["stage"] == "score");
  CHECK(scroll.ids().size() == 2);
}

TEST_CASE("sinks of weir's own take their records and write nothing, and only sinks of the test program crash", "[testkit]") {
  weir::TestPipeline pipeline("pipeline: t\npartitions: 1\nrecord: {id: id}\nsinks: {out: {files: {directory: /nowhere, format: csv, columns: [id]}}}\n");
  pipeline.feed(events(2));
  CHECK(pipeline.sink("out").at(1)["line"] == "e1");
  CHECK_THROWS_WITH(pipeline.crash("out", 1), "the pipeline has no stage, and no sink or source of yours, \"out\"; there are: ");
}

TEST_CASE("what a sink's constructor refuses refuses the pipeline", "[testkit]") {
  const Scroll scroll;
  CHECK_THROWS_WITH(weir::TestPipeline(pipeline_to(scroll, ", most: 13")), "sink \"archive\": 13 brings bad luck; take 12 or 14");
}

}  // namespace

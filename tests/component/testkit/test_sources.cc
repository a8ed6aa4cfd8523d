// Sources in the testkit: positions, crashes, and what they may not do.
#include <weir/testkit.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/catch.h"

namespace {

/// A file in a folder that goes with the test.
class Tape {
 public:
  Tape() : folder_(std::filesystem::temp_directory_path() / ("weir-tape-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Tape() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string file() const { return (folder_ / "tape").string(); }
  void write(const std::string& text) const { std::ofstream(file(), std::ios::app) << text; }
  void write_anew(const std::string& text) const { std::ofstream(file()) << text; }
  [[nodiscard]] std::vector<std::string> lines(const std::string& of) const {
    std::vector<std::string> lines;
    std::ifstream in(file() + of);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

 private:
  std::filesystem::path folder_;
};

std::string pipeline_from(const Tape& tape, const std::string& more = "") {
  return "pipeline: test\npartitions: 2\nrecord: {id: id}\ninputs: {orders: {tape: {file: " + tape.file() + more + "}}}\n";
}
std::string events(int count, int first = 0, const std::string& before = "") {
  std::string text;
  for (int i = first; i < first + count; ++i) text += before + "{\"id\": \"e" + std::to_string(i) + "\"}\n";
  return text;
}
std::multiset<std::string> ids(std::vector<weir::TestRow> records) {
  std::multiset<std::string> out;
  for (const weir::TestRow& row : records) out.insert(row["@id"]);
  return out;
}
std::multiset<std::string> wanted(int count) {
  std::multiset<std::string> out;
  for (int i = 0; i < count; ++i) out.insert("e" + std::to_string(i));
  return out;
}

TEST_CASE("a source is asked until it has nothing, and opened again where the last durable record was", "[testkit]") {
  const Tape tape;
  tape.write(events(250));
  weir::TestPipeline pipeline(pipeline_from(tape));
  pipeline.poll();
  CHECK(ids(pipeline.records()) == wanted(250));
  tape.write(events(3, 250));
  pipeline.poll().poll();
  CHECK(ids(pipeline.records()) == wanted(253));
  CHECK(pipeline.ledger()["duplicate"] == "0");
  CHECK(tape.lines(".opened") == std::vector<std::string>{"test orders \"\"", "test orders \"250\"", "test orders \"253\""});
  CHECK(tape.lines(".durable") == std::vector<std::string>{"100", "200", "250", "253"});
}

TEST_CASE("a source that crashes behind any record loses and doubles nothing", "[testkit]") {
  for (std::uint64_t nth = 1; nth <= 12; ++nth) {
    const Tape tape;
    tape.write(events(12));
    weir::TestPipeline pipeline(pipeline_from(tape, ", most: 3"));
    pipeline.crash("orders", nth).poll();
    CHECK(pipeline.crashes() == 1);
    CHECK(ids(pipeline.records()) == wanted(12));
    CHECK(pipeline.ledger()["accepted"] == "12");
    CHECK(tape.lines(".opened").size() == 2);
  }
}

TEST_CASE("records without a position come again after a crash, and are told by their ids", "[testkit]") {
  const Tape tape;
  tape.write(events(2) + events(4, 2, "?"));
  weir::TestPipeline pipeline(pipeline_from(tape, ", most: 3"));
  pipeline.poll();
  CHECK(pipeline.ledger()["accepted"] == "6");
  pipeline.poll();  // from behind the second
  CHECK(ids(pipeline.records()) == wanted(6));
  CHECK(pipeline.ledger()["accepted"] == "10");
  CHECK(pipeline.ledger()["duplicate"] == "4");
}

TEST_CASE("what is broken in a source's records is a dead letter, and the others are served", "[testkit]") {
  const Tape tape;
  tape.write(events(1) + "no json\n\n" + events(1, 1));
  weir::TestPipeline pipeline(pipeline_from(tape));
  pipeline.poll();
  CHECK(ids(pipeline.records()) == wanted(2));
  REQUIRE(pipeline.dead_letters().size() == 2);
  for (const weir::TestRow& letter : pipeline.dead_letters()) {
    CHECK(letter["reason"] == "malformed");
    CHECK(letter["door"] == "tape:orders");
  }
}

TEST_CASE("a source may have ended, or be unreachable for a while: both are asked again by the next start", "[testkit]") {
  const Tape tape;
  tape.write(events(2) + "!unreachable\n");
  weir::TestPipeline pipeline(pipeline_from(tape));
  pipeline.poll();
  CHECK(ids(pipeline.records()) == wanted(2));
  tape.write_anew(events(2) + "!ended\n");
  pipeline.poll();
  tape.write_anew(events(5));
  pipeline.poll();
  CHECK(ids(pipeline.records()) == wanted(5));
}

TEST_CASE("a source that throws, or answers nonsense, again and again ends the pipeline with its words, and nothing is lost", "[testkit]") {
  for (const auto& [order, said] : std::vector<std::pair<std::string, std::string>>{{"!throw", "thrown behind line 2"},
                                                                                  {"!nonsense", "it answers 77, which is no answer"},
                                                                                  {"!long", "a position of 5000 bytes; it has at most 4096"},
                                                                                  {"!huge", "one poll gives more than 16 MiB"}}) {
    CAPTURE(order);
    const Tape tape;
    tape.write(events(2) + order + "\n" + events(2, 2));
    weir::TestPipeline pipeline(pipeline_from(tape, ", most: 1"));
    CHECK_THROWS_WITH(pipeline.poll(), Catch::Contains(said));
    CHECK(tape.lines(".opened").back() == "test orders \"2\"");
  }
}

TEST_CASE("a source is used by its kind's name alone, need not know what is durable, and a constructor may refuse", "[testkit]") {
  weir::TestPipeline pipeline("pipeline: t\nrecord: {id: id}\ninputs: {once: {}}\n");
  pipeline.poll().poll();
  CHECK(pipeline.ledger()["accepted"] == "1");
  const Tape tape;
  CHECK_THROWS_WITH(weir::TestPipeline(pipeline_from(tape, ", most: 13")), "input \"orders\": 13 brings bad luck; take 12 or 14");
  weir::TestPipeline none("pipeline: t\n");
  CHECK_THROWS_WITH(none.poll(), "the pipeline has no source of yours among its inputs");
}

}  // namespace

// A life by the index of its partition is the life that the whole log tells, at the price of the commits it was in; and what the log has
// lost is told from the index.
#include <random>

#include "cluster/node/biography.h"
#include "runtime/adapters/memory/memory_state.h"
#include "runtime/engine/partition_state.h"
#include "runtime/engine/view_value.h"
#include "tests/support/catch.h"
#include "tests/unit/event_search/small_log.h"

using namespace weir;
using namespace weir::test;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000;

/// One partition: `batches` of 8 events with ids of a pool of 50, a commit each; the last `in_flight` batches are not decided.
SmallLog world(std::size_t batches, std::size_t in_flight) {
  SmallLog log(1);
  std::mt19937_64 random(11);
  Offset at;
  for (std::size_t b = 0; b < batches; ++b) {
    std::vector<Frame> frames;
    for (int i = 0; i < 8; ++i) frames.push_back({"e" + std::to_string(random() % 50), "{\"n\":" + std::to_string(b * 8 + static_cast<std::size_t>(i)) + "}"});
    log.accept(0, FrameFormat::json, "", frames);
    if (b + in_flight < batches) {
      OutcomeBatchBuilder out{at};
      out.came_by("file:in.csv");
      for (const Frame& frame : frames) {
        const OutcomeBatchBuilder::Event head{frame.id, xxh3_128(frame.raw), kStart};
        if (random() % 3 == 0) {
          out.add(head, Outcome::dead_lettered);
          LetterView letter;
          letter.original = frame.raw;
          letter.stage = "validate";
          letter.reason = "schema";
          letter.details = R"(["n"])";
          letter.door = "file:in.csv";
          out.letter(letter);
        } else if (random() % 3 == 0) {
          out.add(head, Outcome::duplicate);
        } else {
          out.add(head, Outcome::served);
          const std::uint16_t attributes = out.attributes("t", "s");
          out.begin_record().append(frame.raw);
          out.end_record(kStart, attributes);
        }
      }
      CommitBody body;
      body.meta.committed_at = kStart + static_cast<std::int64_t>(b) * 1'000;
      body.meta.partition_time = kStart;
      body.meta.node = "n1";
      body.meta.code = "0.1.0+test";
      body.meta.incarnation = 5;
      body.batches.push_back(out.finish());
      log.commit(0, std::move(body), at + frames.size());
    }
    at = at + frames.size();
  }
  return log;
}

class NoExtractor final : public RecordExtractor {
  Result<void> extract(std::string_view, std::span<std::string_view>) override { return {}; }
};

/// The state of the partition with an index of its first `through` commits, from commit `from` on.
class State {
 public:
  State(const SmallLog& log, std::size_t through, std::size_t from = 0) : store_(std::make_shared<MemoryStateDisk>(), merger_, [](const std::function<void()>& job) { job(); }) {
    if (from != 0) apply(log, from, false);
    apply(log, through, true);
  }
  [[nodiscard]] IndexOf index() const {
    return [this](PartitionId) -> Result<std::shared_ptr<const StateReader>> {
      WEIR_ASSIGN(auto picture, store_.snapshot());
      return std::shared_ptr<const StateReader>(std::move(picture));
    };
  }

 private:
  void apply(const SmallLog& log, std::size_t through, bool indexed) {
    PartitionState state({PartitionId{0}, 1 << 20, Digest128{1, 1}}, views_, store_);
    BiographyIndex index{BiographyBounds{}};
    if (indexed) state.join(index);
    REQUIRE(state.recover());
    NoExtractor extractor;
    while (state.sequence().value < through) {
      const CommitRecord& commit = log.commits(0)[state.sequence().value];
      REQUIRE(state.apply(commit, CommitBody::decode(commit.body).value(), extractor));
    }
    store_.flush(state.seal().value(), [&](Result<void> done) { state.flushed(done); });
  }
  ViewMerger merger_;
  ViewSet views_;
  MemoryState store_;
};

std::vector<std::string> all_ids() {
  std::vector<std::string> ids;
  for (int i = 0; i < 51; ++i) ids.push_back("e" + std::to_string(i));  // one more than there are
  return ids;
}

}  // namespace

TEST_CASE("with the index a life is what the whole log tells, and only its own commits are read", "[biography]") {
  const SmallLog log = world(300, 2);
  const std::size_t begins = GENERATE(std::size_t{0}, std::size_t{40});
  const State state(log, 280, begins);
  for (const std::string& id : all_ids()) {
    CAPTURE(id);
    const auto whole = biography_of(log, no_index, id);
    const std::size_t before = log.commits_read();
    const auto indexed = biography_of(log, state.index(), id);
    const std::size_t read = log.commits_read() - before;
    REQUIRE(whole);
    REQUIRE(indexed);
    CHECK(biography_json(*indexed) == biography_json(*whole));
    // What the index does not cover is read in pieces of some MiB: here the piece in front of it is the whole log.
    CHECK(read <= (begins == 0 ? 0 : 298) + indexed->attempts.size() + 298 - 280);
  }
  // Some are told as in flight, some were never seen.
  CHECK(biography_of(log, state.index(), "e50")->attempts.empty());
}

TEST_CASE("what the log no longer holds is told from the index, and says so", "[biography]") {
  SmallLog log = world(300, 0);
  const State state(log, 300);
  std::vector<Biography> before;
  for (const std::string& id : all_ids()) before.push_back(*biography_of(log, no_index, id));
  log.trim_output(0, 200);
  log.trim(0, 200 * 8);
  std::size_t summaries = 0, whole = 0;
  for (const Biography& was : before) {
    CAPTURE(was.id);
    const auto now = biography_of(log, state.index(), was.id);
    REQUIRE(now);
    REQUIRE(now->attempts.size() == was.attempts.size());
    for (std::size_t i = 0; i < was.attempts.size(); ++i) {
      const Attempt& a = was.attempts[i];
      const Attempt& b = now->attempts[i];
      CHECK(b.summary == (a.sequence.value <= 200));
      ++(b.summary ? summaries : whole);
      CHECK(b.offset == a.offset);
      CHECK(b.outcome == a.outcome);
      CHECK(b.sequence == a.sequence);
      CHECK(b.accepted_at == a.accepted_at);
      CHECK(b.decided_at == a.decided_at);
      CHECK(b.door == a.door);
      CHECK(b.stage == a.stage);
      CHECK(b.reason == a.reason);
      CHECK(b.records_count == a.records_count);
      CHECK(b.node == "n1");
      CHECK(b.code == "0.1.0+test");
      CHECK(b.incarnation == 5);
      CHECK(b.records == (b.summary ? std::vector<std::string>{} : a.records));
    }
    const std::string text = biography_text(*now);
    CHECK((text.find("the log no longer holds") != std::string::npos) == std::any_of(now->attempts.begin(), now->attempts.end(), [](const Attempt& a) { return a.summary; }));
  }
  CHECK(summaries == 1'600);
  CHECK(whole == 800);
}

namespace {

/// Is trimmed behind its status and in front of its `at`-th read.
class TrimmedMeanwhile final : public LogReader {
 public:
  TrimmedMeanwhile(SmallLog& log, std::size_t at) : log_(log), left_(at) {}
  [[nodiscard]] bool done() const noexcept { return done_; }
  std::uint32_t partitions() const override { return log_.partitions(); }
  PartitionStatus status(PartitionId partition) const override { return log_.status(partition); }
  Result<std::vector<IngestSlice>> read_ingest(const IngestRead& request) const override {
    step();
    return log_.read_ingest(request);
  }
  Result<std::vector<CommitRecord>> read_output(const OutputRead& request) const override {
    step();
    return log_.read_output(request);
  }

 private:
  void step() const {
    if (left_-- != 0) return;
    log_.trim_output(0, 200);
    log_.trim(0, 200 * 8);
    done_ = true;
  }
  SmallLog& log_;
  mutable std::size_t left_;
  mutable bool done_ = false;
};

}  // namespace

TEST_CASE("what leaves the log while a life is read is told from the index", "[biography]") {
  SmallLog log = world(300, 1);
  const State state(log, 290, GENERATE(std::size_t{0}, std::size_t{40}));
  std::size_t trimmed = 0;
  for (const std::string id : {"e3", "e17", "e42"}) {
    const Biography was = *biography_of(log, state.index(), id);
    REQUIRE(was.attempts.size() > 20);
    for (std::size_t at = 0; at < 100; ++at) {
      CAPTURE(id, at);
      const TrimmedMeanwhile meanwhile(log, at);
      const auto now = biography_of(meanwhile, state.index(), id);
      trimmed += meanwhile.done() ? 1 : 0;
      log.trim_output(0, 0);
      log.trim(0, 0);
      REQUIRE(now);
      // Commits that no index covers and no log holds are gone; nothing else is, and nothing is told twice.
      std::vector<Attempt> kept;
      for (const Attempt& attempt : was.attempts)
        if (std::any_of(now->attempts.begin(), now->attempts.end(), [&](const Attempt& one) { return one.offset == attempt.offset; })) kept.push_back(attempt);
      REQUIRE(now->attempts.size() == kept.size());
      for (std::size_t i = 0; i < kept.size(); ++i) {
        CHECK(now->attempts[i].sequence == kept[i].sequence);
        CHECK(now->attempts[i].outcome == kept[i].outcome);
      }
      for (const Attempt& attempt : was.attempts)
        if (attempt.sequence.value > 40 && kept.size() < was.attempts.size())
          CHECK(std::any_of(kept.begin(), kept.end(), [&](const Attempt& one) { return one.offset == attempt.offset; }));
    }
  }
  CHECK(trimmed > 60);
}

// What a sink does next, with time moved by hand.
#include <optional>

#include "runtime/engine/sink_flow.h"
#include "tests/unit/sinks/sink_commits.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

constexpr Digest128 kLog{7, 7};

/// A sink, the log it reads, and the target it writes to.
class Bench {
 public:
  explicit Bench(SinkConfig sink) : pipeline_(pipeline_with(std::move(sink))) { restart(); }

  void commit(const std::vector<CommittedRecord>& records) {
    log_.push_back(commit_of(log_.size() + 1, records, wall(), total_));
    total_ += records.size();
    if (flow) flow->log_grew(newest());
  }
  CommitSequence newest() const { return CommitSequence{log_.size()}; }
  UnixMicros wall() const { return kNoon + std::chrono::duration_cast<std::chrono::microseconds>(now).count(); }
  PartitionStatus status() const {
    PartitionStatus status;
    status.position.sequence = newest();
    status.output_begin = begin;
    return status;
  }
  /// The process dies.
  void restart() { flow.emplace(pipeline_.sinks[0], pipeline_, PartitionId{0}); }

  SinkFlow::Step next() { return flow->next(now, wall(), 1); }

  /// Does one thing, as everything is well; what it was.
  SinkFlow::Do step() {
    const SinkFlow::Step step = next();
    using Do = SinkFlow::Do;
    switch (step.what) {
      case Do::load: flow->loaded(stored, status(), kLog); break;
      case Do::read: {
        std::vector<CommitRecord> records;
        for (std::size_t i = step.after.value; i < log_.size() && records.size() < read_max; ++i) records.push_back(log_[i]);
        flow->was_read(std::move(records));
        break;
      }
      case Do::open: flow->opened({}); break;
      case Do::send:
        batches.push_back({});
        for (const SinkItem& item : step.batch->items) batches.back() += item.id;
        if (answers.empty()) {
          taken += batches.back();
          flow->sent({});
        } else {
          flow->sent(answers.front());
          if (answers.front().kind == SinkAnswer::Kind::taken) taken += batches.back();
          answers.erase(answers.begin());
        }
        break;
      case Do::prepare: flow->prepared(std::string("s") + std::to_string(++prepares)); break;
      case Do::store:
        stored = flow->next_cursor();
        flow->stored({});
        break;
      case Do::publish: ++publishes; flow->published({}); break;
      case Do::wait: case Do::stop: case Do::give_up: until = step.until; break;
    }
    return step.what;
  }
  /// Until there is nothing to do now; what ended it.
  SinkFlow::Do run() {
    for (int i = 0; i < 10'000; ++i) {
      const SinkFlow::Do what = step();
      if (what == SinkFlow::Do::wait || what == SinkFlow::Do::stop || what == SinkFlow::Do::give_up) return what;
    }
    FAIL("it never comes to rest");
    return SinkFlow::Do::wait;
  }
  std::string all_notes() {
    std::string all;
    for (const SinkFlow::Note& note : flow->take_notes()) all += note.text + "\n";
    return all;
  }

  std::optional<SinkFlow> flow;
  TimePoint now{0};
  std::optional<SinkCursor> stored;
  std::vector<std::string> batches;
  std::string taken;
  std::vector<SinkAnswer> answers;
  std::size_t read_max = 100;
  std::uint64_t prepares = 0, publishes = 0;
  TimePoint until{};
  CommitSequence begin;

 private:
  PipelineConfig pipeline_;
  std::vector<CommitRecord> log_;
  std::uint64_t total_ = 0;
};

SinkConfig http(std::uint32_t events_max = 2, std::chrono::milliseconds age = 0ms) {
  HttpSinkConfig config;
  config.batch_events_max = events_max;
  config.batch_age_max = age;
  config.breaker.failures_in_a_row_max = 0;
  SinkConfig sink;
  sink.body = config;
  return sink;
}
SinkConfig files(std::uint64_t bytes_max = 1'000'000) {
  FilesSinkConfig config;
  config.file_bytes_max = bytes_max;
  SinkConfig sink;
  sink.body = config;
  return sink;
}
SinkAnswer answer(SinkAnswer::Kind kind, std::chrono::milliseconds pause = 0ms) { return {kind, "it says no", pause}; }

using Do = SinkFlow::Do;
using Finish = SinkFlow::Finish;
using Kind = SinkAnswer::Kind;

}  // namespace

TEST_CASE("a server gets everything in order, in batches, and the cursor follows each", "[sink]") {
  Bench bench(http());
  bench.commit({{"a", "{}"}, {"b", "{}"}, {"c", "{}"}});
  bench.commit({{"d", "{}"}});
  CHECK(bench.run() == Do::wait);
  CHECK(bench.batches == std::vector<std::string>{"ab", "cd"});
  REQUIRE(bench.stored);
  CHECK(bench.stored->position == SinkPosition{CommitSequence{2}, 0});
  CHECK(bench.stored->records == 4);
  CHECK(bench.stored->log_records == 4);
  bench.restart();
  bench.commit({{"e", "{}"}});
  bench.run();
  CHECK(bench.batches.back() == "e");
  CHECK(bench.taken == "abcde");
}

TEST_CASE("a batch that is not full waits for others for batch_age_max, but not at the end of a run", "[sink]") {
  Bench bench(http(3, 1s));
  bench.commit({{"a", "{}"}});
  CHECK(bench.run() == Do::wait);
  CHECK(bench.until == bench.now + 1s);
  bench.now += 400ms;
  bench.commit({{"b", "{}"}});
  CHECK(bench.run() == Do::wait);
  CHECK(bench.until == 1s);
  bench.now += 600ms;
  bench.run();
  CHECK(bench.batches == std::vector<std::string>{"ab"});
  bench.commit({{"c", "{}"}});
  bench.flow->finish(Finish::everything);
  CHECK(bench.run() == Do::stop);
  CHECK(bench.taken == "abc");
}

TEST_CASE("what fails is tried again, the same batch, after pauses that double, or as long as the server asks", "[sink]") {
  Bench bench(http());
  bench.commit({{"a", "{}"}});
  bench.answers = {answer(Kind::failed), answer(Kind::failed), answer(Kind::failed, 5min)};
  CHECK(bench.run() == Do::wait);
  CHECK(bench.until >= 100ms);
  CHECK(bench.until <= 200ms);
  CHECK(bench.all_notes() == "it says no; it is tried again\n");
  bench.now = bench.until;
  bench.run();
  CHECK(bench.until - bench.now >= 200ms);
  bench.now = bench.until;
  bench.run();
  CHECK(bench.until - bench.now >= 5min);
  bench.now = bench.until;
  CHECK(bench.run() == Do::wait);
  CHECK(bench.batches == std::vector<std::string>(4, "a"));
  CHECK(bench.all_notes() == "it goes on\n");
  CHECK(bench.flow->counts().failures == 3);
}

TEST_CASE("a server that fails again and again is left alone by its breaker", "[sink]") {
  SinkConfig sink = http();
  auto& breaker = std::get<HttpSinkConfig>(sink.body).breaker;
  breaker.failures_in_a_row_max = 2;
  breaker.open_min = breaker.open_max = 1h;
  Bench bench(sink);
  bench.commit({{"a", "{}"}});
  bench.answers = {answer(Kind::failed), answer(Kind::failed)};
  bench.run();
  bench.now = bench.until;
  bench.run();  // the second failure opens it
  bench.now = bench.until;
  bench.run();
  CHECK(bench.batches.size() == 2);
  CHECK(bench.until - bench.now >= 25min);
  bench.now = bench.until;
  bench.run();
  CHECK(bench.taken == "a");
}

TEST_CASE("the record that is refused is found by halves: the sink stops at it", "[sink]") {
  Bench bench(http(4));
  bench.commit({{"a", "{}"}, {"b", "{}"}, {"c", "{}"}, {"d", "{}"}});
  bench.answers = {answer(Kind::refused), {}, answer(Kind::refused), answer(Kind::refused)};
  CHECK(bench.run() == Do::give_up);
  CHECK(bench.batches == std::vector<std::string>{"abcd", "ab", "cd", "c"});
  CHECK(bench.flow->error().context.find("the record c is refused: it says no") != std::string::npos);
  CHECK(bench.stored->position == SinkPosition{CommitSequence{0}, 2});
}

TEST_CASE("or it is skipped, counted and named, and the others are taken", "[sink]") {
  SinkConfig sink = http(4);
  std::get<HttpSinkConfig>(sink.body).on_refused = OnRefused::skip;
  Bench bench(sink);
  bench.commit({{"a", "{}"}, {"b", "{}"}, {"c", "{}"}, {"d", "{}"}});
  bench.commit({{"e", "{}"}, {"f", "{}"}});
  bench.answers = {answer(Kind::refused), {}, answer(Kind::refused), answer(Kind::refused)};
  CHECK(bench.run() == Do::wait);
  CHECK(bench.taken == "abdef");
  CHECK(bench.batches.back() == "ef");  // beyond the batch that was refused they are whole again
  CHECK(bench.stored->records == 5);
  CHECK(bench.stored->skipped == 1);
  CHECK(bench.all_notes() == "the record c is refused: it says no; it is skipped\n");
}

TEST_CASE("what is not the record's fault stops the sink, and nothing is lost by it", "[sink]") {
  Bench bench(http());
  bench.commit({{"a", "{}"}});
  bench.answers = {answer(Kind::unusable)};
  CHECK(bench.run() == Do::give_up);
  CHECK(bench.flow->error().context.find("weir sink release s") != std::string::npos);
  bench.restart();
  bench.run();
  CHECK(bench.taken == "a");
}

TEST_CASE("files hide what they are sent until the cursor has it: by bytes, by age, at the end", "[sink]") {
  Bench bench(files(1'024));
  bench.commit({{"a", "{\"x\":\"" + std::string(600, 'x') + "\"}"}});
  CHECK(bench.run() == Do::wait);
  CHECK(bench.prepares == 0);
  CHECK(bench.until == 10min);
  CHECK(bench.stored->position.through.value == 0);  // it is not taken before it is published
  bench.commit({{"b", "{\"x\":\"" + std::string(600, 'x') + "\"}"}});
  bench.run();
  CHECK(bench.prepares == 1);
  CHECK(bench.publishes == 1);
  CHECK(bench.stored->position.through.value == 2);
  CHECK(bench.stored->state == "s1");
  bench.commit({{"c", "{}"}});
  bench.run();
  bench.now += 10min;
  bench.run();
  CHECK(bench.publishes == 2);
  bench.commit({{"d", "{}"}});
  bench.run();
  bench.flow->finish(Finish::soon);
  CHECK(bench.run() == Do::stop);
  CHECK(bench.publishes == 3);
  CHECK(bench.taken == "abcd");
}

TEST_CASE("a death loses what was sent and not stored, and it is sent again", "[sink]") {
  Bench bench(files());
  bench.commit({{"a", "{}"}, {"b", "{}"}});
  bench.run();
  CHECK(bench.taken == "ab");
  bench.restart();
  bench.flow->finish(Finish::everything);
  CHECK(bench.run() == Do::stop);
  CHECK(bench.taken == "abab");
  CHECK(bench.stored->records == 2);
}

TEST_CASE("after a prepare that failed everything since the cursor is sent again", "[sink]") {
  Bench bench(files());
  bench.commit({{"a", "{}"}});
  bench.run();
  bench.flow->finish(Finish::everything);
  REQUIRE(bench.next().what == Do::prepare);
  bench.flow->prepared(fail(Errc::io_failed, "a sync failed"));
  CHECK(bench.run() == Do::wait);
  bench.now = bench.until;
  CHECK(bench.run() == Do::stop);
  CHECK(bench.taken == "aa");
  CHECK(bench.stored->records == 1);
}

TEST_CASE("a cursor that cannot be stored, or files that cannot be shown, are tried again, nothing else meanwhile", "[sink]") {
  Bench bench(files());
  bench.commit({{"a", "{}"}});
  bench.run();
  bench.flow->finish(Finish::everything);
  REQUIRE(bench.step() == Do::prepare);
  REQUIRE(bench.next().what == Do::store);
  bench.flow->stored(fail(Errc::disk_full, "no room"));
  REQUIRE(bench.next().what == Do::wait);
  bench.now = bench.next().until;
  REQUIRE(bench.step() == Do::store);
  REQUIRE(bench.next().what == Do::publish);
  bench.flow->published(fail(Errc::io_failed, "no"));
  bench.now = bench.next().until;
  CHECK(bench.step() == Do::publish);
  CHECK(bench.run() == Do::stop);
  CHECK(bench.taken == "a");
}

TEST_CASE("a new sink begins with what the log has, or with now, and that beginning is stored before anything else", "[sink]") {
  Bench all(http());
  all.commit({{"a", "{}"}});
  all.begin = CommitSequence{1};
  all.commit({{"b", "{}"}});
  all.run();
  CHECK(all.taken == "b");
  CHECK(all.all_notes().find("it begins with commit 2") != std::string::npos);
  SinkConfig sink = http();
  sink.begin = SinkBegin::now;
  Bench now(sink);
  now.commit({{"a", "{}"}});
  CHECK(now.step() == Do::load);
  CHECK(now.step() == Do::store);
  now.restart();
  now.commit({{"b", "{}"}});
  now.run();
  CHECK(now.taken == "b");
}

TEST_CASE("a cursor of another log, beyond the log's end, or before its beginning is damage, with what to do", "[sink]") {
  Bench bench(http());
  bench.commit({{"a", "{}"}});
  bench.run();
  const SinkCursor good = *bench.stored;
  bench.stored->log_id = {1, 1};
  bench.restart();
  CHECK(bench.run() == Do::give_up);
  CHECK(bench.flow->error().context.find("of another log") != std::string::npos);
  bench.stored = good;
  bench.stored->position = {CommitSequence{1}, 1};
  bench.restart();
  CHECK(bench.run() == Do::give_up);
  CHECK(bench.flow->error().code == Errc::state_damaged);
  CHECK(bench.flow->error().context.find("the log ends at 1") != std::string::npos);
  CHECK(bench.flow->error().context.find("weir sink drop s") != std::string::npos);
  bench.stored = good;
  bench.stored->position = {};
  bench.begin = CommitSequence{1};
  bench.restart();
  CHECK(bench.run() == Do::give_up);
  CHECK(bench.flow->error().code == Errc::below_horizon);
}

TEST_CASE("a sink that lags longer than it may is broken, and one that is released gets the same time once more", "[sink]") {
  SinkConfig sink = http();
  sink.lag_age_max = 1h;
  Bench bench(sink);
  bench.commit({{"a", "{}"}});
  bench.answers = std::vector<SinkAnswer>(1'000, answer(Kind::failed));
  const auto last = [&] {
    Do what = Do::wait;
    while (bench.now < 24h && what == Do::wait) {
      what = bench.run();
      if (what == Do::wait) bench.now = bench.until;
    }
    return what;
  };
  CHECK(last() == Do::give_up);
  CHECK(bench.now > 1h);
  CHECK(bench.now < 1h + 2min);
  CHECK(bench.flow->error().context.find("sink_lag_max.age (1h)") != std::string::npos);
  CHECK(bench.flow->error().context.find("it says no") != std::string::npos);
  bench.now = 3h;
  bench.restart();
  CHECK(last() == Do::give_up);
  CHECK(bench.now > 4h);
  bench.restart();
  bench.answers.clear();
  CHECK(bench.run() == Do::wait);
  CHECK(bench.taken == "a");
  CHECK(bench.flow->lag_since() == 0);
}

TEST_CASE("a sink that lags more bytes than it may is broken", "[sink]") {
  SinkConfig sink = http();
  sink.lag_bytes_max = 1'000'000;
  Bench bench(sink);
  bench.commit({{"a", "{}"}});
  bench.answers = {answer(Kind::failed)};
  bench.run();
  bench.flow->lag_bytes(1'000'001);
  CHECK(bench.run() == Do::give_up);
  CHECK(bench.flow->error().context.find("sink_lag_max.bytes") != std::string::npos);
}

TEST_CASE("records among many that are for others hold neither memory nor the cursor", "[sink]") {
  SinkConfig sink = http(100, 1h);
  sink.when = WhenConfig{{{"k"}, "k"}, {Constant::Kind::string, "mine"}};
  Bench bench(sink);
  bench.read_max = 1;
  for (int i = 0; i < 50; ++i) bench.commit({{"x", "{\"pad\":\"" + std::string(100'000, 'x') + "\"}"}, {"m", R"({"k":"mine"})"}});
  bench.run();
  CHECK(bench.batches.size() >= 2);  // it does not hold five megabytes for a batch of hundred
  bench.flow->finish(Finish::everything);
  CHECK(bench.run() == Do::stop);
  CHECK(bench.taken == std::string(50, 'm'));
  Bench none(sink);
  none.run();
  none.commit({{"x", "{}"}});
  CHECK(none.run() == Do::wait);
  CHECK(none.until == 1s);
  none.now = none.until;
  none.run();
  CHECK(none.stored->position.through.value == 1);
  CHECK(none.batches.empty());
}

TEST_CASE("what stops soon does not wait for what fails", "[sink]") {
  Bench bench(http());
  bench.commit({{"a", "{}"}});
  bench.answers = {answer(Kind::failed)};
  CHECK(bench.run() == Do::wait);
  bench.flow->finish(Finish::soon);
  CHECK(bench.run() == Do::stop);
  CHECK(bench.taken.empty());
}

TEST_CASE("a log that is damaged breaks the sink, one that cannot be read is tried again", "[sink]") {
  Bench bench(http());
  bench.commit({{"a", "{}"}});
  REQUIRE(bench.step() == Do::load);
  REQUIRE(bench.step() == Do::store);
  REQUIRE(bench.next().what == Do::read);
  bench.flow->was_read(fail(Errc::io_failed, "a disk"));
  CHECK(bench.next().what == Do::wait);
  bench.now = bench.next().until;
  REQUIRE(bench.next().what == Do::read);
  bench.flow->was_read(fail(Errc::log_damaged, "frame 7"));
  CHECK(bench.next().what == Do::give_up);
  CHECK(bench.flow->error().code == Errc::log_damaged);
}

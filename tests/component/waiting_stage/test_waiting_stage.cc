#include "cluster/node/stage_watch.h"
#include "tests/component/waiting_stage/waiting_bench.h"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

using Serials = std::vector<std::uint64_t>;

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// Everything is known; places whose name begins with "slow" are answered when the bench says so.
MemoryHttpAnswer slow_or_known(const std::string& path) {
  const std::string name = last_part(path);
  return name.starts_with("slow") ? held(named(name)) : named(name);
}

MemoryHttpAnswer silent() {
  MemoryHttpAnswer answer;
  answer.fault = MemoryHttpAnswer::Fault::silent;
  return answer;
}

TEST_CASE("a round waits for its slowest answer, and others overtake it", "[waiting_stage]") {
  WaitingBench bench(slow_or_known);
  bench.start();
  const auto first = bench.batch({bench.place("slow"), bench.place("quick")});
  const auto second = bench.batch({bench.place("quick"), bench.place("other")});
  bench.send(1, first);
  CHECK(bench.home.rounds.empty());
  CHECK(bench.gauges().pending.load() == 1);
  bench.send(2, second);
  CHECK(bench.serials() == Serials{2});
  bench.fetch.release();
  bench.run();
  CHECK(bench.serials() == Serials{2, 1});
  CHECK(bench.record(*first, 0) == R"({"place":"slow","region":"slow"})");
  CHECK(bench.record(*first, 1) == R"({"place":"quick","region":"quick"})");
  CHECK(bench.record(*second, 1) == R"({"place":"other","region":"other"})");
  CHECK(bench.home.rounds[1].next == 1);
  CHECK(bench.requests == std::vector<std::string>{"/v1/slow", "/v1/quick", "/v1/other"});
  CHECK(bench.gauges().asked.load() == 4);
  CHECK(bench.gauges().found.load() == 4);
  CHECK(bench.gauges().calls.load() == 3);
  CHECK(bench.gauges().pending.load() == 0);
  CHECK(bench.gauges().cache_entries.load() == 3);
}

TEST_CASE("events with the same key share one call, within a round and from round to round", "[waiting_stage]") {
  WaitingBench bench(slow_or_known);
  bench.start();
  const auto first = bench.batch({bench.place("slow"), bench.place("slow"), bench.place("slow")});
  const auto second = bench.batch({bench.place("slow")});
  bench.send(1, first);
  bench.send(2, second);
  CHECK(bench.gauges().pending.load() == 4);
  bench.fetch.release();
  bench.run();
  CHECK(bench.serials() == Serials{1, 2});
  CHECK(bench.requests.size() == 1);
  CHECK(bench.record(*second, 0) == R"({"place":"slow","region":"slow"})");
}

TEST_CASE("no more than calls_max calls are out; who waits for his turn is not overtaken by who needs a call, but by who needs none",
          "[waiting_stage]") {
  EnrichConfig config = WaitingBench::plain_config();
  config.http->calls_max = 2;
  WaitingBench bench(slow_or_known, config);
  bench.start();
  bench.send(1, bench.batch({bench.place("known")}));
  std::vector<std::string> raws;
  for (int i = 0; i < 5; ++i) raws.push_back(bench.place(fmt::format("slow{}", i)));
  const auto many = bench.batch(raws);
  bench.send(2, many);
  CHECK(bench.gauges().calls_out.load() == 2);
  CHECK(bench.gauges().pending.load() == 5);
  bench.send(3, bench.batch({bench.place("slow9")}));
  bench.send(4, bench.batch({bench.place("known"), bench.place("slow0")}));
  bench.send(5, bench.batch({bench.place("known")}));
  CHECK(bench.serials() == Serials{1, 5});
  CHECK(bench.gauges().calls_out.load() == 2);
  for (const std::uint64_t out : {2, 2, 0}) {
    bench.fetch.release();
    bench.run();
    CHECK(bench.gauges().calls_out.load() == out);
  }
  CHECK(bench.serials() == Serials{1, 5, 4, 2, 3});
  CHECK(bench.requests == std::vector<std::string>{"/v1/known", "/v1/slow0", "/v1/slow1", "/v1/slow2", "/v1/slow3", "/v1/slow4", "/v1/slow9"});
  CHECK(bench.record(*many, 4) == R"({"place":"slow4","region":"slow4"})");
  CHECK(bench.gauges().asked.load() == 10);
  CHECK(bench.gauges().found.load() == 10);
}

TEST_CASE("what stands in a batch is left alone where it was decided before, and where the stage does not apply", "[waiting_stage]") {
  WaitingBench bench(slow_or_known);
  bench.start();
  const auto batch = bench.batch({"no json", bench.place("slow"), "{}", R"({"place":null})", R"({"place":{"a":1}})", R"({"place":7})"});
  bench.send(1, batch);
  bench.fetch.release();
  bench.run();
  REQUIRE(bench.serials() == Serials{1});
  CHECK(batch->events()[0].rejection->stage == "parse");
  CHECK(bench.record(*batch, 2) == "{}");
  CHECK(bench.record(*batch, 5) == R"({"place":7,"region":"7"})");
  CHECK(bench.gauges().asked.load() == 5);
  CHECK(bench.gauges().missing.load() == 3);
  CHECK(bench.requests.size() == 2);
}

TEST_CASE("a stage that is killed while it waits takes everything along, and answers that come later find nobody", "[waiting_stage]") {
  WaitingBench bench(slow_or_known);
  bench.start();
  const auto batch = bench.batch({bench.place("slow"), bench.place("quick")});
  bench.send(1, batch);
  CHECK(batch.use_count() == 2);
  CHECK(bench.gauges().breakers[0].load() == 1);
  bench.kill();
  CHECK(bench.home.downs == 1);
  CHECK(batch.use_count() == 1);
  CHECK(bench.gauges().pending.load() == 0);
  CHECK(bench.gauges().calls_out.load() == 0);
  CHECK(bench.gauges().cache_entries.load() == 0);
  CHECK(bench.gauges().breakers[0].load() == 0);
  CHECK(bench.gauges().asked.load() == 2);
  bench.start();
  const auto again = bench.batch({bench.place("slow")});
  bench.send(1, again, 2);
  bench.fetch.release();
  bench.run();
  CHECK(bench.serials() == Serials{1});
  CHECK(bench.requests == std::vector<std::string>{"/v1/slow", "/v1/quick", "/v1/slow"});
  CHECK(bench.gauges().found.load() == 2);
  CHECK(bench.fetch.status().outstanding == 0);
}

TEST_CASE("rounds of an older drive are given up when a newer one comes, and what they asked for serves it", "[waiting_stage]") {
  EnrichConfig config = WaitingBench::plain_config();
  config.http->calls_max = 1;
  WaitingBench bench(slow_or_known, config);
  bench.start();
  const auto old = bench.batch({bench.place("slow1"), bench.place("slow2")});
  bench.send(1, old, 1);
  CHECK(bench.gauges().pending.load() == 2);
  const auto fresh = bench.batch({bench.place("slow1")});
  bench.send(1, fresh, 2);
  CHECK(old.use_count() == 1);
  CHECK(bench.gauges().pending.load() == 1);
  bench.fetch.release();
  bench.run();
  REQUIRE(bench.serials() == Serials{1});
  CHECK(bench.home.rounds[0].drive == 2);
  CHECK(bench.record(*fresh, 0) == R"({"place":"slow1","region":"slow1"})");
  CHECK(bench.requests == std::vector<std::string>{"/v1/slow1"});  // nobody wants to know of slow2 any more
  CHECK(bench.gauges().pending.load() == 0);
}

TEST_CASE("a stage that waits has nothing in its hands, so no watch takes it for hung", "[waiting_stage]") {
  EnrichConfig config = WaitingBench::plain_config();
  config.http->deadline = 10min;
  WaitingBench bench(slow_or_known, config);
  bench.start();
  bench.send(1, bench.batch({bench.place("slow")}));
  CHECK(!bench.marks->mark->inside());
  StageWatch watch({.stall_max = 1s});
  for (int second = 0; second < 100; ++second) {
    std::vector<MappedMarks::Working> working;
    if (const auto inside = bench.marks->mark->inside()) working.push_back({PartitionId{3}, "geo", *inside, bench.marks->mark.get()});
    CHECK(watch.look(second * 1s, working, 0).working == nullptr);
    bench.pass_to(second * 1s);
  }
  CHECK(bench.home.rounds.empty());
  bench.fetch.release();
  bench.run();
  CHECK(bench.serials() == Serials{1});
  CHECK(!bench.marks->mark->inside());
}

TEST_CASE("an event that cannot be looked up now is for a retry, with what is known of when", "[waiting_stage]") {
  WaitingBench bench([](const std::string& path) {
    if (path == "/v1/busy") return status(503, {{"retry-after", "7"}});
    if (path == "/v1/silent") return silent();
    return named("x");
  });
  bench.start();
  bench.pass_to(2s);
  const auto batch = bench.batch({bench.place("silent"), bench.place("busy"), bench.place("late")});
  bench.send(1, batch);
  CHECK(bench.home.rounds.empty());
  bench.pass_to(3s);
  REQUIRE(bench.serials() == Serials{1});
  const ChainEvent &silent = batch->events()[0], &busy = batch->events()[1];
  CHECK(silent.verdict == Verdict::retry);
  CHECK(silent.rejection->stage == "geo");
  CHECK(silent.rejection->reason == "lookup");
  CHECK(silent.rejection->details == R"(["unreachable: http://geo.example did not answer within 1000 ms"])");
  CHECK(silent.rejection->retry.attempted);
  CHECK(silent.rejection->retry.not_before >= bench.clock.wall() + 100'000);
  CHECK(busy.rejection->details == R"(["overloaded: http://geo.example answered 503"])");
  CHECK(busy.rejection->retry.not_before == kWallStart + 9'000'000);
  CHECK(batch->events()[2].verdict == Verdict::pass);
  // The server asked to be left alone, so nobody is asked, and nobody made an attempt.
  const auto next = bench.batch({bench.place("next")});
  bench.send(2, next);
  REQUIRE(bench.serials() == Serials{1, 2});
  CHECK(next->events()[0].rejection->details == R"(["asked_to_wait: http://geo.example asked to be left alone"])");
  CHECK(!next->events()[0].rejection->retry.attempted);
  CHECK(next->events()[0].rejection->retry.not_before == kWallStart + 9'000'000);
  CHECK(bench.gauges().temporary.load() == 2);
  CHECK(bench.gauges().put_off.load() == 1);
  CHECK(bench.gauges().calls_failed.load() == 2);
}

TEST_CASE("what an event has behind it counts, and that it has been enough is not for the stage to say", "[waiting_stage]") {
  WaitingBench bench([](const std::string&) { return status(500); });
  bench.start();
  bench.send(7, bench.batch({bench.place("first")}));  // it pays for the retries of the others
  bench.pass_to(10s);
  // Made an hour ago, by a process before this one: the last attempt that retry_age_max allows.
  const auto old = bench.batch({bench.place("a")}, {.attempts = 3, .first_at = kWallStart + 10'000'000 - 3'600'000'000});
  bench.send(1, old);
  const auto many = bench.batch({bench.place("b")}, {.attempts = 19, .first_at = kWallStart});
  bench.send(2, many);
  REQUIRE(bench.serials() == Serials{7, 1, 2});
  for (const auto& batch : {old, many}) {
    CHECK(batch->events()[0].verdict == Verdict::retry);
    CHECK(batch->events()[0].rejection->retry.attempted);
    CHECK(batch->events()[0].rejection->retry.not_before >= bench.clock.wall());
  }
  CHECK(bench.gauges().calls_retried.load() == 2);
  CHECK(bench.gauges().temporary.load() == 1);
  CHECK(bench.gauges().exhausted.load() == 2);
}

TEST_CASE("an event that the server refuses is a dead letter, reason stage:lookup; one it does not know is as with a table", "[waiting_stage]") {
  EnrichConfig config = WaitingBench::plain_config();
  config.missing = OnMissing::reject;
  WaitingBench bench([](const std::string& path) { return status(path == "/v1/refused" ? 400 : 404); }, config);
  bench.start();
  const auto batch = bench.batch({bench.place("refused"), bench.place("unknown"), "{}", bench.place("..")});
  bench.send(1, batch);
  REQUIRE(bench.serials() == Serials{1});
  const auto said = [&](std::size_t i) {
    const Rejection& rejection = *batch->events()[i].rejection;
    return fmt::format("{} {} {}", rejection.stage, rejection.reason, rejection.details);
  };
  CHECK(said(0) == R"(geo stage:lookup ["refused: http://geo.example answered 400"])");
  CHECK(said(1) == R"(geo enrich_miss ["place: \"unknown\" is not known to http://geo.example"])");
  CHECK(said(2) == R"(geo enrich_miss ["place: is missing"])");
  CHECK(said(3) == R"(geo stage:lookup ["bad_key: a key of '.' or '..' cannot be a part of a path"])");
  CHECK(bench.gauges().invalid.load() == 2);
  CHECK(bench.gauges().missing.load() == 2);
}

TEST_CASE("a breaker that opens is told, nobody is asked meanwhile, and those who wait for their turn do not wait for nothing", "[waiting_stage]") {
  EnrichConfig config = WaitingBench::plain_config();
  config.http->calls_max = 1;
  config.http->breaker.failures_in_a_row_max = 2;
  config.http->breaker.probes_max = 1;
  bool down = true;
  WaitingBench bench([&down](const std::string&) { return down ? status(500) : named("x"); }, config);
  bench.start();
  std::vector<std::string> raws;
  for (int i = 0; i < 6; ++i) raws.push_back(bench.place(fmt::format("p{}", i)));
  const auto batch = bench.batch(raws);
  bench.send(1, batch);
  REQUIRE(bench.serials() == Serials{1});
  CHECK(bench.requests.size() == 2);
  CHECK(batch->events()[1].rejection->retry.attempted);
  for (int i = 2; i < 6; ++i) {
    CHECK(batch->events()[i].rejection->details == R"(["breaker_open: http://geo.example failed too often and is left alone"])");
    CHECK(!batch->events()[i].rejection->retry.attempted);
    CHECK(batch->events()[i].rejection->retry.not_before > bench.clock.wall());
  }
  CHECK(bench.gauges().breakers[static_cast<std::size_t>(BreakerState::open)].load() == 1);
  CHECK(bench.gauges().breakers[static_cast<std::size_t>(BreakerState::closed)].load() == 0);
  CHECK(bench.gauges().breaker_opened.load() == 1);
  CHECK(bench.board.report()[0].note.starts_with("breaker of http://geo.example: closed -> open (failures_in_a_row); nobody asks it for "));
  down = false;
  bench.pass_to(1min);
  bench.send(2, bench.batch({bench.place("p0")}));
  CHECK(bench.serials() == Serials{1, 2});
  CHECK(bench.gauges().breakers[static_cast<std::size_t>(BreakerState::closed)].load() == 1);
  CHECK(bench.board.report()[0].note.empty());
  REQUIRE(bench.log.lines.size() == 3);
  CHECK(bench.log.lines[0].starts_with("geo/3: breaker of http://geo.example: closed -> open (failures_in_a_row); nobody asks it for "));
  CHECK(bench.log.lines[1] == "geo/3: breaker of http://geo.example: open -> half_open (time_over)");
  CHECK(bench.log.lines[2] == "geo/3: breaker of http://geo.example: half_open -> closed (probes_succeeded)");
}

TEST_CASE("a fetcher that takes no calls makes retries of which nobody made an attempt", "[waiting_stage]") {
  WaitingBench bench(slow_or_known);
  bench.start();
  bench.fetch.close();
  const auto batch = bench.batch({bench.place("a"), bench.place("a")});
  bench.send(1, batch);
  REQUIRE(bench.serials() == Serials{1});
  CHECK(batch->events()[0].rejection->details == R"(["stopping: no more is asked: the node stops"])");
  CHECK(!batch->events()[0].rejection->retry.attempted);
  CHECK(batch->events()[1].verdict == Verdict::retry);
  CHECK(bench.gauges().put_off.load() == 2);
  CHECK(bench.gauges().pending.load() == 0);
}

TEST_CASE("there is a connection for every call, and where rounds are few there are as many as calls", "[waiting_stage]") {
  const auto with = [](std::uint32_t calls, std::uint32_t partitions) {
    PipelineConfig config;
    config.partitions = partitions;
    StageConfig stage;
    EnrichConfig enrich = WaitingBench::plain_config();
    enrich.http->calls_max = calls;
    stage.body = enrich;
    config.stages = {stage, stage};
    return config;
  };
  CHECK(chain_limits(PipelineConfig{}, {}).rounds_max == 3);
  CHECK(chain_limits(with(2, 8), {}).rounds_max == 3);
  CHECK(chain_limits(with(9, 8), {}).rounds_max == 9);
  CHECK(chain_limits(with(1'000, 8), {}).rounds_max == 64);
  CHECK(fetch_config(with(3, 8)).connections_per_host_max == 48);
  CHECK(fetch_config(with(3, 8)).calls_outstanding_max == 48);
  CHECK(fetch_config(with(1'000, 1'024)).connections_per_host_max == 1'000);
  CHECK(fetch_config(with(1'000, 1'024)).validate());
}

/// Waits until it is told, then throws where it was told to.
class Crashing final : public ChainStep {
 public:
  enum class Where { finish, task };
  explicit Crashing(Where where) : where_(where) {}
  std::string name() const override { return "geo"; }
  void attach(StageWorkHost host) override { host_ = std::move(host); }
  void run(ChainBatch&, CodeMark&) override {}
  bool begin(ChainBatch&, RoundNumber round, CodeMark&) override {
    host_.post([this, round] {
      if (where_ == Where::task) throw std::runtime_error("in a task");
      host_.ready(round);
    });
    return false;
  }
  void finish(ChainBatch& batch, RoundNumber, CodeMark& mark) override {
    mark.enter(batch.offset(batch.events()[1]), 1, 0);
    throw std::runtime_error("in finish");
  }

 private:
  Where where_;
  StageWorkHost host_;
};

TEST_CASE("a crash while a round is finished is that round's, and its event's where that is known; one in a task is nobody's", "[waiting_stage]") {
  WaitingBench bench(slow_or_known);
  bench.start(std::make_unique<Crashing>(Crashing::Where::finish));
  const auto batch = bench.batch({bench.place("a"), bench.place("b")});
  bench.send(5, batch, 2);
  REQUIRE(bench.home.crashes.size() == 1);
  const StageCrashed& crashed = bench.home.crashes[0];
  CHECK(crashed.drive == 2);
  CHECK(crashed.serial == 5);
  CHECK(crashed.event == batch->offset(batch->events()[1]));
  CHECK(crashed.error.context == "in finish");
  CHECK(bench.home.downs == 1);
  CHECK(!bench.marks->mark->inside());

  bench.start(std::make_unique<Crashing>(Crashing::Where::task));
  bench.send(6, bench.batch({bench.place("a")}), 3);
  REQUIRE(bench.home.crashes.size() == 2);
  CHECK(bench.home.crashes[1].drive == 0);
  CHECK(!bench.home.crashes[1].event);
  CHECK(bench.home.rounds.empty());
}

}  // namespace

// A plugin's stage that answers later, in its shell; the answers are the test's to give.
#include <thread>

#include <weir/abi.h>

#include "actors/plugin/plugin_host.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/component/waiting_stage/waiting_bench.h"
#include "tests/unit/plugin/later.h"

extern "C" const weir_plugin* weir_plugin_open(const weir_host* host, weir_message* why);

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

using Serials = std::vector<std::uint64_t>;
using Ids = std::vector<std::string>;

PipelineConfig config_of(const std::string& stage) {
  PluginKinds kinds = read_kinds(*weir_plugin_open(&plugin_host(), nullptr), "tests", Digest128{1, 2}).value();
  ConfigSources sources;
  sources.file = "p.yaml";
  sources.text = "pipeline: p\nrecord: {format: ndjson}\nstages: [{" + stage + ", name: geo}]\n";
  return YamlConfigLoader(std::move(kinds)).pipeline(sources).value();
}

struct Bench : WaitingBench {
  explicit Bench(const std::string& stage = "later: {}") : WaitingBench(config_of(stage)) {
    later::clear();
    start();
  }
  ~Bench() { later::clear(); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void answer(std::size_t which, const std::string& text) {
    later::answer(which, text);
    run();
  }
  static Ids ids() {
    Ids out;
    for (std::size_t i = 0; i < later::asked(); ++i) out.push_back(later::id(i));
    return out;
  }
  static std::string said(const ChainEvent& event) {
    return event.rejection == nullptr ? "" : fmt::format("{} {} {}", event.rejection->stage, event.rejection->reason, event.rejection->details);
  }
};

std::string event(const std::string& what) { return "{\"do\":\"" + what + "\"}"; }

TEST_CASE("a round waits until all of its events are answered, in whatever order, and others overtake it", "[pending_stage]") {
  Bench bench;
  const auto first = bench.batch({event("ask"), event("pass"), event("ask")});
  bench.send(1, first);
  CHECK(bench.home.rounds.empty());
  CHECK(bench.waits().pending.load() == 2);
  const auto second = bench.batch({event("pass"), event("at once")});
  bench.send(2, second);
  CHECK(bench.serials() == Serials{2});
  CHECK(bench.record(*second, 1) == R"({"do":"at once","answer":"at once"})");
  bench.answer(1, "two");
  CHECK(bench.serials() == Serials{2});
  CHECK(bench.waits().pending.load() == 1);
  bench.answer(0, "one");
  CHECK(bench.serials() == Serials{2, 1});
  CHECK(bench.record(*first, 0) == R"({"do":"ask","answer":"one"})");
  CHECK(bench.record(*first, 1) == R"({"do":"pass"})");
  CHECK(bench.record(*first, 2) == R"({"do":"ask","answer":"two"})");
  CHECK(bench.waits().pending.load() == 0);
  CHECK(bench.waits().answered.load() == 3);
  // The first one counts.
  bench.answer(0, "again");
  CHECK(bench.record(*first, 0) == R"({"do":"ask","answer":"one"})");
}

TEST_CASE("resume gives every verdict but pending", "[pending_stage]") {
  Bench bench;
  const auto batch = bench.batch({event("ask"), event("ask"), event("fail"), event("drop"), event("ask")});
  bench.send(1, batch);
  bench.answer(0, "reject");
  bench.answer(1, "retry");
  bench.answer(2, std::string((1 << 20) + 1, 'x'));
  REQUIRE(bench.serials() == Serials{1});
  const auto events = batch->events();
  CHECK(events[0].verdict == Verdict::reject);
  CHECK(Bench::said(events[0]) == R"(geo stage:asked ["for"])");
  CHECK(events[1].verdict == Verdict::retry);
  CHECK(Bench::said(events[1]) == R"(geo stage:busy ["later"])");
  CHECK(events[2].verdict == Verdict::retry);
  CHECK(Bench::said(events[2]) == R"(geo stage:failed ["the model ? sleeps"])");
  CHECK(events[3].verdict == Verdict::retry);
  CHECK(Bench::said(events[3]) == R"(geo stage:failed ["its completion was dropped without an answer"])");
  CHECK(events[4].verdict == Verdict::reject);
  CHECK(Bench::said(events[4]) == R"(geo stage:answer_too_large ["the answer has more than 1MiB"])");
  CHECK(bench.waits().answered.load() == 3);
  CHECK(bench.waits().failed.load() == 2);
}

TEST_CASE("an event without an answer at its deadline is for a retry, and an answer after that is counted and gone", "[pending_stage]") {
  Bench bench("later: {deadline: 2s}");
  const auto first = bench.batch({event("ask")});
  bench.send(1, first);
  bench.pass_to(1s);
  const auto second = bench.batch({event("ask"), event("ask")});
  bench.send(2, second);
  bench.pass_to(1'999ms);
  CHECK(bench.home.rounds.empty());
  bench.pass_to(2s);
  REQUIRE(bench.serials() == Serials{1});
  CHECK(first->events()[0].verdict == Verdict::retry);
  CHECK(first->events()[0].rejection->retry.attempted);
  CHECK(Bench::said(first->events()[0]) == R"--(geo stage:deadline ["no answer within 2s (deadline)"])--");
  bench.answer(0, "late");
  CHECK(bench.waits().unwanted.load() == 1);
  bench.answer(1, "in time");
  bench.pass_to(3s);
  CHECK(bench.serials() == Serials{1, 2});
  CHECK(bench.record(*second, 0) == R"({"do":"ask","answer":"in time"})");
  CHECK(second->events()[1].verdict == Verdict::retry);
  CHECK(bench.waits().late.load() == 2);
  CHECK(bench.waits().pending.load() == 0);
}

TEST_CASE("no more than pending_max are asked for at once; the others wait for their turn, and are overtaken by nobody", "[pending_stage]") {
  Bench bench("later: {pending_max: 2, deadline: 1s}");
  bench.send(1, bench.batch({event("ask"), event("ask"), event("ask"), event("pass")}));
  bench.send(2, bench.batch({event("pass"), event("ask")}));
  CHECK(Bench::ids() == Ids{"e0", "e1"});
  CHECK(bench.waits().pending.load() == 2);
  CHECK(bench.waits().turn.load() == 4);
  bench.answer(1, "b");
  CHECK(Bench::ids() == Ids{"e0", "e1", "e2"});
  CHECK(bench.waits().turn.load() == 3);
  bench.answer(0, "a");  // now there is room for the last of the first round and both of the second
  CHECK(Bench::ids() == Ids{"e0", "e1", "e2", "e1"});
  CHECK(bench.waits().turn.load() == 0);
  bench.answer(3, "d");
  CHECK(bench.serials() == Serials{2});
  bench.pass_to(1s);  // a deadline gives its place away, too
  CHECK(bench.serials() == Serials{2, 1});
  CHECK(bench.waits().late.load() == 1);
}

TEST_CASE("a plugin's stage that is killed while it waits takes everything along, and answers that come later find nobody", "[pending_stage]") {
  Bench bench;
  const auto batch = bench.batch({event("ask"), event("ask")});
  bench.send(1, batch);
  CHECK(batch.use_count() == 2);
  bench.kill();
  CHECK(batch.use_count() == 1);
  CHECK(bench.waits().pending.load() == 0);
  bench.start();
  const auto again = bench.batch({event("ask")});
  bench.send(1, again, 2);
  bench.answer(0, "of the dead");
  later::fail(1, "of the dead");
  CHECK(bench.waits().unwanted.load() == 2);
  CHECK(bench.home.rounds.empty());
  bench.answer(2, "of the living");
  CHECK(bench.serials() == Serials{1});
  CHECK(bench.record(*again, 0) == R"({"do":"ask","answer":"of the living"})");
}

TEST_CASE("a completion may outlive everything, and answers from any thread arrive", "[pending_stage]") {
  later::clear();
  std::shared_ptr<PendingBoard> board;
  {
    WaitingBench bench(config_of("later: {}"));
    bench.start();
    bench.send(1, bench.batch({event("ask"), event("ask")}));
    std::thread([] { later::answer(0, "from a thread"); }).join();
    bench.run();
    CHECK(bench.waits().answered.load() == 1);
    CHECK(bench.waits().pending.load() == 1);
    board = bench.pending;
  }
  std::thread([] { later::answer(1, "to nobody"); }).join();
  CHECK(board->of("geo")->unwanted.load() == 1);
}

TEST_CASE("rounds of an older drive are given up when a newer one comes, with the answers that they wait for", "[pending_stage]") {
  Bench bench("later: {pending_max: 1}");
  const auto old = bench.batch({event("ask"), event("ask")});
  bench.send(1, old, 1);
  bench.send(2, bench.batch({event("ask")}), 1);
  const auto fresh = bench.batch({event("ask"), event("pass")});
  bench.send(1, fresh, 2);
  CHECK(old.use_count() == 1);
  CHECK(later::asked() == 2);
  CHECK(bench.waits().pending.load() == 1);
  CHECK(bench.waits().turn.load() == 1);
  bench.answer(0, "of the older drive");
  CHECK(bench.waits().unwanted.load() == 1);
  bench.answer(1, "of the newer");
  REQUIRE(bench.serials() == Serials{1});
  CHECK(bench.home.rounds[0].drive == 2);
  CHECK(bench.record(*fresh, 0) == R"({"do":"ask","answer":"of the newer"})");
}

TEST_CASE("a plugin's stage that waits has nothing in its hands, so no watch takes it for hung", "[pending_stage]") {
  Bench bench("later: {deadline: 10m}");
  bench.send(1, bench.batch({event("ask")}));
  CHECK(!bench.marks->mark->inside());
  bench.answer(0, "a");
  CHECK(bench.serials() == Serials{1});
  CHECK(!bench.marks->mark->inside());
}

TEST_CASE("what decide, resume or a place in the queue throws is a crash of the stage, on that event", "[pending_stage]") {
  const auto crash_of = [](const std::string& stage, const std::string& what, const std::string& answer) {
    Bench bench(stage);
    const auto batch = bench.batch({event("ask"), event(what)});
    bench.send(5, batch, 2);
    if (bench.home.crashes.empty() && later::asked() == 2) bench.answer(1, answer);
    if (bench.home.crashes.empty()) bench.answer(0, "a");
    REQUIRE(bench.home.crashes.size() == 1);
    const StageCrashed& crashed = bench.home.crashes[0];
    CHECK(crashed.drive == 2);
    CHECK(crashed.serial == 5);
    CHECK(crashed.event == batch->offset(batch->events()[1]));
    CHECK(!bench.marks->mark->inside());
    return crashed.error.context;
  };
  CHECK(crash_of("later: {}", "throw", "") == "thrown while asking for e1");
  CHECK(crash_of("later: {pending_max: 1}", "throw", "") == "thrown while asking for e1");  // when its turn comes
  CHECK(crash_of("later: {}", "ask", "throw") == "thrown on the answer for e1");
  CHECK(crash_of("later: {}", "ask", "again") == "resume() answers pending(); what it has been asked for is to be decided now");
  CHECK(crash_of("later: {}", "ask", "more") == "it takes a completion where nobody waits for an answer; only decide() of a stage with resume() may");
  CHECK(crash_of("later: {}", "nobody", "") == "it answers pending() and nobody can answer; take a weir::Completion of the event first");
  CHECK(crash_of("later: {}", "twice", "") == "it takes a second completion of an event, which is answered once");
  CHECK(crash_of("later_lines: {}", "early", "") == "it adds records and answers pending(); add them in resume()");
}

TEST_CASE("a completion that is not needed is no event that waits", "[pending_stage]") {
  Bench bench;
  bench.send(1, bench.batch({event("needless")}));
  CHECK(bench.serials() == Serials{1});
  CHECK(bench.waits().failed.load() == 0);
}

TEST_CASE("an event is split by its answer, beside those that are split at once", "[pending_stage]") {
  Bench bench("later_lines: {}");
  const auto batch = bench.batch({event("now"), event("ask"), "{\"n\":1}"});
  bench.send(1, batch);
  bench.answer(1, "");
  bench.answer(0, "abc");
  REQUIRE(bench.serials() == Serials{1});
  REQUIRE(batch->events().size() == 6);
  std::string lines;
  for (std::size_t i = 0; i < 5; ++i) lines += bench.record(*batch, i);
  CHECK(lines == R"({"do":"now","line":"x"}{"do":"now","line":"y"}{"do":"ask","line":"a"}{"do":"ask","line":"b"}{"do":"ask","line":"c"})");
  CHECK(bench.record(*batch, 5) == R"({"n":1})");
}

TEST_CASE("the form for several events gets as many as may be pending at once", "[pending_stage]") {
  Bench bench("later_together: {pending_max: 2}");
  const auto batch = bench.batch({event("ask"), event("pass"), event("ask"), event("ask")});
  bench.send(1, batch);
  CHECK(Bench::ids() == Ids{"e0", "e2"});
  bench.answer(1, "");
  CHECK(Bench::ids() == Ids{"e0", "e2", "e3"});
  bench.answer(2, "filter");
  bench.answer(0, "");
  REQUIRE(bench.serials() == Serials{1});
  CHECK(batch->events()[3].verdict == Verdict::filter);
  CHECK(bench.record(*batch, 0) == R"({"do":"ask","count":2})");
  CHECK(bench.record(*batch, 2) == R"({"do":"ask","count":1})");
}

TEST_CASE("as many rounds as may be pending wait, where events come one by one", "[pending_stage]") {
  CHECK(chain_limits(config_of("later: {}"), {}).rounds_max == 64);
  CHECK(chain_limits(config_of("later: {pending_max: 9}"), {}).rounds_max == 9);
  CHECK(chain_limits(config_of("later: {pending_max: 1000}"), {}).rounds_max == 64);
  CHECK(chain_limits(config_of("never_later: {}"), {}).rounds_max == 3);
}

}  // namespace

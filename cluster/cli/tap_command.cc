#include <fmt/format.h>

#include <fstream>

#include "cluster/cli/biography_json.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"
#include "cluster/cli/raw_json.h"
#include "cluster/cli/signals.h"
#include "cluster/cli/tap_test.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

constexpr std::chrono::milliseconds kBetweenLooks{100};
/// How long events of --save-test may take to be decided. Arbitrary: longer than any commit.
constexpr std::chrono::seconds kDecidedWithin{30};
constexpr std::uint64_t kTestEventsMax = 1'000;

struct Options {
  std::string on;
  std::vector<std::string> where;
  double sample = 1;
  std::uint64_t limit = 0;
  std::string save_test;
  DataSource source;
  Output output = Output::table;
};

struct Page {
  std::vector<std::string> items;
  std::string next;
  std::uint64_t looked = 0, dropped = 0;
};

Result<Page> parse_page(std::string_view text) {
  Page page;
  const auto members = members_of(text);
  bool known = false;
  for (const auto& [name, value] : members.value_or(std::vector<std::pair<std::string, std::string>>{})) {
    if (name == "items") page.items = elements_of(value).value_or(std::vector<std::string>{});
    if (name == "next") known = append_unescaped(page.next, std::string_view(value).substr(1, value.size() - 2));
    if (name == "looked") page.looked = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "dropped") page.dropped = std::strtoull(value.c_str(), nullptr, 10);
  }
  if (!known) return fail(Errc::invalid_argument, "the node answered with something that is no tap; is it a weir node?");
  return page;
}

Result<std::string> target_of(const Options& options) {
  std::string target = "/v1/tap?on=" + percent_encoded(options.on) + fmt::format("&sample={}", options.sample);
  for (const std::string& condition : options.where) {
    const auto equals = condition.find('=');
    if (equals == std::string::npos || equals == 0) return fail(Errc::invalid_argument, "--where {}: write FIELD=VALUE", condition);
    target += "&where." + percent_encoded(condition.substr(0, equals)) + "=" + percent_encoded(condition.substr(equals + 1));
  }
  return target;
}

/// The names and values of an item on one line, for people; programs take JSON.
std::string line_of(const std::string& item) {
  std::string line;
  for (const auto& [name, value] : members_of(item).value_or(std::vector<std::pair<std::string, std::string>>{})) {
    const bool plain = name == "id" || name == "verdict" || name == "stage" || name == "reason" || name == "door";
    std::string text;
    if (plain) (void)append_unescaped(text, std::string_view(value).substr(1, value.size() - 2));
    if (name == "record" || name == "original" || name == "details") text = value;
    if (!text.empty()) line += (line.empty() ? "" : "  ") + text;
  }
  return line;
}

struct Seen {
  std::uint64_t shown = 0, looked = 0, dropped = 0;
  std::vector<TappedEvent> events;  // for --save-test
};

/// Until the limit, or until somebody has seen enough.
Result<Seen> follow(const Options& options, NodeClient& node, const SystemClock& clock) {
  const std::atomic<int>& signal = watch_signals();
  WEIR_ASSIGN(const std::string target, target_of(options));
  WEIR_ASSIGN(const std::string begin, node.get(target));
  WEIR_ASSIGN(Page page, parse_page(begin));
  fmt::print(stderr, "weir: looking at {}; Ctrl-C ends it\n", options.on);
  Seen seen;
  while (signal.load() == 0 && (options.limit == 0 || seen.shown < options.limit)) {
    const std::uint64_t left = options.limit == 0 ? 1'000 : std::min<std::uint64_t>(1'000, options.limit - seen.shown);
    WEIR_ASSIGN(const std::string text, node.get(fmt::format("{}&limit={}&cursor={}", target, left, percent_encoded(page.next))));
    WEIR_ASSIGN(page, parse_page(text));
    seen.looked += page.looked;
    seen.dropped += page.dropped;
    for (const std::string& item : page.items) {
      if (options.limit != 0 && seen.shown == options.limit) break;  // a commit comes whole
      ++seen.shown;
      if (!options.save_test.empty()) {
        WEIR_ASSIGN(TappedEvent event, tapped_event(item));
        seen.events.push_back(std::move(event));
      }
      if (!to_stdout((options.output == Output::json ? item : line_of(item)) + "\n")) return seen;
    }
    std::fflush(stdout);
    if (page.items.empty()) clock.wait_until(clock.now() + kBetweenLooks);
  }
  return seen;
}

/// What became of it, when it is decided or the time is over.
Result<Biography> life_of(NodeClient& node, const TappedEvent& event, const SystemClock& clock, TimePoint until) {
  for (;;) {
    WEIR_ASSIGN(const std::string text, node.get("/v1/events/" + percent_encoded(event.id)));
    WEIR_ASSIGN(Biography life, parse_biography(text));
    const bool pending = std::any_of(life.attempts.begin(), life.attempts.end(), [&](const Attempt& a) { return a.offset.value == event.offset && a.outcome == "in_flight"; });
    if (!pending || clock.now() >= until) return life;
    clock.wait_until(std::min(until, clock.now() + kBetweenLooks));
  }
}

int save(const Options& options, NodeClient& node, const Seen& seen, const SystemClock& clock) {
  std::vector<Biography> lives;
  const TimePoint until = clock.now() + kDecidedWithin;
  for (const TappedEvent& event : seen.events) {
    auto life = life_of(node, event, clock, until);
    if (!life) return report(life.error());
    lives.push_back(std::move(*life));
  }
  const WrittenTests written = write_tests(fmt::format("tapped at {} on {}", options.on, to_rfc3339(clock.wall())), seen.events, lives);
  if (written.events == 0) {
    fmt::print(stderr, "weir: no test was written: none of {} events can stand alone in one\n", seen.events.size());
    return kAnswerIsNo;
  }
  std::ofstream file(options.save_test, std::ios::binary | std::ios::trunc);
  file << "# Made of what came by: weir test PIPELINE --overlay " << options.save_test << "\n" << written.yaml;
  file.close();
  if (!file) return report(Error{Errc::io_failed, fmt::format("{}: cannot be written", options.save_test)});
  fmt::print(stderr, "weir: {} events in {}{}; run it: weir test PIPELINE --overlay {}\n", written.events, options.save_test,
             written.left_out == 0 ? "" : fmt::format(", {} left out: what became of them is not theirs alone", written.left_out), options.save_test);
  return kDone;
}

int run(Options& options) {
  if (!options.save_test.empty() && options.limit == 0) options.limit = 100;
  if (!options.save_test.empty() && options.limit > kTestEventsMax)
    return report(Error{Errc::invalid_argument, fmt::format("--limit: a test is made of at most {} events", kTestEventsMax)});
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  const SystemClock clock;
  const auto seen = follow(options, *node, clock);
  if (!seen) return report(seen.error());
  fmt::print(stderr, "weir: {} shown of {} that came by{}\n", with_separators(seen->shown), with_separators(seen->looked + seen->dropped),
             seen->dropped == 0 ? "" : fmt::format("; {} of them were not looked at, the tap was too slow for them", with_separators(seen->dropped)));
  if (!options.save_test.empty()) return save(options, *node, *seen, clock);
  const int signal = watch_signals().load();
  return signal == 0 ? kDone : 128 + signal;
}

}  // namespace

Command make_tap(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command("tap", "Look at what comes by in a running node: at its doors, behind a stage, in the curated or the dead-letter log");
  app.footer(
      "Example: weir tap curated --where country=NO\n"
      "         weir tap stage:enrich --sample 0.01 --output json\n"
      "         weir tap doors --limit 20 --save-test seen.yaml\n"
      "PLACE is doors, stage:NAME, curated or dead-letters. It shows what comes by from now on, until --limit or Ctrl-C, and never slows the node:\n"
      "what it has no time for is counted. --sample takes the events of a share of the ids, the same ones at every place.\n"
      "Exit code 1: --save-test found no event that can stand alone in a test; 130: ended by Ctrl-C (with --save-test what was seen is written then).");
  app.add_option("place", options->on, "Where to look").required().type_name("PLACE");
  app.add_option("--where", options->where, "Only what has this value: in the original record, behind a stage and in the curated log in what the stages made; may be repeated")
      .type_name("FIELD=VALUE")
      .repeatable();
  app.add_option("--sample", options->sample, "Share of the ids that are shown, above 0 up to 1").type_name("SHARE").shown_default("1");
  app.add_option("--limit", options->limit, "Ends behind so many; 0: goes on. With --save-test 100").type_name("N").shown_default("0");
  app.add_option("--save-test", options->save_test, "Writes a pipeline test of the events and of what became of them: an overlay for weir test").type_name("FILE");
  add_node(app, options->source.node);
  add_trust(app, options->source.trust);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli

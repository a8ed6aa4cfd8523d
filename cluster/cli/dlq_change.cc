// What people do with the dead letters of a running node: `weir dlq redrive`, `drop` and `edit`.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cluster/cli/data_options.h"
#include "cluster/cli/dlq_options.h"
#include "cluster/cli/progress.h"
#include "runtime/adapters/system/secret_file.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

/// More than any limits.event_bytes_max takes, and little enough to hold.
constexpr std::size_t kPayloadMax = std::size_t{64} << 20;

/// What the pages of one pass said.
struct Counts {
  std::uint64_t changed = 0;
  std::uint64_t gone = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t later = 0;
  std::string error;  // why some of `later` are left, where somebody said so
  [[nodiscard]] bool nothing() const { return changed + gone + conflicts + later == 0; }
};

/// Stages must run for this, and stopped data has none.
std::optional<int> refuse_data(const LetterOptions& options, std::string_view command) {
  const std::string directory = data_of(options.source);
  if (directory.empty()) return std::nullopt;
  return report(Error{Errc::limit_reached,
                      fmt::format("weir dlq {} changes what a running node has, for stages must run and one writer must say it: start the node with "
                                  "`weir up PIPELINE.yaml --data {}`, and name it by --node (WEIR_DATA must not be set then)",
                                  command, directory)},
                kRefused);
}

/// Adds what one answer says; its cursor, empty at the end.
Result<std::string> add_page(const std::string& text, Counts& counts) {
  try {
    const auto json = nlohmann::json::parse(text);
    counts.changed += json.at("changed").get<std::uint64_t>();
    counts.gone += json.at("gone").get<std::uint64_t>();
    counts.conflicts += json.at("conflicts").get<std::uint64_t>();
    counts.later += json.at("later").get<std::uint64_t>();
    for (const auto& error : json.at("errors"))
      counts.error = fmt::format("partition {}: {}", error.at("partition").get<std::uint64_t>(), error.at("detail").get<std::string>());
    return json.at("next").is_null() ? std::string() : json.at("next").get<std::string>();
  } catch (const nlohmann::json::exception& wrong) {
    return fail(Errc::invalid_argument, "the node answered with something else ({}); is it a weir node?", wrong.what());
  }
}

/// All pages of one pass, on top of `before`.
Result<Counts> one_pass(NodeClient& node, const std::string& target, const Counts& before, Progress& progress) {
  Counts counts{before.changed, before.gone, 0, 0, {}};
  std::string cursor;
  do {
    WEIR_ASSIGN(const std::string text, node.post(target + (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor))));
    WEIR_ASSIGN(cursor, add_page(text, counts));
    progress.update(counts.changed, 0);
  } while (!cursor.empty());
  return counts;
}

void print(std::string_view changed, const Counts& counts) {
  fmt::print("{} {}, gone {}, conflicts {}, later {}\n", changed, counts.changed, counts.gone, counts.conflicts, counts.later);
  std::fflush(stdout);
}

int code_of(const Counts& counts, LetterChange change) {
  if (counts.conflicts != 0) {
    fmt::print(stderr, "weir: {} in conflict with another event of the same id: such letters own none, and can be shown, exported and dropped\n", counts.conflicts);
    return kRefused;
  }
  if (counts.later != 0) {
    fmt::print(stderr, "weir: {} cannot be {} yet: {}; ask again\n", counts.later, change == LetterChange::redrive ? "redriven" : "dropped",
               counts.error.empty() ? "an event of their id is on its way, or too much is parked (retry.parked_events_max)" : counts.error);
    return kNotReady;
  }
  if (counts.nothing()) {
    fmt::print(stderr, "weir: no open dead letter fits\n");
    return kAnswerIsNo;
  }
  return kDone;
}

/// The bytes of --payload.
Result<std::string> read_payload(const std::string& name) {
  if (name != "-") {
    auto text = read_small_file(name, kPayloadMax, Closed::no);
    if (!text) return fail(Errc::input_unreadable, "--payload {}: {}", name, text.error().context);
    return text;
  }
  std::string text;
  char piece[64 * 1024];
  for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, stdin)) != 0;) {
    text.append(piece, got);
    if (text.size() > kPayloadMax) return fail(Errc::input_unreadable, "stdin: more than {} MiB are no event", kPayloadMax >> 20);
  }
  if (std::ferror(stdin) != 0) return fail(Errc::input_unreadable, "stdin cannot be read");
  return text;
}

}  // namespace

int change_letters(const LetterOptions& options, LetterChange change) {
  const std::string_view command = change == LetterChange::redrive ? "redrive" : "drop";
  const std::string_view changed = change == LetterChange::redrive ? "redriven" : "dropped";
  if (const auto refused = refuse_data(options, command)) return *refused;
  const auto parameters = parameters_of(options);
  if (!parameters) return report(parameters.error());
  const auto pause = parse_duration(options.pause);
  if (!pause) return report(Error{Errc::invalid_argument, "--pause: " + pause.error().context});
  if (parameters->empty() && !options.all)
    return report(Error{Errc::invalid_argument,
                        fmt::format("nothing chooses letters: --id, --stage, --reason, --from, --to or --where is wanted; to {} every open dead letter, say --all", command)});
  if (!parameters->empty() && options.all)
    return report(Error{Errc::invalid_argument, "--all beside something that chooses letters: one of them is wanted"});
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  const std::string target = fmt::format("/v1/dead-letters/{}?{}{}&why={}", command, options.all ? "all=true" : "limit=512", *parameters, percent_encoded(options.why));
  const SystemClock clock;
  Progress progress(clock, change == LetterChange::redrive ? "redriving" : "dropping", "letters");
  Counts counts;
  for (std::uint64_t tried = 0; tried < options.tries; ++tried) {
    if (tried != 0) clock.wait_until(clock.now() + *pause);
    auto pass = one_pass(*node, target, counts, progress);
    if (!pass) {
      progress.clear();
      if (pass.error().code == Errc::not_found && !counts.nothing()) break;  // the last ones went meanwhile
      if (!counts.nothing()) print(changed, counts);
      const bool none = pass.error().code == Errc::not_found;
      return none ? report(pass.error(), kAnswerIsNo) : report(pass.error());
    }
    counts = std::move(*pass);
    if (counts.later == 0) break;
  }
  progress.clear();
  print(changed, counts);
  return code_of(counts, change);
}

int edit_letter(const LetterOptions& options) {
  if (const auto refused = refuse_data(options, "edit")) return *refused;
  auto payload = read_payload(options.payload);
  if (!payload) return report(payload.error());
  auto node = open_node(options.source);
  if (!node) return report(node.error());
  std::string target = fmt::format("/v1/dead-letters/{}?why={}", percent_encoded(options.id), percent_encoded(options.why));
  if (!options.offset.empty()) target += "&offset=" + percent_encoded(options.offset);
  const auto text = node->put(target, std::move(*payload));
  if (!text) return text.error().code == Errc::not_found ? report(text.error(), kAnswerIsNo) : report(text.error());
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("offset")) return report(Error{Errc::invalid_argument, "the node answered with something else; is it a weir node?"});
  fmt::print("edited {}: {} bytes; weir dlq redrive --id {} uses them\n", options.id, json.value("bytes", std::uint64_t{0}), options.id);
  return kDone;
}

}  // namespace weir::cli

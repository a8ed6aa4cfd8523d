#include "cluster/cli/where_field.h"

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "cluster/cli/biography_json.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/node_client.h"
#include "cluster/cli/progress.h"
#include "cluster/node/event_search.h"
#include "runtime/adapters/system/system_clock.h"
#include "runtime/base/hash.h"
#include "runtime/base/units.h"

namespace weir::cli {

namespace {

/// Different events that are counted; beyond, the search ends and says so. Bounds its memory: some 100 MB with digest
/// ids.
constexpr std::size_t kEventsMax = 1'000'000;
constexpr std::size_t kPageEvents = 10'000;
/// Biographies that are in memory at the same time.
constexpr std::size_t kLivesAtOnce = 100;
constexpr std::size_t kSliceBytes = std::size_t{32} << 20;

/// A part of the scan, wherever it ran.
struct Page {
  std::vector<std::string> ids;
  bool more = false;
  std::uint64_t with_fields = 0;
  std::uint64_t scanned = 0;
  std::uint64_t total = 0;
};
/// Gives the pages one after another.
using NextPage = std::function<Result<Page>()>;

struct Found {
  std::vector<std::string> ids;  // to be printed, in the order of the scan: by partition, then offset
  std::size_t events = 0;        // different ones
  std::uint64_t with_fields = 0;
  std::uint64_t scanned = 0;
  bool given_up = false;  // at kEventsMax
};

Result<Found> find_events(const FieldSearch& search, const NextPage& next, Progress& progress) {
  Found found;
  std::unordered_set<std::uint64_t>
      seen;  // hashes: an id that is taken for another is one in 10^7 searches of a million
  for (bool more = true; more;) {
    WEIR_ASSIGN(Page page, next());
    for (std::string& id : page.ids) {
      if (!seen.insert(xxh3_128(id).low).second) continue;
      if (search.limit == 0 || found.ids.size() < search.limit) found.ids.push_back(std::move(id));
    }
    found.with_fields += page.with_fields;
    found.scanned = page.scanned;
    progress.update(page.scanned, page.total);
    found.given_up = page.more && seen.size() >= kEventsMax;
    more = page.more && !found.given_up;
  }
  found.events = seen.size();
  return found;
}

Result<std::vector<FieldCondition>> conditions_of(const FieldSearch& search) {
  std::vector<FieldCondition> conditions;
  for (const std::string& text : search.fields) {
    auto condition = parse_field_condition(text);
    if (!condition) return fail(condition.error().code, "--field {}", condition.error().context);
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

int nothing_found(const FieldSearch& search, const Found& found) {
  const std::string what = fmt::format("{}", fmt::join(search.fields, ", "));
  if (found.with_fields == 0) {
    fmt::print(stderr,
               "weir: none of the {} events in the time kept has {}: is the name that of the original record?\n",
               with_separators(found.scanned),
               search.fields.size() == 1
                   ? fmt::format("a field '{}'", search.fields.front().substr(0, search.fields.front().find('=')))
                   : "all of these fields");
  } else {
    fmt::print(stderr,
               "weir: no event with {} was seen in the time kept; {} events were looked through, {} of them have {}\n",
               what, with_separators(found.scanned), with_separators(found.with_fields),
               search.fields.size() == 1 ? "the field" : "the fields");
  }
  return kAnswerIsNo;
}

/// Prints biographies as they come.
class Lives {
 public:
  Lives(Output output, const Found& found) : json_(output == Output::json), found_(found) {
    if (json_) (void)to_stdout(R"({"events":[)");
  }
  bool print(const std::string& text) {
    const std::string_view between = first_ ? "" : json_ ? "," : "\n";
    first_ = false;
    ++printed_;
    return to_stdout(between) && to_stdout(json_ ? "\n" : "") && to_stdout(text);
  }
  int finish(const FieldSearch& search) {
    if (json_)
      (void)to_stdout(fmt::format("\n],\"total\":{}{}}}\n", found_.events, found_.given_up ? ",\"more\":true" : ""));
    std::fflush(stdout);
    fmt::print(stderr, "{} of {}{} events with {}{}{}\n", with_separators(printed_),
               found_.given_up ? "more than " : "", with_separators(found_.events), fmt::join(search.fields, ", "),
               printed_ < found_.events ? ": --limit 0 prints all" : "",
               found_.given_up ? "; the search ended there: add a --field that tells them apart" : "");
    return kDone;
  }
  [[nodiscard]] bool json() const noexcept { return json_; }

 private:
  bool json_;
  bool first_ = true;
  std::size_t printed_ = 0;
  const Found& found_;
};

int print_lives(const FieldSearch& search, const Found& found, const LogReader& log, const IndexOf& index, Output output) {
  Lives lives(output, found);
  for (std::size_t at = 0; at < found.ids.size(); at += kLivesAtOnce) {
    const auto begin = found.ids.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kLivesAtOnce, found.ids.size() - at));
    const auto read = biographies_of(log, index, {begin, begin + count});
    if (!read) return report(read.error());
    for (const Biography& life : *read)
      if (!lives.print(lives.json() ? biography_json(life) : biography_text(life))) return kDone;
  }
  return lives.finish(search);
}

/// What a node answers to a search. Error: it is something else.
Result<Page> parse_page(const std::string& text, std::string& cursor) {
  try {
    const auto json = nlohmann::json::parse(text);
    Page page;
    for (const auto& event : json.at("events")) page.ids.push_back(event.at("id"));
    page.more = !json.at("next").is_null();
    cursor = page.more ? json.at("next").get<std::string>() : std::string();
    page.with_fields = json.at("with_fields");
    page.scanned = json.at("scanned");
    page.total = json.at("total");
    return page;
  } catch (const nlohmann::json::exception& wrong) {
    return fail(Errc::invalid_argument, "the node answered with something that is no search ({}); is it a weir node?",
                wrong.what());
  }
}

int ask_lives(const FieldSearch& search, const Found& found, NodeClient& node, Output output, const Clock& clock) {
  Progress progress(clock, "reading", "biographies", Stdout::meanwhile);
  Lives lives(output, found);
  for (std::size_t i = 0; i < found.ids.size(); ++i) {
    auto text = node.get("/v1/events/" + percent_encoded(found.ids[i]));
    if (!text) return report(text.error());
    progress.update(i + 1, found.ids.size());
    if (lives.json()) {
      if (text->ends_with('\n')) text->pop_back();
      if (!lives.print(*text)) return kDone;
      continue;
    }
    const auto life = parse_biography(*text);
    if (!life) return report(life.error());
    if (!lives.print(biography_text(*life))) return kDone;
  }
  progress.clear();
  return lives.finish(search);
}

}  // namespace

int search_data(const FieldSearch& search, const StoppedData& data, Output output) {
  auto conditions = conditions_of(search);
  if (!conditions) return report(conditions.error());
  const SystemClock clock;
  Progress progress(clock, "searching", "events");
  const StoppedLogReader log{data.log()};
  FieldMatch match(std::move(*conditions), data.config().record.csv.separator);
  const NextPage next = [&, at = SearchPlace{}]() mutable -> Result<Page> {
    Page page;
    WEIR_ASSIGN(const SearchSlice slice, search_slice(log, match, at, kSliceBytes, [&page](const FoundEvent& event) {
                  page.ids.emplace_back(event.id);
                  return page.ids.size() < kPageEvents;
                }));
    page.more = slice.next.has_value();
    at = slice.next.value_or(at);
    page.with_fields = slice.with_fields;
    page.scanned = slice.scanned;
    page.total = slice.total;
    return page;
  };
  const auto found = find_events(search, next, progress);
  progress.clear();
  if (!found) return report(found.error());
  return found->ids.empty() ? nothing_found(search, *found) : print_lives(search, *found, log, [&data](PartitionId p) { return data.flushed(p); }, output);
}

int search_node(const FieldSearch& search, const DataSource& source, Output output) {
  const auto conditions = conditions_of(search);
  if (!conditions) return report(conditions.error());
  auto node = open_node(source);
  if (!node) return report(node.error());
  std::string question = fmt::format("/v1/events?limit={}", kPageEvents);
  for (const FieldCondition& condition : *conditions)
    question += "&where." + percent_encoded(condition.name) + "=" + percent_encoded(condition.value);
  const SystemClock clock;
  Progress progress(clock, "searching", "events");
  const NextPage next = [&, cursor = std::string()]() mutable -> Result<Page> {
    WEIR_ASSIGN(const std::string text,
                node->get(cursor.empty() ? question : question + "&cursor=" + percent_encoded(cursor)));
    return parse_page(text, cursor);
  };
  const auto found = find_events(search, next, progress);
  progress.clear();
  if (!found) return report(found.error());
  if (found->ids.empty()) return nothing_found(search, *found);
  return ask_lives(search, *found, *node, output, clock);
}

}  // namespace weir::cli

#include "runtime/ports/plugin_kinds.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <type_traits>

#include <weir/version.h>

#include "runtime/base/decimal.h"

namespace weir {

namespace {

constexpr std::string_view kStampBegin = "weir-plugin{";
constexpr std::string_view kServiceStampBegin = "weir-service{";
constexpr std::size_t kStampMax = 1'024;  // of the whole stamp; a compiler's version is some tens of bytes
constexpr std::size_t kKeysMax = 256;     // arbitrary: more than anybody reads

/// What messages call a kind, and the words that are weir's own there.
struct Section {
  std::string_view noun;   // "stage"
  std::string_view macro;  // "WEIR_STAGE"
  std::vector<std::string_view> kinds;
  std::vector<std::string_view> beside;  // keys that stand beside the kind's name
  std::vector<std::string_view> inside;  // keys that stand among the kind's own
};
const Section kStages{"stage", "WEIR_STAGE", {"validate", "enrich", "transform"}, {"name", "when"}, {"name", "when"}};
const Section kSinks{"sink",
                     "WEIR_SINK",
                     {"files", "http", "stdout"},
                     {"from", "begin", "when", "backoff_min", "backoff_max", "sink_lag_max"},
                     {"batch_events_max", "batch_bytes_max", "batch_age_max", "on_refused"}};

const Section kSources{"source", "WEIR_SOURCE", {"files", "http", "kafka"}, {}, {}};
const Section kViews{"view", "WEIR_VIEW", own_view_keys(), {}, {}};
// What rows of a view have beside the columns of its kind.
constexpr std::array<std::string_view, 3> kRowFields = {"window", "window_start", kFailedColumn};
constexpr std::size_t kColumnsMax = 64;
const Section kServices{"service", "WEIR_SERVICE", {}, {}, {}};

bool holds(const std::vector<std::string_view>& words, std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); }
std::string join(const std::vector<std::string_view>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

std::string_view view(weir_text text) { return {text.data, static_cast<std::size_t>(text.size)}; }

/// A letter, then letters, digits, `_`, `-`; at most 64.
bool good_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 64 && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

/// "0.1.0" as three numbers.
std::optional<std::array<unsigned, 3>> version(std::string_view text) {
  std::array<unsigned, 3> out{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (unsigned& part : out) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc{}) return std::nullopt;
    at = next == end ? end : next + 1;
  }
  return out;
}

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Calls `take` with what stands between the braces of each stamp, until it takes one.
template <class Take>
void each_stamp(std::string_view file, std::string_view begin, const Take& take) {
  for (std::size_t at = 0; (at = file.find(begin, at)) != std::string_view::npos; at += begin.size()) {
    const std::string_view stamp = file.substr(at + begin.size(), kStampMax);
    const std::size_t end = stamp.find('}');
    if (end != std::string_view::npos && take(stamp.substr(0, end))) return;
  }
}

/// What stands behind a key of a stamp.
std::string_view part_of(std::string_view stamp, std::string_view key) {
  const std::size_t begin = stamp.find(key);
  if (begin == std::string_view::npos) return {};
  const std::string_view value = stamp.substr(begin + key.size());
  return value.substr(0, value.find(';'));
}

/// CAF_VERSION as people write it: 1706 is 0.17.6.
std::string caf_version(unsigned number) { return fmt::format("{}.{}.{}", number / 10'000, number / 100 % 100, number % 100); }

/// What is wrong with a bound or a default, or "".
std::string wrong_value(const PluginKey& key, const std::string& value, const char* what, bool bound) {
  const auto say = [&](const char* why) { return fmt::format("its {} \"{}\" {}", what, value, why); };
  switch (key.type) {
    case PluginKey::Type::integer:
    case PluginKey::Type::duration:
    case PluginKey::Type::size: {
      const auto number = integer(value);
      if (!number) return say("is no integer");
      if (key.type != PluginKey::Type::integer && *number < 0) return say("is below zero");
      if (!bound && (*number < integer(key.min) || *number > integer(key.max))) return say("lies outside its range");
      return {};
    }
    case PluginKey::Type::decimal: {
      const auto number = Decimal::parse(value);
      if (!number) return say("is no number");
      if (bound) return {};
      if (!key.min.empty() && *number < *Decimal::parse(key.min)) return say("lies below its range");
      if (!key.max.empty() && *number > *Decimal::parse(key.max)) return say("lies above its range");
      return {};
    }
    case PluginKey::Type::boolean:
      return bound || value == "true" || value == "false" ? std::string() : say("is neither true nor false");
    case PluginKey::Type::word:
      if (bound || std::find(key.words.begin(), key.words.end(), value) != key.words.end()) return {};
      return say("is none of its words");
    case PluginKey::Type::text:
      break;
  }
  return {};
}

std::string wrong_key(const PluginKey& key) {
  const bool numbers = key.type == PluginKey::Type::integer || key.type == PluginKey::Type::duration || key.type == PluginKey::Type::size;
  for (const auto& [bound, what] : {std::pair{&key.min, "least value"}, {&key.max, "greatest value"}}) {
    if (bound->empty() && !numbers) continue;
    if (std::string wrong = wrong_value(key, *bound, what, true); !wrong.empty()) return wrong;
  }
  if (key.type == PluginKey::Type::word && key.words.empty()) return "it has no words to choose from";
  return key.required ? std::string() : wrong_value(key, key.fallback, "default", false);
}

Result<std::vector<PluginKey>> read_keys(std::span<const weir_key> raw, const Section& section, const std::string& where) {
  if (raw.size() > kKeysMax) return fail(Errc::config_invalid, "{} has {} keys; a {} has at most {}", where, raw.size(), section.noun, kKeysMax);
  std::vector<PluginKey> keys;
  std::set<std::string> names;
  for (const weir_key& one : raw) {
    PluginKey key;
    key.name = view(one.name);
    key.doc = view(one.doc);
    key.required = one.required != 0;
    key.min = view(one.min), key.max = view(one.max);
    key.fallback = view(one.fallback);
    for (const weir_text& word : std::span(one.words, one.word_count)) key.words.emplace_back(view(word));
    if (!good_name(key.name) || holds(section.inside, key.name))
      return fail(Errc::config_invalid, "{}: a key cannot be called \"{}\"; write a letter, then letters, digits, _ and - ({} are weir's own)", where,
                  key.name, join(section.inside));
    if (one.type > WEIR_KEY_WORD) return fail(Errc::config_invalid, "{}: the key \"{}\" has a type this weir does not know", where, key.name);
    key.type = static_cast<PluginKey::Type>(one.type);
    if (!names.insert(key.name).second) return fail(Errc::config_invalid, "{}: the key \"{}\" is declared twice", where, key.name);
    if (const std::string wrong = wrong_key(key); !wrong.empty())
      return fail(Errc::config_invalid, "{}: the key \"{}\" is declared wrongly: {}; mend it in the plugin", where, key.name, wrong);
    keys.push_back(std::move(key));
  }
  return keys;
}

/// What has no limit yet is bounded here, whatever an author thought of.
Result<void> add_pending_keys(PluginStageKind& kind, const std::string& where) {
  const PendingKeys usual;
  PluginKey deadline{"deadline", "an event that has no answer by then is tried again", PluginKey::Type::duration, false, "1000", "600000000",
                     std::to_string(usual.deadline.count()), {}};
  PluginKey pending_max{"pending_max", "events of one partition that wait for answers at once", PluginKey::Type::integer, false, "1", "1000",
                        std::to_string(usual.pending_max), {}};
  for (PluginKey* key : {&deadline, &pending_max}) {
    for (const PluginKey& own : kind.keys) {
      if (own.name == key->name)
        return fail(Errc::config_invalid, "{}: a key cannot be called \"{}\", which is weir's own for stages that answer later; give it another name", where, key->name);
    }
    kind.keys.push_back(std::move(*key));
  }
  return {};
}

/// Of kinds that have nothing but what all have.
Result<void> read_more(PluginKind&, const auto&, const std::string&) { return {}; }

Result<void> read_more(PluginStageKind& kind, const weir_stage_kind&, const std::string& where) {
  return answers_later(kind) ? add_pending_keys(kind, where) : Result<void>();
}

Result<void> read_more(PluginViewKind& kind, const weir_view_kind& raw, const std::string& where) {
  if (raw.column_count == 0 || raw.column_count > kColumnsMax)
    return fail(Errc::config_invalid, "{} has {} columns; a view shows 1 to {}", where, raw.column_count, kColumnsMax);
  for (const weir_text& text : std::span(raw.columns, static_cast<std::size_t>(raw.column_count))) {
    const std::string_view column = view(text);
    if (!good_name(column) || std::find(kRowFields.begin(), kRowFields.end(), column) != kRowFields.end())
      return fail(Errc::config_invalid, "{}: a column cannot be called \"{}\"; write a letter, then letters, digits, _ and - ({} are the row's own)", where,
                  column, fmt::join(kRowFields, ", "));
    if (std::find(kind.columns.begin(), kind.columns.end(), column) != kind.columns.end())
      return fail(Errc::config_invalid, "{}: the column \"{}\" is there twice", where, column);
    kind.columns.emplace_back(column);
  }
  return {};
}

template <class Kind>
Result<void> add(KindList<Kind>& all, std::shared_ptr<const Kind> kind, const Section& section) {
  if (const auto* other = find_kind(all, kind->name)) {
    if ((*other)->file == kind->file)
      return fail(Errc::config_invalid, "{}: the {} \"{}\" is registered twice; give one of them another name", kind->file, section.noun, kind->name);
    return fail(Errc::config_invalid, "{}: the {} \"{}\" is in {} already; load one of the two, or give one {} another name", kind->file, section.noun,
                kind->name, (*other)->file, section.noun);
  }
  all.push_back(std::move(kind));
  return {};
}

template <class Kind, class Raw>
Result<void> read_list(KindList<Kind>& all, std::span<const Raw> raws, const Section& section, const std::string& file, const Digest128& content) {
  for (const Raw& raw : raws) {
    auto kind = std::make_shared<Kind>();
    kind->name = view(raw.name);
    kind->file = file;
    kind->content = content;
    kind->raw = raw;
    if (holds(section.kinds, kind->name))
      return fail(Errc::config_invalid, "{}: the {} \"{}\" has the name of one of weir's own; give it another one", file, section.noun, kind->name);
    if (!good_name(kind->name) || holds(section.beside, kind->name))
      return fail(Errc::config_invalid, "{}: a {} cannot be called \"{}\"; write a letter, then letters, digits, _ and -, at most 64", file, section.noun,
                  kind->name);
    const std::string where = fmt::format("{}: the {} \"{}\"", file, section.noun, kind->name);
    WEIR_ASSIGN(kind->keys, read_keys({raw.keys, static_cast<std::size_t>(raw.key_count)}, section, where));
    WEIR_TRY(read_more(*kind, raw, where));
    WEIR_TRY(add<Kind>(all, std::move(kind), section));
  }
  return {};
}

template <class Kind>
Result<void> add_all(KindList<Kind>& all, KindList<Kind> more, const Section& section) {
  for (auto& kind : more) WEIR_TRY(add<Kind>(all, std::move(kind), section));
  return {};
}

}  // namespace

const std::vector<std::string_view>& own_view_keys() {
  static const std::vector<std::string_view> keys = {"latest", "fields", "group_by", "windows", "measures", "retain", "when"};
  return keys;
}

PendingKeys pending_keys(const PluginStageKind& kind, const std::vector<std::string>& values) {
  PendingKeys keys;
  const auto behind = static_cast<std::size_t>(kind.raw.key_count);
  keys.deadline = std::chrono::microseconds(integer(values.at(behind)).value_or(keys.deadline.count()));
  keys.pending_max = static_cast<std::uint32_t>(integer(values.at(behind + 1)).value_or(keys.pending_max));
  return keys;
}

Result<PluginStamp> read_stamp(std::string_view file) {
  std::optional<PluginStamp> found;
  each_stamp(file, kStampBegin, [&found](std::string_view stamp) {
    const auto abi = integer(part_of(stamp, "abi="));
    if (!abi || *abi < 1) return false;
    found = {static_cast<std::uint32_t>(*abi),    std::string(part_of(stamp, ";weir=")),  std::string(part_of(stamp, ";compiler=")),
             std::string(part_of(stamp, ";library=")), std::string(part_of(stamp, ";build=")), std::string(part_of(stamp, ";sanitizer="))};
    return true;
  });
  if (found) return *found;
  return fail(Errc::not_found, "nothing in it registers a stage, a sink, a source, a view or a service");
}

std::optional<ServiceStamp> read_service_stamp(std::string_view file) {
  std::optional<ServiceStamp> found;
  each_stamp(file, kServiceStampBegin, [&found](std::string_view stamp) {
    const auto caf = integer(part_of(stamp, ";caf="));
    if (!caf || *caf < 0) return false;
    found = {std::string(part_of(stamp, "weir=")), caf_version(static_cast<unsigned>(*caf)), std::string(part_of(stamp, ";compiler=")),
             std::string(part_of(stamp, ";library=")), std::string(part_of(stamp, ";sanitizer="))};
    return true;
  });
  return found;
}

Result<void> check_stamp(const PluginStamp& plugin, const PluginStamp& weir) {
  const auto build_again = [&weir](const std::string& what) {
    return fail(Errc::config_invalid, "{}; build it again with the package of weir {} (find_package(weir))", what, weir.weir);
  };
  if (plugin.abi != weir.abi)
    return build_again(fmt::format("it was built for version {} of the interface between weir and plugins (weir {}), this weir has version {}",
                                   plugin.abi, plugin.weir, weir.abi));
  const auto theirs = version(plugin.weir), ours = version(weir.weir);
  if (!theirs || !ours || *theirs > *ours)
    return build_again(fmt::format("it was built for weir {}, which is newer than this one, {}", plugin.weir, weir.weir));
  // What a sanitizer adds to a plugin needs its runtime in the program from the start: the process would end as it is loaded.
  if (plugin.sanitizer != weir.sanitizer && plugin.sanitizer != "none")
    return fail(Errc::config_invalid, "it was built with the {} sanitizer ({}), this weir {}; build the plugin without it, or weir with it",
                plugin.sanitizer, plugin.compiler, weir.sanitizer == "none" ? "without" : fmt::format("with the {} sanitizer", weir.sanitizer));
  return {};
}

Result<void> check_service_stamp(const ServiceStamp& plugin, const ServiceStamp& weir) {
  std::string wrong;
  const auto same = [&wrong](std::string_view what, const std::string& theirs, const std::string& ours) {
    if (theirs != ours) wrong += fmt::format("{}{} {} (this weir: {})", wrong.empty() ? "" : ", ", what, theirs.empty() ? "unknown" : theirs, ours);
  };
  same("weir", plugin.weir, weir.weir);
  same("CAF", plugin.caf, weir.caf);
  same("the compiler", plugin.compiler, weir.compiler);
  same("the standard library", plugin.library, weir.library);
  same("the sanitizer", plugin.sanitizer, weir.sanitizer);
  if (wrong.empty()) return {};
  return fail(Errc::config_invalid,
              "it has a service, which must be built as weir is, and it was built with {}; build it again with {}, CAF {} and the package of weir {} "
              "(find_package(weir COMPONENTS service))",
              wrong, weir.compiler, weir.caf, weir.weir);
}

ServiceStamp own_service_stamp(unsigned caf) {
  return {WEIR_VERSION_TEXT, caf_version(caf), WEIR_SERVICE_COMPILER, WEIR_SERVICE_LIBRARY, WEIR_STAMP_SANITIZER};
}

PluginStamp own_stamp() {
  // Never written as a plugin's stamp is, or this program would look like one.
  return {WEIR_ABI_VERSION, WEIR_VERSION_TEXT, WEIR_STAMP_COMPILER, WEIR_STAMP_LIBRARY, WEIR_STAMP_BUILD, WEIR_STAMP_SANITIZER};
}

Result<PluginKinds> read_kinds(const weir_plugin& plugin, const std::string& file, const Digest128& content) {
  if (plugin.abi != WEIR_ABI_VERSION) return fail(Errc::config_invalid, "{}: it says something else about itself than its file does", file);
  if (plugin.stage_count + plugin.sink_count + plugin.source_count + plugin.view_count + plugin.service_count == 0)
    return fail(Errc::config_invalid, "{}: nothing is registered in it; write {}, {}, {}, {} or {}(\"name\", Type)", file, kStages.macro, kSinks.macro,
                kSources.macro, kViews.macro, kServices.macro);
  PluginKinds kinds;
  WEIR_TRY(read_list(kinds.stages, std::span(plugin.stages, plugin.stage_count), kStages, file, content));
  WEIR_TRY(read_list(kinds.sinks, std::span(plugin.sinks, plugin.sink_count), kSinks, file, content));
  WEIR_TRY(read_list(kinds.sources, std::span(plugin.sources, plugin.source_count), kSources, file, content));
  WEIR_TRY(read_list(kinds.views, std::span(plugin.views, plugin.view_count), kViews, file, content));
  WEIR_TRY(read_list(kinds.services, std::span(plugin.services, plugin.service_count), kServices, file, content));
  return kinds;
}

Result<void> add_kinds(PluginKinds& all, PluginKinds more) {
  WEIR_TRY(add_all(all.stages, std::move(more.stages), kStages));
  WEIR_TRY(add_all(all.sinks, std::move(more.sinks), kSinks));
  WEIR_TRY(add_all(all.sources, std::move(more.sources), kSources));
  WEIR_TRY(add_all(all.views, std::move(more.views), kViews));
  return add_all(all.services, std::move(more.services), kServices);
}

}  // namespace weir

// The section `views`.
#include <algorithm>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

using std::chrono::microseconds;
constexpr std::size_t kViewsMax = 256;
constexpr std::size_t kMeasuresMax = 64;
constexpr std::size_t kGroupFieldsMax = 8;
constexpr microseconds kDay = std::chrono::hours(24);

void read_window(Context& context, const Node& node, const std::string& name, ViewConfig& out) {
  static const std::vector<std::pair<std::string, WindowConfig::Unit>> kCalendar = {
      {"day", WindowConfig::Unit::day},
      {"week", WindowConfig::Unit::week},
      {"month", WindowConfig::Unit::month},
      {"year", WindowConfig::Unit::year}};
  WindowConfig window;
  window.text = node.text;
  const auto unit = std::find_if(kCalendar.begin(), kCalendar.end(), [&](const auto& u) {
    return node.kind == Node::Kind::scalar && u.first == node.text;
  });
  if (unit != kCalendar.end()) {
    window.unit = unit->second;
  } else if (const auto size = duration_in(node, {std::chrono::seconds(1), 366 * kDay})) {
    window.size = *size;
  } else {
    std::vector<std::string> words;
    for (const auto& word : kCalendar) words.push_back(word.first);
    std::vector<std::string> meant = words;
    meant.insert(meant.end(), {"1s", "1m", "1h"});  // what is no calendar unit here may be one elsewhere
    context.findings.add(node.place,
                         fmt::format("\"{}\" must hold durations with their unit from 1s to 366d, such as 5m, or {}; "
                                     "found {}{}",
                                     name, join(words), describe_found(node), did_you_mean(node.text, meant)));
    return;
  }
  const bool twice = std::any_of(out.windows.begin(), out.windows.end(),
                                 [&](const WindowConfig& w) { return w.unit == window.unit && w.size == window.size; });
  if (twice) {
    context.findings.add(node.place, fmt::format("\"{}\" has the window {} twice", name, window.text));
  } else {
    out.windows.push_back(std::move(window));
  }
}

void read_windows(Context& context, const Node& node, const std::string& name, ViewConfig& out) {
  if (node.kind != Node::Kind::list) return read_window(context, node, name, out);
  if (node.items.empty() || node.items.size() > 8) {
    context.findings.add(node.place, fmt::format("\"{}\" must list 1 to 8 windows, found {}", name, node.items.size()));
    return;
  }
  for (const Node& item : node.items) read_window(context, item, name, out);
}

/// `count`, or {sum: amount}
bool read_measure(Context& context, const Entry& entry, const std::string& name, MeasureConfig& out) {
  static const std::vector<std::pair<std::string, MeasureKind>> kKinds = {{"sum", MeasureKind::sum},
                                                                          {"min", MeasureKind::min},
                                                                          {"max", MeasureKind::max},
                                                                          {"average", MeasureKind::average},
                                                                          {"distinct", MeasureKind::distinct}};
  const Node& node = entry.value;
  if (is_text(node) && node.text == "count") {
    out.kind = MeasureKind::count;
    return true;
  }
  std::vector<std::string> words;
  for (const auto& kind : kKinds) words.push_back(kind.first);
  if (node.kind != Node::Kind::map || node.entries.size() != 1) {
    std::string found = describe_found(node);
    if (node.entries.size() > 1) found = fmt::format("a map of {} keys; make it one measure for each", node.entries.size());
    if (is_text(node) && std::find(words.begin(), words.end(), node.text) == words.end()) {
      std::vector<std::string> meant = words;
      meant.emplace_back("count");
      found += did_you_mean(node.text, meant);
    }
    context.findings.add(node.place,
                         fmt::format("\"{}\" must be count or one of {} with its field, such as {{sum: amount}}; "
                                     "found {}",
                                     name, join(words), found));
    return false;
  }
  const Entry& form = node.entries.front();
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& k) { return k.first == form.key; });
  if (kind == kKinds.end()) {
    context.findings.add(
        form.place,
        form.key == "count"
            ? fmt::format("\"{}\": count counts rows and takes no field; write \"{}: count\"", name, entry.key)
            : fmt::format("unknown measure \"{}\" in \"{}\"; allowed: count, {}{}", form.key, name, join(words),
                          did_you_mean(form.key, words)));
    return false;
  }
  out.kind = kind->second;
  return read_path(context, form.value, fmt::format("{}.{}", name, form.key), out.path);
}

void read_measures(Context& context, const Node& node, const std::string& name, ViewConfig& out) {
  MapReader map(context, node, name);
  if (!map.valid()) return;
  if (node.entries.empty() || node.entries.size() > kMeasuresMax) {
    context.findings.add(node.place, fmt::format("\"{}\" must have 1 to {} measures, found {}", name, kMeasuresMax,
                                                 node.entries.size()));
    return;
  }
  for (const Entry& entry : node.entries) {
    MeasureConfig measure;
    measure.name = entry.key;
    const bool named = read_name(context, entry.place, entry.key, "the measure name");
    if (named && (entry.key == "window" || entry.key == "window_start")) {
      context.findings.add(
          entry.place,
          fmt::format("the measure \"{}\" would hide the row's own {}; give it another name", entry.key, entry.key));
      continue;
    }
    const auto group = std::find_if(out.group_by.begin(), out.group_by.end(),
                                    [&](const FieldPath& path) { return path.text == entry.key; });
    if (group != out.group_by.end()) {
      context.findings.add(
          entry.place,
          fmt::format("the measure \"{}\" has the name of a group field; give it another name", entry.key));
      continue;
    }
    if (read_measure(context, entry, map.path(entry.key), measure) && named) out.measures.push_back(std::move(measure));
  }
  for (const MeasureConfig& measure : out.measures) {
    if (measure.kind != MeasureKind::distinct) continue;
    const std::string said = approximate_column(measure.name);
    const auto taken =
        std::find_if(node.entries.begin(), node.entries.end(), [&](const Entry& e) { return e.key == said; });
    const bool grouped =
        std::any_of(out.group_by.begin(), out.group_by.end(), [&](const FieldPath& p) { return p.text == said; });
    if (taken == node.entries.end() && !grouped) continue;
    context.findings.add(
        taken == node.entries.end() ? node.place : taken->place,
        fmt::format("rows of \"{}\" say in \"{}\" whether the distinct count \"{}\" is an estimate; give "
                    "your own field another name",
                    name, said, measure.name));
  }
}

bool own_key(std::string_view key) {
  const auto& own = own_view_keys();
  return std::find(own.begin(), own.end(), key) != own.end();
}

/// What a plugin has in place of measures. A name that no plugin has is left for finish() to report, but in stored data: there the rows of a
/// plugin that is not loaded are left as they are.
void read_plugin_view(Context& context, MapReader& map, const Node& node, ViewConfig& out) {
  if (context.plugins != nullptr)
    for (const auto& kind : context.plugins->views) (void)map.take(kind->name);  // finish() names them all
  for (const Entry& entry : node.entries) {
    const auto* const kind = context.plugins == nullptr ? nullptr : find_kind(context.plugins->views, entry.key);
    const bool foreign = kind == nullptr && context.stored && !own_key(entry.key);
    if (kind == nullptr && !foreign) continue;
    const Node* const body = map.take(entry.key);
    if (out.plugin) {
      context.findings.add(entry.place, fmt::format("\"{}\": the view has {} already; make it two views", map.path(entry.key), out.plugin->kind_name));
      continue;
    }
    out.plugin.emplace();
    out.plugin->kind_name = entry.key;
    if (kind == nullptr) continue;
    out.plugin->kind = *kind;
    MapReader keys(context, *body, map.path(entry.key));
    read_plugin_keys(context, keys, **kind, out.plugin->values);
    keys.finish();
    for (const FieldPath& path : out.group_by) {
      const auto& columns = (*kind)->columns;
      if (path.text != kFailedColumn && std::find(columns.begin(), columns.end(), path.text) == columns.end()) continue;
      context.findings.add(entry.place, fmt::format("the group field \"{0}\" would hide the row's own {0}; copy it to another name in a transform stage", path.text));
    }
  }
}

/// `latest`, measures and what a plugin has exclude each other, with everything that belongs to them.
void check_kind(Context& context, MapReader& map, const Node& node, const ViewConfig& view) {
  const Node* latest = map.take("latest");
  if (latest == nullptr) {
    const Node* const measures = map.take("measures");
    if (measures == nullptr && !view.plugin) {
      std::string kinds;
      if (context.plugins != nullptr)
        for (const auto& kind : context.plugins->views) kinds += ", or " + kind->name;
      const bool other = std::any_of(node.entries.begin(), node.entries.end(), [](const Entry& entry) { return !own_key(entry.key); });
      context.findings.add(node.place, fmt::format("the view \"{}\" must have either latest or measures{}{}", view.name, kinds,
                                                   other ? "; a view of your own comes from a plugin: name its file under \"plugins\" of the node file, or with --plugin" : ""));
    }
    if (measures != nullptr && view.plugin) {
      context.findings.add(measures->place, fmt::format("\"{}\" contradicts {}: a view has one of them; make it two views", map.path("measures"), view.plugin->kind_name));
    }
    if (const Node* fields = map.take("fields")) {
      context.findings.add(fields->place,
                           fmt::format("\"{}\" belongs to a latest view, this one has {}", map.path("fields"), view.plugin ? view.plugin->kind_name : "measures"));
    }
    return;
  }
  if (view.plugin) context.findings.add(latest->place, fmt::format("\"{}\" contradicts {}: a view has one of them; make it two views", map.path("latest"), view.plugin->kind_name));
  for (const std::string_view key : {"group_by", "windows", "measures", "retain"}) {
    if (const Node* other = map.take(key)) {
      context.findings.add(other->place,
                           fmt::format("\"{}\" contradicts latest: a view keeps the latest record per key or "
                                       "measures, not both; make it two views",
                                       map.path(key)));
    }
  }
}

void read_latest(Context& context, MapReader& map, ViewConfig& out) {
  if (const Node* latest = map.take("latest")) {
    FieldPath path;
    if (read_path(context, *latest, map.path("latest"), path)) out.latest = std::move(path);
  }
  const Node* fields = map.take("fields");
  std::vector<FieldPath> paths;
  if (fields == nullptr || !read_paths(context, *fields, map.path("fields"), 256, paths)) return;
  for (FieldPath& path : paths) {
    if (path.envelope()) {
      context.findings.add(fields->place,
                           fmt::format("\"{}\" names \"{}\": a latest row has id and time anyway; name fields of "
                                       "the record",
                                       map.path("fields"), path.text));
    } else {
      out.fields.push_back(std::move(path));
    }
  }
}

void read_aggregate(Context& context, MapReader& map, ViewConfig& out) {
  const Node* group = map.take("group_by");
  if (group != nullptr && read_paths(context, *group, map.path("group_by"), kGroupFieldsMax, out.group_by)) {
    for (const FieldPath& path : out.group_by) {
      if (path.text != "window" && path.text != "window_start") continue;
      context.findings.add(group->place,
                           fmt::format("the group field \"{0}\" would hide the row's own {0}; copy it to another "
                                       "name in a transform stage",
                                       path.text));
    }
  }
  if (const Node* windows = map.take("windows")) read_windows(context, *windows, map.path("windows"), out);
  if (const Node* measures = map.take("measures")) read_measures(context, *measures, map.path("measures"), out);
  const Node* retain = map.take("retain");
  if (retain == nullptr) return;
  microseconds value{};
  if (read_duration(context, *retain, map.path("retain"), {std::chrono::minutes(1), 36'500 * kDay}, value))
    out.retain = value;
  if (map.take("windows") == nullptr && map.take("latest") == nullptr) {
    context.findings.add(retain->place,
                         fmt::format("\"{}\" needs windows: it hides windows that ended long ago", map.path("retain")));
  }
}

void read_view(Context& context, const Entry& entry, ViewConfig& out) {
  out.name = entry.key;
  out.place = entry.place;
  MapReader map(context, entry.value, fmt::format("views.{}", entry.key));
  if (!map.valid()) return;
  read_latest(context, map, out);
  read_aggregate(context, map, out);
  read_plugin_view(context, map, entry.value, out);
  if (const Node* when = map.take("when")) {
    WhenConfig condition;
    if (read_when(context, *when, map.path("when"), condition)) out.when = std::move(condition);
  }
  check_kind(context, map, entry.value, out);
  map.finish();
}

}  // namespace

void read_views(Context& context, const Node& node, std::vector<ViewConfig>& out) {
  MapReader map(context, node, "views");
  if (!map.valid()) return;
  if (node.entries.size() > kViewsMax) {
    context.findings.add(node.place,
                         fmt::format("\"views\" must have at most {} views, found {}", kViewsMax, node.entries.size()));
    return;
  }
  for (const Entry& entry : node.entries) {
    (void)read_name(context, entry.place, entry.key, "the view name");
    read_view(context, entry, out.emplace_back());
  }
}

}  // namespace weir::yaml

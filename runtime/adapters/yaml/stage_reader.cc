// The section `stages`: the list, and the stages enrich and transform.
#include <algorithm>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kStagesMax = 64;
constexpr std::size_t kAnswerFieldsMax = 256;

std::vector<std::string> kinds_of(const Context& context) {
  std::vector<std::string> kinds = {"validate", "enrich", "transform"};
  if (context.plugins != nullptr)
    for (const auto& kind : context.plugins->stages) kinds.push_back(kind->name);
  return kinds;
}

/// `name` and `when` stand beside the kind or inside its map; giving one in both places is a contradiction.
struct StageExtras {
  const Node* name = nullptr;
  const Node* when = nullptr;
};

StageExtras take_extras(Context& context, MapReader& item, Node& body) {
  StageExtras extras{item.take("name"), item.take("when")};
  for (auto [key, slot] : {std::pair{"name", &extras.name}, std::pair{"when", &extras.when}}) {
    const Node* inside = body.find(key);
    if (inside == nullptr) continue;
    if (*slot != nullptr) {
      context.findings.add(inside->place,
                           fmt::format("\"{}\" stands beside and inside the stage; keep one of them", key));
    } else {
      *slot = inside;
    }
  }
  return extras;
}

/// The stage's own map without `name` and `when`.
Node without_extras(const Node& node) {
  Node body = node;
  std::erase_if(body.entries, [](const Entry& entry) { return entry.key == "name" || entry.key == "when"; });
  return body;
}

void refuse_kind(Context& context, const Entry& entry, const std::vector<std::string>& kinds) {
  static const std::vector<std::string> kTransforms = {"split", "set", "filter", "drop", "script"};
  const bool transforms = std::find(kTransforms.begin(), kTransforms.end(), entry.key) != kTransforms.end();
  std::string hint = transforms ? fmt::format("; write transform: {{{}: ...}}", entry.key) : did_you_mean(entry.key, kinds);
  if (hint.empty()) hint = "; a stage of your own comes from a plugin: name its file under \"plugins\" of the node file, or with --plugin";
  context.findings.add(entry.place, fmt::format("unknown stage \"{}\"; allowed: {} (and name, when beside it){}", entry.key, join(kinds), hint));
}

void read_stage(Context& context, const Node& node, std::size_t index, std::vector<StageConfig>& out) {
  const std::vector<std::string> kinds = kinds_of(context);
  const std::string item_name = fmt::format("stages.{}", index);
  MapReader item(context, node, item_name);
  if (!item.valid()) return;
  const Entry* kind = nullptr;
  for (const Entry& entry : node.entries) {
    if (entry.key == "name" || entry.key == "when") continue;
    if (std::find(kinds.begin(), kinds.end(), entry.key) == kinds.end()) return refuse_kind(context, entry, kinds);
    if (kind != nullptr) {
      context.findings.add(entry.place, fmt::format("\"{}\" already is a \"{}\"; begin a new list item for \"{}\"",
                                                    item_name, kind->key, entry.key));
      return;
    }
    kind = &entry;
  }
  if (kind == nullptr) {
    context.findings.add(node.place, fmt::format("\"{}\" names no stage; allowed: {}", item_name, join(kinds)));
    return;
  }
  StageConfig stage;
  stage.kind = kind->key;
  stage.name = kind->key;
  stage.place = kind->place;
  Node original = kind->value;
  const StageExtras extras = take_extras(context, item, original);
  const Node body = without_extras(kind->value);
  ConfigPlace name_place = kind->place;
  if (extras.name != nullptr && read_text(context, *extras.name, item_name + ".name", stage.name)) {
    name_place = extras.name->place;
    if (!read_name(context, name_place, stage.name, "the stage name")) stage.name.clear();
  }
  if (extras.when != nullptr) {
    WhenConfig condition;
    if (read_when(context, *extras.when, item_name + ".when", condition)) stage.when = std::move(condition);
  }
  // What dead letters and the tree of actors call weir's own steps.
  for (const std::string_view own : {"parse", "dedupe", "late", "encode", "views"}) {
    if (stage.name != own) continue;
    context.findings.add(name_place, fmt::format("the stage name \"{}\" is taken by a step of weir's own; give it another one (name: …)", own));
  }
  for (const StageConfig& other : out) {
    if (stage.name.empty() || other.name != stage.name) continue;
    context.findings.add(name_place,
                         fmt::format("a second stage is called \"{}\", the first one stands in line {}; give it a "
                                     "name of its own (name: …)",
                                     stage.name, other.place.line));
  }
  const std::string body_name = fmt::format("{}.{}", item_name, stage.kind);
  const auto* const plugin = context.plugins == nullptr ? nullptr : find_kind(context.plugins->stages, stage.kind);
  if (plugin != nullptr) {
    read_plugin_stage(context, body, body_name, *plugin, stage.body.emplace<PluginStageConfig>());
  } else if (stage.kind == "validate") {
    read_validate(context, body, body_name, stage.body.emplace<ValidateConfig>());
  } else if (stage.kind == "enrich") {
    read_enrich(context, body, body_name, stage.body.emplace<EnrichConfig>());
  } else {
    read_transform(context, body, body_name, stage.body.emplace<TransformConfig>());
  }
  out.push_back(std::move(stage));
}

void read_add(Context& context, const Node& node, const std::string& name, const std::vector<std::string>& columns,
              EnrichConfig& out) {
  MapReader map(context, node, name);
  if (!map.valid()) return;
  if (node.entries.empty()) {
    context.findings.add(node.place, fmt::format("\"{}\" must add at least one field", name));
  }
  if (out.http && node.entries.size() > kAnswerFieldsMax)
    context.findings.add(node.place, fmt::format("\"{}\" must add at most {} fields of an answer, found {}", name, kAnswerFieldsMax, node.entries.size()));
  for (const Entry& entry : node.entries) {
    std::string field;
    std::string column;
    const bool good = read_field(context, entry.place, entry.key, name, field);
    if (!read_text(context, entry.value, map.path(entry.key), column)) continue;
    if (out.http) {
      FieldPath path;
      if (read_path(context, entry.value, map.path(entry.key), path, false) && good) {
        out.http->answer.push_back(std::move(path));
        out.add.emplace_back(std::move(field), std::move(column));
      }
      continue;
    }
    if (!columns.empty() && std::find(columns.begin(), columns.end(), column) == columns.end()) {
      context.findings.add(entry.value.place,
                           fmt::format("the table \"{}\" has no column \"{}\"; its columns are {}{}", out.table.file,
                                       column, join(columns), did_you_mean(column, columns)));
    } else if (good) {
      out.add.emplace_back(std::move(field), std::move(column));
    }
  }
}

/// `add`: what the stage adds, whether or not it is right; may be null.
void read_missing(Context& context, const Node& node, const std::string& name, const Node* add, EnrichConfig& out) {
  if (node.kind != Node::Kind::map) {
    static const std::vector<std::pair<std::string, OnMissing>> kWords = {{"pass", OnMissing::pass},
                                                                          {"reject", OnMissing::reject}};
    if (is_text(node) && (node.text == "pass" || node.text == "reject")) {
      read_enum(context, node, name, kWords, out.missing);
    } else {
      context.findings.add(node.place, fmt::format("\"{}\" must be pass, reject or a map of field: value, found {}",
                                                   name, describe_found(node)));
    }
    return;
  }
  out.missing = OnMissing::fill;
  std::vector<std::string> fields;
  if (add != nullptr) {
    for (const Entry& entry : add->entries) fields.push_back(entry.key);
  }
  if (node.entries.empty()) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must give at least one field a value; allowed: {}", name, join(fields)));
  }
  for (const Entry& entry : node.entries) {
    Constant value;
    std::string field;
    const bool good = read_field(context, entry.place, entry.key, name, field) &&
                      read_constant(context, entry.value, fmt::format("{}.{}", name, entry.key), value);
    if (good && std::find(fields.begin(), fields.end(), field) == fields.end()) {
      context.findings.add(entry.place, fmt::format("\"{}\" fills \"{}\", which this stage does not add; allowed: {}{}",
                                                    name, entry.key, join(fields), did_you_mean(field, fields)));
    } else if (good) {
      out.fill.emplace_back(std::move(field), std::move(value));
    }
  }
}

}  // namespace

void read_enrich(Context& context, const Node& node, const std::string& name, EnrichConfig& out) {
  MapReader map(context, node, name);
  std::vector<std::string> columns;
  const Node* http = map.take("http");
  const Node* table = http == nullptr ? map.require("table", "{file: FILE.csv, key: COLUMN} (or http: {url: \"https://geo.example/v1/{FIELD}\"})") : map.take("table");
  if (http != nullptr && table != nullptr)
    context.findings.add(table->place, fmt::format("\"{}\" looks up a table and asks a server; write two stages, or leave one of them out", name));
  if (table != nullptr) read_table(context, *table, map.path("table"), out.table, columns);
  if (http != nullptr) read_http_lookup(context, *http, map.path("http"), out.http.emplace(), out.key);
  const Node* key = map.take("key");
  if (http != nullptr) {
    if (key != nullptr)
      context.findings.add(key->place, fmt::format("\"{}\" is of tables; the fields in the address of \"{}\" are its key", map.path("key"), map.path("http.url")));
  } else if (key == nullptr) {
    // The event's fields are called as the table's columns unless said otherwise; a dot in a column is part of its
    // name.
    for (const std::string& column : out.table.key) out.key.push_back(FieldPath{{column}, column});
  } else if (read_paths(context, *key, map.path("key"), 8, out.key) && !out.table.key.empty() &&
             out.key.size() != out.table.key.size()) {
    context.findings.add(key->place,
                         fmt::format("\"{}\" must name one field for each of the table's {} key columns, found {}",
                                     map.path("key"), out.table.key.size(), out.key.size()));
  }
  const Node* add = map.require("add", "{FIELD: COLUMN}");
  if (add != nullptr) read_add(context, *add, map.path("add"), columns, out);
  if (const Node* missing = map.take("missing")) read_missing(context, *missing, map.path("missing"), add, out);
  map.finish();
}

void read_stages(Context& context, const Node& node, std::vector<StageConfig>& out) {
  if (node.kind != Node::Kind::list) {
    context.findings.add(node.place,
                         fmt::format("\"stages\" must be a list, each item beginning with \"- KIND:\" ({}); found {}",
                                     join(kinds_of(context)), describe_found(node)));
    return;
  }
  if (node.items.size() > kStagesMax) {
    context.findings.add(node.place,
                         fmt::format("\"stages\" must have at most {} items, found {}", kStagesMax, node.items.size()));
    return;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) read_stage(context, node.items[i], i, out);
}

}  // namespace weir::yaml

// The stage `transform`: what it splits, sets, filters and drops.
#include <algorithm>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

void read_split(Context& context, const Node& node, const std::string& name, SplitConfig& out) {
  if (is_text(node)) {
    if (read_path(context, node, name, out.field, false) && out.field.parts.size() == 1) {
      out.as = out.field.parts.front();
    } else if (out.field.parts.size() > 1) {
      context.findings.add(node.place,
                           fmt::format("\"{}\" is inside an object; say where its elements go: {{field: {}, "
                                       "as: FIELD}}",
                                       name, out.field.text));
    }
    return;
  }
  if (node.kind != Node::Kind::map) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must be a field, or a map of field, as, parts_max and missing; "
                                     "found {}",
                                     name, describe_found(node)));
    return;
  }
  MapReader map(context, node, name);
  const Node* field = map.require("field", "FIELD");
  const bool good = field != nullptr && read_path(context, *field, map.path("field"), out.field, false);
  const Node* as = map.take("as");
  std::string text;
  if (as != nullptr && read_text(context, *as, map.path("as"), text)) {
    (void)read_field(context, as->place, text, map.path("as"), out.as);
  } else if (as == nullptr && good && out.field.parts.size() == 1) {
    out.as = out.field.parts.front();
  } else if (as == nullptr && good) {
    context.findings.add(field->place, fmt::format("\"{}\" is inside an object; say where its elements go (as: FIELD)",
                                                   map.path("field")));
  }
  if (const Node* most = map.take("parts_max"))
    read_integer(context, *most, map.path("parts_max"), Range<std::uint32_t>{1, 4'096}, out.parts_max);
  static const std::vector<std::pair<std::string, OnMissing>> kMissing = {{"pass", OnMissing::pass},
                                                                          {"reject", OnMissing::reject}};
  if (const Node* missing = map.take("missing"))
    read_enum(context, *missing, map.path("missing"), kMissing, out.missing);
  map.finish();
}

void read_filter(Context& context, const Node& node, const std::string& name, FilterConfig& out) {
  MapReader map(context, node, name);
  const Node* keep = map.take("keep");
  const Node* drop = map.take("drop");
  map.finish();
  if (!map.valid()) return;
  if ((keep == nullptr) == (drop == nullptr)) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must say which events go on: keep or drop, one of them, such as "
                                     "{{keep: {{Country: France}}}}",
                                     name));
    return;
  }
  out.keep = keep != nullptr;
  read_condition(context, out.keep ? *keep : *drop, map.path(out.keep ? "keep" : "drop"), out.condition);
}

void read_set(Context& context, const Node& node, const std::string& name, TransformConfig& out) {
  MapReader fields(context, node, name);
  if (fields.valid() && node.entries.empty())
    context.findings.add(node.place, fmt::format("\"{}\" must set at least one field", name));
  for (const Entry& entry : node.entries) {
    std::string field;
    Expression expression;
    const bool good = read_field(context, entry.place, entry.key, name, field);
    read_expression(context, entry.value, fields.path(entry.key), expression);
    if (good) out.set.emplace_back(std::move(field), std::move(expression));
  }
}

void read_drop(Context& context, const Node& node, const std::string& name, TransformConfig& out) {
  if (node.kind != Node::Kind::list || node.items.empty()) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must be a list of fields, found {}", name, describe_found(node)));
    return;
  }
  for (const Node& item : node.items) {
    std::string text;
    std::string field;
    if (!read_text(context, item, name, text) || !read_field(context, item.place, text, name, field)) continue;
    if (std::find(out.drop.begin(), out.drop.end(), field) != out.drop.end()) {
      context.findings.add(item.place, fmt::format("\"{}\" names \"{}\" twice", name, field));
    } else {
      out.drop.push_back(std::move(field));
    }
  }
}

}  // namespace

void read_transform(Context& context, const Node& node, const std::string& name, TransformConfig& out) {
  MapReader map(context, node, name);
  const Node* split = map.take("split");
  const Node* set = map.take("set");
  const Node* filter = map.take("filter");
  const Node* drop = map.take("drop");
  const Node* script = map.take("script");
  map.finish();
  const bool words = split != nullptr || set != nullptr || filter != nullptr || drop != nullptr;
  if (map.valid() && !words && script == nullptr)
    context.findings.add(node.place,
                         fmt::format("\"{}\" does nothing; give it split, set, filter, drop or script", name));
  if (script != nullptr) read_script(context, *script, map.path("script"), out.script.emplace());
  if (script != nullptr && words) {
    context.findings.add(script->place, fmt::format("\"{}\" stands alone: a script splits, sets, filters and drops by "
                                                    "itself; give the other keys a transform stage of their own",
                                                    map.path("script")));
  }
  if (split != nullptr) {
    SplitConfig read;
    read_split(context, *split, map.path("split"), read);
    // Half of one would only lead to findings that follow from the first.
    if (!read.field.parts.empty() && !read.as.empty()) out.split = std::move(read);
  }
  if (set != nullptr) read_set(context, *set, map.path("set"), out);
  if (filter != nullptr) read_filter(context, *filter, map.path("filter"), out.filter.emplace());
  if (drop != nullptr) read_drop(context, *drop, map.path("drop"), out);
}

}  // namespace weir::yaml

// The expressions of transform stages.
#include <algorithm>

#include "runtime/adapters/yaml/reader.h"

namespace weir::yaml {
namespace {

constexpr int kDepthMax = 16;
constexpr std::size_t kOperandsMax = 64;
using Kind = Expression::Kind;

const std::vector<std::string> kForms = {"copy",  "const",  "add",   "subtract", "multiply",  "divide",
                                         "round", "concat", "lower", "upper",    "ip_prefix", "lookup"};

void read_nested(Context& context, const Node& node, const std::string& name, int depth, Expression& out);

void read_operands(Context& context, const Node& node, const std::string& name, std::size_t count_min,
                   std::size_t count_max, int depth, Expression& out) {
  if (node.kind != Node::Kind::list || node.items.size() < count_min || node.items.size() > count_max) {
    context.findings.add(
        node.place,
        fmt::format("\"{}\" needs a list of {} operands, found {}", name,
                    count_min == count_max ? std::to_string(count_min) : fmt::format("{} to {}", count_min, count_max),
                    node.kind == Node::Kind::list ? std::to_string(node.items.size()) : describe_found(node)));
    return;
  }
  for (const Node& item : node.items) read_nested(context, item, name, depth + 1, out.arguments.emplace_back());
}

/// {of: OPERAND, KEY: integer}
void read_of_with(Context& context, const Node& node, const std::string& name, std::string_view key,
                  Range<std::uint32_t> range, bool list, int depth, Expression& out, int& number) {
  MapReader map(context, node, name);
  const Node* of = map.require("of", list ? "[OPERAND, OPERAND]" : "OPERAND");
  const Node* value = map.require(key, fmt::format("{} to {}", range.min, range.max));
  map.finish();
  if (of != nullptr && list) read_operands(context, *of, map.path("of"), 2, 2, depth, out);
  if (of != nullptr && !list) read_nested(context, *of, map.path("of"), depth + 1, out.arguments.emplace_back());
  std::uint32_t read = 0;
  if (value != nullptr && read_integer(context, *value, map.path(key), range, read)) number = static_cast<int>(read);
}

void read_lookup(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  MapReader map(context, node, name);
  std::vector<std::string> columns;
  if (const Node* table = map.require("table", "{file: FILE.csv, key: COLUMN}"))
    read_table(context, *table, map.path("table"), out.table, columns);
  const Node* key = map.require("key", "OPERAND");
  const Node* column = map.require("column", "COLUMN");
  map.finish();
  if (key != nullptr && key->kind == Node::Kind::list) {
    read_operands(context, *key, map.path("key"), 1, 8, depth, out);
  } else if (key != nullptr) {
    read_nested(context, *key, map.path("key"), depth + 1, out.arguments.emplace_back());
  }
  if (key != nullptr && !out.arguments.empty() && !out.table.key.empty() &&
      out.arguments.size() != out.table.key.size()) {
    context.findings.add(key->place,
                         fmt::format("\"{}\" must give one value for each of the table's {} key columns, found {}",
                                     map.path("key"), out.table.key.size(), out.arguments.size()));
  }
  if (column != nullptr && read_text(context, *column, map.path("column"), out.column) && !columns.empty() &&
      std::find(columns.begin(), columns.end(), out.column) == columns.end()) {
    context.findings.add(column->place,
                         fmt::format("the table \"{}\" has no column \"{}\"; its columns are {}{}", out.table.file,
                                     out.column, join(columns), did_you_mean(out.column, columns)));
  }
}

void read_form(Context& context, const Entry& form, const std::string& name, int depth, Expression& out) {
  const Node& value = form.value;
  const std::string inside = fmt::format("{}.{}", name, form.key);
  if (form.key == "copy") {
    out.kind = Kind::path;
    read_path(context, value, inside, out.path);
  } else if (form.key == "const") {
    out.kind = Kind::constant;
    read_constant(context, value, inside, out.constant);
  } else if (form.key == "add" || form.key == "multiply" || form.key == "concat") {
    out.kind = form.key == "add" ? Kind::add : form.key == "multiply" ? Kind::multiply : Kind::concat;
    read_operands(context, value, inside, 2, kOperandsMax, depth, out);
  } else if (form.key == "subtract") {
    out.kind = Kind::subtract;
    read_operands(context, value, inside, 2, 2, depth, out);
  } else if (form.key == "divide") {
    out.kind = Kind::divide;
    read_of_with(context, value, inside, "scale", {0, 18}, true, depth, out, out.scale);
  } else if (form.key == "round") {
    out.kind = Kind::round;
    read_of_with(context, value, inside, "scale", {0, 18}, false, depth, out, out.scale);
  } else if (form.key == "ip_prefix") {
    out.kind = Kind::ip_prefix;
    read_of_with(context, value, inside, "bits", {0, 128}, false, depth, out, out.bits);
  } else if (form.key == "lower" || form.key == "upper") {
    out.kind = form.key == "lower" ? Kind::lower : Kind::upper;
    read_nested(context, value, inside, depth + 1, out.arguments.emplace_back());
  } else {
    out.kind = Kind::lookup;
    read_lookup(context, value, inside, depth, out);
  }
}

/// A bare text is a path, a bare number a constant, a map of one key a form.
void read_nested(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  out.place = node.place;
  if (depth > kDepthMax) {
    context.findings.add(
        node.place,
        fmt::format("\"{}\" is nested deeper than {} forms; set a field of its own in between", name, kDepthMax));
    return;
  }
  if (is_number(node)) {
    out.kind = Kind::constant;
    read_constant(context, node, name, out.constant);
    return;
  }
  if (is_text(node)) {
    out.kind = Kind::path;
    read_path(context, node, name, out.path);
    return;
  }
  if (node.kind != Node::Kind::map || node.entries.size() != 1) {
    context.findings.add(
        node.place, fmt::format("\"{}\" must be a field, a number, or one form such as {{const: {}}}; found {}", name,
                                is_boolean(node) ? node.text : "GBP",
                                node.entries.size() > 1 ? fmt::format("a map of {} keys", node.entries.size())
                                                        : describe_found(node)));
    return;
  }
  const Entry& form = node.entries.front();
  if (std::find(kForms.begin(), kForms.end(), form.key) == kForms.end()) {
    context.findings.add(form.place, fmt::format("unknown form \"{}\" in \"{}\"; allowed: {}{}", form.key, name,
                                                 join(kForms), did_you_mean(form.key, kForms)));
    return;
  }
  read_form(context, form, name, depth, out);
}

}  // namespace

void read_expression(Context& context, const Node& node, const std::string& name, Expression& out) {
  read_nested(context, node, name, 0, out);
}

}  // namespace weir::yaml

// The expressions of transform stages.
#include <algorithm>
#include <charconv>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/base/decimal.h"
#include "runtime/base/time_pattern.h"
#include "runtime/base/time_text.h"
#include "runtime/base/time_writer.h"

namespace weir::yaml {
namespace {

constexpr int kDepthMax = 16;
constexpr std::size_t kOperandsMax = 64;
using Kind = Expression::Kind;

const std::vector<std::string> kForms = {"copy",      "const",     "add",         "subtract", "multiply",  "divide",
                                         "round",     "concat",    "lower",       "upper",    "ip_prefix", "lookup",
                                         "trim",      "substring", "replace",     "mask",     "hash",      "to_string",
                                         "to_number", "date_part", "date_format", "bucket",   "coalesce"};
/// Forms of nothing but operands, and how many.
struct Plain {
  std::string_view word;
  Kind kind;
  std::size_t least;
  std::size_t most;
};
constexpr Plain kPlain[] = {{"add", Kind::add, 2, kOperandsMax},
                            {"multiply", Kind::multiply, 2, kOperandsMax},
                            {"concat", Kind::concat, 2, kOperandsMax},
                            {"coalesce", Kind::coalesce, 2, kOperandsMax},
                            {"subtract", Kind::subtract, 2, 2},
                            {"lower", Kind::lower, 1, 1},
                            {"upper", Kind::upper, 1, 1},
                            {"trim", Kind::trim, 1, 1},
                            {"to_string", Kind::to_string, 1, 1},
                            {"to_number", Kind::to_number, 1, 1}};

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

/// {of: OPERAND, …}: reads `of` and gives the map for the rest. Where `short_form`, anything else is the operand alone,
/// and nothing is given.
std::optional<MapReader> read_of(Context& context, const Node& node, const std::string& name, bool short_form,
                                 int depth, Expression& out) {
  if (short_form && (node.kind != Node::Kind::map || node.find("of") == nullptr)) {
    read_nested(context, node, name, depth + 1, out.arguments.emplace_back());
    return std::nullopt;
  }
  MapReader map(context, node, name);
  if (!map.valid()) return std::nullopt;
  if (const Node* of = map.require("of", "OPERAND"))
    read_nested(context, *of, map.path("of"), depth + 1, out.arguments.emplace_back());
  return map;
}

void read_start(Context& context, const Node& node, const std::string& name, std::int32_t& out) {
  constexpr std::int32_t kMax = 1 << 24;
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
  if (is_number(node) && error == std::errc{} && end == node.text.data() + node.text.size() && value >= -kMax &&
      value <= kMax) {
    out = value;
    return;
  }
  context.findings.add(
      node.place, fmt::format("\"{}\" must be a whole number from -{} to {} (negative: from the end), found {}", name,
                              kMax, kMax, describe_found(node)));
}

void read_substring(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  auto map = read_of(context, node, name, false, depth, out);
  if (!map) return;
  const Node* start = map->take("start");
  const Node* length = map->take("length");
  map->finish();
  if (start == nullptr && length == nullptr)
    context.findings.add(node.place, fmt::format("\"{}\" takes the whole text; give it start or length", name));
  if (start != nullptr) read_start(context, *start, map->path("start"), out.start);
  std::uint32_t count = 0;
  if (length != nullptr &&
      read_integer(context, *length, map->path("length"), Range<std::uint32_t>{0, 1u << 24}, count))
    out.length = count;
}

/// A text of `least` to `most` bytes.
void read_short_text(Context& context, const Node& node, const std::string& name, std::size_t least, std::size_t most,
                     std::string& out) {
  if (is_text(node) && node.text.size() >= least && node.text.size() <= most) {
    out = node.text;
    return;
  }
  context.findings.add(node.place,
                       fmt::format("\"{}\" must be a text of {} to {} bytes, found {}", name, least, most,
                                   is_text(node) ? fmt::format("{} bytes", node.text.size()) : describe_found(node)));
}

void read_replace(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  auto map = read_of(context, node, name, false, depth, out);
  if (!map) return;
  constexpr std::size_t kMax = 256;
  if (const Node* find = map->require("find", "TEXT"))
    read_short_text(context, *find, map->path("find"), 1, kMax, out.find);
  if (const Node* with = map->require("with", "TEXT"))
    read_short_text(context, *with, map->path("with"), 0, kMax, out.with);
  map->finish();
}

void read_mask(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  auto map = read_of(context, node, name, true, depth, out);
  if (!map) return;
  const Range<std::uint32_t> range{0, 1'000};
  if (const Node* first = map->take("keep_first"))
    read_integer(context, *first, map->path("keep_first"), range, out.keep_first);
  if (const Node* last = map->take("keep_last"))
    read_integer(context, *last, map->path("keep_last"), range, out.keep_last);
  const Node* with = map->take("with");
  map->finish();
  if (with == nullptr) return;
  const auto first_bytes = std::count_if(with->text.begin(), with->text.end(),
                                         [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  if (with->kind == Node::Kind::scalar && first_bytes == 1 && static_cast<unsigned char>(with->text.front()) >= ' ') {
    out.with = with->text;
  } else {
    context.findings.add(with->place, fmt::format("\"{}\" must be one character such as \"*\", found {}",
                                                  map->path("with"), describe_found(*with)));
  }
}

void read_hash(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  static const std::vector<std::pair<std::string, HashKind>> kKinds = {{"sha256", HashKind::sha256},
                                                                       {"xxh3_128", HashKind::xxh3_128}};
  auto map = read_of(context, node, name, true, depth, out);
  if (!map) return;
  if (const Node* with = map->take("with")) read_enum(context, *with, map->path("with"), kKinds, out.hash);
  map->finish();
}

/// rfc3339, unix, unix_ms, unix_us or a pattern; the pattern is checked by `compile`.
template <class Compile>
void read_time_text(Context& context, const Node& node, const std::string& name, const Compile& compile,
                    TimeText& out) {
  static const std::vector<std::pair<std::string, TimeFormat>> kWords = {{"rfc3339", TimeFormat::rfc3339},
                                                                         {"unix", TimeFormat::unix_seconds},
                                                                         {"unix_ms", TimeFormat::unix_ms},
                                                                         {"unix_us", TimeFormat::unix_us}};
  if (!is_text(node) || node.text.find('%') == std::string::npos) {
    std::vector<std::string> allowed;
    for (const auto& [word, format] : kWords) {
      allowed.push_back(word);
      if (!is_text(node) || node.text != word) continue;
      out.format = format;
      return;
    }
    context.findings.add(
        node.place,
        fmt::format("\"{}\" must be one of {} or a pattern such as \"%Y-%m-%d\", found {}{}", name, join(allowed),
                    describe_found(node), is_text(node) ? did_you_mean(node.text, allowed) : ""));
    return;
  }
  out.format = TimeFormat::strptime;
  out.pattern = node.text;
  if (const auto compiled = compile(node.text); !compiled)
    context.findings.add(node.place, fmt::format("\"{}\": {}", name, compiled.error().context));
}

void read_zone(Context& context, const Node& node, const std::string& name, std::string& out) {
  if (node.kind == Node::Kind::scalar && parse_zone_offset(node.text)) {
    out = node.text;
    return;
  }
  context.findings.add(node.place, fmt::format("\"{}\" must be UTC or a fixed offset such as +02:00, found {}", name,
                                               describe_found(node)));
}

/// What date_part and date_format have in common: the operand's own form, and the zone of the result.
void read_times(Context& context, MapReader& map, Expression& out) {
  const Node* from = map.take("from");
  const Node* from_zone = map.take("from_zone");
  const Node* zone = map.take("zone");
  if (from != nullptr) {
    read_time_text(
        context, *from, map.path("from"), [](const std::string& text) { return TimePattern::compile(text); }, out.from);
  }
  if (from_zone != nullptr) read_zone(context, *from_zone, map.path("from_zone"), out.from.zone);
  if (zone != nullptr) read_zone(context, *zone, map.path("zone"), out.to.zone);
  const bool own_time =
      !out.arguments.empty() && out.arguments.front().kind == Kind::path && out.arguments.front().path.text == "@time";
  if (own_time && from != nullptr) {
    context.findings.add(
        from->place,
        fmt::format("\"{}\" says how @time is written, which is a time already; leave it out", map.path("from")));
  } else if (from_zone != nullptr && out.from.format != TimeFormat::strptime) {
    context.findings.add(from_zone->place, fmt::format("\"{}\" needs a pattern in \"from\": other times say their zone",
                                                       map.path("from_zone")));
  }
}

void read_date_part(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  static const std::vector<std::pair<std::string, DatePart>> kParts = {{"year", DatePart::year},
                                                                       {"quarter", DatePart::quarter},
                                                                       {"month", DatePart::month},
                                                                       {"week", DatePart::week},
                                                                       {"week_year", DatePart::week_year},
                                                                       {"day", DatePart::day},
                                                                       {"day_of_year", DatePart::day_of_year},
                                                                       {"weekday", DatePart::weekday},
                                                                       {"hour", DatePart::hour},
                                                                       {"minute", DatePart::minute},
                                                                       {"second", DatePart::second},
                                                                       {"microsecond", DatePart::microsecond}};
  auto map = read_of(context, node, name, false, depth, out);
  if (!map) return;
  if (const Node* part = map->require("part", "year")) read_enum(context, *part, map->path("part"), kParts, out.part);
  read_times(context, *map, out);
  map->finish();
}

void read_date_format(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  auto map = read_of(context, node, name, false, depth, out);
  if (!map) return;
  if (const Node* to = map->require("to", "\"%Y-%m-%d\"")) {
    read_time_text(
        context, *to, map->path("to"), [](const std::string& text) { return TimeWriter::compile(text); }, out.to);
  }
  read_times(context, *map, out);
  const Node* zone = map->take("zone");
  if (zone != nullptr && out.to.format != TimeFormat::strptime && out.to.format != TimeFormat::rfc3339)
    context.findings.add(zone->place, fmt::format("\"{}\" has no meaning for a number since 1970", map->path("zone")));
  map->finish();
}

void read_bounds(Context& context, const Node& node, const std::string& name, Expression& out) {
  MapReader map(context, node, name);
  if (!map.valid()) return;
  constexpr std::size_t kBoundsMax = 64;
  if (node.entries.empty() || node.entries.size() > kBoundsMax) {
    context.findings.add(node.place, fmt::format("\"{}\" must have 1 to {} bounds such as {{3: micro}}, found {}", name,
                                                 kBoundsMax, node.entries.size()));
    return;
  }
  std::optional<Decimal> last;
  for (const Entry& entry : node.entries) {
    Node key;
    key.kind = Node::Kind::scalar;
    key.text = entry.key;
    key.place = entry.place;
    std::string bound;
    Constant value;
    const bool good = read_decimal(context, key, name, bound);
    if (!read_constant(context, entry.value, map.path(entry.key), value) || !good) continue;
    const Decimal number = *Decimal::parse(bound);  // read_decimal has let it pass
    if (last && number <= *last) {
      context.findings.add(entry.place, fmt::format("\"{}\" must rise from bound to bound, {} does not", name, bound));
      continue;
    }
    last = number;
    out.below.emplace_back(std::move(bound), std::move(value));
  }
}

void read_bucket(Context& context, const Node& node, const std::string& name, int depth, Expression& out) {
  auto map = read_of(context, node, name, false, depth, out);
  if (!map) return;
  if (const Node* below = map->require("below", "{3: micro, 5: light}"))
    read_bounds(context, *below, map->path("below"), out);
  if (const Node* otherwise = map->require("else", "VALUE"))
    read_constant(context, *otherwise, map->path("else"), out.otherwise);
  if (const Node* missing = map->take("missing"))
    read_constant(context, *missing, map->path("missing"), out.missing.emplace());
  map->finish();
}

void read_form(Context& context, const Entry& form, const std::string& name, int depth, Expression& out) {
  const Node& value = form.value;
  const std::string inside = fmt::format("{}.{}", name, form.key);
  for (const Plain& plain : kPlain) {
    if (plain.word != form.key) continue;
    out.kind = plain.kind;
    if (plain.most == 1) return read_nested(context, value, inside, depth + 1, out.arguments.emplace_back());
    return read_operands(context, value, inside, plain.least, plain.most, depth, out);
  }
  using Read = void (*)(Context&, const Node&, const std::string&, int, Expression&);
  struct Other {
    std::string_view word;
    Kind kind;
    Read read;
  };
  static constexpr Other kOthers[] = {{"substring", Kind::substring, read_substring},
                                      {"replace", Kind::replace, read_replace},
                                      {"mask", Kind::mask, read_mask},
                                      {"hash", Kind::hash, read_hash},
                                      {"date_part", Kind::date_part, read_date_part},
                                      {"date_format", Kind::date_format, read_date_format},
                                      {"bucket", Kind::bucket, read_bucket},
                                      {"lookup", Kind::lookup, read_lookup}};
  for (const Other& other : kOthers) {
    if (other.word != form.key) continue;
    out.kind = other.kind;
    return other.read(context, value, inside, depth, out);
  }
  if (form.key == "copy") {
    out.kind = Kind::path;
    read_path(context, value, inside, out.path);
  } else if (form.key == "const") {
    out.kind = Kind::constant;
    read_constant(context, value, inside, out.constant);
  } else if (form.key == "divide") {
    out.kind = Kind::divide;
    read_of_with(context, value, inside, "scale", {0, 18}, true, depth, out, out.scale);
  } else if (form.key == "round") {
    out.kind = Kind::round;
    read_of_with(context, value, inside, "scale", {0, 18}, false, depth, out, out.scale);
  } else {
    out.kind = Kind::ip_prefix;
    read_of_with(context, value, inside, "bits", {0, 128}, false, depth, out, out.bits);
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

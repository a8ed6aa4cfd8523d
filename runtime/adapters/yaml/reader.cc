#include "runtime/adapters/yaml/reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "runtime/adapters/yaml/synonyms.h"
#include "runtime/base/decimal.h"
#include "runtime/base/suggest.h"
#include "runtime/base/units.h"

namespace weir::yaml {
namespace {

constexpr std::size_t kShownMax = 60;  // characters of a wrong value in a message: enough to find it, not to flood

bool digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Anything a person means as a number, in whatever spelling: used to say "a number", never to read one.
bool looks_numeric(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789.eE+-") == std::string_view::npos &&
         text.find_first_of("0123456789") != std::string_view::npos && text.front() != 'e' && text.front() != 'E' &&
         text.find('-') == std::string_view::npos && std::count(text.begin(), text.end(), '.') <= 1;
}

}  // namespace

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

std::string did_you_mean(std::string_view found, const std::vector<std::string>& allowed) {
  if (found.size() > kShownMax) return {};
  // A word of another system's is no slip: what looks like it may mean something else (int, not min).
  auto word = meant_by(found, allowed);
  if (!word) word = nearest(found, allowed);
  return word ? fmt::format("; did you mean \"{}\"?", *word) : std::string{};
}

bool is_boolean(const Node& node) {
  return node.kind == Node::Kind::scalar && !node.quoted && (node.text == "true" || node.text == "false");
}
bool is_number(const Node& node) {
  if (node.kind != Node::Kind::scalar || node.quoted) return false;
  std::string_view text = node.text;
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (!digits(whole) || (whole.size() > 1 && whole.front() == '0')) return false;
  return point == std::string_view::npos || digits(text.substr(point + 1));
}
bool is_text(const Node& node) {
  return node.kind == Node::Kind::scalar && (node.quoted || (!is_boolean(node) && !looks_numeric(node.text)));
}

std::string describe_found(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::list:
      return node.items.empty() ? "an empty list" : "a list";
    case Node::Kind::map:
      return node.entries.empty() ? "an empty map" : "a map";
    case Node::Kind::scalar:
      break;
  }
  std::string shown = node.text.substr(0, kShownMax);
  for (char& c : shown) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  if (shown.size() < node.text.size()) shown += "…";
  if (is_boolean(node)) return shown;
  return is_text(node) ? fmt::format("the text \"{}\"", shown) : fmt::format("the number {}", shown);
}

MapReader::MapReader(Context& context, const Node& node, std::string name)
    : context_(context), node_(node), name_(std::move(name)), valid_(node.kind == Node::Kind::map) {
  if (valid_) return;
  context_.findings.add(
      node.place, name_.empty()
                      ? fmt::format("the file must be a map of keys and values, found {}", describe_found(node))
                      : fmt::format("\"{}\" must be a map of keys and values, found {}", name_, describe_found(node)));
}

const Node* MapReader::take(std::string_view key) {
  context_.note(name_, key, "");
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return node_.find(key);
}

const Node* MapReader::require(std::string_view key, std::string_view write) {
  const Node* found = take(key);
  if (found == nullptr && valid_) {
    context_.findings.add(node_.place, fmt::format("the key \"{}\" is missing; write {}: {}", path(key), key, write));
  }
  return found;
}

std::string MapReader::path(std::string_view key) const {
  return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

void MapReader::finish() {
  for (const Entry& entry : node_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    std::string hint = set_hint(entry.place, context_.kind, name_, entry.key);
    if (hint.empty()) hint = did_you_mean(entry.key, known_);
    context_.findings.add(
        entry.place, fmt::format("unknown key \"{}\"; allowed{}: {}{}", entry.key,
                                 name_.empty() ? std::string(" here") : fmt::format(" in \"{}\"", name_), join(known_),
                                 hint));
  }
}

bool read_integer(Context& context, const Node& node, const std::string& name, Range<std::uint64_t> range,
                  std::uint64_t& out) {
  context.note(name, "", fmt::format("an integer, {} to {}", range.min, range.max));
  std::uint64_t value = 0;
  if (is_number(node)) {
    const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (error == std::errc{} && end == node.text.data() + node.text.size() && value >= range.min &&
        value <= range.max) {
      out = value;
      return true;
    }
  }
  context.findings.add(node.place, fmt::format("\"{}\" must be an integer from {} to {}, found {}", name, range.min,
                                               range.max, describe_found(node)));
  return false;
}

bool read_count(Context& context, const Node& node, const std::string& name, Range<std::uint64_t> range,
                std::uint64_t& out) {
  context.note(name, "", fmt::format("a count, {} to {}", format_count(range.min), format_count(range.max)));
  if (node.kind == Node::Kind::scalar) {
    const auto value = parse_count(node.text);
    if (value && *value >= range.min && *value <= range.max) {
      out = *value;
      return true;
    }
  }
  context.findings.add(node.place,
                       fmt::format("\"{}\" must be a count such as 500K or 50M from {} to {}, found {}", name,
                                   format_count(range.min), format_count(range.max), describe_found(node)));
  return false;
}

std::optional<std::chrono::microseconds> duration_in(const Node& node, Range<std::chrono::microseconds> range) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  const auto value = parse_duration(node.text);
  return value && *value >= range.min && *value <= range.max ? std::optional(*value) : std::nullopt;
}

bool read_duration(Context& context, const Node& node, const std::string& name, Range<std::chrono::microseconds> range,
                   std::chrono::microseconds& out) {
  context.note(name, "", fmt::format("a duration, {} to {}", format_duration(range.min), format_duration(range.max)));
  if (const auto value = duration_in(node, range)) {
    out = *value;
    return true;
  }
  context.findings.add(node.place,
                       fmt::format("\"{}\" must be a duration with its unit (us, ms, s, m, h, d, w), such as 7d, "
                                   "from {} to {}; found {}",
                                   name, format_duration(range.min), format_duration(range.max), describe_found(node)));
  return false;
}

bool read_bytes(Context& context, const Node& node, const std::string& name, Range<std::uint64_t> range,
                std::uint64_t& out) {
  context.note(name, "", fmt::format("a size, {} to {}", format_size(range.min), format_size(range.max)));
  if (node.kind == Node::Kind::scalar) {
    const auto value = parse_size(node.text);
    if (value && *value >= range.min && *value <= range.max) {
      out = *value;
      return true;
    }
  }
  context.findings.add(node.place,
                       fmt::format("\"{}\" must be a size with its unit (B, KiB, MiB, GiB, TiB), such as 64MiB, "
                                   "from {} to {}; found {}",
                                   name, format_size(range.min), format_size(range.max), describe_found(node)));
  return false;
}

bool read_boolean(Context& context, const Node& node, const std::string& name, bool& out) {
  context.note(name, "", "true or false");
  if (is_boolean(node)) {
    out = node.text == "true";
    return true;
  }
  context.findings.add(node.place, fmt::format("\"{}\" must be true or false, found {}", name, describe_found(node)));
  return false;
}

bool read_text(Context& context, const Node& node, const std::string& name, std::string& out) {
  if (is_text(node) && !node.text.empty()) {
    out = node.text;
    return true;
  }
  const bool quotable = node.kind == Node::Kind::scalar && !node.text.empty();
  context.findings.add(node.place, fmt::format("\"{}\" must be text, found {}{}", name, describe_found(node),
                                               quotable ? "; put it into quotes to make it text" : ""));
  return false;
}

bool read_name(Context& context, const ConfigPlace& place, const std::string& text, const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const bool legal = !text.empty() && text.size() <= 64 && letter(text[0]) &&
                     std::all_of(text.begin(), text.end(),
                                 [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
  if (legal) return true;
  context.findings.add(
      place, fmt::format("{} \"{}\" is not allowed: a letter first, then letters, digits, \"_\" and \"-\", at "
                         "most 64 characters",
                         name, text.substr(0, kShownMax)));
  return false;
}

bool read_decimal(Context& context, const Node& node, const std::string& name, std::string& out) {
  if (is_number(node)) {
    if (Decimal::parse(node.text)) {
      out = node.text;
      return true;
    }
  }
  context.findings.add(node.place,
                       fmt::format("\"{}\" must be a number such as 15.30 (at most 38 digits, 18 behind the point, "
                                   "no exponent), found {}",
                                   name, describe_found(node)));
  return false;
}

bool read_constant(Context& context, const Node& node, const std::string& name, Constant& out) {
  if (node.kind == Node::Kind::null) {
    out = Constant{Constant::Kind::null, ""};
    return true;
  }
  if (is_boolean(node)) {
    out = Constant{Constant::Kind::boolean, node.text};
    return true;
  }
  if (is_text(node)) {
    out = Constant{Constant::Kind::string, node.text};
    return true;
  }
  if (node.kind == Node::Kind::scalar) {
    std::string number;
    if (!read_decimal(context, node, name, number)) return false;
    out = Constant{Constant::Kind::number, number};
    return true;
  }
  context.findings.add(node.place,
                       fmt::format("\"{}\" must be a plain value (text, number, true, false or null), found {}", name,
                                   describe_found(node)));
  return false;
}

bool read_path(Context& context, const ConfigPlace& place, const std::string& text, const std::string& name,
               FieldPath& out, bool envelope) {
  static const std::vector<std::string> kEnvelope = {"@id", "@time", "@type", "@source", "@partition"};
  if (!text.empty() && text.front() == '@') {
    if (!envelope) {
      context.findings.add(
          place, fmt::format("\"{}\" must name a field of the record, \"{}\" is part of the envelope", name, text));
      return false;
    }
    if (std::find(kEnvelope.begin(), kEnvelope.end(), text) == kEnvelope.end()) {
      context.findings.add(place, fmt::format("\"{}\" names \"{}\", which the envelope does not have; allowed: {}{}",
                                              name, text, join(kEnvelope), did_you_mean(text, kEnvelope)));
      return false;
    }
    out = FieldPath{{text}, text};
    return true;
  }
  FieldPath path;
  path.text = text;
  path.parts.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '.' || text[i + 1] == '\\' || text[i + 1] == '@')) {
      path.parts.back() += text[++i];
    } else if (text[i] == '.') {
      path.parts.emplace_back();
    } else {
      path.parts.back() += text[i];
    }
  }
  const bool hole =
      std::any_of(path.parts.begin(), path.parts.end(), [](const std::string& part) { return part.empty(); });
  if (hole || path.parts.size() > 64) {
    context.findings.add(place,
                         fmt::format("\"{}\" must be a field path such as Country or properties.mag (at most 64 parts; "
                                     "\"\\.\" is a dot inside a name), found \"{}\"",
                                     name, text.substr(0, kShownMax)));
    return false;
  }
  out = std::move(path);
  return true;
}

bool read_path(Context& context, const Node& node, const std::string& name, FieldPath& out, bool envelope) {
  std::string text;
  return read_text(context, node, name, text) && read_path(context, node.place, text, name, out, envelope);
}

bool read_field(Context& context, const ConfigPlace& place, const std::string& text, const std::string& name,
                std::string& out) {
  FieldPath path;
  if (!read_path(context, place, text, name, path, false)) return false;
  if (path.parts.size() != 1) {
    context.findings.add(
        place, fmt::format("\"{}\" must name a top-level field, found the path \"{}\"; write \"\\.\" for a dot "
                           "inside a name",
                           name, text));
    return false;
  }
  out = path.parts.front();
  return true;
}

bool read_paths(Context& context, const Node& node, const std::string& name, std::size_t count_max,
                std::vector<FieldPath>& out) {
  if (node.kind != Node::Kind::list) {
    FieldPath path;
    if (!read_path(context, node, name, path)) return false;
    out = {std::move(path)};
    return true;
  }
  if (node.items.empty() || node.items.size() > count_max) {
    context.findings.add(node.place,
                         fmt::format("\"{}\" must list 1 to {} fields, found {}", name, count_max, node.items.size()));
    return false;
  }
  std::vector<FieldPath> paths;
  bool good = true;
  for (const Node& item : node.items) {
    FieldPath path;
    if (!read_path(context, item, name, path)) {
      good = false;
    } else if (std::any_of(paths.begin(), paths.end(), [&](const FieldPath& p) { return p.parts == path.parts; })) {
      context.findings.add(item.place, fmt::format("\"{}\" names \"{}\" twice", name, path.text));
      good = false;
    } else {
      paths.push_back(std::move(path));
    }
  }
  if (good) out = std::move(paths);
  return good;
}

bool read_when(Context& context, const Node& node, const std::string& name, WhenConfig& out) {
  if (node.kind != Node::Kind::map || node.entries.size() != 1) {
    context.findings.add(
        node.place, fmt::format("\"{}\" must be one field and its value, such as {{type: order}}; found {}{}", name,
                                describe_found(node),
                                node.entries.size() > 1 ? fmt::format(" of {} fields", node.entries.size()) : ""));
    return false;
  }
  const Entry& entry = node.entries.front();
  // `type` is the event's type, as CloudEvents means it.
  const bool path = read_path(context, entry.place, entry.key == "type" ? "@type" : entry.key, name, out.path);
  return read_constant(context, entry.value, name + "." + entry.key, out.equals) && path;
}

}  // namespace weir::yaml

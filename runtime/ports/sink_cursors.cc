#include "runtime/ports/sink_cursors.h"

#include <fmt/format.h>

#include <charconv>

#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"

namespace weir {

namespace {

// Lines for people, and for a weir of another day: unknown lines are an error, so that nothing is lost unseen.
constexpr std::string_view kFirstLine = "weir sink cursor ";
constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kCheck = "check ";

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> quoted(std::string_view text) {
  std::string out;
  if (text.size() < 2 || text.front() != '"' || text.back() != '"' || !append_unescaped(out, text.substr(1, text.size() - 2))) return std::nullopt;
  return out;
}

/// One line's value into its place. False: it is none.
bool take(SinkCursor& cursor, std::string_view name, std::string_view value) {
  if (name == "log") {
    const auto id = parse_digest(value);
    if (id) cursor.log_id = *id;
    return id.has_value();
  }
  if (name == "column" || name == "state") {
    auto text = quoted(value);
    if (!text) return false;
    if (name == "state") cursor.state = std::move(*text);
    else cursor.columns.push_back(std::move(*text));
    return true;
  }
  const auto count = number(value);
  if (!count) return false;
  if (name == "through") cursor.position.through = CommitSequence{*count};
  else if (name == "taken") cursor.position.taken = static_cast<std::uint32_t>(*count);
  else if (name == "records") cursor.records = *count;
  else if (name == "skipped") cursor.skipped = *count;
  else if (name == "log_records") cursor.log_records = *count;
  else return false;
  return true;
}

}  // namespace

std::string encode_cursor(const SinkCursor& cursor) {
  std::string out = fmt::format("{}{}\nlog {}\nthrough {}\ntaken {}\nrecords {}\nskipped {}\nlog_records {}\n", kFirstLine, kVersion, to_hex(cursor.log_id),
                                cursor.position.through.value, cursor.position.taken, cursor.records, cursor.skipped, cursor.log_records);
  for (const std::string& column : cursor.columns) out += "column " + to_json_string(column) + "\n";
  out += "state " + to_json_string(cursor.state) + "\n";
  out += fmt::format("{}{}\n", kCheck, to_hex(xxh3_128(out)));
  return out;
}

Result<SinkCursor> decode_cursor(std::string_view bytes) {
  const auto damaged = [](std::string_view what) { return fail(Errc::state_damaged, "the cursor of a sink is damaged: {}", what); };
  const std::size_t check = bytes.rfind(kCheck);
  if (!bytes.starts_with(kFirstLine) || check == std::string_view::npos || !bytes.ends_with('\n')) return damaged("it is no cursor, or a part of one");
  const std::string_view sum = bytes.substr(check + kCheck.size(), bytes.size() - check - kCheck.size() - 1);
  if (sum != to_hex(xxh3_128(bytes.substr(0, check)))) return damaged("its checksum does not match");
  bytes = bytes.substr(0, check);
  std::size_t line_end = bytes.find('\n');
  const auto version = number(bytes.substr(kFirstLine.size(), line_end - kFirstLine.size()));
  if (!version) return damaged("it has no version");
  if (*version > kVersion) return fail(Errc::format_newer, "the cursor of a sink has version {}, this weir reads up to {}: use the weir that wrote it, or a newer one", *version, kVersion);
  SinkCursor cursor;
  for (bytes.remove_prefix(line_end + 1); !bytes.empty(); bytes.remove_prefix(line_end + 1)) {
    line_end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, line_end);
    const std::size_t blank = line.find(' ');
    if (line_end == std::string_view::npos || blank == std::string_view::npos || !take(cursor, line.substr(0, blank), line.substr(blank + 1))) return damaged(line);
  }
  return cursor;
}

}  // namespace weir

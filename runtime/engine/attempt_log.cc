#include "runtime/engine/attempt_log.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"

namespace weir {

namespace {

/// The insides of a JSON array's strings, escapes as they stand.
std::vector<std::string_view> insides_of(std::string_view array) {
  std::vector<std::string_view> strings;
  std::size_t at = 0;
  while ((at = array.find('"', at)) != std::string_view::npos) {
    std::size_t end = ++at;
    while (end < array.size() && array[end] != '"') end += array[end] == '\\' ? 2 : 1;
    if (end >= array.size()) break;
    strings.push_back(array.substr(at, end - at));
    at = end + 1;
  }
  return strings;
}

constexpr std::string_view kLeftOut = "runs of attempts are left out here: ";

/// How many runs a line stands for that says so.
std::optional<std::size_t> left_out(std::string_view line) {
  if (!line.starts_with(kLeftOut)) return std::nullopt;
  std::size_t count = 0;
  for (const char digit : line.substr(kLeftOut.size())) count = count * 10 + static_cast<std::size_t>(digit - '0');
  return count;
}

/// Of a line that begins with `attempt 3, TIME: ` or `attempts 3 to 17, TIME to TIME: `: the number and the time of its first one. Of one
/// that begins with `not tried, TIME: ` the time.
struct Start {
  std::string_view number;
  std::string_view time;
};
Start start_of(std::string_view head) {
  head.remove_prefix(head.find(' ') + 1);
  const std::size_t comma = head.find(", ");
  std::string_view number = head.substr(0, comma);
  std::string_view time = head.substr(comma + 2);
  return {number.substr(0, number.find(' ')), time.substr(0, time.find(' '))};
}

}  // namespace

std::string with_attempt(std::string_view log, const FailedTry& failed) {
  std::vector<std::string> lines;
  for (const std::string_view line : insides_of(log)) lines.emplace_back(line);

  std::string told;
  append_json_string(told, fmt::format("{}: {}", failed.stage, failed.reason));
  std::string tail = told.substr(1, told.size() - 2);
  for (const std::string_view detail : insides_of(failed.details)) tail += fmt::format("{} {}", tail.size() == told.size() - 2 ? ":" : ";", detail);

  const std::string now = to_rfc3339(failed.at);
  const std::size_t split = lines.empty() ? std::string::npos : lines.back().find(": ");
  const bool tried = failed.number != 0;
  if (split != std::string::npos && lines.back().starts_with("attempt") == tried && std::string_view(lines.back()).substr(split + 2) == tail) {
    const Start start = start_of(std::string_view(lines.back()).substr(0, split));
    lines.back() = tried ? fmt::format("attempts {} to {}, {} to {}: {}", start.number, failed.number, start.time, now, tail)
                         : fmt::format("not tried, {} to {}: {}", start.time, now, tail);
  } else {
    lines.push_back(tried ? fmt::format("attempt {}, {}: {}", failed.number, now, tail) : fmt::format("not tried, {}: {}", now, tail));
    constexpr std::size_t kHalf = kAttemptRunsMax / 2;
    if (const auto known = lines.size() > kAttemptRunsMax ? left_out(lines[kHalf]) : std::nullopt; known && lines.size() > kAttemptRunsMax + 1) {
      lines[kHalf] = fmt::format("{}{}", kLeftOut, *known + 1);
      lines.erase(lines.begin() + kHalf + 1);
    } else if (!known && lines.size() > kAttemptRunsMax) {
      lines[kHalf] = fmt::format("{}1", kLeftOut);
    }
  }
  std::string out = "[";
  for (const std::string& line : lines) out += fmt::format("{}\"{}\"", out.size() == 1 ? "" : ",", line);
  return out + "]";
}

}  // namespace weir

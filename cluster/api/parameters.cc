#include "cluster/api/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/base/suggest.h"
#include "runtime/base/time_text.h"
#include "runtime/base/units.h"

namespace weir {

Result<void> check_parameters(const HttpRequest& request, const std::vector<std::string>& known,
                              std::string_view prefix) {
  std::vector<std::string> seen;
  for (const auto& [name, value] : request.query) {
    if (!prefix.empty() && name.starts_with(prefix) && name.size() > prefix.size()) continue;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto near = nearest(name, known);
      return fail(Errc::invalid_argument, "unknown parameter '{}'{}; allowed: {}{}", name,
                  near ? fmt::format(" (did you mean '{}'?)", *near) : "",
                  known.empty() && prefix.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")),
                  prefix.empty() ? "" : fmt::format("{}{}NAME", known.empty() ? "" : ", ", prefix));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return fail(Errc::invalid_argument, "the parameter '{}' comes twice", name);
    seen.push_back(name);
  }
  return {};
}

Result<std::optional<std::uint64_t>> number_parameter(const HttpRequest& request, std::string_view name,
                                                      std::uint64_t least, std::uint64_t most) {
  const auto text = request.parameter(name);
  if (!text) return std::optional<std::uint64_t>{};
  const auto number = text->empty() ? fail(Errc::invalid_argument, "empty") : parse_count(*text);
  if (!number || *number < least || *number > most)
    return fail(Errc::invalid_argument, "{}={}: a number from {} to {} is wanted", name, *text, least, most);
  return std::optional<std::uint64_t>{*number};
}

Result<std::optional<std::int64_t>> time_parameter(const HttpRequest& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text) return std::optional<std::int64_t>{};
  const auto time = parse_rfc3339(text->size() == 10 ? std::string(*text) + "T00:00:00Z" : std::string(*text));
  if (!time)
    return fail(Errc::invalid_argument, "{}={}: not a time; write 2011-12-01 or 2011-12-01T00:00:00Z", name, *text);
  return std::optional<std::int64_t>{*time};
}

Result<std::optional<std::chrono::milliseconds>> duration_parameter(const HttpRequest& request, std::string_view name,
                                                                    std::chrono::milliseconds most) {
  const auto text = request.parameter(name);
  if (!text) return std::optional<std::chrono::milliseconds>{};
  const auto duration = parse_duration(*text);
  if (!duration || *duration > most)
    return fail(Errc::invalid_argument, "{}={}: a duration with its unit up to {} is wanted, such as 5s", name, *text,
                format_duration(most));
  return std::optional(std::chrono::duration_cast<std::chrono::milliseconds>(*duration));
}

Result<bool> flag_parameter(const HttpRequest& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text || *text == "false") return false;
  if (*text != "true") return fail(Errc::invalid_argument, "{}={}: true or false is wanted", name, *text);
  return true;
}

std::string place_text(const std::pair<PartitionId, Offset>& place) { return fmt::format("{}-{}", place.first.value, place.second.value); }

Result<std::pair<PartitionId, Offset>> parse_place(std::string_view text) {
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  const std::size_t dash = text.find('-');
  const auto number = [](std::string_view digits, auto& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  if (dash == std::string_view::npos || !number(text.substr(0, dash), partition) || !number(text.substr(dash + 1), offset))
    return fail(Errc::invalid_argument, "cursor={}: give back `next` as it came", text);
  return std::pair{PartitionId{partition}, Offset{offset}};
}

}  // namespace weir

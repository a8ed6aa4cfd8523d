#include "actors/doors/source_position.h"

#include <array>
#include <charconv>
#include <utility>

#include "runtime/base/hash.h"

namespace weir {

namespace {

constexpr std::array<std::pair<std::string_view, Framing>, 4> kFramings = {
    {{"lines", Framing::lines}, {"csv", Framing::csv}, {"json", Framing::json}, {"geojson", Framing::geojson}}};

bool take(std::string_view& text, Framing& framing) {
  for (const auto& [name, value] : kFramings) {
    if (!text.starts_with(name) || text.substr(name.size(), 1) != " ") continue;
    text.remove_prefix(name.size() + 1);
    framing = value;
    return true;
  }
  return false;
}

/// Takes a decimal number and the blank behind it, where there is one.
template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != ' ') return false;
  text.remove_prefix(1);
  return !text.empty();
}

}  // namespace

std::string source_name(const InputIdentity& identity, std::uint32_t occurrence) {
  std::string name = fmt::format("file:{}:{}", identity.size, to_hex(identity.head));
  if (occurrence > 1) name += fmt::format("#{}", occurrence);
  return name;
}

AppendGroup finished_mark(std::string source) {
  AppendGroup group;
  group.positions.push_back({std::move(source), write_progress({Framing::lines, {}, true})});
  return group;
}

std::string write_progress(const SourceProgress& progress) {
  if (progress.finished) return "1 finished";
  std::string_view framing;
  for (const auto& [name, value] : kFramings)
    if (value == progress.framing) framing = name;
  return fmt::format("1 {} {} {} {}", framing, progress.place.bytes, progress.place.line, progress.place.state);
}

Result<SourceProgress> parse_progress(std::string_view text) {
  std::string_view rest = text;
  std::uint32_t version = 0;
  if (!take(rest, version)) return fail(Errc::state_damaged, "the position of a source reads '{}'", text);
  if (version != 1)
    return fail(Errc::format_newer, "the position of a source has version {}, this weir reads 1", version);
  SourceProgress progress;
  if (rest == "finished") {
    progress.finished = true;
    return progress;
  }
  FramePlace& place = progress.place;
  if (!take(rest, progress.framing) || !take(rest, place.bytes) || !take(rest, place.line) ||
      !take(rest, place.state) || !rest.empty() || place.line == 0)
    return fail(Errc::state_damaged, "the position of a source reads '{}'", text);
  return progress;
}

}  // namespace weir

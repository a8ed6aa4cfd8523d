#include "runtime/adapters/yaml/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace weir::yaml {

void Findings::add(const ConfigPlace& place, std::string text) {
  const bool muted = std::any_of(muted_.begin(), muted_.end(), [&](const ConfigPlace& other) {
    return other.line == place.line && other.column == place.column && other.file == place.file;
  });
  if (!muted) items_.push_back({place, std::move(text)});
}
void Findings::mute(const ConfigPlace& place) {
  muted_.push_back(place);
}

std::string Findings::text() const {
  std::vector<const Item*> order;
  order.reserve(items_.size());
  for (const Item& item : items_) order.push_back(&item);
  const auto key = [&](const Item* item) {
    return std::tuple(std::find(files_.begin(), files_.end(), item->place.file), item->place.line, item->place.column);
  };
  std::stable_sort(order.begin(), order.end(), [&](const Item* a, const Item* b) { return key(a) < key(b); });

  std::vector<std::string> lines;
  for (const Item* item : order) {
    std::string line = item->place.line == 0 ? fmt::format("{}: {}", item->place.file, item->text)
                                             : fmt::format("{}:{}:{}: {}", item->place.file, item->place.line,
                                                           item->place.column, item->text);
    // An anchor used twice shows the same place twice; once is enough for a person.
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
    if (lines.size() > kFindingsMax) break;
  }
  std::string out;
  for (std::size_t i = 0; i < lines.size() && i < kFindingsMax; ++i) {
    if (i != 0) out += '\n';
    out += lines[i];
  }
  if (lines.size() > kFindingsMax) out += fmt::format("\nand more: only the first {} findings are shown", kFindingsMax);
  return out;
}

}  // namespace weir::yaml

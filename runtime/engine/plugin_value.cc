#include "runtime/engine/plugin_value.h"

#include <algorithm>
#include <array>
#include <span>

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr char kVersion = 1;
constexpr char kPlugin = 'p';
constexpr std::size_t kHead = 13;

void append_number(std::string& to, auto number) {
  to.append(sizeof number, '\0');
  store(to.data() + to.size() - sizeof number, number);
}

/// Makes one state of all, kept in `merged`. Without the kind, or without memory, they stay as they are.
void merge_states(const KindList<PluginViewKind>& kinds, PluginValue& row, std::string& merged) {
  if (row.broken) return row.states.clear();
  const auto* const kind = find_kind(kinds, row.kind);
  if (kind == nullptr || row.states.size() < 2) return;
  merged.assign(row.states.front());
  for (const std::string_view state : std::span(row.states).subspan(1)) {
    weir_bytes out;
    std::array<char, 64> said{};
    weir_message why{said.data(), said.size(), 0};
    const std::uint32_t how = (*kind)->raw.merge({merged.data(), merged.size()}, {state.data(), state.size()}, &out, &why);
    if (how == WEIR_NO_MEMORY) return;
    row.broken = how != WEIR_DECIDED || out.text.size() > kRowStateMax;
    if (row.broken) return row.states.clear();
    merged = std::move(out.text);
  }
  row.states = {merged};
}

}  // namespace

bool is_plugin_value(std::string_view value) noexcept { return value.size() >= kHead && value[0] == kVersion && value[1] == kPlugin; }

std::optional<PluginValue> PluginValue::read(std::string_view value) {
  if (!is_plugin_value(value)) return std::nullopt;
  const std::size_t parts = static_cast<unsigned char>(value[2]);
  const std::size_t name = static_cast<unsigned char>(value[3]);
  PluginValue out;
  if (static_cast<unsigned char>(value[4]) > 1) return std::nullopt;
  out.broken = value[4] == 1;
  out.failed = load<std::uint64_t>(value.data() + 5);
  value.remove_prefix(kHead);
  if (value.size() < parts + name || name == 0) return std::nullopt;
  out.scales = value.substr(0, parts);
  out.kind = value.substr(parts, name);
  value.remove_prefix(parts + name);
  while (!value.empty()) {
    if (value.size() < sizeof(std::uint32_t)) return std::nullopt;
    const std::size_t size = load<std::uint32_t>(value.data());
    value.remove_prefix(sizeof(std::uint32_t));
    if (size > value.size()) return std::nullopt;
    out.states.push_back(value.substr(0, size));
    value.remove_prefix(size);
  }
  if (out.broken && !out.states.empty()) return std::nullopt;
  if (!std::is_sorted(out.states.begin(), out.states.end())) return std::nullopt;
  return out;
}

void PluginValue::write(std::string& to) const {
  INVARIANT(scales.size() <= 255 && !kind.empty() && kind.size() <= 255, "a plugin's value counts its parts and its name in a byte each");
  to.clear();
  to += {kVersion, kPlugin, static_cast<char>(scales.size()), static_cast<char>(kind.size()), static_cast<char>(broken)};
  // Behind the moment that a row broke nobody adds to it, and when that was depends on how its records came together: so it counts nothing.
  append_number(to, broken ? std::uint64_t{0} : failed);
  to.append(scales).append(kind);
  for (const std::string_view state : states) {
    append_number(to, static_cast<std::uint32_t>(state.size()));
    to.append(state);
  }
}

bool merge_plugin_values(const KindList<PluginViewKind>& kinds, std::string_view existing, std::string_view operand, std::string& out) {
  auto into = PluginValue::read(existing);
  const auto other = PluginValue::read(operand);
  if (!into || !other || into->kind != other->kind || into->scales.size() != other->scales.size()) return false;
  std::string scales(into->scales);
  for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = std::max(scales[i], other->scales[i]);
  into->scales = scales;
  into->broken = into->broken || other->broken;
  into->failed += other->failed;
  into->states.insert(into->states.end(), other->states.begin(), other->states.end());
  std::sort(into->states.begin(), into->states.end());
  std::string state;
  merge_states(kinds, *into, state);
  into->write(out);
  return true;
}

bool settle_plugin_value(const KindList<PluginViewKind>& kinds, std::string& value) {
  auto row = PluginValue::read(value);
  if (!row) return false;
  if (row->states.size() < 2) return true;
  std::string state, out;
  merge_states(kinds, *row, state);
  row->write(out);
  value = std::move(out);
  return true;
}

}  // namespace weir

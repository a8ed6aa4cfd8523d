#include "runtime/engine/plugin_value.h"

#include <algorithm>
#include <array>

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr char kVersion = 1;
constexpr char kPlugin = 'p';
constexpr std::size_t kHead = 12;

void append_number(std::string& to, auto number) {
  to.append(sizeof number, '\0');
  store(to.data() + to.size() - sizeof number, number);
}

}  // namespace

bool is_plugin_value(std::string_view value) noexcept { return value.size() >= kHead && value[0] == kVersion && value[1] == kPlugin; }

std::optional<PluginValue> PluginValue::read(std::string_view value) {
  if (!is_plugin_value(value)) return std::nullopt;
  const std::size_t parts = static_cast<unsigned char>(value[2]);
  const std::size_t name = static_cast<unsigned char>(value[3]);
  PluginValue out;
  out.failed = load<std::uint64_t>(value.data() + 4);
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
  if (!std::is_sorted(out.states.begin(), out.states.end())) return std::nullopt;
  return out;
}

void PluginValue::write(std::string& to) const {
  INVARIANT(scales.size() <= 255 && !kind.empty() && kind.size() <= 255, "a plugin's value counts its parts and its name in a byte each");
  to.clear();
  to += {kVersion, kPlugin, static_cast<char>(scales.size()), static_cast<char>(kind.size())};
  append_number(to, failed);
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
  into->failed += other->failed;
  into->states.insert(into->states.end(), other->states.begin(), other->states.end());
  std::sort(into->states.begin(), into->states.end());
  std::string merged;
  if (const auto* kind = find_kind(kinds, into->kind); kind != nullptr && into->states.size() > 1) {
    if (auto state = merge_states(**kind, into->states)) {
      merged = std::move(*state);
      into->states = {merged};
    }
  }
  into->write(out);
  return true;
}

Result<std::string> merge_states(const PluginViewKind& kind, std::span<const std::string_view> states) {
  if (states.empty()) return std::string();
  std::string held(states.front());
  for (const std::string_view state : states.subspan(1)) {
    weir_bytes out;
    std::array<char, 256> said{};
    weir_message why{said.data(), said.size(), 0};
    const std::uint32_t how = kind.raw.merge({held.data(), held.size()}, {state.data(), state.size()}, &out, &why);
    if (how != WEIR_DECIDED)
      return fail(Errc::state_damaged, "the view kind \"{}\" of {} cannot merge two states of a row: {}", kind.name, kind.file,
                  how == WEIR_NO_MEMORY ? std::string_view("there is no memory") : std::string_view(said.data(), std::min<std::size_t>(why.size, said.size())));
    held = std::move(out.text);
  }
  return held;
}

}  // namespace weir

#include "runtime/engine/state_difference.h"

#include <algorithm>
#include <array>

#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/merge_rows.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

/// Enough of a key or a value to find it by.
constexpr std::size_t kShown = 120;

struct Names {
  std::string_view left;
  std::string_view right;
};

/// Printable as it stands, else in hex.
std::string shown(std::string_view bytes) {
  const std::string_view part = bytes.substr(0, kShown);
  const bool text = std::none_of(part.begin(), part.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return (text ? to_json_string(part) : "hex " + to_hex(part)) + (bytes.size() > kShown ? "…" : "");
}

std::string unequal(const std::string& what, const std::string& left, const std::string& right, const Names& names) {
  return fmt::format("{}: {} has {}, {} has {}", what, names.left, left, names.right, right);
}

/// Two walks over entries in key order; both have valid(), key(), value(), next(), status().
template <class Walk>
Result<std::optional<std::string>> compare(const std::string& what, Walk& left, Walk& right, const Names& names) {
  for (; left.valid() && right.valid(); left.next(), right.next()) {
    if (left.key() == right.key() && left.value() == right.value()) continue;
    if (left.key() == right.key())
      return unequal(fmt::format("{}, key {}", what, shown(left.key())), shown(left.value()), shown(right.value()), names);
    const bool only_left = left.key() < right.key();
    return fmt::format("{}: only {} has the key {}", what, only_left ? names.left : names.right, shown(only_left ? left.key() : right.key()));
  }
  WEIR_TRY(left.status());
  WEIR_TRY(right.status());
  if (left.valid() || right.valid())
    return fmt::format("{}: only {} has the key {}", what, left.valid() ? names.left : names.right, shown(left.valid() ? left.key() : right.key()));
  return std::nullopt;
}

std::optional<std::string> compare_positions(const StateCursor& left, const StateCursor& right, const Names& names) {
  if (left.sequence != right.sequence) return unequal("newest commit", std::to_string(left.sequence.value), std::to_string(right.sequence.value), names);
  if (left.committed != right.committed) return unequal("position", std::to_string(left.committed.value), std::to_string(right.committed.value), names);
  const SharedBytes left_meta = CommitBody{left.meta, {}}.encode().front(), right_meta = CommitBody{right.meta, {}}.encode().front();
  if (left_meta.view() != right_meta.view()) return unequal("what the newest commit says (ledger, times)", to_hex(left_meta.view()), to_hex(right_meta.view()), names);
  return std::nullopt;
}

/// A StateScan where a walk is wanted.
class Entries {
 public:
  Entries(const StateReader& state, const std::string& prefix) : scan_(state.open_scan(prefix, prefix_end(prefix))) {}
  [[nodiscard]] bool valid() const { return scan_->valid(); }
  [[nodiscard]] std::string_view key() const { return scan_->key(); }
  [[nodiscard]] std::string_view value() const { return scan_->value(); }
  void next() { scan_->next(); }
  [[nodiscard]] Result<void> status() const { return scan_->status(); }

 private:
  std::unique_ptr<StateScan> scan_;
};

}  // namespace

Result<std::optional<std::string>> first_difference(const PartitionPicture& left, const PartitionPicture& right, const ViewSet& views,
                                                    std::string_view left_name, std::string_view right_name) {
  const Names names{left_name, right_name};
  if (auto found = compare_positions(left.at, right.at, names)) return found;
  for (const View& view : views.views()) {
    WEIR_ASSIGN(MergedRows left_rows, MergedRows::open({left}, view, left.at.meta.event_time_max));
    WEIR_ASSIGN(MergedRows right_rows, MergedRows::open({right}, view, right.at.meta.event_time_max));
    WEIR_ASSIGN(auto found, compare("view " + view.config.name, left_rows, right_rows, names));
    if (found) return found;
  }
  struct Space {
    char key;
    const char* what;
  };
  constexpr std::array<Space, 5> kSpaces{{{key_space::letter, "dead letters"},
                                          {key_space::letter_id, "dead letters by id"},
                                          {key_space::letter_conflict, "conflicts"},
                                          {key_space::parked, "parked events"},
                                          {key_space::audit, "audit records"}}};
  for (const Space& space : kSpaces) {
    const std::string prefix(1, space.key);
    Entries left_entries(*left.state, prefix), right_entries(*right.state, prefix);
    WEIR_ASSIGN(auto found, compare(space.what, left_entries, right_entries, names));
    if (found) return found;
  }
  return std::nullopt;
}

}  // namespace weir

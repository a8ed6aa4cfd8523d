#include "runtime/engine/digest.h"

#include <algorithm>

#include "runtime/base/hash.h"
#include "runtime/engine/merge_rows.h"

namespace weir {

namespace {

/// Lengths stand in front of texts, so that no two lists of texts make the same bytes.
void add_text(std::string& to, std::string_view text) {
  const std::uint64_t size = text.size();
  to.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}
void add_number(std::string& to, std::uint64_t number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Sum over the rows of one view, with the view's name in each.
Result<Digest128> rows_digest(const std::vector<PartitionPicture>& partitions, const View& view,
                              std::int64_t greatest) {
  WEIR_ASSIGN(MergedRows rows, MergedRows::open(partitions, view, greatest));
  Digest128 sum;
  std::string text;
  for (; rows.valid(); rows.next()) {
    text.clear();
    add_text(text, view.config.name);
    add_text(text, rows.key());
    add_text(text, rows.value());
    sum += xxh3_128(text);
  }
  WEIR_TRY(rows.status());
  return sum;
}

}  // namespace

std::int64_t hidden_before(const ViewConfig& config, std::int64_t greatest, std::int64_t dropped_before) noexcept {
  if (!config.retain || greatest == kNoTime) return dropped_before;
  return std::max(dropped_before, greatest - config.retain->count());
}

std::optional<std::int64_t> first_kept_window(const ViewConfig& config, std::size_t window,
                                              std::int64_t hidden_before) noexcept {
  if (hidden_before == kNoTime) return std::nullopt;
  // Hidden is a window whose end lies before that moment; the last one that ends at or after it begins no later than
  // the microsecond before.
  return window_start(config.windows[window], hidden_before - 1);
}

std::int64_t greatest_event_time(const std::vector<PartitionPicture>& partitions) noexcept {
  std::int64_t greatest = kNoTime;
  for (const PartitionPicture& partition : partitions) greatest = std::max(greatest, partition.at.meta.event_time_max);
  return greatest;
}

Result<Digest128> answer_digest(const std::vector<PartitionPicture>& partitions, const ViewSet& views) {
  const std::int64_t greatest = greatest_event_time(partitions);
  Digest128 sum;
  for (const PartitionPicture& partition : partitions) sum += partition.at.meta.state_sum;
  for (const View& view : views.views()) {
    WEIR_ASSIGN(const Digest128 rows, rows_digest(partitions, view, greatest));
    sum += rows;
  }
  return sum;
}

void StateDigest::add(const Digest128& digest) {
  add_number(text_, digest.low);
  add_number(text_, digest.high);
}

Result<void> StateDigest::add_views() {
  std::vector<const View*> order;
  for (const View& view : views_.views()) order.push_back(&view);
  std::sort(order.begin(), order.end(), [](const View* a, const View* b) { return a->config.name < b->config.name; });
  for (const View* view : order) {
    WEIR_ASSIGN(const Digest128 rows, rows_digest({partition_}, *view, partition_.at.meta.event_time_max));
    add_text(text_, view->config.name);
    add(view->hash);
    add(rows);
  }
  return {};
}

Result<void> StateDigest::add_letters() {
  for (const char space : {key_space::letter, key_space::letter_id, key_space::letter_conflict, key_space::parked, key_space::audit}) {
    Digest128 sum;
    std::string text;
    const std::string prefix(1, space);
    WEIR_TRY(partition_.state->scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
      text.clear();
      add_text(text, key);
      add_text(text, value);
      sum += xxh3_128(text);
      return true;
    }));
    add(sum);
  }
  return {};
}

Digest128 StateDigest::finish() const {
  std::string text = text_;
  const StateCursor& at = partition_.at;
  add_number(text, at.sequence.value);
  add_number(text, at.committed.value);
  // Through the commit's own encoder: every field of the ledger, also those that come later. The incarnation and the
  // owner's wall time are of the commit that is newest, so they are equal in a replay, too.
  const SharedBytes meta = CommitBody{at.meta, {}}.encode().front();
  add_text(text, meta.view());
  return xxh3_128(text);
}

}  // namespace weir

#include "runtime/engine/merge_rows.h"

#include <algorithm>

#include "runtime/engine/digest.h"

namespace weir {

namespace {

/// nullptr: the partition has no rows of the view as it is defined now.
const ViewState* state_of(const StateCursor& at, const View& view) {
  const auto state = std::find_if(at.views.begin(), at.views.end(), [&view](const ViewState& candidate) {
    return candidate.name == view.config.name && candidate.hash == view.hash;
  });
  return state == at.views.end() ? nullptr : &*state;
}

}  // namespace

Result<std::string> rows_prefix(PartitionId partition, const StateCursor& at, const View& view) {
  const ViewState* const state = state_of(at, view);
  if (state == nullptr)
    return fail(Errc::not_found, "partition {} has no rows of view '{}' as it is defined now", partition.value,
                view.config.name);
  KeyBuffer prefix;
  append_view_prefix(prefix, static_cast<std::uint16_t>(state->prefix));
  return std::string(prefix.view());
}

Result<MergedRows> MergedRows::open(const std::vector<PartitionPicture>& partitions, const View& view,
                                    std::int64_t greatest, std::string_view from, std::string_view to) {
  MergedRows rows;
  rows.name_ = view.config.name;
  rows.merger_ = std::make_shared<ViewMerger>(view.config.plugin ? KindList<PluginViewKind>{view.config.plugin->kind} : KindList<PluginViewKind>{});
  // What one partition may have dropped is hidden in all: the rest would be no whole row.
  std::int64_t dropped_before = kNoTime;
  for (const PartitionPicture& partition : partitions) {
    const ViewState* const state = state_of(partition.at, view);
    if (state != nullptr) dropped_before = std::max(dropped_before, state->dropped_before);
  }
  const std::int64_t hidden = hidden_before(view.config, greatest, dropped_before);
  for (std::size_t window = 0; window < view.config.windows.size(); ++window)
    rows.kept_.push_back(first_kept_window(view.config, window, hidden).value_or(INT64_MIN));
  for (const PartitionPicture& partition : partitions) {
    Source source;
    WEIR_ASSIGN(source.prefix, rows_prefix(partition.partition, partition.at, view));
    const std::string begin = source.prefix + std::string(from);
    const std::string end = to.empty() ? prefix_end(source.prefix) : source.prefix + std::string(to);
    source.scan = partition.state->open_scan(begin, end);
    rows.sources_.push_back(std::move(source));
  }
  rows.build_heap();
  rows.settle();
  return rows;
}

void MergedRows::build_heap() {
  heap_.clear();
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (sources_[i].scan->valid()) heap_.push_back(i);
  std::make_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return after(a, b); });
}

bool MergedRows::hidden() const {
  if (kept_.empty()) return false;
  std::string_view rest = key_;
  const auto window = take_window(rest);
  return window && window->window < kept_.size() && window->start < kept_[window->window];
}

void MergedRows::settle() {
  const auto later = [this](std::size_t a, std::size_t b) { return after(a, b); };
  const ViewMerger& merger = *merger_;
  for (valid_ = false; !heap_.empty() && !damaged_;) {
    bool first = true;
    do {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const std::size_t source = heap_.back();
      StateScan& scan = *sources_[source].scan;
      if (first) {
        key_.assign(key_of(source));
        value_.assign(scan.value());
      } else {
        merged_.clear();
        damaged_ = !merger.merge(key_, value_, scan.value(), merged_);
        value_.swap(merged_);
      }
      first = false;
      scan.next();
      if (scan.valid()) {
        std::push_heap(heap_.begin(), heap_.end(), later);
      } else {
        heap_.pop_back();
      }
    } while (!damaged_ && !heap_.empty() && key_of(heap_.front()) == key_);
    damaged_ = damaged_ || !merger.settle(value_);
    if (!hidden()) {
      valid_ = !damaged_ && status().has_value();
      return;
    }
  }
}

void MergedRows::next() {
  settle();
}

void MergedRows::seek(std::string_view key) {
  for (Source& source : sources_) source.scan->seek(source.prefix + std::string(key));
  build_heap();
  settle();
}

Result<void> MergedRows::status() const {
  if (damaged_) return fail(Errc::state_damaged, "rows of view '{}' cannot be combined", name_);
  for (const Source& source : sources_)
    if (!source.scan->valid()) WEIR_TRY(source.scan->status());
  return {};
}

}  // namespace weir

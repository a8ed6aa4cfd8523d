#include "runtime/engine/partition_state.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/fail_point.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/audit.h"
#include "runtime/engine/digest.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/merge_reader.h"
#include "runtime/engine/parked_state.h"

namespace weir {

namespace {

/// Rows dropped in one seal, of expired windows and of replaced views each: bounds the pause (about 10 ms).
constexpr std::size_t kDropsMax = 20'000;

/// The lowest prefix number no view has.
std::uint32_t free_prefix(const std::vector<ViewState>& views) {
  for (std::uint32_t number = 0;; ++number)
    if (std::none_of(views.begin(), views.end(), [number](const ViewState& view) { return view.prefix == number; }))
      return number;
}

std::string view_prefix(std::uint32_t number) {
  KeyBuffer key;
  append_view_prefix(key, static_cast<std::uint16_t>(number));
  return std::string(key.view());
}

std::string window_key(std::uint32_t number, std::size_t window, std::int64_t start) {
  KeyBuffer key;
  append_view_prefix(key, static_cast<std::uint16_t>(number));
  append_window(key, static_cast<std::uint8_t>(window), start);
  return std::string(key.view());
}

}  // namespace

PartitionState::PartitionState(PartitionStateOptions options, const ViewSet& views, StateStore& store)
    : options_(options),
      views_(&views),
      merger_(views.merger()),
      store_(&store),
      writer_(views, options.partition),
      active_(std::make_shared<Delta>(*merger_)),
      values_(views.paths().size() * ViewWriter::kTogether) {
  if (options_.marks != nullptr) writer_.mark_with(*options_.marks);
  options_.delta_bytes_max = std::clamp<std::size_t>(options_.delta_bytes_max, 64 * 1024, std::size_t{1} << 30);
}

Result<CommitSequence> PartitionState::recover(CommitSequence trimmed) {
  INVARIANT(!recovered_, "a partition's state recovers once; a failed one is replaced by a new object");
  WEIR_ASSIGN(const auto stored, store_->snapshot());
  if (stored->cursor().empty()) {
    cursor_.log_id = options_.log_id;
  } else {
    auto cursor = StateCursor::decode(stored->cursor());
    if (!cursor) return fail(cursor.error().code, "partition {}: {}", options_.partition.value, cursor.error().context);
    if (cursor->log_id != options_.log_id)
      return fail(Errc::data_foreign,
                  "partition {}: the state belongs to log {}, this is log {}; remove the state directory to rebuild it "
                  "from this log",
                  options_.partition.value, to_hex(cursor->log_id), to_hex(options_.log_id));
    cursor_ = std::move(*cursor);
  }
  adopt_views(std::exchange(cursor_.views, {}));
  cut_views(trimmed);
  durable_ = cursor_.sequence;
  for (StateParticipant* participant : participants_) WEIR_TRY(participant->recover(cursor_, *stored));
  recovered_ = true;
  CommitSequence after = cursor_.sequence;
  for (std::size_t i = 0; i < views_->views().size(); ++i) after = std::min(after, cursor_.views[i].through);
  return after;
}

void PartitionState::adopt_views(std::vector<ViewState> stored) {
  const std::vector<View>& views = views_->views();
  std::vector<ViewState> adopted(views.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto known = std::find_if(stored.begin(), stored.end(), [&](const ViewState& view) {
      return view.name == views[i].config.name && view.hash == views[i].hash;
    });
    if (known == stored.end()) continue;
    adopted[i] = std::move(*known);
    stored.erase(known);
  }
  // The rows of a view whose definition changed go away bit by bit; a view that is no longer there is kept.
  for (ViewState& view : stored) {
    if (views_->find(view.name) != nullptr) view.name.clear();
  }
  std::vector<ViewState> taken = adopted;
  std::erase_if(taken, [](const ViewState& view) { return view.name.empty(); });
  taken.insert(taken.end(), stored.begin(), stored.end());
  std::size_t windows = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    ViewState& view = adopted[i];
    if (view.name.empty()) {
      view.name = views[i].config.name;
      view.hash = views[i].hash;
      view.prefix = free_prefix(taken);
      if (WEIR_DEFECT("rebuild_skips_a_commit")) view.through = std::min(cursor_.sequence, CommitSequence{1});
      taken.push_back(view);
    }
    INVARIANT(view.prefix <= 0xffff, "a state has at most 65'536 views");
    writer_.set_number(i, static_cast<std::uint16_t>(view.prefix));
    windows += views[i].config.windows.size();
  }
  dropped_below_.assign(windows, {});
  cursor_.views = std::move(adopted);
  cursor_.views.insert(cursor_.views.end(), stored.begin(), stored.end());
}

void PartitionState::cut_views(CommitSequence trimmed) {
  lagging_ = 0;
  cut_.assign(views_->views().size(), false);
  for (std::size_t i = 0; i < cut_.size(); ++i) {
    ViewState& view = cursor_.views[i];
    if (view.through < std::min(trimmed, cursor_.sequence)) {
      // Until the first commit it gets says better: true, if too late.
      view.through = std::min(trimmed, cursor_.sequence);
      view.complete_since = cursor_.meta.partition_time;
      cut_[i] = true;
    }
    if (view.through < cursor_.sequence) ++lagging_;
  }
}

bool PartitionState::drop_view(std::string_view name) {
  INVARIANT(recovered_, "views are dropped from a state that is recovered");
  bool found = false;
  for (std::size_t i = views_->views().size(); i < cursor_.views.size(); ++i) {
    if (name.empty() || cursor_.views[i].name != name) continue;
    cursor_.views[i].name.clear();
    found = true;
  }
  return found;
}

bool PartitionState::erasing() const noexcept {
  return std::any_of(cursor_.views.begin() + static_cast<std::ptrdiff_t>(views_->views().size()), cursor_.views.end(),
                     [](const ViewState& view) { return view.name.empty(); });
}

Result<void> PartitionState::apply_records(const OutcomeBatch& batch, const TokenTable* table,
                                           RecordExtractor& extractor, const std::vector<bool>& only) {
  INVARIANT(table == nullptr || (table->columns() == views_->paths().size() &&
                                 (table->columns() == 0 || table->rows() == batch.records())),
            "a token table has a row for each record and a column for each path of the views");
  const std::size_t columns = views_->paths().size();
  std::array<ViewRecord, ViewWriter::kTogether> records;
  for (std::uint32_t first = 0; first < batch.records();) {
    const std::uint32_t count = std::min<std::uint32_t>(batch.records() - first, records.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      const RecordView view = batch.record(first + i);
      const std::span<std::string_view> values(values_.data() + i * columns, columns);
      records[i] = {values,          view.payload, batch.id(view.outcome_index), view.type, view.source,
                    view.event_time, view.index};
      if (columns == 0) {
        // Views over the envelope alone.
      } else if (table != nullptr) {
        const std::span<const TokenTable::Place> places = table->row(first + i);
        for (std::size_t column = 0; column < columns; ++column) {
          values[column] = view.payload.substr(places[column].offset, places[column].length);
          fetch_ahead(values[column].data());  // written by another actor a while ago
        }
      } else {
        std::fill(values.begin(), values.end(), std::string_view{});
        WEIR_TRY(extractor.extract(view.payload, values));
      }
    }
    writer_.apply({records.data(), count}, *active_, only);
    first += count;
  }
  return {};
}

Result<std::optional<std::string>> PartitionState::current(std::string_view key) const {
  if (const auto pending = active_->find(key); pending && pending->op != StateOp::merge) {
    if (pending->op == StateOp::erase) return std::nullopt;
    return std::string(pending->value);
  }
  WEIR_ASSIGN(const PartitionPicture now, picture());
  return now.state->get(key);
}

Result<void> PartitionState::fill_lagging(const CommitRecord& commit, const CommitBody& body,
                                          RecordExtractor& extractor, std::span<const TokenTable* const> tables) {
  std::vector<bool> only(views_->views().size());
  for (std::size_t i = 0; i < only.size(); ++i) only[i] = next(cursor_.views[i].through) == commit.sequence;
  if (std::none_of(only.begin(), only.end(), [](bool wanted) { return wanted; }))
    return fail(Errc::internal, "partition {}: commit {} is in the state already, which stands at {}",
                options_.partition.value, commit.sequence.value, cursor_.sequence.value);
  for (std::size_t b = 0; b < body.batches.size(); ++b)
    WEIR_TRY(apply_records(body.batches[b], tables.empty() ? nullptr : tables[b], extractor, only));
  for (std::size_t i = 0; i < only.size(); ++i) {
    if (!only[i]) continue;
    // Partition time never goes back: whatever was accepted from here on is in this commit or behind it.
    if (cut_[i]) cursor_.views[i].complete_since = body.meta.partition_time;
    cut_[i] = false;
    cursor_.views[i].through = commit.sequence;
    if (commit.sequence == cursor_.sequence) --lagging_;
  }
  return {};
}

Result<void> PartitionState::apply(const CommitRecord& commit, const CommitBody& body, RecordExtractor& extractor,
                                   std::span<const TokenTable* const> tables) {
  INVARIANT(recovered_, "a partition's state is recovered before commits are applied");
  INVARIANT(tables.empty() || tables.size() == body.batches.size(),
            "token tables come for all batches of a commit or for none");
  writer_.stands_at(commit.from, static_cast<std::uint32_t>(commit.to.value - commit.from.value));
  if (commit.sequence <= cursor_.sequence) return fill_lagging(commit, body, extractor, tables);
  if (commit.sequence != next(cursor_.sequence) || commit.from != cursor_.committed || commit.to < commit.from)
    return fail(Errc::internal,
                "partition {}: commit {} from {} to {} does not follow the state, which stands at commit {}, offset {}",
                options_.partition.value, commit.sequence.value, commit.from.value, commit.to.value,
                cursor_.sequence.value, cursor_.committed.value);
  if (lagging_ != 0)
    return fail(Errc::internal, "partition {}: commit {} came before {} new or changed views had the commits below {}",
                options_.partition.value, commit.sequence.value, lagging_, cursor_.sequence.value);
  const auto now = [this](std::string_view key) { return current(key); };
  WEIR_TRY(apply_audit(options_.partition, commit.sequence, body, *active_, now));
  for (std::size_t b = 0; b < body.batches.size(); ++b) {
    WEIR_TRY(apply_records(body.batches[b], tables.empty() ? nullptr : tables[b], extractor, {}));
    WEIR_TRY(apply_letters(body.batches[b], {commit.sequence, body.meta.partition_time}, *active_, cursor_.letter_bytes, now));
    apply_parked(body.batches[b], *active_);
  }
  for (StateParticipant* participant : participants_)
    WEIR_TRY(participant->on_commit(commit.sequence, commit.from, body));
  for (const OutcomeBatch& batch : body.batches) replay_bytes_ += batch.size();
  cursor_.sequence = commit.sequence;
  cursor_.committed = commit.to;
  cursor_.epoch = commit.epoch;
  cursor_.meta = body.meta;
  for (std::size_t i = 0; i < views_->views().size(); ++i) cursor_.views[i].through = commit.sequence;
  return {};
}

bool PartitionState::full() const noexcept {
  if (active_->bytes() >= options_.delta_bytes_max) return true;
  if (replay_bytes_ >= std::uint64_t{kReplayDeltas} * options_.delta_bytes_max) return true;
  std::size_t waiting = 0;
  for (const StateParticipant* participant : participants_) waiting += participant->waiting_bytes();
  return waiting >= options_.delta_bytes_max;
}

Result<void> PartitionState::drop_expired(const StateReader& stored) {
  const std::int64_t greatest = cursor_.meta.event_time_max;
  std::size_t budget = kDropsMax;
  std::size_t slot = 0;
  for (std::size_t i = 0; i < views_->views().size(); ++i) {
    const ViewConfig& config = views_->views()[i].config;
    // In the same flush as the rows that go: a longer `retain` later does not bring them back.
    std::int64_t& dropped_before = cursor_.views[i].dropped_before;
    dropped_before = hidden_before(config, greatest, dropped_before);
    for (std::size_t window = 0; window < config.windows.size(); ++window, ++slot) {
      const auto first_kept = first_kept_window(config, window, dropped_before);
      if (!first_kept) continue;
      const std::string begin = window_key(cursor_.views[i].prefix, window, INT64_MIN);
      const std::string end = window_key(cursor_.views[i].prefix, window, *first_kept);
      active_->erase_if([&](std::string_view key) { return key >= begin && key < end; });
      std::string& below = dropped_below_[slot];
      if (below >= end) continue;
      WEIR_TRY(stored.scan(below.empty() ? begin : below, end, [&](std::string_view key, std::string_view) {
        below.assign(key);
        if (budget == 0) return false;
        --budget;
        active_->erase(key);
        return true;
      }));
      if (budget == 0) return {};
      below = end;
    }
  }
  return {};
}

Result<void> PartitionState::erase_replaced(const StateReader& stored) {
  std::size_t budget = kDropsMax;
  for (std::size_t i = views_->views().size(); i < cursor_.views.size();) {
    if (!cursor_.views[i].name.empty()) {
      ++i;
      continue;
    }
    const std::string prefix = view_prefix(cursor_.views[i].prefix);
    bool all = true;
    WEIR_TRY(stored.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view) {
      if (budget == 0) return all = false;
      --budget;
      active_->erase(key);
      return true;
    }));
    if (!all) return {};
    cursor_.views.erase(cursor_.views.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return {};
}

Result<StateFlush> PartitionState::seal() {
  INVARIANT(recovered_ && sealed_ == nullptr, "one flush of a partition at a time");
  {
    WEIR_ASSIGN(const auto stored, store_->snapshot());
    WEIR_TRY(drop_expired(*stored));
    WEIR_TRY(erase_replaced(*stored));
  }
  for (StateParticipant* participant : participants_) participant->collect(*active_);
  replay_bytes_ = 0;
  ++cursor_.flushes;
  StateCursor stored = cursor_;
  if (WEIR_DEFECT("cursor_lags_flush") && stored.sequence.value > 1) --stored.sequence.value;
  sealed_cursor_ = stored.encode();
  sealed_sequence_ = cursor_.sequence;
  sealed_ = std::exchange(active_, std::make_shared<Delta>(*merger_, active_->size()));
  return seal_again();
}

StateFlush PartitionState::seal_again() const {
  INVARIANT(sealed_ != nullptr, "only a flush that was sealed can be handed in again");
  return Delta::seal(sealed_, sealed_cursor_);
}

void PartitionState::flushed(const Result<void>& result) {
  INVARIANT(sealed_ != nullptr, "a flush that completes was sealed");
  if (!result) return;
  sealed_ = nullptr;
  sealed_cursor_.clear();
  durable_ = sealed_sequence_;
}

Result<PartitionPicture> PartitionState::picture() const {
  return picture_over(active_);
}

Result<PartitionPicture> PartitionState::picture_of(std::span<const StateRange> ranges) const {
  return picture_over(active_->copy_of(ranges));
}

Result<PartitionPicture> PartitionState::picture_over(std::shared_ptr<const Delta> active) const {
  WEIR_ASSIGN(auto stored, store_->snapshot());
  // Once the store has the sealed flush, it must not count a second time, even before its completion was heard here.
  const bool in_store = sealed_ != nullptr && stored->cursor() == sealed_cursor_;
  return PartitionPicture{options_.partition, nullptr,
                          read_through(std::move(active), in_store ? nullptr : sealed_, std::move(stored), merger_), cursor_};
}

Result<Digest128> PartitionState::state_digest() const {
  WEIR_ASSIGN(const PartitionPicture now, picture());
  StateDigest digest(now, *views_);
  WEIR_TRY(digest.add_views());
  WEIR_TRY(digest.add_letters());
  for (const StateParticipant* participant : participants_) {
    WEIR_ASSIGN(const std::optional<Digest128> part, participant->digest(*now.state));
    if (part) digest.add_participant(*part);
  }
  return digest.finish();
}

}  // namespace weir

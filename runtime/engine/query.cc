#include "runtime/engine/query.h"

#include <algorithm>
#include <limits>

#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/digest.h"
#include "runtime/engine/merge_rows.h"
#include "runtime/engine/plugin_value.h"
#include "runtime/engine/query_json.h"

namespace weir {

namespace {

/// Rows walked over one by one before the walk jumps: a jump costs as much as about so many steps.
constexpr int kStepsBeforeJump = 16;

std::string time_token(std::int64_t time) {
  return to_json_string(to_rfc3339(time));
}

/// A stretch of keys, without the view's prefix.
using KeyRange = StateRange;

std::string window_bytes(std::size_t window, std::int64_t start) {
  KeyBuffer key;
  append_window(key, static_cast<std::uint8_t>(window), start);
  return std::string(key.view());
}

/// Every encoding the typed parts may mean, in key order.
std::vector<std::string> key_prefixes(const std::vector<std::string>& parts) {
  std::vector<std::string> prefixes(1);
  for (const std::string& part : parts) {
    std::vector<std::string> longer;
    for (const std::string& prefix : prefixes)
      for (const std::string& meant : parts_meant_by(part)) longer.push_back(prefix + meant);
    prefixes = std::move(longer);
  }
  return prefixes;
}

/// Of a latest view that keeps some fields: whether its rows have the key beside them. The record's id and time are
/// there anyway.
bool key_is_column(const View& view) {
  if (view.fields.empty()) return false;
  const FieldPath& key = *view.config.latest;
  if (key.text == "@id" || key.text == "@time") return false;
  const std::vector<FieldPath>& fields = view.config.fields;
  return std::find(fields.begin(), fields.end(), key) == fields.end();
}

class Query {
 public:
  Query(const std::vector<PartitionPicture>& partitions, const View& view, const QueryRequest& request,
        const std::function<bool(const Row&)>& visit)
      : partitions_(partitions), view_(view), request_(request), visit_(visit), prefixes_(key_prefixes(request.key)) {
    for (const auto& [field, text] : request.where) paths_.push_back(split_path(field));
  }

  [[nodiscard]] Result<QueryAnswer> run();
  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] std::vector<KeyRange> ranges() const;

 private:
  [[nodiscard]] bool windowed() const { return !view_.config.windows.empty(); }
  [[nodiscard]] Result<std::string> cursor_key() const;
  [[nodiscard]] std::string cursor_of(std::string_view key) const;
  [[nodiscard]] Result<bool> walk(const KeyRange& range);
  [[nodiscard]] bool jump_to_group(MergedRows& rows);
  [[nodiscard]] Result<bool> make_row(std::string_view key, std::string_view value);
  [[nodiscard]] Result<void> make_aggregate(std::string_view key, std::string_view value);
  [[nodiscard]] Result<void> make_plugin_row(std::string_view key, std::string_view value);
  template <class Scale>
  [[nodiscard]] Result<void> add_group(std::string_view key, Scale scale);
  [[nodiscard]] Result<bool> make_latest(std::string_view key, std::string_view value);
  void add_record_field(std::string_view name, std::string_view token);
  [[nodiscard]] bool matches() const;
  [[nodiscard]] tl::unexpected<Error> damaged() const;

  const std::vector<PartitionPicture>& partitions_;
  const View& view_;
  const QueryRequest& request_;
  const std::function<bool(const Row&)>& visit_;
  std::vector<std::string> prefixes_;
  std::vector<std::vector<std::string>> paths_;
  Row row_;
  std::string_view payload_;  // of the row, where it keeps a whole record
  std::string last_key_;
  QueryAnswer answer_;
  std::uint64_t total_ = 0;
  bool stopped_ = false;
};

Result<void> Query::check() const {
  if (request_.key.size() > view_.parts.size())
    return fail(Errc::invalid_argument, "view '{}' has {} key fields, {} were given", view_.config.name,
                view_.parts.size(), request_.key.size());
  if ((request_.from || request_.to) && !view_.latest && !windowed())
    return fail(Errc::invalid_argument, "view '{}' has no windows: from and to do not apply to it", view_.config.name);
  return {};
}

std::vector<KeyRange> Query::ranges() const {
  std::vector<KeyRange> ranges;
  if (windowed()) {
    for (std::size_t window = 0; window < view_.config.windows.size(); ++window) {
      const std::string from = window_bytes(window, request_.from.value_or(std::numeric_limits<std::int64_t>::min()));
      const std::string to = request_.to ? window_bytes(window, *request_.to) : prefix_end({from.data(), 1});
      if (from < to) ranges.push_back({from, to});
    }
    return ranges;
  }
  for (const std::string& prefix : prefixes_) {
    if (request_.key.size() == view_.parts.size() && !prefix.empty()) {
      ranges.push_back(KeyRange::only(prefix));  // the whole key: parts say where they end
    } else {
      ranges.push_back({prefix, prefix_end(prefix)});
    }
  }
  return ranges;
}

// A cursor names the view it belongs to and the last key given out.
std::string Query::cursor_of(std::string_view key) const {
  return to_hex(view_.hash).substr(0, 8) + to_hex(key);
}

Result<std::string> Query::cursor_key() const {
  const std::string& cursor = request_.cursor;
  if (cursor.empty()) return std::string();
  std::string key;
  bool good = cursor.size() % 2 == 0 && cursor.size() > 8 && cursor.substr(0, 8) == to_hex(view_.hash).substr(0, 8);
  for (std::size_t at = 8; good && at < cursor.size(); at += 2) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    const int high = digit(cursor[at]);
    const int low = digit(cursor[at + 1]);
    good = high >= 0 && low >= 0;
    key.push_back(static_cast<char>(high * 16 + low));
  }
  if (!good)
    return fail(Errc::invalid_argument,
                "the cursor is not one of view '{}' as it is defined now; ask again from the start", view_.config.name);
  return key;
}

/// Moves towards the next row of a window whose group starts with one of the prefixes. True: it stands on such a row.
bool Query::jump_to_group(MergedRows& rows) {
  int steps = 0;
  while (rows.valid()) {
    const std::string_view group = rows.key().substr(std::min(kWindowSize, rows.key().size()));
    const auto next = std::upper_bound(prefixes_.begin(), prefixes_.end(), group);
    if (next != prefixes_.begin() && group.starts_with(*(next - 1))) return true;
    if (++steps <= kStepsBeforeJump) {
      rows.next();
      continue;
    }
    steps = 0;
    std::string_view window = rows.key();
    const auto at = take_window(window);
    if (!at) return true;  // damaged: make_row names it
    if (next != prefixes_.end()) {
      rows.seek(window_bytes(at->window, at->start) + *next);
    } else {
      rows.seek(window_bytes(at->window, at->start + 1));
    }
  }
  return false;
}

Result<bool> Query::walk(const KeyRange& range) {
  WEIR_ASSIGN(MergedRows rows,
              MergedRows::open(partitions_, view_, greatest_event_time(partitions_), range.from, range.to));
  for (; rows.valid(); rows.next()) {
    if (windowed() && !request_.key.empty() && !jump_to_group(rows)) break;
    const bool full = request_.limit != 0 && answer_.rows == request_.limit;
    WEIR_ASSIGN(const bool taken, make_row(rows.key(), rows.value()));
    if (!taken) continue;
    ++total_;
    if (full || stopped_) {
      if (!answer_.next) answer_.next = cursor_of(last_key_);
      if (!request_.count_total || !request_.cursor.empty()) return false;
      continue;
    }
    last_key_.assign(rows.key());
    ++answer_.rows;
    stopped_ = !visit_(row_);
  }
  WEIR_TRY(rows.status());
  return true;
}

Result<QueryAnswer> Query::run() {
  WEIR_TRY(check());
  WEIR_ASSIGN(const std::string after, cursor_key());
  for (KeyRange range : ranges()) {
    if (!after.empty()) {
      if (!range.to.empty() && range.to <= after) continue;
      // The first key behind `after`.
      if (range.from <= after) range.from = after + '\0';
    }
    WEIR_ASSIGN(const bool more, walk(range));
    if (!more) break;
  }
  if (request_.count_total && request_.cursor.empty()) answer_.total = total_;
  answer_.sequence_min = CommitSequence{std::numeric_limits<std::uint64_t>::max()};
  for (const PartitionPicture& partition : partitions_) {
    answer_.sequence_min = std::min(answer_.sequence_min, partition.at.sequence);
    for (const ViewState& state : partition.at.views) {
      if (state.name != view_.config.name || state.hash != view_.hash) continue;
      answer_.filled = answer_.filled && state.through >= partition.at.sequence;
      answer_.complete_since = std::max(answer_.complete_since, state.complete_since);
    }
  }
  if (partitions_.empty()) answer_.sequence_min = {};
  return answer_;
}

Result<bool> Query::make_row(std::string_view key, std::string_view value) {
  row_.fields.clear();
  payload_ = {};
  if (view_.latest) {
    WEIR_ASSIGN(const bool in_time, make_latest(key, value));
    if (!in_time) return false;
  } else if (view_.fold != nullptr) {
    WEIR_TRY(make_plugin_row(key, value));
  } else {
    WEIR_TRY(make_aggregate(key, value));
  }
  return matches();
}

tl::unexpected<Error> Query::damaged() const { return fail(Errc::state_damaged, "a row of view '{}' cannot be read", view_.config.name); }

/// The group and the window that a key names. `scale` of the group parts, by their places.
template <class Scale>
Result<void> Query::add_group(std::string_view key, Scale scale) {
  std::optional<DecodedWindow> window;
  if (windowed()) {
    window = take_window(key);
    if (!window || window->window >= view_.config.windows.size()) return damaged();
  }
  for (std::size_t i = 0; i < view_.parts.size(); ++i) {
    auto part = take_part(key, scale(i));
    if (!part) return damaged();
    row_.fields.emplace_back(view_.config.group_by[i].text, std::move(*part));
  }
  if (!key.empty()) return damaged();
  if (window) {
    row_.fields.emplace_back("window", to_json_string(view_.config.windows[window->window].text));
    row_.fields.emplace_back("window_start", time_token(window->start));
  }
  return {};
}

Result<void> Query::make_plugin_row(std::string_view key, std::string_view value) {
  const auto row = PluginValue::read(value);
  const PluginViewKind& kind = *view_.config.plugin->kind;
  if (!row || row->kind != kind.name || row->scales.size() != view_.parts.size()) return damaged();
  WEIR_TRY(add_group(key, [&row](std::size_t part) { return static_cast<std::uint8_t>(row->scales[part]); }));
  std::vector<std::string> tokens(kind.columns.size(), "null");
  if (!row->broken) {
    if (row->states.size() > 1) return fail(Errc::limit_reached, "view '{}': there is no memory to merge a row", view_.config.name);
    WEIR_ASSIGN(tokens, view_.fold->show(row->states.empty() ? std::string_view() : row->states.front()));
  }
  for (std::size_t i = 0; i < kind.columns.size(); ++i) row_.fields.emplace_back(kind.columns[i], std::move(tokens[i]));
  row_.fields.emplace_back(kFailedColumn, row->broken ? "null" : std::to_string(row->failed));
  return {};
}

Result<void> Query::make_aggregate(std::string_view key, std::string_view value) {
  const auto aggregate = AggregateView::read(value);
  if (!aggregate || aggregate->parts() != view_.parts.size() || aggregate->measures() != view_.config.measures.size())
    return damaged();
  WEIR_TRY(add_group(key, [&aggregate](std::size_t part) { return aggregate->scale(part); }));
  for (std::size_t i = 0; i < view_.config.measures.size(); ++i) {
    const MeasureConfig& measure = view_.config.measures[i];
    row_.fields.emplace_back(measure.name, aggregate->token(i));
    if (measure.kind == MeasureKind::distinct)
      row_.fields.emplace_back(approximate_column(measure.name), aggregate->approximate(i) ? "true" : "false");
  }
  return {};
}

void Query::add_record_field(std::string_view name, std::string_view token) {
  if (name == "id" || name == "time") {
    const std::string& envelope = row_.fields[name == "id" ? 0 : 1].second;
    if (token_text(token) == token_text(envelope)) return;
    row_.fields.emplace_back("record." + std::string(name), token);
    return;
  }
  row_.fields.emplace_back(name, token);
}

Result<bool> Query::make_latest(std::string_view key, std::string_view value) {
  const auto latest = read_latest(value);
  if (!latest) return damaged();
  if ((request_.from && latest->event_time < *request_.from) || (request_.to && latest->event_time >= *request_.to))
    return false;
  std::string id(latest->id);
  const bool key_shown = key_is_column(view_);
  std::optional<std::string> part;
  if (latest->id_in_key) {
    auto text = take_text_part(key);
    if (!text) return damaged();
    id = std::move(*text);
  } else if (key_shown) {
    part = take_part(key, 0);
    if (!part) return damaged();
  }
  row_.fields.emplace_back("id", to_json_string(id));
  row_.fields.emplace_back("time", time_token(latest->event_time));
  if (!latest->projected) {
    payload_ = latest->body;
    for_each_member(latest->body, [&](std::string_view name, std::string_view token) {
      std::string text;
      add_record_field(append_unescaped(text, name) ? std::string_view(text) : name, token);
      return true;
    });
    return true;
  }
  if (part) add_record_field(view_.config.latest->text, *part);
  std::string_view body = latest->body;
  for (const FieldPath& field : view_.config.fields) {
    const auto token = take_token(body);
    if (!token) return damaged();
    if (!token->empty()) add_record_field(field.text, *token);
  }
  return true;
}

bool Query::matches() const {
  for (std::size_t i = 0; i < request_.where.size(); ++i) {
    const auto& [field, text] = request_.where[i];
    std::string_view token;
    if (const std::string* found = row_.find(field)) {
      token = *found;
    } else if (!payload_.empty()) {
      token = find_member(payload_, paths_[i]).value_or(std::string_view{});
    }
    if (!token_means(token, text)) return false;
  }
  return true;
}

}  // namespace

const std::string* Row::find(std::string_view name) const noexcept {
  for (const auto& [field, token] : fields)
    if (field == name) return &token;
  return nullptr;
}

Result<QueryAnswer> query_view(const std::vector<PartitionPicture>& partitions, const ViewSet& views,
                               const QueryRequest& request, const std::function<bool(const Row&)>& visit) {
  const View* view = views.find(request.view);
  if (view == nullptr) {
    std::string names;
    for (const View& known : views.views()) names += (names.empty() ? "" : ", ") + known.config.name;
    return fail(Errc::not_found, "there is no view '{}'; this pipeline has: {}", request.view,
                names.empty() ? "none" : names);
  }
  return Query(partitions, *view, request, visit).run();
}

Result<std::vector<StateRange>> query_ranges(PartitionId partition, const StateCursor& at, const View& view,
                                             const QueryRequest& request) {
  WEIR_ASSIGN(const std::string prefix, rows_prefix(partition, at, view));
  const std::vector<PartitionPicture> none;
  const std::function<bool(const Row&)> nobody;
  const Query query(none, view, request, nobody);
  WEIR_TRY(query.check());
  std::vector<StateRange> ranges = query.ranges();
  for (StateRange& range : ranges) {
    range.from.insert(0, prefix);
    range.to = range.to.empty() ? prefix_end(prefix) : prefix + range.to;
  }
  return ranges;
}

std::vector<std::string> row_columns(const View& view) {
  std::vector<std::string> columns;
  if (view.latest) {
    if (view.fields.empty()) return columns;
    columns = {"id", "time"};
    const auto add = [&columns](const FieldPath& field) {
      columns.push_back(field.text == "id" || field.text == "time" ? "record." + field.text : field.text);
    };
    if (key_is_column(view)) add(*view.config.latest);
    for (const FieldPath& field : view.config.fields) add(field);
    return columns;
  }
  for (const FieldPath& field : view.config.group_by) columns.push_back(field.text);
  if (!view.config.windows.empty()) columns.insert(columns.end(), {"window", "window_start"});
  for (const MeasureConfig& measure : view.config.measures) {
    columns.push_back(measure.name);
    if (measure.kind == MeasureKind::distinct) columns.push_back(approximate_column(measure.name));
  }
  if (view.config.plugin) {
    columns.insert(columns.end(), view.config.plugin->kind->columns.begin(), view.config.plugin->kind->columns.end());
    columns.emplace_back(kFailedColumn);
  }
  return columns;
}

}  // namespace weir

#include "runtime/engine/view_set.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/calendar.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/plugin_value.h"
#include "runtime/engine/token_equals.h"

namespace weir {

namespace {

// Changes when rows of the same configuration would be computed or kept in another way.
constexpr std::string_view kRowsVersion = "1";
constexpr std::size_t kPartsMax = 64;  // group fields of one view

CalendarUnit calendar_unit(WindowConfig::Unit unit) noexcept {
  switch (unit) {
    case WindowConfig::Unit::day:
      return CalendarUnit::day;
    case WindowConfig::Unit::week:
      return CalendarUnit::week;
    case WindowConfig::Unit::month:
      return CalendarUnit::month;
    case WindowConfig::Unit::year:
    case WindowConfig::Unit::fixed:
      return CalendarUnit::year;
  }
  return CalendarUnit::day;
}

/// Everything that decides what rows a view has, each text with its length in front so that no two views spell the
/// same. `retain` is left out: it hides, it does not change.
Digest128 view_hash(const ViewConfig& config) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    text.append(std::to_string(part.size())).append(":").append(part);
  };
  const auto add_paths = [&](const std::vector<FieldPath>& paths) {
    add(std::to_string(paths.size()));
    for (const FieldPath& path : paths) add(path.text);
  };
  add(kRowsVersion);
  add(config.name);
  add(config.latest ? "latest" : config.plugin ? "plugin" : "aggregate");
  if (config.latest) add(config.latest->text);
  add_paths(config.fields);
  add_paths(config.group_by);
  for (const WindowConfig& window : config.windows) {
    add(std::to_string(static_cast<int>(window.unit)));
    add(std::to_string(window.size.count()));
  }
  for (const MeasureConfig& measure : config.measures) {
    add(measure.name);
    add(std::to_string(static_cast<int>(measure.kind)));
    add(measure.path.text);
  }
  if (config.plugin) {
    // Not the bytes of its file: what a plugin's rows are, its author says. A view filled anew may lack what the log lacks.
    const PluginViewKind& kind = *config.plugin->kind;
    add(kind.name);
    add(std::to_string(kind.raw.version));
    for (std::size_t i = 0; i < kind.keys.size(); ++i) {
      add(kind.keys[i].name);
      add(config.plugin->values[i]);
    }
  }
  if (config.when) {
    add(config.when->path.text);
    add(std::to_string(static_cast<int>(config.when->equals.kind)));
    add(config.when->equals.text);
  }
  return xxh3_128(text);
}

Result<void> check(const ViewConfig& config) {
  const auto refuse = [&config](std::string_view why) {
    return fail(Errc::config_invalid, "view '{}': {}", config.name, why);
  };
  if (config.name.empty()) return refuse("a view has a name");
  if (config.latest.has_value() + !config.measures.empty() + config.plugin.has_value() != 1)
    return refuse("it has either latest or measures, or what a plugin has");
  if (config.latest && (!config.group_by.empty() || !config.windows.empty()))
    return refuse("group_by and windows belong to measures, not to latest");
  if (!config.latest && !config.fields.empty()) return refuse("fields belongs to latest");
  if (config.retain && config.windows.empty())
    return refuse("retain needs windows: it hides windows that ended long ago");
  if (config.measures.size() > 255 || config.group_by.size() > kPartsMax || config.windows.size() > 255)
    return refuse("at most 255 measures, 64 group fields and 255 windows");
  for (const WindowConfig& window : config.windows)
    if (window.unit == WindowConfig::Unit::fixed && window.size.count() <= 0)
      return refuse("a window has a positive size");
  return {};
}

/// A number under a measure. Null and missing are skipped silently, anything else that is no Decimal is counted.
enum class Measured : std::uint8_t { number, nothing, no_number };
Measured read_number(std::string_view token, Decimal& number) noexcept {
  if (token.empty() || token == "null") return Measured::nothing;
  const char first = token.front();
  if (first != '-' && (first < '0' || first > '9')) return Measured::no_number;
  const auto parsed = Decimal::parse(token);
  if (!parsed) return Measured::no_number;
  number = *parsed;
  return Measured::number;
}

}  // namespace

std::int64_t window_start(const WindowConfig& window, std::int64_t time) noexcept {
  if (window.unit == WindowConfig::Unit::fixed) return window_start(window.size, time);
  return window_start(calendar_unit(window.unit), time);
}

std::int64_t window_end(const WindowConfig& window, std::int64_t start) noexcept {
  if (window.unit == WindowConfig::Unit::fixed) return start + window.size.count();
  return window_end(calendar_unit(window.unit), start);
}

ViewOperand ViewSet::operand(const FieldPath& path) {
  using Kind = ViewOperand::Kind;
  if (path.envelope()) {
    if (path.text == "@id") return {Kind::id, 0};
    if (path.text == "@time") return {Kind::time, 0};
    if (path.text == "@type") return {Kind::type, 0};
    if (path.text == "@source") return {Kind::source, 0};
    if (path.text == "@partition") return {Kind::partition, 0};
  }
  const auto known = std::find(paths_.begin(), paths_.end(), path);
  const auto column = static_cast<std::uint32_t>(known - paths_.begin());
  if (known == paths_.end()) paths_.push_back(path);
  return {Kind::value, column};
}

Result<ViewSet> ViewSet::compile(const std::vector<ViewConfig>& configs, const RowFoldMaker& fold) {
  ViewSet set;
  for (const ViewConfig& config : configs) {
    if (config.plugin && config.plugin->kind == nullptr) continue;
    WEIR_TRY(check(config));
    if (set.find(config.name) != nullptr) return fail(Errc::config_invalid, "view '{}' is there twice", config.name);
    View view;
    view.config = config;
    view.hash = view_hash(config);
    view.latest = config.latest.has_value();
    if (view.latest) view.parts.push_back(set.operand(*config.latest));
    for (const FieldPath& path : config.group_by) view.parts.push_back(set.operand(path));
    for (const FieldPath& path : config.fields) view.fields.push_back(set.operand(path));
    std::vector<MeasureKind> kinds;
    for (const MeasureConfig& measure : config.measures) {
      kinds.push_back(measure.kind);
      view.measures.push_back(measure.kind == MeasureKind::count ? ViewOperand{} : set.operand(measure.path));
    }
    if (config.plugin) {
      WEIR_ASSIGN(view.fold, fold(config));
      for (const FieldPath& path : view.fold->fields()) view.fields.push_back(set.operand(path));
    } else if (!view.latest) {
      view.layout = AggregateLayout(view.parts.size(), std::move(kinds));
    }
    if (config.when) view.when = set.operand(config.when->path);
    set.views_.push_back(std::move(view));
  }
  set.merger_ = std::make_shared<ViewMerger>(configs);
  return set;
}

const View* ViewSet::find(std::string_view name) const noexcept {
  for (const View& view : views_)
    if (view.config.name == name) return &view;
  return nullptr;
}

Digest128 ViewSet::hash() const noexcept {
  Digest128 sum;
  for (const View& view : views_) sum += view.hash;
  return sum;
}

ViewWriter::ViewWriter(const ViewSet& views, PartitionId partition)
    : views_(&views), partition_(partition), numbers_(views.views().size()), skipped_(views.views().size()) {
  std::size_t rows = 0;
  for (const View& view : views.views()) {
    rows += std::max<std::size_t>(view.config.windows.size(), 1);
    adders_.push_back(view.fold == nullptr ? nullptr : view.fold->adder(partition));
  }
  steps_.resize(rows * kTogether);
}

std::string_view ViewWriter::envelope_token(const ViewOperand& operand, const ViewRecord& record) {
  envelope_.clear();
  switch (operand.kind) {
    case ViewOperand::Kind::value:
      return record.values[operand.column];
    case ViewOperand::Kind::id:
      append_json_string(envelope_, record.id);
      break;
    case ViewOperand::Kind::time:
      append_json_string(envelope_, to_rfc3339(record.event_time));
      break;
    case ViewOperand::Kind::type:
      append_json_string(envelope_, record.type);
      break;
    case ViewOperand::Kind::source:
      append_json_string(envelope_, record.source);
      break;
    case ViewOperand::Kind::partition:
      envelope_ = std::to_string(partition_.value);
      break;
  }
  return envelope_;
}

std::uint8_t ViewWriter::append_operand(const ViewOperand& operand, const ViewRecord& record) {
  switch (operand.kind) {
    case ViewOperand::Kind::value:
      return append_part(keys_, record.values[operand.column]);
    case ViewOperand::Kind::id:
      append_text_part(keys_, record.id);
      return 0;
    case ViewOperand::Kind::type:
      append_text_part(keys_, record.type);
      return 0;
    case ViewOperand::Kind::source:
      append_text_part(keys_, record.source);
      return 0;
    case ViewOperand::Kind::time:
    case ViewOperand::Kind::partition:
      return append_part(keys_, envelope_token(operand, record));
  }
  return 0;
}

bool ViewWriter::holds(const View& view, const ViewRecord& record) {
  return token_equals(token(*view.when, record), view.config.when->equals);
}

void ViewWriter::plan(std::size_t index, const ViewRecord& record, const Delta& delta, const std::vector<bool>& only) {
  INVARIANT(record.values.size() == views_->paths().size(), "a record comes with one value for each path of the views");
  const std::vector<View>& views = views_->views();
  for (std::size_t place = 0; place < views.size(); ++place) {
    if (!only.empty() && !only[place]) continue;
    const View& view = views[place];
    if (view.when && !holds(view, record)) continue;
    const std::size_t windows = view.config.windows.size();
    for (std::size_t window = 0; window < std::max<std::size_t>(windows, 1); ++window) {
      const std::size_t key = keys_.size();
      const std::size_t scales = scales_.size();
      append_view_prefix(keys_, numbers_[place]);
      if (windows != 0)
        append_window(keys_, static_cast<std::uint8_t>(window),
                      window_start(view.config.windows[window], record.event_time));
      if (view.latest) {
        append_operand(view.parts[0], record);
      } else {
        for (const ViewOperand& part : view.parts) scales_.push_back(append_operand(part, record));
      }
      const std::uint64_t hash = Delta::hash_of(keys_.view().substr(key));
      delta.prefetch(hash);
      steps_[planned_++] = {hash,
                            static_cast<std::uint32_t>(key),
                            static_cast<std::uint32_t>(keys_.size() - key),
                            static_cast<std::uint32_t>(scales),
                            static_cast<std::uint16_t>(index),
                            static_cast<std::uint16_t>(place)};
    }
  }
}

void ViewWriter::apply(std::span<const ViewRecord> records, Delta& delta, const std::vector<bool>& only) {
  while (!records.empty()) {
    const auto together = records.first(std::min(records.size(), kTogether));
    records = records.subspan(together.size());
    planned_ = 0;
    scales_.clear();
    keys_.clear();
    for (std::size_t i = 0; i < together.size(); ++i) plan(i, together[i], delta, only);
    const std::span<const Step> steps(steps_.data(), planned_);
    // Of each row the entry, then its bytes, a few steps ahead of their use.
    constexpr std::size_t kAhead = 6;
    for (std::size_t i = 0; i < steps.size() + 2 * kAhead; ++i) {
      if (i < steps.size()) delta.prefetch_entry(steps[i].hash);
      if (i >= kAhead && i - kAhead < steps.size()) delta.prefetch_bytes(steps[i - kAhead].hash);
      if (i < 2 * kAhead) continue;
      const Step& step = steps[i - 2 * kAhead];
      const View& view = views_->views()[step.view];
      if (view.latest) {
        keep_latest(view, keys_.view().substr(step.key, step.length), step.hash, together[step.record], delta);
      } else if (view.fold != nullptr) {
        fold_into_row(step, together[step.record], delta);
      } else {
        add_to_row(step, together[step.record], delta);
      }
    }
  }
}

void ViewWriter::keep_latest(const View& view, std::string_view key, std::uint64_t hash, const ViewRecord& record,
                             Delta& delta) {
  LatestValue candidate;
  candidate.event_time = record.event_time;
  candidate.index = record.index;
  candidate.id_in_key = view.id_in_key();
  if (!candidate.id_in_key) candidate.id = record.id;
  candidate.projected = !view.fields.empty();
  std::size_t body = record.payload.size();
  if (candidate.projected) {
    body = 0;
    for (const ViewOperand& field : view.fields) body += token_size(token(field, record));
  }
  const std::size_t size = kLatestHead + candidate.id.size() + body;
  const auto write_body = [&](char* to) {
    if (!candidate.projected) {
      std::memcpy(to, record.payload.data(), body);
    } else {
      for (const ViewOperand& field : view.fields) to = write_token(token(field, record), to);
    }
  };

  const Delta::Slot slot = delta.slot(key, hash, size);
  if (!slot.fresh) {
    if (slot.entry.op == StateOp::erase) {
      slot.entry.op = StateOp::put;
    } else {
      const auto holder = read_latest(slot.entry.value_view());
      INVARIANT(holder.has_value(), "what lies under a latest view's key is a latest value");
      const auto stays = [&] {
        if (holder->event_time != candidate.event_time) return holder->event_time > candidate.event_time;
        if (holder->id != candidate.id || holder->index != candidate.index) return !latest_wins(candidate, *holder);
        // The same record once more is rare: its body takes part in the decision, so it is put together first.
        std::string text(body, '\0');
        write_body(text.data());
        candidate.body = text;
        const bool loses = !latest_wins(candidate, *holder);
        candidate.body = {};
        return loses;
      };
      if (stays()) return;
    }
  }
  delta.resize(slot.entry, size);
  write_latest(candidate, slot.entry.value());
  write_body(slot.entry.value() + kLatestHead + candidate.id.size());
}

/// Values are equal where a group by them would be one group; null and missing are no value.
void ViewWriter::add_distinct(const View& view, std::size_t measure, const ViewRecord& record, Delta::Entry& entry,
                              Delta& delta) {
  const ViewOperand& operand = view.measures[measure];
  if (operand.kind == ViewOperand::Kind::value) {
    const std::string_view value = record.values[operand.column];
    if (value.empty() || value == "null") return;
  }
  const std::size_t mark = keys_.size();
  append_operand(operand, record);
  const std::uint64_t hash = xxh3_64(keys_.view().substr(mark));
  keys_.truncate(mark);
  const auto growth = view.layout.growth(entry.value_view(), measure, hash);
  if (!growth) return;
  const std::size_t size = entry.value_length;
  delta.resize(entry, size + *growth, true);
  view.layout.add_distinct(entry.value(), size, measure, hash);
}

void ViewWriter::mark_with(CodeMarks& marks) {
  marks_ = &marks;
  for (const View& view : views_->views()) marks_of_.push_back(view.fold == nullptr ? nullptr : marks.take(partition_, "view " + view.config.name));
}

bool ViewWriter::add(const Step& step, const ViewRecord& record, std::string_view state) {
  RowFold::Adder& adder = *adders_[step.view];
  if (marks_ == nullptr) return adder.add(state, record, tokens_, state_);
  struct Inside {
    CodeMarks& marks;
    CodeMark& mark;
    ~Inside() {
      marks.on_this_thread(nullptr);
      mark.leave();
    }
  } inside{*marks_, *marks_of_[step.view]};
  inside.mark.enter(first_, events_, 0);
  marks_->on_this_thread(&inside.mark);
  return adder.add(state, record, tokens_, state_);
}

void ViewWriter::fold_into_row(const Step& step, const ViewRecord& record, Delta& delta) {
  const View& view = views_->views()[step.view];
  tokens_.clear();
  for (const ViewOperand& field : view.fields)
    tokens_.push_back(field.kind == ViewOperand::Kind::value ? record.values[field.column] : std::string_view());
  const Delta::Slot slot = delta.slot(keys_.view().substr(step.key, step.length), step.hash, 0);
  PluginValue row;
  std::string scales(view.parts.size(), '\0');
  if (slot.entry.op == StateOp::erase) {
    slot.entry.op = StateOp::put;
  } else if (!slot.fresh) {
    const auto held = PluginValue::read(slot.entry.value_view());
    INVARIANT(held.has_value() && held->states.size() <= 1, "what lies under the key of a plugin's view in a delta was put there by it");
    row = *held;
    scales = row.scales;
  }
  for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = static_cast<char>(std::max<std::uint8_t>(static_cast<std::uint8_t>(scales[i]), scales_[step.scales + i]));
  row.scales = scales;
  row.kind = view.config.plugin->kind_name;
  if (row.broken) {
    // Nothing can be added to it.
  } else if (add(step, record, row.states.empty() ? std::string_view() : row.states.front())) {
    row.broken = state_.size() > kRowStateMax;
    row.states.clear();
    if (!row.broken) row.states = {state_};
  } else {
    ++row.failed;
    ++skipped_[step.view];
  }
  std::string value;
  row.write(value);
  delta.resize(slot.entry, value.size());
  std::memcpy(slot.entry.value(), value.data(), value.size());
}

void ViewWriter::add_to_row(const Step& step, const ViewRecord& record, Delta& delta) {
  const View& view = views_->views()[step.view];
  const Delta::Slot slot = delta.slot(keys_.view().substr(step.key, step.length), step.hash, view.layout.room());
  const bool erased = slot.entry.op == StateOp::erase;
  if (slot.fresh || erased) {
    if (erased) slot.entry.op = StateOp::put;
    delta.resize(slot.entry, view.layout.size());
    view.layout.init(slot.entry.value());
  }
  view.layout.add_row(slot.entry.value(), {scales_.data() + step.scales, view.parts.size()});
  for (std::size_t i = 0; i < view.measures.size(); ++i) {
    const MeasureKind kind = view.config.measures[i].kind;
    if (kind == MeasureKind::count) continue;
    if (kind == MeasureKind::distinct) {
      add_distinct(view, i, record, slot.entry, delta);
      continue;
    }
    Decimal number;
    switch (read_number(token(view.measures[i], record), number)) {
      case Measured::number:
        view.layout.add(slot.entry.value(), i, number);
        break;
      case Measured::nothing:
        break;
      case Measured::no_number:
        ++skipped_[step.view];
        break;
    }
  }
}

}  // namespace weir

#include "actors/enrich/enricher.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir {

Result<std::unique_ptr<Stage>> Enricher::compile(const StageConfig& config, StageContext& context) {
  const auto& enrich = std::get<EnrichConfig>(config.body);
  auto stage = std::unique_ptr<Enricher>(new Enricher(config.name));
  WEIR_ASSIGN(stage->when_, Condition::compile(config.when, context.fields));
  WEIR_ASSIGN(stage->table_, context.tables.load(enrich.table));
  if (enrich.key.size() != enrich.table.key.size() || enrich.key.empty()) {
    return fail(Errc::config_invalid, "stage \"{}\": {} key fields for {} key columns of {}", config.name,
                enrich.key.size(), enrich.table.key.size(), enrich.table.file);
  }
  for (const FieldPath& path : enrich.key) {
    WEIR_ASSIGN(FieldRef field, FieldRef::compile(path, context.fields));
    stage->key_.push_back(std::move(field));
  }
  for (const auto& [field, column] : enrich.add) {
    const auto place = stage->table_->column(column);
    if (!place) {
      return fail(Errc::config_invalid, "stage \"{}\": {} has no column \"{}\"; the columns are {}", config.name,
                  enrich.table.file, column, fmt::join(stage->table_->columns(), ", "));
    }
    stage->add_.emplace_back(context.fields.touch(field), *place);
  }
  stage->missing_ = MissingRule(enrich, context.fields);
  return std::unique_ptr<Stage>(std::move(stage));
}

std::string_view Enricher::key_of(const ChainEvent& event, ChainBatch& batch, std::string& scratch) const {
  if (key_.size() == 1) return key_part(key_.front(), event, batch);
  scratch.clear();
  for (const FieldRef& field : key_) {
    const std::string_view text = key_part(field, event, batch);
    if (text.empty()) return {};
    ReferenceTable::append_key_part(scratch, text);
  }
  return batch.arena().copy(scratch);
}

bool Enricher::finds(const ChainEvent& event, ChainBatch& batch) const {
  std::string scratch;
  return table_->find(key_of(event, batch, scratch)) != ReferenceTable::kNone;
}

void Enricher::process(ChainBatch& batch, StageScratch& scratch) const {
  for (std::span<ChainEvent> events = batch.events(); !events.empty();) {
    const std::size_t count = std::min<std::size_t>(events.size(), kChainEventsMax);
    process_slice(batch, events.first(count), scratch);
    events = events.subspan(count);
  }
}

// Three steps an event, each some events ahead of the next, so that the table's cache misses overlap: hash, candidate row,
// values.
void Enricher::process_slice(ChainBatch& batch, std::span<ChainEvent> events, StageScratch& scratch) const {
  constexpr std::uint32_t kNotAsked = ReferenceTable::kNone - 1;
  constexpr std::size_t kAhead = 8;
  auto& hashes = scratch.numbers;
  auto& rows = scratch.rows;
  auto& keys = scratch.views;
  const auto hash = [&](std::size_t i) {
    const ChainEvent& event = events[i];
    const bool applies = event.verdict == Verdict::pass && when_.holds(event, batch);
    rows[i] = applies ? 0 : kNotAsked;
    if (!applies) return;
    keys[i] = key_of(event, batch, scratch.text);
    hashes[i] = ReferenceTable::hash(keys[i]);
    table_->prefetch(hashes[i]);
  };
  const auto choose = [&](std::size_t i) {
    if (rows[i] != kNotAsked) rows[i] = table_->candidate(hashes[i]);
  };
  const auto add = [&](std::size_t i) {
    if (rows[i] == kNotAsked) return;
    const ReferenceTable::Row row = table_->confirm(rows[i], hashes[i], keys[i]);
    if (row == ReferenceTable::kNone) return missing_.apply(batch, events[i], name_, key_, "is not in the table");
    for (const auto& [slot, column] : add_) events[i].document.set(slot, table_->value(row, column));
  };
  for (std::size_t i = 0; i < events.size() + 2 * kAhead; ++i) {
    if (i < events.size()) hash(i);
    if (i >= kAhead && i - kAhead < events.size()) choose(i - kAhead);
    if (i >= 2 * kAhead) add(i - 2 * kAhead);
  }
}

}  // namespace weir

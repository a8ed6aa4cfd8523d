#include "runtime/engine/sink_feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"
#include "runtime/engine/letters_query.h"
#include "runtime/engine/query_output.h"

namespace weir {

/// Texts into one string, and their places; the views are made at the end, when it does not move any more.
class SinkFeed::Builder {
 public:
  /// `envelope`: the target wants to know what stands around a record.
  Builder(SinkTextWriter& text, SinkPosition from, const Bounds& bounds, bool envelope) : text_(text), bounds_(bounds), envelope_(envelope), batch_(std::make_shared<SinkBatch>()) { batch_->from = batch_->to = from; }

  /// Moves behind this record. False: it does not fit any more, and is not in it.
  bool take(const SinkRecord& record, SinkPosition behind) {
    if (bounds_.until && behind > *bounds_.until) return stop();
    if (text_.wanted(record)) {
      if (places_.size() >= bounds_.events_max) return stop();
      const std::size_t before = texts_.size();
      Place place{before, 0, 0, 0, 0, 0, record.event_time, behind};
      text_.append(record, texts_);
      place.id = texts_.size();
      // One alone may be longer than the bound.
      if (!places_.empty() && bytes_ + (place.id - before) > bounds_.bytes_max) {
        texts_.resize(before);
        return stop();
      }
      bytes_ += place.id - before;
      text_.append_id(record, texts_);
      place.folder = texts_.size();
      text_.append_folder(record, texts_);
      place.type = texts_.size();
      if (envelope_) texts_ += record.type;
      place.source = texts_.size();
      if (envelope_) texts_ += record.source;
      place.end = texts_.size();
      places_.push_back(place);
    }
    batch_->to = behind;
    return true;
  }
  /// Behind a commit as a whole.
  bool pass(CommitSequence sequence) {
    const SinkPosition behind{sequence, 0};
    if (bounds_.until && behind > *bounds_.until) return stop();
    batch_->to = behind;
    return true;
  }
  [[nodiscard]] Made finish() {
    auto texts = std::make_shared<const std::string>(std::move(texts_));
    const std::string_view all = *texts;
    const auto part = [&all](std::size_t begin, std::size_t end) { return all.substr(begin, end - begin); };
    for (const Place& at : places_)
      batch_->items.push_back({part(at.text, at.id), part(at.id, at.folder), part(at.folder, at.type), part(at.type, at.source), part(at.source, at.end), at.time, at.behind});
    batch_->bytes = bytes_;
    batch_->key = key();
    batch_->header = text_.header();
    batch_->keep = std::move(texts);
    const bool full = full_ || places_.size() >= bounds_.events_max || bytes_ >= bounds_.bytes_max;
    return {std::move(batch_), full};
  }

 private:
  struct Place {
    std::size_t text, id, folder, type, source, end;
    std::int64_t time;
    SinkPosition behind;
  };
  /// The id of the record where there is one, and a header can hold it; else a digest of all ids.
  [[nodiscard]] std::string key() const {
    const auto plain = [](std::string_view id) {
      return std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    };
    if (batch_->items.size() == 1 && plain(batch_->items.front().id)) return std::string(batch_->items.front().id);
    std::string ids;
    for (const SinkItem& item : batch_->items) ids += fmt::format("{}:{},", item.id.size(), item.id);
    return to_hex(xxh3_128(ids));
  }
  bool stop() {
    full_ = true;
    return false;
  }
  SinkTextWriter& text_;
  const Bounds& bounds_;
  const bool envelope_;
  std::shared_ptr<SinkBatch> batch_;
  std::string texts_;
  std::vector<Place> places_;
  std::uint64_t bytes_ = 0;
  bool full_ = false;
};

SinkFeed::SinkFeed(const SinkConfig& sink, const PipelineConfig& pipeline, PartitionId partition)
    : sink_(sink), pipeline_(pipeline), partition_(partition), text_(sink, pipeline, {}) {}

void SinkFeed::begin(SinkPosition at, std::vector<std::string> columns) {
  text_ = SinkTextWriter(sink_, pipeline_, std::move(columns));
  first_ = at.through;
  commits_.clear();
  bytes_ = 0;
  log_records_.reset();
}

Result<void> SinkFeed::add(std::vector<CommitRecord> records) {
  for (CommitRecord& record : records) {
    if (record.sequence <= end()) continue;
    if (record.sequence != next(end()))
      return fail(Errc::internal, "partition {}: the log gave commit {} where commit {} was to come", partition_.value, record.sequence.value, end().value + 1);
    auto body = CommitBody::decode(record.body);
    if (!body) return fail(body.error().code, "partition {}, commit {}: {}", partition_.value, record.sequence.value, body.error().context);
    bytes_ += record.body.size();
    commits_.push_back({record.sequence, std::move(*body), record.body.size()});
  }
  return {};
}

SinkFeed::Made SinkFeed::batch(SinkPosition from, const Bounds& bounds) {
  INVARIANT(from.through >= first_, "what was forgotten is not asked for again");
  Builder builder(text_, from, bounds, std::holds_alternative<PluginSinkConfig>(sink_.body));
  std::uint32_t skip = from.taken;
  for (std::size_t i = from.through.value - first_.value; i < commits_.size(); ++i) {
    if (!walk(commits_[i], skip, builder)) break;
    skip = 0;
  }
  Made made = builder.finish();
  return made;
}

bool SinkFeed::walk(const Commit& commit, std::uint32_t skip, Builder& builder) {
  std::uint32_t number = 0;
  for (const OutcomeBatch& batch : commit.body.batches) {
    const bool on = sink_.from == SinkFrom::curated ? walk_records(commit, batch, number, skip, builder) : walk_letters(commit, batch, number, skip, builder);
    if (!on) return false;
  }
  return builder.pass(commit.sequence);
}

bool SinkFeed::walk_records(const Commit& commit, const OutcomeBatch& batch, std::uint32_t& number, std::uint32_t skip, Builder& builder) {
  for (std::uint32_t i = 0; i < batch.records(); ++i) {
    if (number++ < skip) continue;
    const RecordView view = batch.record(i);
    const SinkRecord record{view.payload, batch.id(view.outcome_index), view.type, view.source, view.event_time, partition_, view.index, nullptr, commit.sequence};
    if (!builder.take(record, {CommitSequence{commit.sequence.value - 1}, number})) return false;
  }
  return true;
}

bool SinkFeed::walk_letters(const Commit& commit, const OutcomeBatch& batch, std::uint32_t& number, std::uint32_t skip, Builder& builder) {
  for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
    const OutcomeEntry& outcome = batch.outcome(i);
    // An edit changes a letter that was made before.
    if (outcome.outcome != Outcome::dead_lettered || (outcome.flags & outcome_flag::from_letter) != 0) continue;
    if (number++ < skip) continue;
    PlacedLetter placed;
    placed.partition = partition_;
    placed.offset = batch.offset(i);
    placed.stored.id = batch.id(i);
    placed.stored.letter = batch.letter(outcome.first_record);
    placed.stored.digest = outcome.digest;
    placed.stored.accepted_at = outcome.accepted_at;
    placed.stored.dead_at = commit.body.meta.partition_time;
    placed.stored.sequence = commit.sequence;
    placed.stored.conflict = (outcome.flags & outcome_flag::conflict) != 0;
    std::string json;
    append_row_json(json, letter_row(placed));
    const SinkRecord record{json, batch.id(i), {}, {}, outcome.accepted_at, partition_, 0, &placed, commit.sequence};
    if (!builder.take(record, {CommitSequence{commit.sequence.value - 1}, number})) return false;
  }
  return true;
}

void SinkFeed::forget(SinkPosition below) {
  while (first_ < below.through && !commits_.empty()) {
    log_records_ = commits_.front().body.meta.ledger.records;
    first_ = commits_.front().sequence;
    bytes_ -= commits_.front().bytes;
    commits_.pop_front();
  }
}

std::optional<std::int64_t> SinkFeed::committed_at(SinkPosition at) const {
  const std::uint64_t place = at.through.value - first_.value;
  if (at.through < first_ || place >= commits_.size()) return std::nullopt;
  return commits_[place].body.meta.committed_at;
}

}  // namespace weir

#include "runtime/event/outcome_batch.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/invariant.h"

namespace weir {

namespace {

constexpr std::uint32_t kBatchMagic = 0x31424f57;  // "WOB1"
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kVersionWithParks = 2;  // with parks or edits: what has none can be read by who knows none

struct WireBatch {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t attributes;
  std::uint32_t size;         // whole packed batch, header included
  std::uint32_t area_length;  // the byte area starts right behind this header; the tables behind it, 8-byte aligned
  std::uint64_t first_offset;
  std::uint32_t outcomes;
  std::uint32_t records;
  std::uint32_t letters;
  std::uint32_t offsets;      // 0 or `outcomes`
  std::uint32_t parks;        // version 2
  std::uint32_t edits;        // version 2
  std::uint32_t door_offset;  // of all events that came by one door; length 0: told nowhere, or in the letters
  std::uint32_t door_length;
  std::uint32_t reserved[2];
};
static_assert(sizeof(WireBatch) == 64);

bool inside(std::uint64_t offset, std::uint64_t length, std::uint64_t size) { return offset <= size && length <= size - offset; }

tl::unexpected<Error> damaged(std::string_view what) { return fail(Errc::log_damaged, "packed batch: {}", what); }

}  // namespace

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::served: return "served";
    case Outcome::filtered: return "filtered";
    case Outcome::duplicate: return "duplicate";
    case Outcome::dead_lettered: return "dead_lettered";
    case Outcome::shed: return "shed";
    case Outcome::expired: return "expired";
    case Outcome::retrying: return "retrying";
    case Outcome::dropped: return "dropped";
  }
  return "unknown";
}

Result<OutcomeBatch> OutcomeBatch::decode(const SharedBytes& bytes) {
  const std::string_view all = bytes.view();
  if (all.size() < sizeof(WireBatch)) return damaged("no header");
  const auto wire = load<WireBatch>(all.data());
  if (wire.magic != kBatchMagic) return damaged("wrong magic");
  if (wire.version != kVersion && wire.version != kVersionWithParks)
    return fail(Errc::format_newer, "packed batch has version {}, this weir reads up to {}", wire.version, kVersionWithParks);
  if (wire.size > all.size() || wire.size % 8 != 0 || wire.area_length % 8 != 0) return damaged("wrong size");
  const std::uint32_t parks = wire.version == kVersionWithParks ? wire.parks : 0;
  const std::uint32_t edits = wire.version == kVersionWithParks ? wire.edits : 0;
  if (wire.offsets != 0 && wire.offsets != wire.outcomes) return damaged("wrong number of offsets");
  const std::uint64_t tables = std::uint64_t{wire.outcomes} * sizeof(OutcomeEntry) + std::uint64_t{wire.records} * sizeof(RecordEntry) +
                               std::uint64_t{wire.letters} * sizeof(LetterEntry) +
                               std::uint64_t{wire.attributes} * sizeof(AttributeEntry) + std::uint64_t{wire.offsets} * 8 +
                               std::uint64_t{parks} * sizeof(ParkEntry) + std::uint64_t{edits} * sizeof(EditEntry);
  if (sizeof(WireBatch) + std::uint64_t{wire.area_length} + tables != wire.size) return damaged("tables do not fill it");

  OutcomeBatch batch;
  batch.bytes_ = bytes.part(0, wire.size);
  if (reinterpret_cast<std::uintptr_t>(batch.bytes_.data()) % 8 != 0) batch.bytes_ = SharedBytes::copy_of(batch.bytes_.view());
  batch.area_ = batch.bytes_.data() + sizeof(WireBatch);
  const char* at = batch.area_ + wire.area_length;
  batch.outcome_table_ = reinterpret_cast<const OutcomeEntry*>(at);
  at += std::size_t{wire.outcomes} * sizeof(OutcomeEntry);
  batch.record_table_ = reinterpret_cast<const RecordEntry*>(at);
  at += std::size_t{wire.records} * sizeof(RecordEntry);
  batch.letter_table_ = reinterpret_cast<const LetterEntry*>(at);
  at += std::size_t{wire.letters} * sizeof(LetterEntry);
  batch.attribute_table_ = reinterpret_cast<const AttributeEntry*>(at);
  at += std::size_t{wire.attributes} * sizeof(AttributeEntry);
  batch.offsets_ = wire.offsets == 0 ? nullptr : reinterpret_cast<const std::uint64_t*>(at);
  at += std::size_t{wire.offsets} * 8;
  batch.park_table_ = reinterpret_cast<const ParkEntry*>(at);
  at += std::size_t{parks} * sizeof(ParkEntry);
  batch.edit_table_ = reinterpret_cast<const EditEntry*>(at);
  batch.first_offset_ = Offset{wire.first_offset};
  batch.outcomes_ = wire.outcomes;
  batch.records_ = wire.records;
  batch.letters_ = wire.letters;
  batch.parks_ = parks;
  batch.edits_ = edits;
  if (!inside(wire.door_offset, wire.door_length, wire.area_length)) return damaged("its door is out of bounds");
  batch.door_ = {batch.area_ + wire.door_offset, wire.door_length};

  WEIR_TRY(batch.check(wire.area_length, wire.attributes));
  return batch;
}

/// Every offset once, so that later reads need not.
Result<void> OutcomeBatch::check(std::uint64_t area, std::uint32_t attributes) const {
  for (std::uint32_t i = 0; i < outcomes_; ++i) {
    const OutcomeEntry& e = outcome_table_[i];
    const auto kind = static_cast<std::uint8_t>(e.outcome);
    if (!inside(e.id_offset, e.id_length, area) || kind < 1 || kind > 8) return damaged("an outcome is out of bounds");
    if (e.outcome == Outcome::served && !inside(e.first_record, e.record_count, records_)) return damaged("an outcome's records");
    if (e.outcome == Outcome::dead_lettered && e.first_record >= letters_) return damaged("an outcome's letter");
    if (e.outcome == Outcome::retrying && (e.first_record >= letters_ || e.record_count >= parks_)) return damaged("a parked outcome's letter");
  }
  const auto inside_area = [area](const ParkEntry& e) { return inside(e.key_offset, e.key_length, area); };
  if (!std::all_of(park_table_, park_table_ + parks_, inside_area)) return damaged("a park entry is out of bounds");
  for (std::uint32_t i = 0; i < edits_; ++i) {
    const EditEntry& e = edit_table_[i];
    const bool ordered = i == 0 || edit_table_[i - 1].letter_index < e.letter_index;
    if (!inside(e.edited_offset, e.edited_length, area) || e.letter_index >= letters_ || !ordered) return damaged("an edit is out of bounds");
  }
  for (std::uint32_t i = 0; i < records_; ++i) {
    const RecordEntry& e = record_table_[i];
    if (!inside(e.payload_offset, e.payload_length, area) || e.outcome_index >= outcomes_ || e.attributes >= attributes)
      return damaged("a record is out of bounds");
  }
  for (std::uint32_t i = 0; i < letters_; ++i) {
    const LetterEntry& e = letter_table_[i];
    if (!inside(e.original_offset, e.original_length, area) || !inside(e.details_offset, e.details_length, area) ||
        !inside(e.door_offset, e.door_length, area) || !inside(e.stage_offset, e.stage_length, area) ||
        !inside(e.reason_offset, e.reason_length, area) || !inside(e.csv_offset, e.csv_length, area) ||
        e.outcome_index >= outcomes_)
      return damaged("a letter is out of bounds");
  }
  for (std::uint32_t i = 0; i < attributes; ++i) {
    const AttributeEntry& e = attribute_table_[i];
    if (!inside(e.type_offset, e.type_length, area) || !inside(e.source_offset, e.source_length, area))
      return damaged("an attribute is out of bounds");
  }
  return {};
}

RecordView OutcomeBatch::record(std::uint32_t i) const noexcept {
  const RecordEntry& e = record_table_[i];
  const AttributeEntry& a = attribute_table_[e.attributes];
  RecordView view;
  view.payload = {area_ + e.payload_offset, e.payload_length};
  view.type = {area_ + a.type_offset, a.type_length};
  view.source = {area_ + a.source_offset, a.source_length};
  view.event_time = e.event_time;
  view.outcome_index = e.outcome_index;
  view.index = e.index;
  return view;
}

LetterView OutcomeBatch::letter(std::uint32_t i) const noexcept {
  const LetterEntry& e = letter_table_[i];
  LetterView view;
  view.original = {area_ + e.original_offset, e.original_length};
  view.stage = {area_ + e.stage_offset, e.stage_length};
  view.reason = {area_ + e.reason_offset, e.reason_length};
  view.details = {area_ + e.details_offset, e.details_length};
  view.door = {area_ + e.door_offset, e.door_length};
  view.csv_header = {area_ + e.csv_offset, e.csv_length};
  view.outcome_index = e.outcome_index;
  view.attempts = e.attempts;
  view.format = e.format;
  view.frame_flags = e.frame_flags;
  view.line = e.line;
  const EditEntry* const end = edit_table_ + edits_;
  const EditEntry* const edit = std::lower_bound(edit_table_, end, i, [](const EditEntry& a, std::uint32_t index) { return a.letter_index < index; });
  if (edit != end && edit->letter_index == i) view.edited = {area_ + edit->edited_offset, edit->edited_length};
  return view;
}

ParkView OutcomeBatch::park(std::uint32_t i) const noexcept {
  const ParkEntry& e = park_table_[i];
  return {e.first_at, e.due_at, {area_ + e.key_offset, e.key_length}, (e.flags & park_flag::held) != 0};
}

OutcomeBatchBuilder::OutcomeBatchBuilder(Offset first, std::size_t bytes_expected, std::size_t outcomes_expected)
    : arena_(bytes_expected + 4096), first_(first) {
  outcomes_.reserve(outcomes_expected);
  records_.reserve(outcomes_expected);
  std::memset(arena_.extend(sizeof(WireBatch)), 0, sizeof(WireBatch));
}

void OutcomeBatchBuilder::add(const Event& event, Outcome outcome, std::uint8_t flags) {
  begin_outcome(event, outcome, flags);
  place_id();
}

void OutcomeBatchBuilder::add_served(const Event& event, std::uint8_t flags) { begin_outcome(event, Outcome::served, flags); }

void OutcomeBatchBuilder::begin_outcome(const Event& event, Outcome outcome, std::uint8_t flags) {
  INVARIANT(offsets_.empty() || offsets_.size() == outcomes_.size() + 1, "a packed batch has explicit offsets for all of its outcomes or for none");
  INVARIANT(!event.id.empty() && event.id.size() <= 512, "an id has 1 to 512 bytes");
  place_id();
  outcome_start_ = arena_.size();
  OutcomeEntry entry{};
  entry.digest = event.digest;
  entry.accepted_at = event.accepted_at;
  entry.id_length = static_cast<std::uint16_t>(event.id.size());
  entry.outcome = outcome;
  entry.flags = flags;
  const bool has_letter = outcome == Outcome::dead_lettered || outcome == Outcome::retrying;
  entry.first_record = static_cast<std::uint32_t>(has_letter ? letters_.size() : records_.size());
  if (outcome == Outcome::retrying) entry.record_count = static_cast<std::uint32_t>(parks_.size());
  outcomes_.push_back(entry);
  unplaced_id_ = event.id;
}

void OutcomeBatchBuilder::place_id() {
  if (unplaced_id_.empty()) return;
  outcomes_.back().id_offset = static_cast<std::uint32_t>(arena_.size() - sizeof(WireBatch));
  copy_short(arena_.extend(unplaced_id_.size()), unplaced_id_.data(), unplaced_id_.size());
  unplaced_id_ = {};
}

void OutcomeBatchBuilder::id_may_stand_at(std::size_t offset, std::size_t length) {
  if (length != unplaced_id_.size() || length == 0) return;
  const std::size_t place = record_start_ + offset;
  INVARIANT(!in_record_ && place + length <= arena_.size(), "an id stands inside the record that was ended last");
  if (!equal_short(arena_.data() + place, unplaced_id_.data(), length)) return;
  outcomes_.back().id_offset = static_cast<std::uint32_t>(place - sizeof(WireBatch));
  unplaced_id_ = {};
}

void OutcomeBatchBuilder::next_is(Offset offset) {
  INVARIANT(offsets_.size() == outcomes_.size(), "a packed batch has explicit offsets for all of its outcomes or for none");
  offsets_.push_back(offset.value);
}

Outcome OutcomeBatchBuilder::last() const {
  INVARIANT(!outcomes_.empty(), "an outcome was added");
  return outcomes_.back().outcome;
}

void OutcomeBatchBuilder::abandon_last() {
  INVARIANT(!outcomes_.empty(), "there is an outcome to take back");
  INVARIANT(outcomes_.back().outcome != Outcome::dead_lettered && outcomes_.back().outcome != Outcome::retrying,
            "an outcome with a letter is final");
  for (std::uint32_t i = 0; i < outcomes_.back().record_count; ++i) records_.pop_back();
  outcomes_.pop_back();
  unplaced_id_ = {};  // the offset stays: it is that of what is added instead
  arena_.resize_down(outcome_start_);
  // Attribute texts added meanwhile went with the bytes.
  while (!attributes_.empty() && attributes_.back().type_offset + sizeof(WireBatch) >= outcome_start_) attributes_.pop_back();
  last_attributes_ = 0xffff;
  in_record_ = false;
}

ByteArena& OutcomeBatchBuilder::begin_record() {
  INVARIANT(!outcomes_.empty() && outcomes_.back().outcome == Outcome::served, "records belong to a served outcome");
  record_start_ = arena_.size();
  in_record_ = true;
  return arena_;
}

void OutcomeBatchBuilder::end_record(std::int64_t event_time, std::uint16_t attributes) {
  RecordEntry entry{};
  entry.event_time = event_time;
  entry.outcome_index = static_cast<std::uint32_t>(outcomes_.size() - 1);
  entry.payload_offset = static_cast<std::uint32_t>(record_start_ - sizeof(WireBatch));
  entry.payload_length = static_cast<std::uint32_t>(arena_.size() - record_start_);
  entry.index = static_cast<std::uint16_t>(outcomes_.back().record_count);
  entry.attributes = attributes;
  records_.push_back(entry);
  ++outcomes_.back().record_count;
  in_record_ = false;
}

std::uint16_t OutcomeBatchBuilder::attributes(std::string_view type, std::string_view source) {
  INVARIANT(!in_record_, "attributes are asked for before a record is begun");
  if (last_attributes_ != 0xffff && type == last_type_ && source == last_source_) return last_attributes_;
  last_type_ = type;
  last_source_ = source;
  for (std::size_t i = 0; i < attributes_.size(); ++i) {
    const AttributeEntry& e = attributes_[i];
    const char* area = arena_.data() + sizeof(WireBatch);
    if (std::string_view(area + e.type_offset, e.type_length) == type && std::string_view(area + e.source_offset, e.source_length) == source)
      return last_attributes_ = static_cast<std::uint16_t>(i);
  }
  INVARIANT(attributes_.size() < 0xfffe, "a packed batch has fewer than 65'534 attribute pairs");
  AttributeEntry entry{};
  entry.type_offset = static_cast<std::uint32_t>(arena_.append(type) - sizeof(WireBatch));
  entry.type_length = static_cast<std::uint16_t>(type.size());
  entry.source_offset = static_cast<std::uint32_t>(arena_.append(source) - sizeof(WireBatch));
  entry.source_length = static_cast<std::uint16_t>(source.size());
  attributes_.push_back(entry);
  return last_attributes_ = static_cast<std::uint16_t>(attributes_.size() - 1);
}

void OutcomeBatchBuilder::letter(const LetterView& letter) {
  INVARIANT(!outcomes_.empty() && outcomes_.back().outcome == Outcome::dead_lettered, "a letter belongs to a dead-lettered outcome");
  add_letter(letter);
}

void OutcomeBatchBuilder::park(const LetterView& letter, const ParkView& park) {
  INVARIANT(!outcomes_.empty() && outcomes_.back().outcome == Outcome::retrying, "an event is parked by an outcome that says so");
  INVARIANT(parks_.size() == outcomes_.back().record_count, "an event is parked once");
  add_letter(letter);
  ParkEntry entry{};
  entry.first_at = park.first_at;
  entry.due_at = park.due_at;
  entry.key_offset = static_cast<std::uint32_t>(arena_.append(park.key) - sizeof(WireBatch));
  entry.key_length = static_cast<std::uint32_t>(park.key.size());
  entry.flags = park.held ? park_flag::held : 0;
  parks_.push_back(entry);
}

void OutcomeBatchBuilder::add_letter(const LetterView& letter) {
  const auto put = [this](std::string_view text) { return static_cast<std::uint32_t>(arena_.append(text) - sizeof(WireBatch)); };
  LetterEntry entry{};
  entry.outcome_index = static_cast<std::uint32_t>(outcomes_.size() - 1);
  entry.original_offset = put(letter.original);
  entry.original_length = static_cast<std::uint32_t>(letter.original.size());
  entry.details_offset = put(letter.details);
  entry.details_length = static_cast<std::uint32_t>(letter.details.size());
  entry.door_offset = put(letter.door);
  entry.door_length = static_cast<std::uint16_t>(letter.door.size());
  entry.attempts = letter.attempts;
  entry.stage_offset = put(letter.stage);
  entry.stage_length = static_cast<std::uint16_t>(letter.stage.size());
  entry.reason_offset = put(letter.reason);
  entry.reason_length = static_cast<std::uint16_t>(letter.reason.size());
  entry.frame_flags = letter.frame_flags;
  entry.csv_offset = put(letter.csv_header);
  entry.csv_length = static_cast<std::uint32_t>(letter.csv_header.size());
  entry.format = letter.format;
  entry.line = letter.line;
  if (!letter.edited.empty())
    edits_.push_back({static_cast<std::uint32_t>(letters_.size()), put(letter.edited), static_cast<std::uint32_t>(letter.edited.size()), 0});
  letters_.push_back(entry);
}

OutcomeBatch OutcomeBatchBuilder::finish() {
  INVARIANT(outcomes_.size() <= 0xffffffffu, "a packed batch counts its outcomes in 32 bits");
  place_id();
  WireBatch wire{};
  if (!door_.empty()) {
    wire.door_offset = static_cast<std::uint32_t>(arena_.append(door_) - sizeof(WireBatch));
    wire.door_length = static_cast<std::uint32_t>(door_.size());
  }
  arena_.align(8);
  wire.magic = kBatchMagic;
  wire.version = parks_.empty() && edits_.empty() ? kVersion : kVersionWithParks;
  wire.parks = static_cast<std::uint32_t>(parks_.size());
  wire.edits = static_cast<std::uint32_t>(edits_.size());
  wire.attributes = static_cast<std::uint16_t>(attributes_.size());
  wire.area_length = static_cast<std::uint32_t>(arena_.size() - sizeof(WireBatch));
  wire.first_offset = first_.value;
  wire.outcomes = static_cast<std::uint32_t>(outcomes_.size());
  wire.records = static_cast<std::uint32_t>(records_.size());
  wire.letters = static_cast<std::uint32_t>(letters_.size());
  wire.offsets = static_cast<std::uint32_t>(offsets_.size());
  const auto table = [this](const auto& entries) {
    const std::size_t bytes = entries.size() * sizeof(entries[0]);
    if (bytes != 0) std::memcpy(arena_.extend(bytes), entries.data(), bytes);
  };
  table(outcomes_);
  table(records_);
  table(letters_);
  table(attributes_);
  table(offsets_);
  table(parks_);
  table(edits_);
  wire.size = static_cast<std::uint32_t>(arena_.size());
  std::memcpy(arena_.data(), &wire, sizeof wire);
  auto batch = OutcomeBatch::decode(SharedBytes::take(std::move(arena_)));
  INVARIANT(batch.has_value(), "what the builder packs can be read back");
  return std::move(*batch);
}

}  // namespace weir

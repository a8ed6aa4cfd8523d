// What a commit says of events, packed: one outcome each, the records of those that are served, the letters of those that are dead, what
// parked ones wait for. Made once, when the chain has decided the events of an ingest batch, and then shared by the log, the views and every
// later reader: live and replay read the same bytes through the same class.
//
// Packed batch (little-endian, 8-byte multiples): header of 64 bytes, byte area, tables. Offsets count from the byte area.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/ids.h"
#include "runtime/base/result.h"

namespace weir {

/// What became of an event at this commit.
enum class Outcome : std::uint8_t {
  served = 1,
  filtered = 2,
  duplicate = 3,
  dead_lettered = 4,
  shed = 5,
  expired = 6,
  retrying = 7,
  dropped = 8,
};
[[nodiscard]] std::string_view to_string(Outcome outcome) noexcept;

namespace outcome_flag {
inline constexpr std::uint8_t conflict = 1;    // dead-lettered because of the id alone; owns no dedupe entry
inline constexpr std::uint8_t supersedes = 2;  // took over an entry that was dead-lettered: that letter is superseded
inline constexpr std::uint8_t reopens = 4;     // took over an entry that was closed (dropped by hand, expired)
inline constexpr std::uint8_t behind_id = 8;   // of retrying: waits behind an event of its id that is parked; owns no dedupe entry
inline constexpr std::uint8_t from_letter = 16;  // of redecided: it was a dead letter: redriven (retrying), dropped, expired, edited (dead_lettered)
}  // namespace outcome_flag

/// Exactly one per offset of the commit, in offset order.
struct OutcomeEntry {
  Digest128 digest;            // XXH3-128 of the original bytes
  std::int64_t accepted_at;    // microseconds since 1970
  std::uint32_t id_offset;
  std::uint16_t id_length;     // 1..512
  Outcome outcome;
  std::uint8_t flags;
  std::uint32_t first_record;  // served: index of its first record; dead_lettered, retrying: index of its letter
  std::uint32_t record_count;  // retrying: index of its park entry
};
static_assert(sizeof(OutcomeEntry) == 40);

/// One record of the curated log. Its id is (event id, index).
struct RecordEntry {
  std::int64_t event_time;     // microseconds since 1970
  std::uint32_t outcome_index;
  std::uint32_t payload_offset;
  std::uint32_t payload_length;
  std::uint16_t index;         // 0.. within the event
  std::uint16_t attributes;    // index into the attribute table
};
static_assert(sizeof(RecordEntry) == 24);

/// Type and source shared by many records of a batch.
struct AttributeEntry {
  std::uint32_t type_offset;
  std::uint32_t source_offset;
  std::uint16_t type_length;
  std::uint16_t source_length;
  std::uint32_t reserved;
};
static_assert(sizeof(AttributeEntry) == 16);

struct LetterEntry {
  std::uint32_t outcome_index;
  std::uint32_t original_offset;
  std::uint32_t original_length;
  std::uint32_t details_offset;  // a JSON array of strings
  std::uint32_t details_length;
  std::uint32_t door_offset;
  std::uint32_t attempts;
  std::uint32_t stage_offset;
  std::uint32_t reason_offset;
  std::uint16_t stage_length;
  std::uint16_t reason_length;
  std::uint16_t door_length;
  std::uint16_t frame_flags;     // frame_flag bits of the ingest entry
  std::uint32_t csv_offset;      // CSV header line of the original
  std::uint32_t csv_length;
  std::uint32_t format;          // FrameFormat of the original
  std::uint64_t line;            // place in the source, 0: unknown
};
static_assert(sizeof(LetterEntry) == 64);

/// What a parked event waits for. Its letter says what it is, and what it failed with so far.
struct ParkEntry {
  std::int64_t first_at;       // its first attempt, microseconds since 1970
  std::int64_t due_at;         // its next one, likewise; of held: when it was held
  std::uint32_t key_offset;    // what its order is kept by (retry.order_by); its id where that is not set
  std::uint32_t key_length;
  std::uint32_t flags;         // park_flag bits
  std::uint32_t reserved;
};
static_assert(sizeof(ParkEntry) == 32);

namespace park_flag {
inline constexpr std::uint32_t held = 1;  // it was not tried: an earlier event with its key is parked
}  // namespace park_flag

/// Bytes that somebody wrote in place of a letter's original ones, which stay.
struct EditEntry {
  std::uint32_t letter_index;
  std::uint32_t edited_offset;
  std::uint32_t edited_length;
  std::uint32_t reserved;
};
static_assert(sizeof(EditEntry) == 16);

struct RecordView {
  std::string_view payload;  // a JSON object, one line
  std::string_view type;
  std::string_view source;
  std::int64_t event_time = 0;
  std::uint32_t outcome_index = 0;
  std::uint16_t index = 0;
};
struct LetterView {
  std::string_view original;
  std::string_view edited;  // what is to be used in place of them; empty: nothing, they are as they came
  std::string_view stage;
  std::string_view reason;
  std::string_view details;
  std::string_view door;
  std::string_view csv_header;
  std::uint32_t outcome_index = 0;
  std::uint32_t attempts = 1;
  std::uint32_t format = 1;
  std::uint16_t frame_flags = 0;
  std::uint64_t line = 0;
};

struct ParkView {
  std::int64_t first_at = 0;
  std::int64_t due_at = 0;
  std::string_view key;
  bool held = false;
};

/// Read-only, shared, cheap to copy, thread-safe.
class OutcomeBatch {
 public:
  OutcomeBatch() = default;
  /// Reads the packed batch at the start of `bytes`; `size()` tells how many bytes it took. Checks every offset once.
  /// Errors: log_damaged (out of bounds), format_newer.
  [[nodiscard]] static Result<OutcomeBatch> decode(const SharedBytes& bytes);

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] const SharedBytes& bytes() const noexcept { return bytes_; }
  /// Offset of outcome `i` in the ingest log.
  [[nodiscard]] Offset offset(std::uint32_t i) const noexcept {
    return offsets_ == nullptr ? first_offset_ + i : Offset{offsets_[i]};
  }
  /// True when the outcomes belong to offsets below the commit's `from` (redrives, due retries, expiries).
  [[nodiscard]] bool redecided() const noexcept { return offsets_ != nullptr; }
  [[nodiscard]] std::uint32_t outcomes() const noexcept { return outcomes_; }
  [[nodiscard]] std::uint32_t records() const noexcept { return records_; }
  [[nodiscard]] std::uint32_t letters() const noexcept { return letters_; }
  [[nodiscard]] const OutcomeEntry& outcome(std::uint32_t i) const noexcept { return outcome_table_[i]; }
  [[nodiscard]] std::string_view id(std::uint32_t i) const noexcept {
    return {area_ + outcome_table_[i].id_offset, outcome_table_[i].id_length};
  }
  [[nodiscard]] RecordView record(std::uint32_t i) const noexcept;
  [[nodiscard]] LetterView letter(std::uint32_t i) const noexcept;
  /// That all its events came by; empty: they came by several (the letters of such tell theirs), or it was written before it was kept.
  [[nodiscard]] std::string_view door() const noexcept { return door_; }
  [[nodiscard]] std::uint32_t parks() const noexcept { return parks_; }
  [[nodiscard]] ParkView park(std::uint32_t i) const noexcept;

 private:
  [[nodiscard]] Result<void> check(std::uint64_t area, std::uint32_t attributes) const;
  SharedBytes bytes_;
  const char* area_ = nullptr;
  const OutcomeEntry* outcome_table_ = nullptr;
  const RecordEntry* record_table_ = nullptr;
  const LetterEntry* letter_table_ = nullptr;
  const AttributeEntry* attribute_table_ = nullptr;
  const std::uint64_t* offsets_ = nullptr;
  const ParkEntry* park_table_ = nullptr;
  const EditEntry* edit_table_ = nullptr;
  std::string_view door_;
  Offset first_offset_;
  std::uint32_t outcomes_ = 0;
  std::uint32_t records_ = 0;
  std::uint32_t letters_ = 0;
  std::uint32_t parks_ = 0;
  std::uint32_t edits_ = 0;
};

/// Makes one packed batch. Outcomes in offset order; the records and the letter of an outcome directly after it.
/// Not thread-safe.
class OutcomeBatchBuilder {
 public:
  explicit OutcomeBatchBuilder(Offset first, std::size_t bytes_expected = 64 * 1024, std::size_t outcomes_expected = 0);

  struct Event {
    std::string_view id;
    Digest128 digest;
    std::int64_t accepted_at = 0;
  };
  void add(const Event& event, Outcome outcome, std::uint8_t flags = 0);
  /// A served event whose id is not written a second time where a record holds it (id_may_stand_at). The bytes of the id live
  /// until the next add or finish.
  void add_served(const Event& event, std::uint8_t flags = 0);
  /// OutcomeBatch::door. `door` lives until finish().
  void came_by(std::string_view door) noexcept { door_ = door; }
  /// The offset of the outcome that is added next, where it is not the next one (redecided). For all or none of a batch's outcomes.
  void next_is(Offset offset);
  /// The outcome added last, which is there (asserted).
  [[nodiscard]] Outcome last() const;

  /// The record's payload is written straight into the batch: append to payload() between begin_record and end_record.
  ByteArena& begin_record();
  void end_record(std::int64_t event_time, std::uint16_t attributes);
  /// `length` bytes of the record that was ended last, from its byte `offset` on, may be the id of its event.
  void id_may_stand_at(std::size_t offset, std::size_t length);
  /// Index of (type, source), adding it when new. Cheap when it equals the last one asked for. Not between begin_record and
  /// end_record (asserted): the texts are written into the same bytes.
  [[nodiscard]] std::uint16_t attributes(std::string_view type, std::string_view source);

  /// Takes the outcome added last back, with its records, as if it had never been added.
  void abandon_last();

  /// For the outcome added last, which must be dead_lettered. `outcome_index` of the view is ignored.
  void letter(const LetterView& letter);
  /// For the outcome added last, which must be retrying: what it is, and what it waits for.
  void park(const LetterView& letter, const ParkView& park);

  [[nodiscard]] std::uint32_t outcomes() const noexcept { return static_cast<std::uint32_t>(outcomes_.size()); }
  /// Bytes the packed batch has so far, its tables included.
  [[nodiscard]] std::size_t size() const noexcept {
    return arena_.size() + outcomes_.size() * sizeof(OutcomeEntry) + records_.size() * sizeof(RecordEntry) +
           letters_.size() * sizeof(LetterEntry) + attributes_.size() * sizeof(AttributeEntry) + parks_.size() * sizeof(ParkEntry) +
           edits_.size() * sizeof(EditEntry);
  }
  [[nodiscard]] OutcomeBatch finish();

 private:
  void begin_outcome(const Event& event, Outcome outcome, std::uint8_t flags);
  void place_id();
  void add_letter(const LetterView& letter);
  ByteArena arena_;
  std::string_view door_;
  std::string_view unplaced_id_;  // of the outcome added last; empty: it has its place
  std::vector<OutcomeEntry> outcomes_;
  std::vector<RecordEntry> records_;
  std::vector<LetterEntry> letters_;
  std::vector<AttributeEntry> attributes_;
  std::vector<std::uint64_t> offsets_;
  std::vector<ParkEntry> parks_;
  std::vector<EditEntry> edits_;
  std::string last_type_;
  std::string last_source_;
  std::uint16_t last_attributes_ = 0xffff;
  Offset first_;
  std::size_t record_start_ = 0;
  bool in_record_ = false;
  std::size_t outcome_start_ = 0;
};

}  // namespace weir

#include "cluster/node/log_tap.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/base/base64.h"
#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/letters_query.h"
#include "runtime/engine/query_output.h"
#include "runtime/event/commit_body.h"

namespace weir {

namespace {

/// Where a tap stands in one partition.
struct Place {
  std::uint64_t events = 0;    // offset of the next event; of commits: end of the last one
  std::uint64_t sequence = 0;  // of the last commit; doors: 0
};

std::string cursor_text(const std::vector<Place>& places) {
  std::string text;
  for (const Place& place : places) text += fmt::format("{}{}.{}", text.empty() ? "" : "-", place.events, place.sequence);
  return text;
}

Result<std::vector<Place>> parse_cursor(std::string_view text, std::uint32_t partitions) {
  const auto wrong = [&] { return fail(Errc::invalid_argument, "cursor: '{}' is no place that a tap of this node gave", text); };
  std::vector<Place> places;
  std::string_view rest = text;
  for (;;) {
    Place place;
    const char* const end = rest.data() + rest.size();
    const auto events = std::from_chars(rest.data(), end, place.events);
    if (events.ec != std::errc{} || events.ptr == end || *events.ptr != '.') return wrong();
    const auto sequence = std::from_chars(events.ptr + 1, end, place.sequence);
    if (sequence.ec != std::errc{}) return wrong();
    places.push_back(place);
    rest.remove_prefix(static_cast<std::size_t>(sequence.ptr - rest.data()));
    if (rest.empty()) break;
    if (rest.front() != '-') return wrong();
    rest.remove_prefix(1);
  }
  if (places.size() != partitions) return wrong();
  return places;
}

void append_bytes(std::string& json, std::string_view name, std::string_view bytes) {
  if (is_valid_utf8(bytes)) {
    json += fmt::format(R"(,"{}":)", name);
    append_json_string(json, bytes);
  } else {
    json += fmt::format(R"(,"{}_base64":"{}")", name, to_base64(bytes));
  }
}

std::string_view format_name(FrameFormat format) {
  switch (format) {
    case FrameFormat::json: return "json";
    case FrameFormat::csv: return "csv";
    case FrameFormat::cloudevents: return "cloudevents";
  }
  return "json";
}

class Tap {
 public:
  Tap(const LogReader& log, const TapRequest& request, FieldMatch match) : log_(log), request_(request), match_(std::move(match)) {}

  Result<TapAnswer> read(std::vector<Place> places) {
    // Begun at another partition each time: the limit must not be used up by the same ones.
    std::uint64_t sum = 0;
    for (const Place& place : places) sum += place.events;
    for (std::size_t i = 0; i < places.size() && !full(); ++i) {
      const auto p = static_cast<std::uint32_t>((sum + i) % places.size());
      WEIR_TRY(request_.on == "doors" ? doors(PartitionId{p}, places[p]) : commits(PartitionId{p}, places[p]));
    }
    answer_.next = cursor_text(places);
    return std::move(answer_);
  }

 private:
  [[nodiscard]] bool full() const noexcept { return answer_.items.size() >= request_.limit; }

  /// The bytes behind the frame are readable where it lies in a batch; of others there is a copy.
  [[nodiscard]] bool shows(const IngestHeader& header, std::string_view id, std::string_view frame) {
    ++answer_.looked;
    return tap_shows(id, request_.sample) && (request_.fields.empty() || match_.look(header, frame).matches);
  }
  [[nodiscard]] bool shows_copy(const IngestHeader& header, std::string_view id, std::string_view frame) {
    if (request_.fields.empty()) return shows(header, id, frame);
    const SharedBytes padded = SharedBytes::copy_of(frame);
    return shows(header, id, padded.view());
  }

  /// The newest place, and what is skipped for it. False: there is nothing new.
  static bool catch_up(Place& place, std::uint64_t events, std::uint64_t sequence, TapAnswer& answer) {
    if (events < place.events || sequence < place.sequence) place = {events, sequence};  // a cursor of data that are gone
    if (events - place.events <= kTapBehind) return place.events != events || place.sequence != sequence;
    answer.dropped += events - place.events;
    place = {events, sequence};
    return false;
  }

  Result<void> doors(PartitionId partition, Place& place) {
    const PartitionStatus status = log_.status(partition);
    if (!catch_up(place, status.ingest_durable.value, 0, answer_)) return {};
    place.events = std::max(place.events, status.ingest_begin.value);
    WEIR_ASSIGN(const auto slices, log_.read_ingest({partition, Offset{place.events}, kTapReadBytes}));
    for (const IngestSlice& slice : slices) {
      WEIR_ASSIGN(const IngestBatch batch, IngestBatch::decode(slice.bytes));
      for (auto i = static_cast<std::uint32_t>(place.events - slice.first.value); i < batch.count(); ++i) {
        if (full()) return {};
        const RawEvent event = batch.event(i);
        if (shows(batch.header(), event.id, event.raw)) add_event(partition, Offset{place.events}, batch.header(), event);
        ++place.events;
      }
    }
    return {};
  }

  void add_event(PartitionId partition, Offset offset, const IngestHeader& header, const RawEvent& event) {
    std::string json = fmt::format(R"({{"id":{},"partition":{},"offset":{},"door":{})", to_json_string(event.id), partition.value, offset.value, to_json_string(header.door));
    if (event.line != 0) json += fmt::format(R"(,"line":{})", event.line);
    json += fmt::format(R"(,"accepted_at":"{}","format":"{}")", to_rfc3339(header.accepted_at), format_name(header.format));
    if (!header.csv_header.empty()) append_bytes(json, "header", header.csv_header);
    append_bytes(json, "original", event.raw);
    answer_.items.push_back(json + "}");
  }

  /// A commit is given whole, also when that is more than the limit: the next place is behind it.
  Result<void> commits(PartitionId partition, Place& place) {
    const PartitionStatus status = log_.status(partition);
    if (!catch_up(place, status.position.committed.value, status.position.sequence.value, answer_)) return {};
    place.sequence = std::max(place.sequence, status.output_begin.value);
    WEIR_ASSIGN(const auto records, log_.read_output({partition, CommitSequence{place.sequence}, kTapReadBytes}));
    for (const CommitRecord& commit : records) {
      if (full()) return {};
      WEIR_ASSIGN(const CommitBody body, CommitBody::decode(commit.body));
      for (const OutcomeBatch& batch : body.batches) {
        if (request_.on == "curated") add_records(partition, commit, batch);
        else add_letters(partition, commit, body, batch);
      }
      place = {commit.to.value, commit.sequence.value};
    }
    return {};
  }

  void add_records(PartitionId partition, const CommitRecord& commit, const OutcomeBatch& batch) {
    static const IngestHeader kJson{};
    for (std::uint32_t r = 0; r < batch.records(); ++r) {
      const RecordView record = batch.record(r);
      const std::string_view id = batch.id(record.outcome_index);
      if (!shows_copy(kJson, id, record.payload)) continue;
      answer_.items.push_back(fmt::format(R"({{"id":{},"partition":{},"offset":{},"commit":{},"index":{},"time":"{}","type":{},"source":{},"record":{}}})", to_json_string(id),
                                          partition.value, batch.offset(record.outcome_index).value, commit.sequence.value, record.index, to_rfc3339(record.event_time),
                                          to_json_string(record.type), to_json_string(record.source), record.payload));
    }
  }

  void add_letters(PartitionId partition, const CommitRecord& commit, const CommitBody& body, const OutcomeBatch& batch) {
    for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
      const OutcomeEntry& outcome = batch.outcome(i);
      // An edit is no new letter.
      if (outcome.outcome != Outcome::dead_lettered || (outcome.flags & outcome_flag::from_letter) != 0) continue;
      PlacedLetter placed{partition, batch.offset(i), {}};
      placed.stored.id = batch.id(i);
      placed.stored.letter = batch.letter(outcome.first_record);
      placed.stored.accepted_at = outcome.accepted_at;
      const LetterView& letter = placed.stored.letter;
      IngestHeader header;
      header.format = static_cast<FrameFormat>(letter.format);
      header.csv_header = letter.csv_header;
      if (!shows_copy(header, placed.stored.id, letter.original)) continue;
      std::string json;
      append_row_json(json, letter_row(placed));
      json.pop_back();
      json += fmt::format(R"(,"commit":{},"dead_at":"{}","format":"{}")", commit.sequence.value, to_rfc3339(body.meta.committed_at), format_name(header.format));
      if (!letter.csv_header.empty()) append_bytes(json, "header", letter.csv_header);
      answer_.items.push_back(json + "}");
    }
  }

  const LogReader& log_;
  const TapRequest& request_;
  FieldMatch match_;
  TapAnswer answer_;
};

}  // namespace

bool tap_shows(std::string_view id, double sample) noexcept {
  return sample >= 1 || static_cast<double>(xxh3_64(id) >> 11) * 0x1p-53 < sample;
}

Result<std::vector<FieldCondition>> tap_conditions(const TapRequest& request) {
  std::vector<FieldCondition> conditions;
  for (const auto& [name, value] : request.fields) {
    WEIR_ASSIGN(conditions.emplace_back(), field_condition(name, value));
  }
  return conditions;
}

Result<TapAnswer> tap_log(const LogReader& log, const TapRequest& request, char separator) {
  WEIR_ASSIGN(auto conditions, tap_conditions(request));
  if (request.cursor.empty()) {
    std::vector<Place> now;
    for (std::uint32_t p = 0; p < log.partitions(); ++p) {
      const PartitionStatus status = log.status(PartitionId{p});
      now.push_back(request.on == "doors" ? Place{status.ingest_durable.value, 0} : Place{status.position.committed.value, status.position.sequence.value});
    }
    return TapAnswer{{}, cursor_text(now), 0, 0};
  }
  WEIR_ASSIGN(auto places, parse_cursor(request.cursor, log.partitions()));
  return Tap(log, request, FieldMatch(std::move(conditions), separator)).read(std::move(places));
}

}  // namespace weir

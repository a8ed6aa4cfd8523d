#include "runtime/engine/letters_query.h"

#include <fmt/format.h>

#include "runtime/base/base64.h"
#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/view_key.h"
#include "runtime/event/ingest_batch.h"

namespace weir {

namespace {

bool reason_matches(std::string_view reason, std::string_view wanted) {
  return reason == wanted ||
         (reason.size() > wanted.size() && reason.starts_with(wanted) && reason[wanted.size()] == ':');
}

class Walk {
 public:
  Walk(const LetterFilter& filter, const std::function<bool(const PlacedLetter&)>& visit)
      : filter_(filter), visit_(visit), fields_(filter.where, filter.separator) {}

  [[nodiscard]] Result<void> partition(const PartitionPicture& partition) {
    if (ended_) return {};
    if (filter_.id) return by_id(partition);
    if (filter_.after && partition.partition < filter_.after->first) return {};
    Result<void> seen;
    const std::string prefix(1, key_space::letter);
    const bool within = filter_.after && partition.partition == filter_.after->first;
    WEIR_TRY(partition.state->scan(within ? letter_key(filter_.after->second + 1) : prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
      const auto offset = offset_at_end(key);
      seen =
          offset ? take(partition.partition, *offset, value) : fail(Errc::state_damaged, "a dead letter has no offset");
      return seen.has_value() && !ended_;
    }));
    return seen;
  }
  [[nodiscard]] LettersAnswer answer() { return std::move(answer_); }

 private:
  [[nodiscard]] Result<void> by_id(const PartitionPicture& partition) {
    WEIR_ASSIGN(const auto offsets, letters_of(*partition.state, *filter_.id));
    for (const Offset offset : offsets) {
      WEIR_ASSIGN(const auto value, partition.state->get(letter_key(offset)));
      if (!value)
        return fail(Errc::state_damaged, "partition {}: the dead letter at offset {} is missing",
                    partition.partition.value, offset.value);
      WEIR_TRY(take(partition.partition, offset, *value));
      if (ended_) break;
    }
    return {};
  }
  [[nodiscard]] bool matches(const StoredLetter& stored) {
    return (!filter_.id || stored.id == *filter_.id) && (!filter_.stage || stored.letter.stage == *filter_.stage) &&
           (!filter_.reason || reason_matches(stored.letter.reason, *filter_.reason)) &&
           (!filter_.accepted_from || stored.accepted_at >= *filter_.accepted_from) &&
           (!filter_.accepted_to || stored.accepted_at < *filter_.accepted_to) && (filter_.where.empty() || fields_match(stored.letter));
  }
  [[nodiscard]] bool fields_match(const LetterView& letter) {
    IngestHeader header;
    header.format = static_cast<FrameFormat>(letter.format);
    header.csv_header = letter.csv_header;
    padded_.assign(letter.original).append(kBlockPadding, '\0');
    return fields_.look(header, std::string_view(padded_).substr(0, letter.original.size())).matches;
  }
  [[nodiscard]] Result<void> take(PartitionId partition, Offset offset, std::string_view value) {
    auto stored = decode_letter(value);
    if (!stored)
      return fail(stored.error().code, "partition {}, offset {}: {}", partition.value, offset.value,
                  stored.error().context);
    if (!matches(*stored)) return {};
    if (filter_.after && std::pair(partition, offset) <= *filter_.after) return {};
    if (stopped_ || (filter_.limit != 0 && answer_.given == filter_.limit)) {
      answer_.next = last_;
      ended_ = !filter_.totals;
      if (ended_) return {};
    }
    ++answer_.total;
    ++answer_.by_reason[std::string(stored->letter.reason)];
    if (answer_.next) return {};
    ++answer_.given;
    last_ = {partition, offset};
    stopped_ = !visit_({partition, offset, *stored});
    return {};
  }

  const LetterFilter& filter_;
  const std::function<bool(const PlacedLetter&)>& visit_;
  FieldMatch fields_;
  std::string padded_;
  LettersAnswer answer_;
  std::pair<PartitionId, Offset> last_;
  bool stopped_ = false;
  bool ended_ = false;  // there is nothing more to read
};

}  // namespace

Result<LettersAnswer> query_letters(const std::vector<PartitionPicture>& partitions, const LetterFilter& filter,
                                    const std::function<bool(const PlacedLetter&)>& visit) {
  Walk walk(filter, visit);
  for (const PartitionPicture& partition : partitions) WEIR_TRY(walk.partition(partition));
  return walk.answer();
}

Row letter_row(const PlacedLetter& placed) {
  const StoredLetter& stored = placed.stored;
  const LetterView& letter = stored.letter;
  Row row;
  const auto text = [&row](std::string_view name, std::string_view value) {
    row.fields.emplace_back(name, to_json_string(value));
  };
  text("id", stored.id);
  row.fields.emplace_back("partition", std::to_string(placed.partition.value));
  row.fields.emplace_back("offset", std::to_string(placed.offset.value));
  text("door", letter.door);
  text("accepted_at", to_rfc3339(stored.accepted_at));
  text("stage", letter.stage);
  text("reason", letter.reason);
  row.fields.emplace_back("details", letter.details.empty() ? "[]" : letter.details);
  row.fields.emplace_back("attempts", std::to_string(letter.attempts));
  const auto bytes = [&text](const std::string& name, std::string_view value) {
    if (is_valid_utf8(value)) return text(name, value);
    text(name + "_base64", to_base64(value));
  };
  bytes("original", letter.original);
  if (!letter.edited.empty()) bytes("edited", letter.edited);
  return row;
}

namespace {

/// Whether `frame` is one object or array, by its brackets and quotes: then it may stand in an array of others.
bool is_whole(std::string_view frame) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const char c = frame[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
      continue;
    }
    quoted = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (depth == 0) return false;
    if ((c == '}' || c == ']') && --depth == 0) return i + 1 == frame.size();
  }
  return false;
}

/// How frames stand in one file.
struct RawLayout {
  std::uint32_t format = 0;
  std::string csv_header;
  bool array = false;  // a frame of JSON goes over several lines
  bool known = false;  // there is a letter
  bool mixed = false;
  bool broken = false;  // a frame would break an array

  void see(const LetterView& letter) {
    if (!std::exchange(known, true)) {
      format = letter.format;
      csv_header = letter.csv_header;
    }
    mixed = mixed || letter.format != format || letter.csv_header != csv_header;
    if (is_csv()) return;
    array = array || given_bytes(letter).find('\n') != std::string_view::npos;
    broken = broken || !is_whole(given_bytes(letter));
  }
  [[nodiscard]] bool is_csv() const { return format == static_cast<std::uint32_t>(FrameFormat::csv); }
  /// "l" or "a" for lines and an array, and what the letters have in common.
  [[nodiscard]] std::string text() const {
    return (array ? "a" : "l") + to_hex(xxh3_128(fmt::format("{} {}", format, csv_header))).substr(0, 16);
  }
};

/// A \r before a \n is part of the line's end: one that is part of the frame needs another behind it.
void append_line(std::string& text, std::string_view line) {
  text.append(line).append(line.ends_with('\r') ? "\r\n" : "\n");
}

tl::unexpected<Error> refused(std::string_view why, std::uint64_t letters) {
  return fail(Errc::invalid_argument,
              "the {} letters chosen {}, which one file cannot hold; choose by id, stage, reason or time, or export them as "
              "JSON",
              letters, why);
}

/// What all letters say about the file that holds them. `before`: of the pieces before this one.
Result<RawLayout> layout_of(const std::vector<PartitionPicture>& partitions, LetterFilter filter, std::string_view before) {
  filter.limit = 0;
  RawLayout layout;
  WEIR_ASSIGN(const LettersAnswer seen, query_letters(partitions, filter, [&](const PlacedLetter& placed) {
                layout.see(placed.stored.letter);
                return !layout.mixed;
              }));
  if (layout.mixed) return refused("come in more than one format or under more than one CSV header line", seen.total);
  const bool over_lines = layout.array;
  if (!before.empty()) layout.array = before.starts_with('a');
  const bool as_before = before.empty() || !layout.known || (layout.text() == before && (layout.array || !over_lines));
  if (!as_before)
    return fail(Errc::invalid_argument,
                "what follows does not go into one file with what was exported before: begin again without a cursor");
  if (layout.array && layout.broken)
    return refused("are broken JSON and JSON of several lines", seen.total);
  return layout;
}

}  // namespace

Result<RawExport> export_raw(const std::vector<PartitionPicture>& partitions, const LetterFilter& filter,
                             const TextSink& sink, std::string_view layout_before) {
  constexpr std::size_t kPiece = 64 * 1024;
  // Looked through first: half an export is worse than none.
  WEIR_ASSIGN(const RawLayout layout, layout_of(partitions, filter, layout_before));
  const bool begins = layout_before.empty();
  std::string text;
  if (begins && layout.known && layout.is_csv() && !layout.csv_header.empty()) append_line(text, layout.csv_header);
  bool first = begins;
  auto answer = query_letters(partitions, filter, [&](const PlacedLetter& placed) {
    if (layout.array) {
      text.append(std::exchange(first, false) ? "[" : ",\n").append(given_bytes(placed.stored.letter));
    } else {
      append_line(text, given_bytes(placed.stored.letter));
    }
    if (text.size() < kPiece) return true;
    const bool wanted = sink(text);
    text.clear();
    return wanted;
  });
  if (!answer) return fail(std::move(answer.error()));
  if (layout.array && !answer->next && !first) text += "]\n";
  if (!text.empty()) static_cast<void>(sink(text));
  return RawExport{std::move(*answer), begins ? layout.text() : std::string(layout_before)};
}

}  // namespace weir

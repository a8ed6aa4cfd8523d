#include "runtime/engine/letters_query.h"

#include "runtime/base/base64.h"
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

bool matches(const StoredLetter& stored, const LetterFilter& filter) {
  return (!filter.id || stored.id == *filter.id) && (!filter.stage || stored.letter.stage == *filter.stage) &&
         (!filter.reason || reason_matches(stored.letter.reason, *filter.reason)) &&
         (!filter.accepted_from || stored.accepted_at >= *filter.accepted_from) &&
         (!filter.accepted_to || stored.accepted_at < *filter.accepted_to);
}

class Walk {
 public:
  Walk(const LetterFilter& filter, const std::function<bool(const PlacedLetter&)>& visit)
      : filter_(filter), visit_(visit) {}

  [[nodiscard]] Result<void> partition(const PartitionPicture& partition) {
    if (filter_.id) return by_id(partition);
    if (filter_.after && partition.partition < filter_.after->first) return {};
    Result<void> seen;
    const std::string prefix(1, key_space::letter);
    const bool within = filter_.after && partition.partition == filter_.after->first;
    WEIR_TRY(partition.state->scan(within ? letter_key(filter_.after->second + 1) : prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
      const auto offset = offset_at_end(key);
      seen =
          offset ? take(partition.partition, *offset, value) : fail(Errc::state_damaged, "a dead letter has no offset");
      return seen.has_value();
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
    }
    return {};
  }
  [[nodiscard]] Result<void> take(PartitionId partition, Offset offset, std::string_view value) {
    auto stored = decode_letter(value);
    if (!stored)
      return fail(stored.error().code, "partition {}, offset {}: {}", partition.value, offset.value,
                  stored.error().context);
    if (!matches(*stored, filter_)) return {};
    if (filter_.after && std::pair(partition, offset) <= *filter_.after) return {};
    ++answer_.total;
    ++answer_.by_reason[std::string(stored->letter.reason)];
    if (stopped_ || (filter_.limit != 0 && answer_.given == filter_.limit)) {
      answer_.next = last_;
      return {};
    }
    ++answer_.given;
    last_ = {partition, offset};
    stopped_ = !visit_({partition, offset, *stored});
    return {};
  }

  const LetterFilter& filter_;
  const std::function<bool(const PlacedLetter&)>& visit_;
  LettersAnswer answer_;
  std::pair<PartitionId, Offset> last_;
  bool stopped_ = false;
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
  if (is_valid_utf8(letter.original)) {
    text("original", letter.original);
  } else {
    text("original_base64", to_base64(letter.original));
  }
  return row;
}

Result<LettersAnswer> export_raw(const std::vector<PartitionPicture>& partitions, const LetterFilter& filter,
                                 const TextSink& sink) {
  constexpr std::size_t kPiece = 64 * 1024;
  std::string text;
  std::optional<std::pair<std::uint32_t, std::string>> layout;
  bool mixed = false;
  // Looked through first: half an export is worse than none.
  WEIR_ASSIGN(const LettersAnswer seen, query_letters(partitions, filter, [&](const PlacedLetter& placed) {
                const LetterView& letter = placed.stored.letter;
                if (!layout) layout.emplace(letter.format, letter.csv_header);
                mixed = letter.format != layout->first || letter.csv_header != layout->second;
                return !mixed;
              }));
  if (mixed)
    return fail(Errc::invalid_argument,
                "the {} letters chosen come in more than one format or under more than one CSV header line, which one "
                "file cannot hold; "
                "choose by id, stage, reason or time, or export them as JSON",
                seen.total);
  if (layout && layout->first == static_cast<std::uint32_t>(FrameFormat::csv) && !layout->second.empty())
    text.append(layout->second).push_back('\n');
  auto answer = query_letters(partitions, filter, [&](const PlacedLetter& placed) {
    text.append(placed.stored.letter.original).push_back('\n');
    if (text.size() < kPiece) return true;
    const bool wanted = sink(text);
    text.clear();
    return wanted;
  });
  if (answer && !text.empty()) static_cast<void>(sink(text));
  return answer;
}

}  // namespace weir

#include "runtime/engine/letter_edit.h"

#include "runtime/base/bytes.h"
#include "runtime/engine/id_rule.h"
#include "runtime/event/csv_header.h"

namespace weir {

Result<void> check_same_id(const RecordConfig& record, const StoredLetter& letter, std::string_view frame) {
  if ((letter.letter.frame_flags & frame_flag::id_digest) != 0) return {};
  const auto format = static_cast<FrameFormat>(letter.letter.format);
  EventIdRule rule = event_id_rule(record.id, format);
  rule.source = letter.letter.door;
  EventIdFinder finder(std::move(rule));
  const bool csv = format == FrameFormat::csv;
  if (csv) {
    WEIR_ASSIGN(const auto columns, parse_csv_header(letter.letter.csv_header, record.csv.separator));
    static_cast<void>(finder.set_csv_columns(columns, record.csv.separator));
  }
  const SharedBytes padded = SharedBytes::copy_of(frame);
  const EventIdFinder::Id id = csv ? finder.csv(padded.view()) : finder.json(padded.view());
  if ((id.flags & frame_flag::id_digest) != 0)
    return fail(Errc::invalid_argument, "the new bytes have no id by the pipeline's rule; those of event '{}' must keep it", letter.id);
  if (id.text != letter.id)
    return fail(Errc::invalid_argument, "the new bytes are of event '{}' by the pipeline's rule for ids, not of '{}': ingest them as an event of their own, and drop this letter",
                id.text, letter.id);
  return {};
}

}  // namespace weir

#include "runtime/event/order_key.h"

#include "runtime/event/csv_header.h"

namespace weir {

namespace {
EventIdRule rule_of(const std::vector<std::string>& path, bool in_data) {
  EventIdRule rule;
  rule.fields.push_back(path);
  rule.in_data = in_data;
  return rule;
}
}  // namespace

OrderKeyFinder::OrderKeyFinder(const std::vector<std::string>& path, char csv_separator)
    : plain_(rule_of(path, false)), cloud_(rule_of(path, true)), separator_(csv_separator) {}

std::string_view OrderKeyFinder::of(const IngestBatch& batch, std::uint32_t index) {
  const FrameEntry& entry = batch.entry(index);
  if ((entry.flags & (frame_flag::bad_frame | frame_flag::cut)) != 0) return {};
  const std::string_view raw{batch.area() + entry.raw_offset, entry.raw_length};
  EventIdFinder::Id found;
  switch (batch.header().format) {
    case FrameFormat::json: found = plain_.json(raw); break;
    case FrameFormat::cloudevents: found = cloud_.json(raw); break;
    case FrameFormat::csv:
      if (!csv_known_ || csv_header_ != batch.header().csv_header) {
        csv_header_ = batch.header().csv_header;
        csv_known_ = true;
        const auto columns = parse_csv_header(csv_header_, separator_);
        (void)plain_.set_csv_columns(columns ? *columns : std::vector<std::string>{}, separator_);  // a door has refused a bad one
      }
      found = plain_.csv(raw);
      break;
  }
  return (found.flags & frame_flag::id_digest) != 0 ? std::string_view{} : found.text;
}

}  // namespace weir

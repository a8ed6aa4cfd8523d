#include "cluster/node/stage_tap.h"

#include <fmt/format.h>

#include <charconv>

#include "cluster/node/log_tap.h"
#include "runtime/base/json_text.h"
#include "runtime/engine/field_match.h"

namespace weir {

namespace {

std::string item_json(const TapItem& item, const std::string& stage) {
  std::string json = fmt::format(R"({{"id":{},"partition":{},"offset":{},)", to_json_string(item.id), item.partition.value, item.offset.value);
  if (item.part != 0) json += fmt::format(R"("part":{},)", item.part);
  json += fmt::format(R"("stage":{},"verdict":"{}")", to_json_string(stage), item.verdict);
  if (!item.reason.empty()) json += fmt::format(R"(,"reason":{},"details":{})", to_json_string(item.reason), item.details.empty() ? "[]" : item.details);
  if (!item.record.empty()) json += fmt::format(R"(,"record":{})", item.record);
  return json + "}";
}

}  // namespace

Result<TapAnswer> tap_stage(TapRing& ring, const std::string& stage, const TapRequest& request, TimePoint now) {
  WEIR_ASSIGN(auto conditions, tap_conditions(request));
  TapAnswer answer;
  if (request.cursor.empty()) {
    answer.next = fmt::format("s{}", ring.begin(now));
    return answer;
  }
  std::uint64_t after = 0;
  const char* const end = request.cursor.data() + request.cursor.size();
  if (request.cursor.front() != 's' || std::from_chars(request.cursor.data() + 1, end, after).ptr != end)
    return fail(Errc::invalid_argument, "cursor: '{}' is no place that a tap of a stage gave", request.cursor);
  FieldMatch match(std::move(conditions), ',');
  static const IngestHeader kJson{};
  TapPage page = ring.take(after, request.limit, now);
  for (const TapItem& item : page.items) {
    ++answer.looked;
    if (!tap_shows(item.id, request.sample)) continue;
    if (!request.fields.empty()) {
      const SharedBytes padded = SharedBytes::copy_of(item.record);
      if (item.record.empty() || !match.look(kJson, padded.view()).matches) continue;
    }
    answer.items.push_back(item_json(item, stage));
  }
  answer.next = fmt::format("s{}", page.next);
  answer.dropped = page.dropped;
  return answer;
}

}  // namespace weir

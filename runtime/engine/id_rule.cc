#include "runtime/engine/id_rule.h"

namespace weir {

EventIdRule event_id_rule(const IdRule& rule, FrameFormat format) {
  EventIdRule made;
  if (!rule.digest)
    for (const FieldPath& field : rule.fields) made.fields.push_back(field.parts);
  made.in_data = format == FrameFormat::cloudevents;
  if (made.fields.empty() && made.in_data) made.fields.push_back({"id"});
  return made;
}

}  // namespace weir

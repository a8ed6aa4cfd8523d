#include "runtime/event/cloud_event.h"

#include "runtime/base/json_text.h"

namespace weir {

std::string structured_cloud_event(const std::vector<CloudAttribute>& attributes, std::string_view data) {
  std::string out = "{";
  for (const auto& [name, value] : attributes) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
  }
  if (!data.empty()) {
    out += out.size() > 1 ? ",\"data\":" : "\"data\":";
    out += data;
  }
  out += '}';
  return out;
}

}  // namespace weir

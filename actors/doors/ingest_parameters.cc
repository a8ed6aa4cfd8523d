#include "actors/doors/ingest_parameters.h"

#include <algorithm>

#include "runtime/base/units.h"

namespace weir {

Result<IngestParameters> read_ingest_parameters(const HttpRequest& request, std::chrono::milliseconds wait_max) {
  IngestParameters parameters;
  for (const auto& [name, value] : request.query) {
    const auto same = [&name = name](const auto& other) { return other.first == name; };
    if (std::count_if(request.query.begin(), request.query.end(), same) > 1)
      return fail(Errc::invalid_argument, "the parameter '{}' comes twice", name);
    if (name == "durability") {
      if (value != "durable" && value != "buffered")
        return fail(Errc::invalid_argument, "durability={}: allowed are durable and buffered", value);
      parameters.durability = value == "buffered" ? Durability::buffered : Durability::durable;
    } else if (name == "wait") {
      const auto wait = parse_duration(value);
      if (!wait || *wait > wait_max)
        return fail(Errc::invalid_argument, "wait={}: a duration with its unit up to {} is wanted, such as 5s", value,
                    format_duration(wait_max));
      parameters.wait = std::chrono::duration_cast<std::chrono::milliseconds>(*wait);
    } else {
      return fail(Errc::invalid_argument, "unknown parameter '{}'; allowed: durability, wait", name);
    }
  }
  return parameters;
}

}  // namespace weir
